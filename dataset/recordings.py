"""What the readers of other laboratories' sets share: recordings of labelled pictures.

Each reader brings its set's joints into our order, metres and the frame of the picture's camera
(x right in the picture, y down, z out of the lens).  2D joints are always the projections of the
3D ones by the set's own camera.
"""

import hashlib
import json
import os
import re
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from base.errors import BrokenFrameError, UserError
from base.frame import FrameId
from base.headset import RELEASE_HEADSET, Headset
from base.set_type import SetType
from base.skeleton import NECK, NUM_JOINTS, neck_centred
from dataset.annotations import LABEL_ROW, Table
from dataset.cached_index import Index, cached
from dataset.faults import BAD_LABEL, DUPLICATE_FILE, LABEL_ALONE, UNREADABLE_FOLDER, Fault
from dataset.labels import MAX_DISTANCE, SPANS
from dataset.pictures import read_bytes
from dataset.split import Contents, Split


@dataclass(slots=True)
class Recording:
    """N frames of one camera."""

    character: str
    name: str  # the frames' environment
    action: str
    headset: Headset
    numbers: Sequence[int]
    #: (N, 16, 3) metres, frame of the camera; NaN for joints that are not labelled.
    joints3d: np.ndarray
    pictures: Sequence[str]  # paths below the data root, empty where there is none
    #: (N, 16, 2) the label's own 2D joints, where it has any, pixels of the headset's picture.
    stated: np.ndarray | None = None


def ordered(joints: np.ndarray, order: Sequence[int]) -> np.ndarray:
    """(…, J, D) joints of a set as (…, 16, D) float64 of ours; ``order`` has the place of each of
    the 16 in the set, −1 for those that it lacks, which become NaN."""
    places = np.asarray(order)
    return np.where((places < 0)[:, None], np.nan, np.asarray(joints, float)[..., places, :])


def numeric(values: Any, shape: tuple[int | None, ...]) -> np.ndarray:
    """Numbers of a shape, None for any length, as float64; ValueError for anything else."""
    found = np.asarray(values)
    fits = len(found.shape) == len(shape) and all(
        wanted in (None, have) for wanted, have in zip(shape, found.shape, strict=False)
    )
    if not fits or found.dtype.kind not in "iuf":
        raise ValueError(f"{found.dtype} of shape {found.shape} where numbers of {shape} belong")
    return found.astype(float)


def names_in(folder: Path) -> list[str]:
    """Sorted names in a folder, less hidden ones; none where it is not there; UserError where it
    cannot be read."""
    try:
        return sorted(path.name for path in folder.iterdir() if path.name[0] != ".")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from None


def holds(folder: Path, suffix: str) -> bool:
    """Whether a folder has a file of that suffix, without listing all of it."""
    try:
        with os.scandir(folder) as entries:
            return any(each.name.endswith(suffix) and each.name[0] != "." for each in entries)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from None


def absent(missing: Sequence[str], what: str, where: str) -> list[Fault]:
    """One fault of all that a set's list names and that is not there."""
    detail = f"{len(missing)} of its {what} are not there: {', '.join(missing[:3])}"
    return [Fault(UNREADABLE_FOLDER, where, detail)] if missing else []


def numbered(folder: Path, pattern: str) -> dict[int, str]:
    """Number → name of the files whose whole name matches; the number is its first group."""
    matches = (re.fullmatch(pattern, name, re.IGNORECASE) for name in names_in(folder))
    return dict(sorted((int(match[1]), match[0]) for match in matches if match))


def stamps(folders: Iterable[Path], suffix: str) -> str:
    """A text that changes when a file in the folders comes or goes, or one of that suffix is
    written."""
    digest = hashlib.blake2b(digest_size=16)
    for folder in filter(Path.is_dir, folders):
        names = [name for name in names_in(folder) if name.endswith(suffix)]
        for path in (folder, *(folder / name for name in names)):
            stat = path.lstat()
            what = f" {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}\n"
            digest.update(os.fsencode(path) + what.encode())
    return digest.hexdigest()


