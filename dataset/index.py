"""What is on disk for one split: pictures and labels paired by frame number, cached.

In the official release the sorted lists of pictures and labels of a folder can have equal length
and still not correspond, so nothing here ever pairs by position.
"""

import json
import os
import re
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from base.errors import BrokenFrameError, UserError
from base.frame import FrameId
from base.set_type import SetType
from dataset.labels import Label, read_label
from dataset.skip_list import read_skip_list

PICTURE_NAME = re.compile(r"\.rgba\.(\d+)\.png$", re.IGNORECASE)
LABEL_NAME = re.compile(r"_(\d+)\.json$", re.IGNORECASE)
_CACHE_NAME = ".index.npz"
_CACHE_VERSION = 2

#: Files opened at a time: a disk or a network answers many requests in the time of one.
_READERS = 8
#: Reading more labels than this is announced.
_LONG = 5000


@dataclass(slots=True)
class SplitIndex:
    """Labels of every frame of a split, in one set of arrays, and what did not match.

    Attributes:
        folders: ``cam_down`` folders, relative to the split's folder.
        folder: (N,) index into ``folders``.
        number: (N,) frame number.
        has_picture: (N,) bool.
        joints2d: (N, 16, 2) float32, pixels of the 1280×800 picture.
        joints3d: (N, 16, 3) float32, metres, camera frame.
        visible: (N, 16) bool.
        action: (N,) index into ``actions``.
        actions: clip names.
        picture_without_label: paths, relative to the split's folder.
        label_without_picture: the same; folders that hold labels only are meant so and not listed.
        broken: "path: reason" of each label that cannot be used, the path likewise.
        skipped: frames left out because the skip list names them.
    """

    folders: list[str]
    folder: np.ndarray
    number: np.ndarray
    has_picture: np.ndarray
    joints2d: np.ndarray
    joints3d: np.ndarray
    visible: np.ndarray
    action: np.ndarray
    actions: list[str]
    picture_without_label: list[str]
    label_without_picture: list[str]
    broken: list[str]
    skipped: int = 0

    def frame_id(self, row: int) -> FrameId:
        """Identity of row ``row``."""
        return FrameId(*folder_identity(self.folders[self.folder[row]]), int(self.number[row]))


def numbered_files(folder: Path, pattern: re.Pattern[str]) -> dict[int, str]:
    """Frame number → file name of the files of ``folder`` that match."""
    if not folder.is_dir():
        return {}
    found = ((pattern.search(entry.name), entry.name) for entry in os.scandir(folder))
    return {int(match.group(1)): name for match, name in found if match}


def split_folder(root: Path, set_type: SetType) -> Path:
    """Folder of a split.

    Raises:
        UserError: where it is not there.
    """
    folder = Path(root) / set_type.folder
    if not folder.is_dir():
        raise UserError(
            f"no {set_type.folder} in {root}: give the folder that holds TrainSet, ValSet and "
            "TestSet with --data_root, or make a synthetic set with "
            f"'python utils/make_synthetic.py --output {root}'"
        )
    return folder


def camera_folders(split: Path) -> list[str]:
    """The ``cam_down`` folders of a split, relative to it, in order."""
    found = sorted(split.glob("*/*/cam_down"))
    return [str(folder.relative_to(split)) for folder in found if folder.is_dir()]


def _signature(split: Path, folders: list[str]) -> str:
    """Changes whenever a file comes to, leaves or is replaced by renaming in any folder."""

    def stamp(folder: Path) -> int:
        return folder.stat().st_mtime_ns if folder.is_dir() else 0

    stamps = [
        [name, stamp(split / name / "json"), stamp(split / name / "rgba")] for name in folders
    ]
    return json.dumps([_CACHE_VERSION, stamps])


def load_index(root: Path, set_type: SetType, progress: bool = True) -> SplitIndex:
    """Index of a split, from its cache where nothing has changed since, else built anew.

    The cache lies in the split's folder; where that is read-only the index is built each time.
    Frames named in the skip list are left out afterwards, so that a change of it takes effect.

    Raises:
        UserError: for a missing split or one without any usable frame.
    """
    split = split_folder(root, set_type)
    folders = camera_folders(split)
    signature = _signature(split, folders)
    index = _read_cache(split / _CACHE_NAME, signature)
    if index is None:
        index = _build(split, folders, progress)
        write_cache(split, index, signature)
    index = _without(index, read_skip_list(root, set_type))
    if len(index.number) == 0:
        found = f"{len(index.broken)} broken labels" if index.broken else "no labelled frame"
        raise UserError(
            f"{split}: {found} under CHARACTER/ENVIRONMENT/cam_down/json; "
            "extract the release there or make a synthetic set"
            + (f" (first: {index.broken[0]})" if index.broken else "")
        )
    return index


