"""What is on disk for one split: pictures and labels paired by frame number, cached.

In the official release the sorted lists of pictures and labels of a folder can have equal length
and still not correspond, so nothing here ever pairs by position.
"""

import json
import os
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from base.errors import BrokenFrameError, UserError
from base.files import replacing
from base.frame import FrameId
from base.set_type import SetType
from dataset.faults import Fault, summary
from dataset.labels import Label, read_label
from dataset.skip_list import SKIP_LIST, is_listed, read_skip_list
from dataset.tree.listing import READERS, list_split
from dataset.tree.names import CameraFolder, folder_identity

_CACHE_NAME = ".index.npz"
_CACHE_VERSION = 3

#: Reading more labels than this is announced.
_LONG = 5000


@dataclass(slots=True)
class SplitIndex:
    """Labels of every frame of a split, in one set of arrays, and what did not match.

    Attributes:
        folders: ``cam_down`` folders, relative to the data root, with ``/``.
        folder: (N,) index into ``folders``.
        number: (N,) frame number.
        picture: (N,) bytes, name of the picture's file in the encoding of the file system; empty
            where there is none.
        joints2d: (N, 16, 2) float32, pixels of the 1280×800 picture.
        joints3d: (N, 16, 3) float32, metres, camera frame.
        visible: (N, 16) bool.
        action: (N,) index into ``actions``.
        actions: clip names.
        faults: what does not pair, is no frame's file, or cannot be read.
        skipped: frames left out because the skip list names them.
    """

    folders: list[str]
    folder: np.ndarray
    number: np.ndarray
    picture: np.ndarray
    joints2d: np.ndarray
    joints3d: np.ndarray
    visible: np.ndarray
    action: np.ndarray
    actions: list[str]
    faults: list[Fault]
    skipped: int = 0

    @property
    def has_picture(self) -> np.ndarray:
        """(N,) bool."""
        return self.picture != b""

    def frame_id(self, row: int) -> FrameId:
        """Identity of row ``row``."""
        return FrameId(*folder_identity(self.folders[self.folder[row]]), int(self.number[row]))

    def picture_path(self, row: int) -> str:
        """Path of the picture of row ``row``, relative to the data root, with ``/``."""
        return f"{self.folders[self.folder[row]]}/rgba/{os.fsdecode(self.picture[row])}"

    def label(self, row: int) -> Label:
        """Label of row ``row``."""
        return Label(
            self.joints2d[row],
            self.joints3d[row],
            self.visible[row],
            self.actions[self.action[row]],
        )


def load_index(root: Path, set_type: SetType) -> SplitIndex:
    """Index of a split, from its cache where nothing has changed since, else built anew.

    The cache lies in the split's folder; where that is read-only the index is built each time.
    Frames named in the skip list are left out afterwards, so that a change of it takes effect.

    Raises:
        UserError: for a missing split or one without any usable frame.
    """
    split = Path(root) / set_type.folder
    listing = list_split(root, set_type)
    index = _read_cache(split, listing.signature)
    if index is None:
        folders = listing.camera_folders()
        total = sum(len(folder.labels) for folder in folders)
        if total > _LONG:
            print(
                f"{split.name}: reading {total:,} labels, this first time only (the result is "
                f"kept in {split / _CACHE_NAME})",
                file=sys.stderr,
            )
        index = build_index(root, folders, listing.faults)
        write_cache(split, index, listing.signature)
    index = _without(index, read_skip_list(root, set_type))
    if len(index.number) == 0:
        found = summary(index.faults)
        if index.skipped:
            found.append(f"{index.skipped} frames left out by {SKIP_LIST}")
        raise UserError(
            f"{split}: no frame can be used: {'; '.join(found)}"
            if found
            else f"{split}: no labelled frame under CHARACTER/ENVIRONMENT/cam_down/json; extract "
            "the release there or make a synthetic set"
        )
    return index


