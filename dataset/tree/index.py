"""What is on disk for one set: pictures and labels paired by frame number, cached.

In the official release the sorted lists of pictures and labels of a folder can have equal length
and still not correspond, so nothing here ever pairs by position.
"""

import hashlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from base.arrays import read_arrays
from base.documents import parse_json
from base.errors import BrokenFrameError, UserError
from base.files import replacing
from base.frame import FrameId
from base.headset import RELEASE_HEADSET, Headset
from base.lock import locked
from base.schema import read_record
from dataset.annotations import LABEL_ROW, Lists, Table
from dataset.faults import UNREADABLE_FOLDER, Fault
from dataset.labels import Label, parse_label
from dataset.pictures import read_bytes
from dataset.tree.names import CameraFolder, pair_files

_CACHE_NAME = ".index.npz"
_CACHE_VERSION = 5

#: Reading more labels than this is announced.
_LONG = 5000

#: Files and folders asked for at a time: a disk or a network answers many in the time of one.
_READERS = 8


class Listing(NamedTuple):
    """Names of the files of a set.

    ``folders`` has for each ``cam_down`` folder what :func:`~dataset.tree.names.pair_files` pairs,
    ``faults`` the folders above those that cannot be read.  ``signature`` changes whenever a file
    comes, goes or is renamed, and when a label is written.
    """

    folders: dict[str, dict[str, list[str] | Fault]]
    faults: list[Fault]
    signature: str

    def camera_folders(self) -> list[CameraFolder]:
        """The frames of each folder."""
        return [pair_files(path, content) for path, content in self.folders.items()]


def list_set(folder: Path) -> Listing:
    """List a set: CHARACTER/ENVIRONMENT/cam_down with ``rgba`` and ``json``, links followed."""
    root = folder.parent
    faults: list[Fault] = []

    def below(path: str) -> list[str]:
        """Paths of what lies in a folder, none where it is a file or cannot be read."""
        names = _scan(root, path)
        if isinstance(names, Fault):
            faults.append(names)
            return []
        return [f"{path}/{name}" for name in names]

    cameras = [
        camera
        for character in below(folder.name)
        for environment in below(character)
        for camera in below(environment)
        if camera.endswith("/cam_down")
    ]
    passes = [
        path for camera in cameras for path in below(camera) if path.endswith(("/rgba", "/json"))
    ]
    with ThreadPoolExecutor(_READERS) as pool:
        found = list(pool.map(lambda path: _scan(root, path, path.endswith("/json")), passes))
    folders: dict[str, dict[str, list[str] | Fault]] = {camera: {} for camera in cameras}
    for path, names in zip(passes, found, strict=True):
        camera, _, kind = path.rpartition("/")
        folders[camera][kind] = names if isinstance(names, Fault) else list(names)
    digest = hashlib.blake2b(repr((cameras, faults, passes)).encode())
    for names in found:
        digest.update(repr(names).encode())
    return Listing(folders, faults, f"{_CACHE_VERSION} {digest.hexdigest()}")


def _scan(root: Path, folder: str, stamped: bool = False) -> dict[str, str] | Fault:
    """Name → size and time of change (where asked for) of what lies in a folder, but hidden."""
    found = {}
    try:
        with os.scandir(root / folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    found[entry.name] = _stamp(entry) if stamped else ""
    except NotADirectoryError:
        return {}
    except OSError as error:
        return Fault(UNREADABLE_FOLDER, folder, str(error.strerror))
    return dict(sorted(found.items()))


def _stamp(entry: os.DirEntry) -> str:
    try:
        stat = entry.stat()
    except OSError:
        return "unknown"
    return f"{stat.st_size} {stat.st_mtime_ns}"


class Index(NamedTuple):
    """The labels of a set; ``pictures`` are names of files in the encoding of the file system,
    empty where there is none."""

    table: Table
    pictures: np.ndarray
    faults: list[Fault]


def load_index(folder: Path, fresh: bool = False, unstated: Headset = RELEASE_HEADSET) -> Index:
    """Index of a set's folder, from its cache where nothing has changed since, else built anew;
    ``unstated`` is the headset of labels that do not state one.

    The cache lies in that folder; where it is read-only, or with ``fresh``, every label is read.
    """
    listing = list_set(folder)
    signature = f"{listing.signature} {unstated!r}"
    index = None if fresh else _read_cache(folder, signature)
    if index is None:
        index = _build(folder, listing, unstated)
        _write_cache(folder, index, signature)
    return index


def _build(folder: Path, listing: Listing, unstated: Headset) -> Index:
    """Read every label of a set."""
    camera_folders = listing.camera_folders()
    total = sum(len(camera.labels) for camera in camera_folders)
    if total > _LONG:
        print(
            f"{folder.name}: reading {total:,} labels, this first time only (the result is kept "
            f"in {folder / _CACHE_NAME})",
            file=sys.stderr,
        )
    faults = list(listing.faults)
    frames: list[FrameId] = []
    labels: list[Label] = []
    pictures: list[bytes] = []

    def read(path: str) -> Label | BrokenFrameError:
        try:
            return parse_label(read_bytes(folder.parent / path), path, unstated)
        except BrokenFrameError as error:
            return error

    bar = tqdm(total=total, desc="reading labels", unit="frame", leave=False, disable=total == 0)
    with bar, ThreadPoolExecutor(_READERS) as pool:
        for camera in camera_folders:
            faults += camera.faults
            paths = [f"{camera.path}/json/{name}" for name in camera.labels.values()]
            found = zip(camera.labels, paths, pool.map(read, paths), strict=True)
            for number, path, label in found:
                bar.update()
                if isinstance(label, Label):
                    frames.append(camera.frame_id(number))
                    labels.append(label)
                    pictures.append(os.fsencode(camera.pictures.get(number, "")))
                else:
                    faults.append(Fault.of_file(label, path, camera.frame_id(number)))
    return Index(Table.of(frames, labels), np.array(pictures, np.bytes_), faults)


_NONE = np.empty(0)
_LISTS = ("characters", "environments", "actions")


class _CachedLists(Lists):
    faults: list[Fault]


def _read_cache(folder: Path, signature: str) -> Index | None:
    """None for one that is not there, damaged, out of date or of another make."""
    try:
        stored = read_arrays(folder / _CACHE_NAME)
        if str(stored.get("signature")) != signature:
            return None
        lists = read_record(_CachedLists, parse_json(str(stored.get("lists"))))
        rows, pictures = stored.get("rows", _NONE), stored.get("pictures", _NONE)
        if rows.dtype != LABEL_ROW or pictures.dtype.kind != "S" or pictures.shape != (len(rows),):
            return None
        return Index(Table.stored(rows, lists), pictures, lists.faults)
    except UserError:
        return None


def _write_cache(folder: Path, index: Index, signature: str) -> None:
    lists = {name: getattr(index.table, name) for name in _LISTS}
    lists["headsets"] = [each.as_dict() for each in index.table.headsets]
    lists["faults"] = [asdict(fault) for fault in index.faults]
    try:
        with (
            locked(folder),
            replacing(folder / _CACHE_NAME, single_writer=True) as temporary,
            temporary.open("wb") as file,
        ):
            np.savez(
                file,
                signature=np.array(signature),
                lists=np.array(json.dumps(lists)),
                rows=index.table.rows,
                pictures=index.pictures,
            )
    except UserError:
        return  # read-only, or another does it: that works as well, only slower at each start
