"""Downloading a large file over connections that break: by byte range, with retries."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import requests
import urllib3

from base.errors import UserError

_TIMEOUT = (10.0, 60.0)  # to connect, and between two reads, seconds
_CHUNK = 1 << 18
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT = 120.0
#: Compression on the way would make lengths and ranges mean something else.
_HEADERS = {"Accept-Encoding": "identity"}

_CONNECTION_FAULTS = (requests.RequestException, urllib3.exceptions.HTTPError)

PARTIAL_SUFFIX = ".download"


class DownloadError(UserError):
    """A file that cannot be had: not published, refused, or the last retry failed too."""


class _TryAgainError(Exception):
    """A fault that may pass; ``wait`` is what the server asked for, seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(slots=True)
class Retries:
    """How long to go on trying.

    Attributes:
        attempts: failures in a row, without a new byte between them, after which a file is given
            up.
        first_wait: seconds before the first retry; doubles with each.
        stop: set it to end all waiting and reading.
    """

    attempts: int
    first_wait: float
    stop: threading.Event

    def wait(self, failures: int, error: _TryAgainError) -> None:
        """Sleep before the next try, or give up.

        Raises:
            DownloadError: after the last attempt.
        """
        if failures >= self.attempts:
            raise DownloadError(f"{error} (gave up after {failures} attempts)")
        seconds = min(self.first_wait * 2 ** (failures - 1), _LONGEST_WAIT)
        if error.wait is not None:
            seconds = max(seconds, min(error.wait, _LONGEST_WAIT))
        self.stop.wait(seconds)


def _check_status(response: requests.Response) -> None:
    status = response.status_code
    if status in _TEMPORARY:
        asked = response.headers.get("Retry-After", "")
        raise _TryAgainError(f"status {status}", float(asked) if asked.isdigit() else None)
    if status == 404:
        raise DownloadError("not found (404)")
    if status >= 400 and status != 416:
        raise DownloadError(f"refused with status {status}")


def remote_size(session: requests.Session, url: str, retries: Retries) -> int:
    """Bytes of a published file.

    Raises:
        DownloadError: where it is not there, or the server does not tell.
    """
    failures = 0
    while not retries.stop.is_set():
        try:
            with session.head(
                url, headers=_HEADERS, allow_redirects=True, timeout=_TIMEOUT
            ) as response:
                _check_status(response)
                length = response.headers.get("Content-Length", "")
                if not length.isdigit():
                    raise DownloadError("the server does not tell its size")
                return int(length)
        except (*_CONNECTION_FAULTS, _TryAgainError) as error:
            failures += 1
            retries.wait(failures, _as_try_again(error))
    raise KeyboardInterrupt


def _as_try_again(error: Exception) -> _TryAgainError:
    if isinstance(error, _TryAgainError):
        return error
    return _TryAgainError(f"connection failed ({type(error).__name__})")


def download(
    session: requests.Session,
    url: str,
    path: Path,
    size: int,
    retries: Retries,
    on_bytes: Callable[[int], object],
) -> None:
    """Fetch a file of known size, going on from what is there.

    Bytes are kept in ``{path}.download`` until all are there; then it is renamed.

    Args:
        session: connection pool of this thread.
        url: of the file.
        path: where it goes.
        size: its bytes.
        retries: when to give up.
        on_bytes: told each number of bytes written; negative where some have to be thrown away.

    Raises:
        DownloadError: where it cannot be had.
        UserError: where it cannot be written.
    """
    partial = path.with_name(path.name + PARTIAL_SUFFIX)
    failures, furthest = 0, 0
    try:
        with partial.open("ab") as file:
            while not retries.stop.is_set():
                try:
                    _fetch(session, url, file, size, retries.stop, on_bytes)
                    break
                except (*_CONNECTION_FAULTS, _TryAgainError) as error:
                    # A server that always breaks at the same byte makes no progress.
                    failures = 1 if file.tell() > furthest else failures + 1
                    furthest = max(furthest, file.tell())
                    retries.wait(failures, _as_try_again(error))
            else:
                raise KeyboardInterrupt
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{partial}: cannot be written ({error.strerror or error})") from None


def _fetch(
    session: requests.Session,
    url: str,
    file: BinaryIO,
    size: int,
    stop: threading.Event,
    on_bytes: Callable[[int], object],
) -> None:
    """One request for what is missing."""

    def start_anew() -> None:
        on_bytes(-file.tell())
        file.truncate(0)
        file.seek(0)

    start = file.seek(0, 2)
    if start > size:
        start_anew()
        start = 0
    if start == size:
        return
    headers = _HEADERS | ({"Range": f"bytes={start}-"} if start else {})
    with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        _check_status(response)
        if start and response.status_code != 206:
            start_anew()  # the server does not know ranges, or not this one
            if response.status_code == 416:
                raise _TryAgainError("byte range refused")
        elif start:
            expected = f"bytes {start}-{size - 1}/{size}"
            told = response.headers.get("Content-Range", "nothing")
            if told != expected:
                start_anew()
                raise _TryAgainError(f"asked for {expected}, the server sends {told}")
        # read1 hands on what has come in; iter_content would lose the chunk that a cut falls into.
        while chunk := response.raw.read1(_CHUNK):
            if stop.is_set():
                raise KeyboardInterrupt
            if file.tell() + len(chunk) > size:
                start_anew()
                raise _TryAgainError(f"the server sends more than the {size} bytes it announced")
            file.write(chunk)
            on_bytes(len(chunk))
    if file.tell() < size:
        raise _TryAgainError(f"the server sent {file.tell()} of {size} bytes")
