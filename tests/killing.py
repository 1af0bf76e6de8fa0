"""Commands that signal themselves at a call of a function: no test has to be faster than one."""

import contextlib
import functools
import importlib
import itertools
import os
import runpy
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def start(script: str, *arguments: object, stream: int, **environment: str) -> int:
    """Run a script of the repository in a fork of this process, on one thread and without
    importing anything anew, its output going to a stream; returns the process's id."""
    with one_thread():  # for a fork has lost the others
        child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.chdir(REPOSITORY)
        os.environ.update(environment)
        os.dup2(stream, 1)
        os.dup2(stream, 2)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1) for number in (1, 2))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.alarm(120)
        sys.argv = [script, *map(str, arguments)]
        runpy.run_path(script, run_name="__main__")
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else ended.code is not None
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Libraries compute on this thread alone."""
    import cv2
    import torch

    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    here = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == here:
            torch.set_num_threads(threads[0])
            cv2.setNumThreads(threads[1])


def end(*_: object) -> None:
    """In the place of a function that a worker process calls: the process is gone."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill(script: str, *arguments: object, at: str, call: int = 1) -> None:
    """Run a script whose process is killed as it calls a function; fails where it ends before.

    Args:
        script: path from the repository's root.
        arguments: of the script.
        at: the function as "package.module:name" or "package.module:Class.name"; children of the
            process may call it as they like.
        call: which of its calls, counted from 1; the signal comes before the function's body.
    """
    with tempfile.TemporaryFile() as output:
        where = at, str(call), str(int(signal.SIGKILL))
        child = start(__file__, *where, script, *arguments, stream=output.fileno())
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        output.seek(0)
        assert status == -signal.SIGKILL, output.read().decode()


def _signal_at(at: str, call: int, number: int) -> None:
    module, _, path = at.partition(":")
    *outer, name = path.split(".")
    owner = functools.reduce(getattr, outer, importlib.import_module(module))
    function, process, calls = getattr(owner, name), os.getpid(), itertools.count(1)

    @functools.wraps(function)
    def signalling(*arguments, **options):
        if os.getpid() == process and next(calls) == call:
            os.kill(process, number)
        return function(*arguments, **options)

    setattr(owner, name, signalling)


if __name__ == "__main__":
    where, which, signal_number, *command = sys.argv[1:]
    sys.path[0] = str(REPOSITORY)
    _signal_at(where, int(which), int(signal_number))
    sys.argv = command
    runpy.run_path(command[0], run_name="__main__")
