"""Downloading a large file over connections that break: by byte range, with retries."""

import http.client
import re
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tqdm import tqdm

from base.errors import UserError

PARTIAL_SUFFIX = ".download"
_TIMEOUT = 15.0  # seconds to be answered, and between two reads
_CHUNK = 1 << 18
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_ATTEMPTS = 8  # failures in a row, without _PROGRESS between them, until a file is given up
_PROGRESS = 1 << 20  # bytes
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 120.0  # seconds before a retry; doubles with each


class DownloadError(UserError):
    """A file that cannot be had: not published, refused, or the last retry failed too."""


class NoConnectionError(UserError):
    """The server cannot be reached, so no other file can be had either."""


class _TemporaryError(Exception):
    pass


@dataclass(slots=True)
class Downloader:
    """Asks one server for files; all methods raise DownloadError for a file that cannot be had,
    NoConnectionError where the server cannot be reached."""

    stop: threading.Event  # set it, from any thread, to end everything with KeyboardInterrupt
    answered: bool = False  # whether the server was ever reached; until then nothing is retried

    def size(self, url: str) -> int:
        """Bytes of a published file."""

        def ask() -> str:
            with self._open(url, method="HEAD") as response:
                return response.headers.get("Content-Length", "")

        length = self._retry(url, ask)
        if not re.fullmatch("[0-9]{1,15}", length):
            raise DownloadError("the server does not state its size")
        return int(length)

    def download(self, url: str, path: Path, size: int, on_bytes: Callable[[int], object]) -> None:
        """Fetch a file of known size, going on from the bytes in ``{path}.download``, which is
        renamed when all are there; UserError where it cannot be written. ``on_bytes`` is called
        with each number of bytes written; negative where some are discarded."""
        partial = path.with_name(path.name + PARTIAL_SUFFIX)
        try:
            with partial.open("ab") as file:
                self._retry(url, lambda: self._fetch(url, file, size, on_bytes), file.tell)
            partial.replace(path)
        except OSError as error:
            raise UserError(f"{partial}: cannot be written ({error.strerror or error})") from None

    def _fetch(
        self, url: str, file: BinaryIO, size: int, on_bytes: Callable[[int], object]
    ) -> None:
        """One request for what is missing."""

        def discard() -> None:
            on_bytes(-file.tell())
            file.truncate(0)
            file.seek(0)

        if file.tell() > size:
            discard()
        if (start := file.tell()) == size:
            return
        with self._open(url, headers={"Range": f"bytes={start}-"} if start else {}) as response:
            answer = response.status, response.headers["Content-Range"]
            if response.status == 200:
                start = 0
            elif answer != (206, f"bytes {start}-{size - 1}/{size}"):
                discard()  # another file by now, or none of this length
                raise _TemporaryError(f"bytes {start}- refused")
            length = response.headers.get("Content-Length", str(size - start))
            if length != str(size - start):
                raise _TemporaryError(f"the server sends {length!r} of {size - start} bytes")
            if start == 0:
                discard()  # the server knows no ranges
            while chunk := self._read(response, min(_CHUNK, size - file.tell())):
                file.write(chunk)
                on_bytes(len(chunk))
        if file.tell() < size:
            raise _TemporaryError(f"the server sent {file.tell()} of {size} bytes")

    def _open(self, url: str, **options: Any) -> http.client.HTTPResponse:
        try:
            request = urllib.request.Request(url, **options)
            if request.type not in ("http", "https"):
                raise ValueError(f"{request.type} in place of https")
            response = urllib.request.urlopen(request, timeout=_TIMEOUT)
        except urllib.error.HTTPError as error:
            self.answered = True
            error.close()
            if error.code in _TEMPORARY:
                raise _TemporaryError(f"status {error.code}") from None
            reason = "not found (404)" if error.code == 404 else f"refused with {error.code}"
            raise DownloadError(reason) from None
        except (ValueError, OverflowError, http.client.InvalidURL) as error:
            raise DownloadError(f"not an address to download from ({error})") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error) or type(error).__name__
            raise NoConnectionError(
                f"no connection to {request.host} ({reason}): check network and proxy, then run "
                "the same command again"
            ) from None
        self.answered = True
        encoding = response.headers.get("Content-Encoding", "identity")
        kind = response.headers.get_content_type()
        if encoding != "identity" or re.search("html|xml|json", kind):
            response.close()
            what = f"a page, {kind!r}" if encoding == "identity" else f"it compressed, {encoding!r}"
            raise DownloadError(f"the server, or a proxy before it, sends {what}, not the file")
        return response

    def _read(self, response: http.client.HTTPResponse, count: int) -> bytes:
        if self.stop.is_set():
            raise KeyboardInterrupt
        try:
            return response.read1(count)
        except (OSError, http.client.HTTPException) as error:
            raise _TemporaryError(f"connection broke ({error})") from None

    def _retry(
        self, url: str, action: Callable[[], Any], position: Callable[[], int] = lambda: 0
    ) -> Any:
        """What ``action`` returns, tried again after faults that may pass."""
        failures, reached = 0, position()
        while not self.stop.is_set():
            try:
                return action()
            except (_TemporaryError, NoConnectionError) as error:
                # A server that always breaks at the same byte makes no progress.
                if position() - reached >= _PROGRESS:
                    failures, reached = 0, position()
                failures += 1
                lost = isinstance(error, NoConnectionError)
                if lost and (not self.answered or failures >= _ATTEMPTS):
                    raise
                if failures >= _ATTEMPTS:
                    raise DownloadError(f"{error} (gave up after {failures} attempts)") from None
                if failures == 1:
                    tqdm.write(f"{Path(url).name}: {error}; trying again", file=sys.stderr)
            self.stop.wait(min(_FIRST_WAIT * 2 ** (failures - 1), _LONGEST_WAIT))
        raise KeyboardInterrupt
