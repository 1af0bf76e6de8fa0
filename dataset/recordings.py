"""What the readers of other laboratories' sets share: recordings of labelled pictures.

Each reader brings its set's joints into our order, metres and the frame of the picture's camera
(x right in the picture, y down, z out of the lens).  2D joints are always the projections of the
3D ones by the set's own camera.
"""

import hashlib
import os
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.errors import UserError
from base.frame import FrameId
from base.headset import Headset
from base.skeleton import NECK
from dataset.annotations import LABEL_ROW, Table
from dataset.faults import BAD_LABEL, LABEL_ALONE, Fault
from dataset.labels import MAX_DISTANCE, SPANS
from dataset.pictures import decode_camera_picture, read_bytes
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


def names_in(folder: Path) -> list[str]:
    """Sorted names in a folder, less hidden ones; none where it is not there; UserError where it
    cannot be read."""
    try:
        return sorted(path.name for path in folder.iterdir() if path.name[0] != ".")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from None


def numbered(folder: Path, pattern: str) -> dict[int, str]:
    """Number → name of the files whose whole name matches; the number is its first group."""
    matches = (re.fullmatch(pattern, name, re.IGNORECASE) for name in names_in(folder))
    return dict(sorted((int(match[1]), match[0]) for match in matches if match))


def file_stamps(folders: Iterable[Path], suffix: str = "") -> str:
    """A text that changes when a file in the folders comes, goes or is written."""
    digest = hashlib.blake2b(digest_size=16)
    for folder in folders:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.endswith(suffix):
                    stat = entry.stat()
                    digest.update(f"{entry.path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


class RecordedSet(Split):
    """A set made of recordings; a format is a subclass."""

    @abstractmethod
    def recordings(self, faults: list[Fault]) -> Iterator[Recording]:
        """Those of this set; what of them cannot be read is added to the faults."""

    def read(self, check: bool) -> Contents:
        """Labels of all recordings, less those that are no person's."""
        faults: list[Fault] = []
        aligned_only = self.aligned_only(self.set_type)
        parts, pictures, stated, headsets = [], [], [], {}
        lists: dict[str, dict[str, int]] = {"character": {}, "environment": {}, "action": {}}
        for each in self.recordings(faults):
            joints = np.where(np.isfinite(each.joints3d), each.joints3d, np.nan)
            if aligned_only:  # their place is no camera's, and can be anywhere
                joints -= joints[:, NECK, None]
            good = self._check(each, joints, faults)
            rows = np.zeros(len(good), LABEL_ROW)
            rows["number"], rows["joints3d"], rows["joints2d"] = each.numbers, joints, np.nan
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
            pictures += [path for path, use in zip(each.pictures, good, strict=True) if use]
            if check:
                own = np.full((*rows.shape, 16, 2), np.nan) if each.stated is None else each.stated
                stated.append(own[good])
        table = np.concatenate([np.zeros(0, LABEL_ROW), *parts])
        self.stated2d = np.concatenate(stated) if stated else None
        self._pictures = np.array(pictures, np.str_)
        names = [list(known) for known in lists.values()]
        return Contents(Table(table, *names, list(headsets)), self._pictures != "", faults)

    def _check(self, each: Recording, joints: np.ndarray, faults: list[Fault]) -> np.ndarray:
        """(N,) bool, which labels can be a person's: the others are faults."""
        known = ~np.isnan(joints)
        labelled = known[:, NECK].all(-1) & (known.any(-1) == known.all(-1)).all(-1)
        low, high = np.fmin.reduce(joints, 1), np.fmax.reduce(joints, 1)
        span = np.linalg.norm(high - low, axis=-1)
        far = np.fmax.reduce(np.abs(joints), (1, 2)) > MAX_DISTANCE
        good = labelled & ~far & (span >= SPANS[0]) & (span <= SPANS[1])
        for row in np.flatnonzero(~good):
            frame = FrameId(each.character, each.name, int(each.numbers[row]))
            why = f"joints span {span[row]:.3g} m" if labelled[row] else "no pose, or no Neck"
            faults.append(Fault(BAD_LABEL, f"{self.set_type.folder}/{frame}", why, frame))
        if missing := sum(not path for path in each.pictures):
            where = f"{self.set_type.folder}/{each.character}/{each.name}"
            faults.append(Fault(LABEL_ALONE, where, f"{missing} of {len(good)} frames"))
        return good

    def image(self, row: int) -> np.ndarray:
        """The picture's file."""
        path, code = str(self._pictures[row]), self.table.rows["headset"][row]
        camera = self.table.headsets[code].camera
        return decode_camera_picture(read_bytes(self.root / path), path, camera)

    def picture_where(self, row: int) -> str:
        """The picture, or the frame where there is none."""
        return str(self._pictures[row]) or self.where(row)
