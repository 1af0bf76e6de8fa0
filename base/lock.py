"""One process at a time writes to an output folder."""

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from base.errors import UserError
from base.files import make_folder


@contextlib.contextmanager
def locked(folder: Path, wait: float = 0) -> Iterator[None]:
    """Holds ``folder`` (created where missing) for this process, through its file ``.lock``; waits
    ``wait`` seconds for another. The operating system drops the lock of a process that ends or is
    killed: none is ever stale; UserError where another process holds it, with its id and host, or
    the folder cannot be written. Folders that were made and have nothing in them at the end go."""
    path = folder / ".lock"
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    lock = FileLock(path, timeout=wait)
    try:
        while not lock.is_locked:
            make_folder(folder)
            with contextlib.suppress(FileNotFoundError):  # removed by who held it
                lock.acquire()
    except Timeout:
        holder = path.read_text(errors="replace").strip()
        process = holder if re.fullmatch(r"process \d+ on [\w.-]+", holder) else "another process"
        raise UserError(f"{folder}: {process} is writing to this folder: wait for it") from None
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror})") from None
    try:
        with contextlib.suppress(OSError):  # a full disk: the lock holds without its text
            path.write_text(f"process {os.getpid()} on {socket.gethostname()}\n")
        yield
    finally:
        with contextlib.suppress(OSError):
            if made and [*folder.iterdir()] == [path]:
                path.unlink()
                for each in made:
                    each.rmdir()
        lock.release()


def clear_leftovers(folder: Path) -> None:
    """Remove what killed runs left in ``folder`` under the temporary names of
    :func:`base.files.replacing`; only for who holds the folder with :func:`locked`."""
    for path in folder.glob(".*.part*"):
        path.unlink(missing_ok=True)