def _without(index: SplitIndex, skip: frozenset[FrameId]) -> SplitIndex:
    """The index less the frames to be skipped, orphans among them too."""
    if not skip:
        return index
    by_folder: dict[int, list[int]] = {}
    rows_of = {folder_identity(name): row for row, name in enumerate(index.folders)}
    for frame_id in skip:
        row = rows_of.get((frame_id.character, frame_id.environment))
        if row is not None:
            by_folder.setdefault(row, []).append(frame_id.number)
    keep = np.ones(len(index.number), bool)
    for row, numbers in by_folder.items():
        keep &= ~((index.folder == row) & np.isin(index.number, numbers))

    def listed(path: str) -> bool:
        match = PICTURE_NAME.search(path) or LABEL_NAME.search(path)
        return FrameId(*folder_identity(path), int(match.group(1))) in skip

    return replace(
        index,
        **{name: getattr(index, name)[keep] for name in _ARRAYS},
        picture_without_label=[p for p in index.picture_without_label if not listed(p)],
        label_without_picture=[p for p in index.label_without_picture if not listed(p)],
        broken=[b for b in index.broken if not listed(b.partition(": ")[0])],
        skipped=int((~keep).sum()),
    )


def folder_identity(path: str) -> tuple[str, str]:
    """Character and environment of a path relative to the split's folder."""
    character, environment, *_ = Path(path).parts
    return character, environment


def _build(split: Path, folders: list[str], progress: bool) -> SplitIndex:
    folder_rows, numbers, has_picture, labels = [], [], [], []
    orphan_pictures: list[str] = []
    orphan_labels: list[str] = []
    broken: list[str] = []
    listed = []
    for name in folders:
        pictures = numbered_files(split / name / "rgba", PICTURE_NAME)
        label_files = numbered_files(split / name / "json", LABEL_NAME)
        listed.append((pictures, label_files))
    total = sum(len(label_files) for _, label_files in listed)
    if progress and total > _LONG:
        print(
            f"{split.name}: reading {total:,} labels, this first time only (the result is kept in "
            f"{split / _CACHE_NAME})",
            file=sys.stderr,
        )

    def read(path: str) -> Label | str:
        try:
            return read_label(split / path)
        except BrokenFrameError as error:
            return str(error).removeprefix(f"{split}{os.sep}")

    with (
        tqdm(total=total, desc=f"indexing {split.name}", unit="frame", disable=not progress,
             leave=False) as bar,
        ThreadPoolExecutor(_READERS) as pool,
    ):  # fmt: skip
        for row, (name, (pictures, label_files)) in enumerate(zip(folders, listed, strict=True)):
            labels_only = not (split / name / "rgba").is_dir()
            orphan_pictures += [
                f"{name}/rgba/{pictures[n]}" for n in sorted(pictures.keys() - label_files.keys())
            ]
            wanted = sorted(label_files)
            paths = [f"{name}/json/{label_files[number]}" for number in wanted]
            for number, path, label in zip(wanted, paths, pool.map(read, paths), strict=True):
                bar.update()
                if number not in pictures and not labels_only:
                    orphan_labels.append(path)
                if isinstance(label, str):
                    broken.append(label)
                    continue
                labels.append(label)
                folder_rows.append(row)
                numbers.append(number)
                has_picture.append(number in pictures)
    actions, action = np.unique([label.action for label in labels], return_inverse=True)
    return SplitIndex(
        folders=folders,
        folder=np.array(folder_rows, np.int32),
        number=np.array(numbers, np.int64),
        has_picture=np.array(has_picture, bool),
        joints2d=np.array([label.joints2d for label in labels], np.float32).reshape(-1, 16, 2),
        joints3d=np.array([label.joints3d for label in labels], np.float32).reshape(-1, 16, 3),
        visible=np.array([label.visible for label in labels], bool).reshape(-1, 16),
        action=action.astype(np.int32),
        actions=[str(name) for name in actions],
        picture_without_label=orphan_pictures,
        label_without_picture=orphan_labels,
        broken=broken,
    )


_LISTS = ("folders", "actions", "picture_without_label", "label_without_picture", "broken")
_ARRAYS = ("folder", "number", "has_picture", "joints2d", "joints3d", "visible", "action")


def _read_cache(path: Path, signature: str) -> SplitIndex | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["signature"]) != signature:
                return None
            lists = {name: json.loads(str(stored[name])) for name in _LISTS}
            arrays = {name: stored[name] for name in _ARRAYS}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # cut off or of another make: the index is built anew and replaces it
    return SplitIndex(**lists, **arrays)


def write_cache(split: Path, index: SplitIndex, signature: str | None = None) -> None:
    """Keep the index of a split's folder for the next start.

    Args:
        split: the folder.
        index: what is in it.
        signature: state of the folder that the index describes; None for its state now.
    """
    path = split / _CACHE_NAME
    signature = signature or _signature(split, index.folders)
    lists = {name: np.array(json.dumps(getattr(index, name))) for name in _LISTS}
    arrays = {name: getattr(index, name) for name in _ARRAYS}
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    except OSError:
        return  # a read-only release works as well, only slower at each start
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, signature=np.array(signature), **lists, **arrays)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
