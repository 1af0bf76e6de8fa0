"""A folder that one process holds is refused to every other, and free once that process is gone."""

import subprocess
import sys
from pathlib import Path

import pytest

from base.errors import UserError
from base.files import replacing
from base.lock import clear_leftovers, locked

HOLDER = """
import sys
from pathlib import Path
from base.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_second_process_is_refused_with_the_id_of_the_first_until_it_is_killed(tmp_path):
    root = Path(__file__).parents[2]
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "out")]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=root) as holder:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(UserError, match=rf"out: process {holder.pid} is writing"),
            locked(tmp_path / "out"),
        ):
            pytest.fail("two processes held one folder")
        holder.kill()
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
