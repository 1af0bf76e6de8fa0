"""A local object store with as much of S3's protocol as whole objects need."""

import http.server
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class ObjectStore:
    """Objects of the one bucket, ``bucket``, by key; and what goes wrong."""

    objects: dict[str, bytes] = field(default_factory=dict)
    #: GETs and PUTs of a key so far.
    asked: Counter = field(default_factory=Counter)
    #: How many of the next GETs or PUTs of a key end in the middle.
    cuts: Counter = field(default_factory=Counter)
    #: How many of the next GETs of a key bring zeros.
    damaged: Counter = field(default_factory=Counter)
    #: PUTs after which no further one is taken; None for no end.
    most_puts: int | None = None
    #: Answer to a GET of what is not there; 403 where the client may not list the bucket.
    missing: int = 404
    #: Whether requests without a signature are refused.
    signed: bool = True


@contextmanager
def serving(store: ObjectStore):
    """Serve the store; yields the environment in which a client finds it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_) -> None:
            """Tests need no log."""

        def _answer(self, status: int, body: bytes = b"", cut: bool = False) -> None:
            asked, total = self.headers.get("Range"), len(body)
            if asked and status == 200:
                start, _, last = asked.removeprefix("bytes=").partition("-")
                body = body[int(start) : int(last or total) + 1]
                self.send_response(206)
                where = f"bytes {start}-{int(start) + len(body) - 1}/{total}"
                self.send_header("Content-Range", where)
            else:
                self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", '"0"')
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.end_headers()
            self.close_connection |= cut
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if cut else body)

        def _key(self) -> str | None:
            """The key that is asked for, after what there is to refuse."""
            if store.signed and "Authorization" not in self.headers:
                return self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            bucket, _, key = self.path.partition("?")[0].strip("/").partition("/")
            if bucket != "bucket":
                return self._answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
            if not key:  # a listing: nothing lies below the name of an object
                return self._answer(200, b"<ListBucketResult></ListBucketResult>")
            return key

        def _is_cut(self, key: str) -> bool:
            store.asked[self.command, key] += 1
            store.cuts[key] -= 1
            return store.cuts[key] >= 0

        def do_GET(self) -> None:
            if (key := self._key()) and key not in store.objects:
                self._answer(store.missing, b"<Error><Code>NoSuchKey</Code></Error>")
            elif key:
                cut = self.command == "GET" and self._is_cut(key)
                store.damaged[key] -= self.command == "GET"
                zeros = self.command == "GET" and store.damaged[key] >= 0
                body = store.objects[key]
                self._answer(200, bytes(len(body)) if zeros else body, cut)

        do_HEAD = do_GET

        def do_PUT(self) -> None:
            if "Content-Length" not in self.headers:
                self._answer(411)
                return
            length = int(self.headers["Content-Length"])
            if key := self._key():
                if self._is_cut(key):
                    self.rfile.read(length // 2)
                    self.close_connection = True
                    return
                body = self.rfile.read(length)
                puts = sum(n for (method, _), n in store.asked.items() if method == "PUT")
                if store.most_puts is not None and puts > store.most_puts:
                    self._answer(400, b"<Error><Code>Stopped</Code></Error>")
                    return
                store.objects[key] = body
                self._answer(200)
            else:
                self.close_connection = True

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield {
            "AWS_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "name",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