class RecordedSet(Split):
    """A set made of recordings; a format is a subclass."""

    #: Environments whose pictures and labels are paired by clocks.
    by_clock: Collection[str] = ()
    #: Folders in a source whose labels take long to read, or tell of them; what is read is kept.
    long_to_read: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def sources(cls, root: Path, set_type: SetType, missing: list[str]) -> Iterable[Path]:
        """Folders or files of a set's recordings that are there; what its list names more is added
        to ``missing``."""

    @classmethod
    def sets(cls, root: Path) -> list[SetType]:
        """Those that have a recording."""
        return [set_type for set_type in SetType if any(cls.sources(root, set_type, []))]

    @abstractmethod
    def recordings(self, faults: list[Fault]) -> Iterator[Recording]:
        """Those of this set; what of them cannot be read is added to the faults."""

    @classmethod
    def kept_side(cls, set_type: SetType) -> int | None:
        """Side of the centred squares that are there in the place of whole pictures, if any."""
        return None

    def read_labels(
        self,
        folder: Path,
        pattern: str,
        parse: Callable[[Any], np.ndarray],
        faults: list[Fault],
        who: FrameId,
    ) -> dict[int, np.ndarray]:
        """Frame number → what ``parse`` makes of the json of each file whose name matches; files
        that it cannot be made of are faults of the recording ``who``."""

        def read(name: str) -> np.ndarray | str:
            try:
                return parse(json.loads(read_bytes(folder / name)))
            except BrokenFrameError as error:
                return str(error).removeprefix(f"{folder / name}: ")
            except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
                return f"not the labels of a frame ({type(error).__name__}: {error!s:.80})"

        labels = {}
        names = numbered(folder, pattern)
        with ThreadPoolExecutor() as pool:
            for number, found in zip(names, pool.map(read, names.values()), strict=True):
                if isinstance(found, str):
                    where = (folder / names[number]).relative_to(self.root).as_posix()
                    faults.append(Fault(BAD_LABEL, where, found, replace(who, number=number)))
                else:
                    labels[number] = found
        return labels

    def answers_for(self) -> list[SetType]:
        """This set; the root's first also for those of which there is nothing to open."""
        there = self.sets(self.root)
        alone = [s for s in SetType if s not in there] if self.set_type in there[:1] else []
        return [self.set_type, *alone]

    def _signature(self) -> str:
        """Changes with any label, for formats whose labels take long to read."""
        missing: list[str] = []
        sources = [*self.sources(self.root, self.set_type, missing)]
        found = stamps((each / name for each in sources for name in self.long_to_read), ".json")
        return f"{found} {len(missing)} {missing[:3]}"

    def read(self, check: bool) -> Contents:
        """Labels of all recordings, less those that are no person's."""
        if self.unstated != RELEASE_HEADSET:
            raise UserError(f"{self.root}: this set has its own cameras: leave --headset out")
        if self.long_to_read and not check:
            path = self.root / f".{type(self).__name__}.{self.set_type.value}.npz"
            table, self._pictures, faults = cached(path, self._signature(), self._index)
        else:
            table, self._pictures, faults = self._index()
        return Contents(table, self._pictures != b"", faults, self.kept_side(self.set_type))

    def _index(self) -> Index:
        faults: list[Fault] = []
        aligned_only = self.aligned_only(self.set_type)
        parts, pictures, headsets = [np.zeros(0, LABEL_ROW)], [], {}
        stated = [np.zeros((0, NUM_JOINTS, 2))]
        lists: dict[str, dict[str, int]] = {"character": {}, "environment": {}, "action": {}}
        seen: set[tuple[str, str]] = set()
        for each in self.recordings(faults):
            if (who := (each.character, each.name)) in seen:
                where = f"{self.set_type.folder}/{'/'.join(who)}"
                faults.append(Fault(DUPLICATE_FILE, where, "a second recording of this name"))
                continue
            seen.add(who)
            joints = np.where(np.isfinite(each.joints3d), each.joints3d, np.nan)
            if aligned_only:  # their place is no camera's, and can be anywhere
                joints = neck_centred(joints)
            good = self._check(each, joints, faults)
            rows = np.zeros(len(good), LABEL_ROW)
            rows["number"], rows["joints3d"] = np.where(good, each.numbers, 0), joints
            rows["joints2d"] = np.nan
            if not aligned_only:
                camera = each.headset.camera
                rows["joints2d"] = camera.project(joints, clamp=True)
                inside = camera.in_picture(rows["joints2d"])
                rows["visible"] = inside & (camera.angle(joints) < each.headset.rim)
            rows["headset"] = headsets.setdefault(each.headset, len(headsets))
            about = each.character, each.name, each.action
            for (field, known), value in zip(lists.items(), about, strict=True):
                rows[field] = known.setdefault(value, len(known))
            parts.append(rows[good])
            pictures += [os.fsencode(each.pictures[row]) for row in np.flatnonzero(good)]
            own = np.full((len(good), NUM_JOINTS, 2), np.nan)
            stated.append((own if each.stated is None else each.stated)[good])
        #: (N, 16, 2) the labels' own 2D joints, where they were just read.
        self.stated2d = np.concatenate(stated)
        table = Table(np.concatenate(parts), *map(list, lists.values()), list(headsets))
        return Index(table, np.array(pictures, np.bytes_), faults)

    def _check(self, each: Recording, joints: np.ndarray, faults: list[Fault]) -> np.ndarray:
        """(N,) bool, which labels can be a person's: the others are faults."""
        known = ~np.isnan(joints)
        whole = (known.any(-1) == known.all(-1)).all(-1)
        labelled = known[:, NECK].all(-1) & whole
        low, high = np.fmin.reduce(joints, 1), np.fmax.reduce(joints, 1)
        span = np.linalg.norm(high - low, axis=-1)
        far = np.fmax.reduce(np.abs(joints), (1, 2)) > MAX_DISTANCE
        numbers, first = np.unique(each.numbers, return_index=True)
        once = np.isin(np.arange(len(joints)), first[(numbers >= 0) & (numbers < 2**31)])
        good = once & labelled & ~far & (span >= SPANS[0]) & (span <= SPANS[1])
        for row in np.flatnonzero(~good):
            frame = FrameId(each.character, each.name, int(each.numbers[row]))
            why = "no pose, or no Neck" if whole[row] else "a joint has a coordinate of NaN"
            why = f"joints span {span[row]:.3g} m" if labelled[row] else why
            why = why if once[row] else "its frame number is there before, or cannot be"
            faults.append(Fault(BAD_LABEL, f"{self.set_type.folder}/{frame}", why, frame))
        if missing := sum(not path for path in each.pictures):
            where = f"{self.set_type.folder}/{each.character}/{each.name}"
            faults.append(Fault(LABEL_ALONE, where, f"{missing} of {len(good)} frames"))
        return good

    def picture_where(self, row: int) -> str:
        """The picture, or the frame where there is none."""
        return os.fsdecode(self._pictures[row]) or self.where(row)
