"""A local server of files that misbehaves on demand, for tests of what downloads from it."""

import http.server
import threading
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path


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
        #: First byte of each GET so far, None where it named no range.
        self.starts: dict[str, list[int | None]] = defaultdict(list)


@contextmanager
def serving(folder: Path, faults: Faults | None = None):
    """Serve the files of ``folder``; yields the address."""
    faults = faults or Faults()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_) -> None:
            """Tests need no log."""

        def _answer(self, status: int, length: int = 0, **headers: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def do_GET(self) -> None:
            name, asked = Path(self.path).name, self.headers.get("Range")
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else None
            if self.command == "GET":
                faults.starts[name].append(start)
            if faults.statuses[self.command][name]:
                return self._answer(faults.statuses[self.command][name].pop(0))
            if not (folder / name).is_file():
                return self._answer(404)
            body = (folder / name).read_bytes()
            if self.command == "HEAD":
                return self._answer(200, faults.stated.get(name, len(body)))
            if start is None or name in faults.ignore_range:
                self._answer(200, len(body))
            elif start >= len(body):
                return self._answer(416)
            else:
                where = f"bytes {start}-{len(body) - 1}/{len(body)}"
                body = body[start:]
                self._answer(206, len(body), Content_Range=where)
            self.close_connection = bool(faults.cuts[name])
            cut = faults.cuts[name].pop(0) if faults.cuts[name] else None
            self.wfile.write(body[:cut])
            return None

        do_HEAD = do_GET

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
