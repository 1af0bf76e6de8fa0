"""What is on disk for one set: pictures and labels paired by frame number, cached.

In the official release the sorted lists of pictures and labels of a folder can have equal length
and still not correspond, so nothing here ever pairs by position.
"""

import hashlib
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from base.errors import BrokenFrameError
from base.headset import RELEASE_HEADSET, Headset
from dataset.annotations import Table
from dataset.cached_index import Index, cached
from dataset.faults import UNREADABLE_FOLDER, Fault
from dataset.labels import Label, parse_label
from dataset.pictures import read_bytes
from dataset.tree.names import CameraFolder, pair_files

_CACHE_NAME = ".index.npz"

#: Reading more labels than this is announced.
_LONG = 5000

#: Files and folders asked for at a time: a disk or a network answers many in the time of one.
_READERS = 8


def load_index(folder: Path, fresh: bool = False, unstated: Headset = RELEASE_HEADSET) -> Index:
    """Index of a set's folder, from its cache where nothing has changed since, else built anew;
    ``unstated`` is the headset of labels that do not state one.

    The cache lies in that folder; where it is read-only, or with ``fresh``, every label is read.
    """
    folders, faults, signature = _list_set(folder)
    if not folders:  # nothing is written into what is no set
        return _build(folder, folders, faults, unstated)
    return cached(
        folder / _CACHE_NAME,
        f"{signature} {unstated!r}",
        lambda: _build(folder, folders, faults, unstated),
        fresh,
    )


def _list_set(folder: Path) -> tuple[list[CameraFolder], list[Fault], str]:
    """The frames of each CHARACTER/ENVIRONMENT/cam_down with ``rgba`` and ``json``, links followed;
    the folders above those that cannot be read; and what changes whenever a file comes, goes or is
    renamed, and when a label is written."""
    faults: list[Fault] = []

    def below(paths: Iterable[str], *ends: str) -> list[str]:
        """Paths of what lies in folders, none where one is a file or cannot be read."""
        found = []
        for path in paths:
            names = _scan(folder.parent, path)
            if isinstance(names, Fault):
                faults.append(names)
                continue
            found += [f"{path}/{name}" for name in names if not ends or name in ends]
        return found

    cameras = [
        camera
        for character in below([folder.name])
        for environment in below([character])
        for camera in below([environment], "cam_down")
    ]
    passes = below(cameras, "rgba", "json")
    with ThreadPoolExecutor(_READERS) as pool:
        scan = pool.map(lambda path: _scan(folder.parent, path, path.endswith("/json")), passes)
        found = list(scan)
    folders: dict[str, dict[str, list[str] | Fault]] = {camera: {} for camera in cameras}
    for path, names in zip(passes, found, strict=True):
        camera, _, kind = path.rpartition("/")
        folders[camera][kind] = names if isinstance(names, Fault) else list(names)
    digest = hashlib.blake2b(repr((cameras, faults, passes)).encode())
    for names in found:
        digest.update(repr(names).encode())
    return [pair_files(*item) for item in folders.items()], faults, digest.hexdigest()


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


def _build(
    folder: Path, cameras: list[CameraFolder], faults: list[Fault], unstated: Headset
) -> Index:
    """Read every label of a set."""
    total = sum(len(camera.labels) for camera in cameras)
    if total > _LONG:
        print(
            f"{folder.name}: reading {total:,} labels, this first time only (the result is kept "
            f"in {folder / _CACHE_NAME})",
            file=sys.stderr,
        )
    frames, labels, pictures = [], [], []

    def read(path: str) -> Label | BrokenFrameError:
        try:
            return parse_label(read_bytes(folder.parent / path), path, unstated)
        except BrokenFrameError as error:
            return error

    bar = tqdm(total=total, desc="reading labels", unit="frame", leave=False, disable=total == 0)
    with bar, ThreadPoolExecutor(_READERS) as pool:
        for camera in cameras:
            faults += camera.faults
            paths = [f"{camera.path}/json/{name}" for name in camera.labels.values()]
            found = zip(camera.labels, paths, pool.map(read, paths), strict=True)
            for number, path, label in found:
                bar.update()
                if isinstance(label, BrokenFrameError):
                    faults.append(Fault.of_file(label, path, camera.frame_id(number)))
                    continue
                frames.append(camera.frame_id(number))
                labels.append(label)
                pictures.append(os.fsencode(camera.pictures.get(number, "")))
    return Index(Table.of(frames, labels), np.array(pictures, np.bytes_), faults)
