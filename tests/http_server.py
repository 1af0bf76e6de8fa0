"""A local server of files that misbehaves on demand, for tests of what downloads from it."""

import http.server
import threading
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Answer:
    """What a GET is answered in place of the file or of its range."""

    body: bytes | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    #: Seconds between two bytes of the body, until the server closes.
    pause: float = 0.0


class Faults:
    """What goes wrong, per file name; each entry of a list is used up by one request."""

    def __init__(self) -> None:
        #: Answers of a method before it serves.
        self.statuses = {method: defaultdict(list) for method in ("GET", "HEAD")}
        #: Bytes of a GET's body after which the connection is closed.
        self.cuts: dict[str, list[int]] = defaultdict(list)
        #: Lengths that HEAD states instead of the true one, for ever.
        self.stated: dict[str, int] = {}
        #: Names served from the start whatever range is asked for.
        self.ignore_range: set[str] = set()
        #: Other answers to a GET.
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        #: Of any answer that is the file.
        self.etags: dict[str, str] = {}
        #: Requests that are never answered, by method.
        self.silent: set[str] = set()
        #: Set once there is such a request.
        self.waiting = threading.Event()
        #: First byte of each GET so far, None where it named no range.
        self.starts: dict[str, list[int | None]] = defaultdict(list)
        #: What follows each GET that was cut.
        self.after_cut = lambda: None


@contextmanager
def serving(folder: Path, faults: Faults | None = None):
    """Serve the files of ``folder``; yields the address."""
    faults = faults or Faults()
    closing = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_) -> None:
            """Tests need no log."""

        def _answer(self, status: int, length: int = 0, **headers: str) -> None:
            self.send_response(status)
            given = {"Content-Length": str(length)} | {
                name.replace("_", "-"): value for name, value in headers.items()
            }
            for name, value in given.items():
                self.send_header(name, value)
            self.end_headers()

        def do_GET(self) -> None:
            name, asked = Path(self.path).name, self.headers.get("Range")
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else None
            if self.command == "GET":
                faults.starts[name].append(start)
            if self.command in faults.silent:
                faults.waiting.set()
                closing.wait()
                return None
            if faults.statuses[self.command][name]:
                return self._answer(faults.statuses[self.command][name].pop(0))
            if not (folder / name).is_file():
                return self._answer(404)
            body = (folder / name).read_bytes()
            about = {"ETag": faults.etags[name]} if name in faults.etags else {}
            if self.command == "HEAD":
                return self._answer(200, faults.stated.get(name, len(body)), **about)
            if self.headers.get("If-Range", about.get("ETag")) != about.get("ETag"):
                start = None
            if faults.answers[name]:
                other = faults.answers[name].pop(0)
                body = body[start or 0 :] if other.body is None else other.body
                status = other.status or (200 if start is None else 206)
                self._answer(status, len(body), **about | other.headers)
                for i in range(len(body)) if other.pause else ():
                    self.wfile.write(body[i : i + 1])
                    if closing.wait(other.pause):
                        return None
                self.wfile.write(b"" if other.pause else body)
                return None
            if start is None or name in faults.ignore_range:
                self._answer(200, len(body), **about)
            elif start >= len(body):
                return self._answer(416)
            else:
                where = f"bytes {start}-{len(body) - 1}/{len(body)}"
                body = body[start:]
                self._answer(206, len(body), Content_Range=where, **about)
            self.close_connection = bool(faults.cuts[name])
            cut = faults.cuts[name].pop(0) if faults.cuts[name] else None
            self.wfile.write(body[:cut])
            if cut is not None:
                faults.after_cut()
            return None

        do_HEAD = do_GET

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
