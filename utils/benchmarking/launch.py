"""Running the project's own commands, each in a process of its own."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from base.errors import UserError
from base.files import make_folder
from utils.command import EXIT_INTERRUPTED
from utils.defaults import REPOSITORY

#: Runs a script of the repository with its arguments, its standard output in a file where one is
#: given; the last is told the seconds passed now and then.
Launcher = Callable[[str, list[str], Path | None, Callable[[float], None]], None]

_BEAT_SECONDS = 5.0


def launch(
    script: str, arguments: list[str], log: Path | None, on_seconds: Callable[[float], None]
) -> None:
    """Run ``python script arguments`` and wait for it.

    Raises:
        UserError: where it fails.
        KeyboardInterrupt: where it, or this process, was stopped by a signal.
    """
    with contextlib.ExitStack() as stack:
        output = None
        if log is not None:
            make_folder(log.parent)
            output = stack.enter_context(log.open("w", encoding="utf-8"))
        stack.enter_context(_terminated_like_interrupted())
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, str(REPOSITORY / script), *arguments],
            stdout=output,
            close_fds=False,  # whoever holds the lock of the folder hands it on
        )
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_BEAT_SECONDS)
                on_seconds(time.monotonic() - began)
        except BaseException:
            # Ctrl-C has reached it as well, SIGTERM has not; it writes a checkpoint and ends.
            process.terminate()
            process.wait()
            on_seconds(time.monotonic() - began)
            raise
    stopped = (EXIT_INTERRUPTED, 128 + signal.SIGTERM, -signal.SIGINT, -signal.SIGTERM)
    if process.returncode in stopped:
        raise KeyboardInterrupt
    if process.returncode:
        where = f"; see {log}" if log else ""
        raise UserError(f"{script} ended with status {process.returncode}{where}")


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM end us as Ctrl-C does, so that what we started is ended too."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a folder, so that no second benchmark works in it.

    What we start holds it as well: a training that outlives us, killed with -9, keeps it until it
    ends.

    Raises:
        UserError: if another one holds it.
    """
    path = make_folder(folder) / ".lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        # An open file, and its lock, pass to children that are told to inherit it.
        os.set_inheritable(handle, True)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UserError(
            f"{folder}: another benchmark is at work in it, or a training that one left behind: "
            "wait for it, or end it"
        ) from None
    finally:
        os.close(handle)
