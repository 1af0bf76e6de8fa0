"""Files in object storage, through obstore or, of other kinds, fsspec.

Names such as ``s3://bucket/packed`` cannot be paths (``Path`` makes one slash of two): a remote
root stands for a folder of the local cache, and that folder tells which root it is.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from base.errors import UserError
from base.files import replacing
from base.object_store import STORES, Objects


def cache_folder() -> Path:
    """Where remote sets are kept on this machine: below ``$XDG_CACHE_HOME``, or ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "xr-egopose"


def root_path(root: str | Path, use: str = "read") -> Path:
    """A data root as a path: of a remote one, its folder in the cache, another for each ``use``."""
    scheme, remote, place = str(root).partition("://")
    if not remote:
        return Path(root)
    parts = place.strip("/").split("/")
    scheme = scheme.lower()
    if not scheme.isalnum() or {"", ".", ".."} & {*parts}:
        raise UserError(f"{root}: not a place such as s3://bucket/packed")
    return cache_folder() / use / scheme / quote("/".join(parts))


def url_of(path: Path) -> str | None:
    """The remote root, or what is below it, that a folder of the cache stands for."""
    read = cache_folder() / "read"
    if read not in path.parents:
        return None
    scheme, *parts = path.relative_to(read).parts
    return f"{scheme}://{'/' * (scheme == 'file')}{unquote('/'.join(parts))}"


def root_text(root: Path) -> str:
    """A data root as a user knows it: a remote one by its address."""
    return url_of(root) or str(root)


@functools.cache
def _filesystem(host: str) -> Any:
    """Of addresses that begin so: s3://bucket."""
    scheme = host.partition("://")[0]
    if scheme in STORES:
        return Objects(host)
    try:
        from fsspec.core import url_to_fs

        return url_to_fs(host)[0]
    except Exception as error:  # each package raises its own
        raise UserError(f"{scheme}:// cannot be opened ({error})") from None


def _meaning(url: str, error: Exception) -> Exception:
    """FileNotFoundError where nothing is there, or we may not know (stores say 403 of a missing
    file to who may not list their files); UserError for any other failure."""
    text = str(error)
    if isinstance(error, FileNotFoundError | PermissionError) or "403 Forbidden" in text:
        return FileNotFoundError(url)
    line = text.partition("\n")[0] or type(error).__name__
    needed = "doc/scale.md says which package and credentials it takes"
    return UserError(f"{url}: {line} ({needed})")


@contextlib.contextmanager
def _opened(url: str) -> Iterator[Any]:
    """The filesystem, which tries again by itself; what it raises, with a meaning."""
    try:
        yield _filesystem("/".join(url.split("/")[:3]))
    except UserError:
        raise
    except Exception as error:  # what the stores raise shares no base class
        raise _meaning(url, error) from None


def read_remote(url: str) -> bytes | None:
    """A file's content; None where there is none that may be read, or a page says so."""
    try:
        with _opened(url) as system:
            content = system.cat_file(url)
    except FileNotFoundError:
        return None
    return None if content.lstrip().startswith(b"<") else content


def download(url: str, path: Path, whole: Callable[[Path], bool] = lambda _: True) -> None:
    """Fetch a file whole or not at all, by one process at a time; once more where it is not
    ``whole``, after which it is what the store has."""
    with replacing(path, single_writer=True) as temporary:
        try:
            with _opened(url) as system:
                system.get_file(url, str(temporary))
                if not whole(temporary):
                    system.get_file(url, str(temporary))
        except FileNotFoundError:
            raise UserError(f"{url}: is not there, or may not be read") from None


def upload(path: Path, url: str) -> None:
    """Write a file; object stores show it whole or not at all."""
    try:
        with _opened(url) as system:
            system.makedirs(url.rpartition("/")[0], exist_ok=True)
            system.put_file(str(path), url)
    except FileNotFoundError:
        raise UserError(f"{url}: no such place, or it may not be written") from None


def size_of(url: str) -> int | None:
    """Bytes of a remote file; None where there is none."""
    try:
        with _opened(url) as system:
            return system.info(url)["size"]
    except FileNotFoundError:
        return None
