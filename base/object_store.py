"""Objects of a store through obstore, by the methods of fsspec's filesystems that are used here.

obstore brings such a filesystem, but its threads call Python as a call returns: a process that
ends right then is aborted, though all went well.  Nothing here calls Python from other threads.
"""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any

#: Of obstore, by what addresses begin with.
STORES = {"s3": "S3Store", "gs": "GCSStore", "az": "AzureStore"}
STORES |= {"http": "HTTPStore", "https": "HTTPStore"}
#: A transfer that was cut goes on where it was.
_RETRY = {"max_retries": 5}
_CLIENT = {"allow_http": True, "connect_timeout": "5s"}  # http where the address says so


def _interruptible(call: Callable) -> Callable:
    """In a thread of its own: Ctrl-C does not reach obstore until it gives up, after minutes."""

    def in_thread(*arguments: Any) -> Any:
        done: Future = Future()

        def run() -> None:
            try:
                done.set_result(call(*arguments))
            except Exception as error:  # raised again by result()
                done.set_exception(error)

        Thread(target=run, daemon=True).start()
        return done.result()

    return in_thread


def _key(url: str) -> str:
    return url.split("/", 3)[3]


class Objects:
    """What lies below an address such as s3://bucket; raises as obstore does."""

    def __init__(self, host: str):
        import obstore.store

        store = getattr(obstore.store, STORES[host.partition("://")[0]])
        self._store = store.from_url(host, client_options=_CLIENT, retry_config=_RETRY)

    @_interruptible
    def cat_file(self, url: str) -> bytes:
        return self._store.get(_key(url)).bytes().to_bytes()

    @_interruptible
    def get_file(self, url: str, path: str) -> None:
        with Path(path).open("wb") as file:
            file.writelines(self._store.get(_key(url)))

    @_interruptible
    def put_file(self, path: str, url: str) -> None:
        self._store.put(_key(url), Path(path))

    @_interruptible
    def info(self, url: str) -> dict[str, Any]:
        return dict(self._store.head(_key(url)))

    def makedirs(self, *_: object, **__: object) -> None:
        """Stores have no folders."""