def _without(index: SplitIndex, skip: frozenset[FrameId]) -> SplitIndex:
    """The index less the frames to be skipped, and less their faults."""
    if not (skip and index.folders):
        return index
    characters, environments = np.array([folder_identity(f) for f in index.folders]).T
    keep = ~is_listed(skip, characters[index.folder], environments[index.folder], index.number)
    return replace(
        index,
        **{name: getattr(index, name)[keep] for name in _ARRAYS},
        faults=[fault for fault in index.faults if fault.frame_id not in skip],
        skipped=int((~keep).sum()),
    )


def build_index(root: Path, folders: list[CameraFolder], faults: list[Fault]) -> SplitIndex:
    """Read every label of a split.

    Args:
        root: data root.
        folders: of the split.
        faults: of the folders above them.
    """
    faults = list(faults)
    rows: list[tuple[int, int, str, Label]] = []
    total = sum(len(folder.labels) for folder in folders)

    def read(path: str) -> Label | BrokenFrameError:
        try:
            return read_label(Path(root) / path)
        except BrokenFrameError as error:
            return error

    with (
        tqdm(
            total=total, desc="reading labels", unit="frame", leave=False, disable=total == 0
        ) as bar,
        ThreadPoolExecutor(READERS) as pool,
    ):
        for row, folder in enumerate(folders):
            faults += folder.faults
            paths = [f"{folder.path}/json/{name}" for name in folder.labels.values()]
            for number, path, label in zip(
                folder.labels, paths, pool.map(read, paths), strict=True
            ):
                bar.update()
                if isinstance(label, Label):
                    rows.append((row, number, folder.pictures.get(number, ""), label))
                else:
                    faults.append(Fault.of_file(label, path, folder.frame_id(number)))
    folder_rows, numbers, pictures, labels = zip(*rows, strict=True) if rows else ((),) * 4
    actions, action = np.unique([label.action for label in labels], return_inverse=True)
    return SplitIndex(
        folders=[folder.path for folder in folders],
        folder=np.array(folder_rows, np.int32),
        number=np.array(numbers, np.int64),
        picture=np.array([os.fsencode(name) for name in pictures], np.bytes_),
        joints2d=np.array([label.joints2d for label in labels], np.float32).reshape(-1, 16, 2),
        joints3d=np.array([label.joints3d for label in labels], np.float32).reshape(-1, 16, 3),
        visible=np.array([label.visible for label in labels], bool).reshape(-1, 16),
        action=action.astype(np.int32),
        actions=[str(name) for name in actions],
        faults=faults,
    )


_LISTS = ("folders", "actions", "faults")
_ARRAYS = ("folder", "number", "picture", "joints2d", "joints3d", "visible", "action")


def _read_cache(split: Path, signature: str) -> SplitIndex | None:
    try:
        with np.load(split / _CACHE_NAME, allow_pickle=False) as stored:
            if str(stored["signature"]) != f"{_CACHE_VERSION} {signature}":
                return None
            lists = {name: json.loads(str(stored[name])) for name in _LISTS}
            lists["faults"] = [Fault.from_dict(fault) for fault in lists["faults"]]
            arrays = {name: stored[name] for name in _ARRAYS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # not there, cut off or of another make: it is built anew and replaced
    return SplitIndex(**lists, **arrays)


def write_cache(split: Path, index: SplitIndex, signature: str) -> None:
    """Keep the index of a split's folder for the next start.

    Args:
        split: the folder.
        index: what is in it.
        signature: of the :class:`~dataset.tree.listing.Listing` that the index is made from.
    """
    lists = {"folders": index.folders, "actions": index.actions}
    lists["faults"] = [fault.as_dict() for fault in index.faults]
    arrays = {name: getattr(index, name) for name in _ARRAYS}
    try:
        with replacing(split / _CACHE_NAME) as temporary:
            np.savez(
                temporary,
                signature=np.array(f"{_CACHE_VERSION} {signature}"),
                **{name: np.array(json.dumps(content)) for name, content in lists.items()},
                **arrays,
            )
    except UserError:
        return  # a read-only release works as well, only slower at each start
