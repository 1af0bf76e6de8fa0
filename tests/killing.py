"""Killing a command at a moment given by its progress, as an impatient user would."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
_TIMEOUT = 60.0


def start(script: str, *arguments: str) -> subprocess.Popen:
    """Start a script of the repository, quietly."""
    return subprocess.Popen(
        [sys.executable, REPOSITORY / script, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def kill_when(
    process: subprocess.Popen, reached: Callable[[], bool], timeout: float = _TIMEOUT
) -> None:
    """Send SIGKILL as soon as ``reached()``; fails where the process ends before that."""
    give_up = time.monotonic() + timeout
    while process.poll() is None and not reached():
        assert time.monotonic() < give_up, "the command made no progress"
        time.sleep(0.002)
    process.kill()
    _, told = process.communicate()
    assert process.returncode == -signal.SIGKILL, told.decode()


def finish(process: subprocess.Popen) -> None:
    """Wait for a process to succeed."""
    _, told = process.communicate(timeout=_TIMEOUT)
    assert process.returncode == 0, told.decode()
