"""Files in object storage, through fsspec.

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

#: Storage that obstore reads and writes, without a package for each; fsspec finds the others.
_OBSTORE = ("s3", "gs", "az", "http", "https")
#: Of obstore, which goes on where a transfer was cut.
_RETRIES, _CONNECT = 5, "5s"
#: In failures of who finds no credentials: cloud machines are told theirs at these addresses.
_CREDENTIALS = ("/latest/api/token", "computeMetadata", "metadata/identity", "credential")


def cache_folder() -> Path:
    """Where remote sets are kept on this machine: below ``$XDG_CACHE_HOME``, or ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "xr-egopose"


def root_path(root: str | Path, use: str = "read") -> Path:
    """A data root as a path: of a remote one, its folder in the cache, another for each ``use``."""
    scheme, remote, place = str(root).partition("://")
    if not remote:
        return Path(root)
    parts = place.strip("/").split("/")
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


@functools.cache
def _filesystem(host: str) -> Any:
    """Of addresses that begin so: s3://bucket."""
    scheme = host.partition("://")[0]
    try:
        if scheme not in _OBSTORE:
            from fsspec.core import url_to_fs

            return url_to_fs(host)[0]
        from obstore.fsspec import FsspecStore
    except Exception as error:  # each package raises its own
        advice = ": pip install -r requirements-scale.txt" * isinstance(error, ImportError)
        raise UserError(f"{scheme}:// cannot be opened ({error}){advice}") from None
    how = {"allow_http": True, "connect_timeout": _CONNECT}  # http where the address says so
    again = {"max_retries": _RETRIES}
    return FsspecStore(scheme, client_options=how, retry_config=again, skip_instance_cache=True)


@contextlib.contextmanager
def _opened(url: str) -> Iterator[Any]:
    """The filesystem, which tries again by itself; FileNotFoundError where nothing is there, or we
    may not know (stores say 403 of a missing file to who may not list their files); UserError for
    any other failure."""
    system = _filesystem("/".join(url.split("/")[:3]))
    try:
        yield system
    except Exception as error:  # what the stores raise shares no base class
        text = str(error)
        if "NoSuchBucket" in text:
            raise UserError(f"{url}: there is no such bucket") from None
        if any(word in text for word in _CREDENTIALS):
            where = "no credentials that hold (doc/scale.md says where they are looked for)"
            raise UserError(f"{url}: {where}") from None
        if isinstance(error, FileNotFoundError | PermissionError) or "403 Forbidden" in text:
            raise FileNotFoundError(url) from None
        line = text.partition("\n")[0] or type(error).__name__
        raise UserError(f"{url}: {line}") from None


def read_remote(url: str) -> bytes | None:
    """A file's content; None where there is none that may be read."""
    try:
        with _opened(url) as system:
            return system.cat_file(url)
    except FileNotFoundError:
        return None


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
        raise UserError(f"{url}: may not be written") from None


def size_of(url: str) -> int | None:
    """Bytes of a remote file; None where there is none."""
    try:
        with _opened(url) as system:
            return system.info(url)["size"]
    except FileNotFoundError:
        return None
