"""Packed sets in object storage: read through a bounded cache of shards, and uploaded."""

import contextlib
import functools
import hashlib
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from isal import isal_zlib
from tqdm import tqdm

from base.arrays import read_arrays
from base.documents import read_document
from base.errors import UserError
from base.files import sha256, write_bytes, write_text
from base.lock import locked
from base.remote import cache_folder, download, read_remote, size_of, upload, url_of
from base.set_type import SetType
from dataset.packed.shards import ANNOTATIONS, INDEX, MANIFEST
from dataset.skip_list import SKIP_LIST

#: Seconds that a process waits for another one that fetches the same.
_PATIENCE = 600
_LOCKS = ".fetching"


@functools.cache
def mirror(root: Path) -> None:
    """Bring all of a remote root but its shards into its folder of the cache, once a process;
    UserError where there is no packed set."""
    url = url_of(root)
    manifest = read_remote(f"{url}/{MANIFEST}")
    if manifest is None:
        raise UserError(f"{url}: holds no packed set that may be read: no {MANIFEST}")
    with locked(root, wait=_PATIENCE):
        write_bytes(root / MANIFEST, manifest)
        if (skip := read_remote(f"{url}/{SKIP_LIST}")) is not None:
            write_bytes(root / SKIP_LIST, skip)
        for set_type in SetType:
            _mirror_set(root / set_type.folder)


def _mirror_set(folder: Path) -> None:
    """Index and annotations of a set; where these are others than before, its shards go."""
    index, path = read_remote(f"{url_of(folder)}/{INDEX}"), folder / INDEX
    annotations = folder / ANNOTATIONS
    if path.is_file() and path.read_bytes() == index and _fits(index, annotations):
        return
    for old in (path, *folder.glob("*.tar")):
        old.unlink(missing_ok=True)
    if not index:  # b"" while the set is written anew
        annotations.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # locks lie in it
            folder.rmdir()
        return
    download(f"{url_of(folder)}/{ANNOTATIONS}", annotations, partial(_fits, index))
    write_bytes(path, index)  # last: it tells that the annotations are there


def _fits(index: bytes, annotations: Path) -> bool:
    """Whether annotations are whole, and those of an index."""
    try:
        rows, crc = read_arrays(annotations), json.loads(index).get("crc")
    except (UserError, ValueError, AttributeError):
        return False
    return crc in (None, isal_zlib.crc32(rows.view(np.uint8)))


def fetch_shard(path: Path, whole: Callable[[Path], bool], cache_gb: float) -> None:
    """Bring a shard into the cache, if it is not there, and delete those longest unused until the
    shards of all sets take at most ``cache_gb``, this one apart."""
    with locked(path.parent / _LOCKS / path.stem, wait=_PATIENCE):
        if not path.is_file():
            download(url_of(path), path, whole)
    used = []
    for each in cache_folder().glob("read/**/*.tar"):
        with contextlib.suppress(FileNotFoundError):  # another process deletes too
            used.append((each.stat().st_mtime_ns, each.stat().st_size, each))
    left = sum(size for _, size, _ in used) - cache_gb * 1e9
    for _, size, each in sorted(used):
        if left > 0 and each != path:
            each.unlink(missing_ok=True)
            left -= size


def mark_used(path: Path) -> None:
    """Note that a shard is in use now."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(path, ns=(time.time_ns(),) * 2)  # the disk's own clock is coarser


def _uploaded(folder: Path, url: str) -> Path:
    """The file that says what of a folder is at an address."""
    return folder / f".uploaded-{hashlib.sha256(url.encode()).hexdigest()[:12]}.json"


def claim(folder: Path, url: str) -> None:
    """UserError where a place cannot be written, or holds a set that is not that of ``folder``; the
    manifest goes there."""
    note = _uploaded(folder, url)
    if not note.is_file():
        own, there = (folder / MANIFEST).read_bytes(), read_remote(f"{url}/{MANIFEST}")
        sets = (read_remote(f"{url}/{set_type.folder}/{INDEX}") for set_type in SetType)
        if there is not None and (there != own or any(sets)):  # else ours, killed right here
            raise UserError(f"{url}: holds a packed set already: give another --output")
    upload(folder / MANIFEST, f"{url}/{MANIFEST}")
    if not note.is_file():
        write_text(note, "{}")


def _state(path: Path) -> list[int | str]:
    """Of what is uploaded; shards are large, and written only where they change."""
    about = path.stat()
    return [about.st_size, about.st_mtime_ns if path.suffix == ".tar" else sha256(path)]


def upload_set(folder: Path, url: str) -> None:
    """Upload what of a packed set is not there yet, the shards first, the indices last; indices of
    before are emptied first."""
    files = [path for name in ("*.tar", ANNOTATIONS, INDEX) for path in folder.glob(f"*Set/{name}")]
    note = _uploaded(folder, url)
    done = read_document(note)
    states = {path.relative_to(folder).as_posix(): _state(path) for path in files}
    left = {n for n, at in states.items() if done.get(n) != at or size_of(f"{url}/{n}") != at[0]}
    for name in {f"{name.partition('/')[0]}/{INDEX}" for name in left} & {*done}:
        upload(Path(os.devnull), f"{url}/{name}")
        left.add(name)
    total = sum(states[name][0] for name in left)
    with tqdm(total=total, desc="uploading", unit="B", unit_scale=True) as bar:
        for name in filter(left.__contains__, states):
            upload(folder / name, f"{url}/{name}")
            done[name] = states[name]
            write_text(note, json.dumps(done), single_writer=True)
            bar.update(states[name][0])
