"""Downloading a large file over connections that break: by byte range, with retries."""

import http.client
import queue
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from tqdm import tqdm

from base.errors import UserError

PARTIAL_SUFFIX = ".download"
_TIMEOUT = 15.0  # seconds to be answered, and between two reads
_SLOWEST = 1000.0  # bytes a second; a connection that has fewer for _TIMEOUT counts as broken
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
    """Asks one server for files."""

    stop: threading.Event  # set it, from any thread, to end everything with KeyboardInterrupt
    answered: bool = False  # whether the server was ever reached; until then nothing is retried
    #: What tells a file's version from another, its ETag or date, by address.
    versions: dict[str, str] = field(default_factory=dict)

    def size(self, url: str) -> int:
        """Bytes of a published file; DownloadError where it is not there, or the server does not
        state its size, NoConnectionError where the server cannot be reached."""

        def ask() -> str:
            with self._open(url, method="HEAD") as response:
                self.versions[url] = _version(response)
                return response.headers.get("Content-Length", "")

        length = self._retry(url, ask)
        if not re.fullmatch("[0-9]{1,15}", length):
            raise DownloadError("the server does not state its size")
        return int(length)

    def download(self, url: str, path: Path, size: int, on_bytes: Callable[[int], object]) -> None:
        """Fetch a file of known size, going on from the bytes in ``{path}.download``, which is
        renamed when all are there.

        ``on_bytes`` is called with each number of bytes written; negative where some are discarded;
        DownloadError, NoConnectionError where it cannot be had, UserError where it cannot be
        written.
        """
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
        start = file.tell()
        if start == size:
            return
        version = self.versions.get(url, "")
        headers = {"Range": f"bytes={start}-"} if start else {}
        if start and version:
            headers["If-Range"] = version
        with self._open(url, headers=headers) as response:
            found = _version(response)
            if response.status == 200:
                start = 0
            elif (
                response.status != 206
                or response.headers["Content-Range"] != f"bytes {start}-{size - 1}/{size}"
                or (version and found and found != version)
            ):
                discard()  # another file by now, or none of this length
                raise _TemporaryError(f"bytes {start}- refused")
            length = response.headers.get("Content-Length", str(size - start))
            if length != str(size - start):
                raise _TemporaryError(f"the server sends {length!r} of {size - start} bytes")
            if start == 0:
                discard()  # the server knows no ranges, or the file has changed
                self.versions[url] = found
            since, before = time.monotonic(), file.tell()
            while chunk := self._read(response):
                if file.tell() + len(chunk) > size:
                    discard()
                    raise _TemporaryError(f"the server sends more than the {size} bytes it stated")
                file.write(chunk)
                on_bytes(len(chunk))
                if (seconds := time.monotonic() - since) > _TIMEOUT:
                    if file.tell() - before < _SLOWEST * seconds:
                        raise _TemporaryError(f"fewer than {_SLOWEST:.0f} bytes a second arrive")
                    since, before = time.monotonic(), file.tell()
        if file.tell() < size:
            raise _TemporaryError(f"the server sent {file.tell()} of {size} bytes")

    def _open(self, url: str, **options: Any) -> http.client.HTTPResponse:
        """The answer to a request, which may be that its byte range is refused."""
        try:
            request = urllib.request.Request(url, **options)
            response = _answer(request)
        except urllib.error.HTTPError as error:
            self.answered = True
            if error.code == 416:
                return error
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

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        if self.stop.is_set():
            raise KeyboardInterrupt
        try:
            return response.read1(_CHUNK)
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
                # A server that always breaks at the same byte, or trickles, makes no progress.
                if position() - reached >= _PROGRESS:
                    failures, reached = 0, position()
                failures += 1
                lost = isinstance(error, NoConnectionError)
                if lost and (not self.answered or failures >= _ATTEMPTS):
                    raise
                if failures >= _ATTEMPTS:
                    raise DownloadError(f"{error} (gave up after {failures} attempts)") from None
                if failures == 1:
                    name = url.rpartition("/")[2]
                    tqdm.write(f"{name}: {error}; trying again", file=sys.stderr)
            self.stop.wait(min(_FIRST_WAIT * 2 ** (failures - 1), _LONGEST_WAIT))
        raise KeyboardInterrupt


def _version(response: http.client.HTTPResponse) -> str:
    """What If-Range takes: a strong ETag, or else the date of the last change."""
    etag = response.headers.get("ETag", "W/")
    return response.headers.get("Last-Modified", "") if etag.startswith("W/") else etag


def _answer(request: urllib.request.Request) -> http.client.HTTPResponse:
    """What a request is answered. A thread of its own asks, for the look-up of a name cannot be
    given up, and a server may send its headers byte by byte."""
    answers: queue.SimpleQueue = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(urllib.request.urlopen(request, timeout=_TIMEOUT))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=_TIMEOUT)
    except queue.Empty:
        answer = TimeoutError()
    if isinstance(getattr(answer, "reason", answer), TimeoutError):  # the socket's, or ours
        raise TimeoutError(f"no answer in {_TIMEOUT:g} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
