"""Packed sets in object storage: read through a bounded cache of shards, and uploaded."""

import contextlib
import functools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from base.documents import read_document
from base.errors import UserError
from base.files import write_bytes, write_text
from base.lock import locked
from base.remote import cache_folder, download, read_remote, size_of, upload, url_of
from base.set_type import SetType
from dataset.packed.shards import ANNOTATIONS, INDEX, MANIFEST
from dataset.skip_list import SKIP_LIST

#: Seconds that a process waits for another one that fetches the same.
_PATIENCE = 600
_LOCKS, _UPLOADED = ".fetching", ".uploaded.json"


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
    if path.is_file() and path.read_bytes() == index:
        return
    for old in (path, *folder.glob("*.tar")):
        old.unlink(missing_ok=True)
    if index is None:
        (folder / ANNOTATIONS).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # locks lie in it
            folder.rmdir()
        return
    download(f"{url_of(folder)}/{ANNOTATIONS}", folder / ANNOTATIONS)
    write_bytes(path, index)  # last: it tells that the annotations are there


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


def claim(folder: Path, url: str) -> None:
    """UserError where a place cannot be written, or holds a set that was not packed in ``folder``;
    the manifest goes there."""
    if not (folder / _UPLOADED).is_file() and read_remote(f"{url}/{MANIFEST}") is not None:
        raise UserError(f"{url}: holds a packed set already: give another --output")
    upload(folder / MANIFEST, f"{url}/{MANIFEST}")
    if not (folder / _UPLOADED).is_file():
        write_text(folder / _UPLOADED, "{}")


def upload_set(folder: Path, url: str) -> None:
    """Upload what of a packed set is not there yet, the shards first, the indices last."""
    files = [path for name in ("*.tar", ANNOTATIONS, INDEX) for path in folder.glob(f"*Set/{name}")]
    done, note = read_document(folder / _UPLOADED), folder / _UPLOADED
    total = sum(path.stat().st_size for path in files)
    with tqdm(total=total, desc="uploading", unit="B", unit_scale=True) as bar:
        for path in files:
            name, about = path.relative_to(folder).as_posix(), path.stat()
            state = [about.st_size, about.st_mtime_ns]
            if done.get(name) != state or size_of(f"{url}/{name}") != about.st_size:
                upload(path, f"{url}/{name}")
                done[name] = state
                write_text(note, json.dumps(done), single_writer=True)
            bar.update(about.st_size)
