"""Commands that signal themselves at a call of a function: no test has to be faster than one."""

import functools
import importlib
import itertools
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def run(
    script: str,
    *arguments: str,
    at: str,
    call: int = 1,
    number: signal.Signals = signal.SIGKILL,
    **environment: str,
) -> subprocess.CompletedProcess:
    """Run a script of the repository whose process gets a signal as it calls a function.

    Args:
        script: path from the repository's root.
        arguments: of the script.
        at: the function as "package.module:name" or "package.module:Class.name"; children of the
            process may call it as they like.
        call: which of its calls, counted from 1; the signal comes before the function's body.
        number: the signal.
        environment: variables beside those of this process.
    """
    return subprocess.run(
        [sys.executable, __file__, at, str(call), str(int(number)), script, *arguments],
        cwd=REPOSITORY,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )


def end(*_: object) -> None:
    """In the place of a function that a worker process calls: the process is gone."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill(script: str, *arguments: str, at: str, call: int = 1, **environment: str) -> None:
    """Likewise with SIGKILL; fails where the script ends before."""
    done = run(script, *arguments, at=at, call=call, **environment)
    assert done.returncode == -signal.SIGKILL, done.stdout


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
