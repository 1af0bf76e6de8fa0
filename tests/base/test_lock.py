"""A folder that one process holds is refused to every other, and free once that process is gone."""

import os
import signal

import pytest

from base.errors import UserError
from base.files import replacing
from base.lock import clear_leftovers, locked


def test_second_process_is_refused_with_the_id_of_the_first_until_it_is_killed(tmp_path):
    ready, tell = os.pipe()
    if not (holder := os.fork()):
        try:
            with locked(tmp_path / "out"):
                os.write(tell, b"held")
                signal.pause()
        finally:
            os._exit(1)
    assert os.read(ready, 4) == b"held"
    held = pytest.raises(UserError, match=rf"out: process {holder} is writing")
    with held, locked(tmp_path / "out"):
        pytest.fail("two processes held one folder")
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    with locked(tmp_path / "out"):
        pass


def test_leftovers_of_a_killed_writer_are_cleared_and_nothing_else(tmp_path):
    for single_writer in (False, True):
        writer = replacing(tmp_path / "poses.json", single_writer)
        writer.__enter__()  # a writer that is killed here
    kept = [tmp_path / name for name in ("poses.json", ".lock", "a.part", "part.01.txt")]
    for path in kept:
        path.touch()
    clear_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)
