"""A local server of files that misbehaves on demand, for tests of what downloads from it."""

import http.server
import threading
from collections import Counter, defaultdict
from contextlib import contextmanager
from pathlib import Path


class Faults:
    """What goes wrong, per file name; each entry of a list is used up by one request.

    Attributes:
        statuses: statuses to answer GET with before serving.
        cuts: serve so many bytes of a GET's body, then close the connection.
        head_statuses: statuses to answer HEAD with before serving.
        head_length: lengths that HEAD states instead of the true one, for ever.
        ignore_range: names served from the start whatever range is asked for.
        gets: how many GET requests came for each name.
        starts: first byte of each GET that named a range.
    """

    def __init__(self) -> None:
        self.statuses: dict[str, list[int]] = defaultdict(list)
        self.cuts: dict[str, list[int]] = defaultdict(list)
        self.head_statuses: dict[str, list[int]] = defaultdict(list)
        self.head_length: dict[str, int] = {}
        self.ignore_range: set[str] = set()
        self.gets: Counter[str] = Counter()
        self.starts: dict[str, list[int]] = defaultdict(list)


@contextmanager
def serving(folder: Path, faults: Faults | None = None):
    """Serve the files of ``folder``; yields the address."""
    faults = faults or Faults()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_) -> None:
            """Tests need no log."""

        def _refuse(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            if status == 429:
                self.send_header("Retry-After", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            name = Path(self.path).name
            if faults.head_statuses[name]:
                return self._refuse(faults.head_statuses[name].pop(0))
            if not (folder / name).is_file():
                return self._refuse(404)
            size = faults.head_length.get(name, (folder / name).stat().st_size)
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            return self.end_headers()

        def do_GET(self) -> None:
            name = Path(self.path).name
            faults.gets[name] += 1
            if faults.statuses[name]:
                return self._refuse(faults.statuses[name].pop(0))
            if not (folder / name).is_file():
                return self._refuse(404)
            content = (folder / name).read_bytes()
            start = 0
            asked = self.headers.get("Range")
            if asked and name not in faults.ignore_range:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                faults.starts[name].append(start)
                if start >= len(content):
                    return self._refuse(416)
                self.send_response(206)
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            else:
                self.send_response(200)
            body = content[start:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if faults.cuts[name]:
                self.wfile.write(body[: faults.cuts[name].pop(0)])
                self.close_connection = True
            else:
                self.wfile.write(body)
            return None

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
