"""Commands run in processes of their own; two benchmarks never work in one folder."""

import subprocess
import sys

import pytest

from base.errors import UserError
from utils.benchmarking.launch import launch, only_one


def script(tmp_path, text):
    path = tmp_path / "script.py"
    path.write_text(text)
    return str(path)


def test_output_goes_to_the_log_and_time_is_told(tmp_path):
    told = []
    path = script(tmp_path, "import sys; print(sys.argv[1:])")
    launch(path, ["--a", "b"], tmp_path / "new" / "log.txt", told.append)
    assert (tmp_path / "new" / "log.txt").read_text() == "['--a', 'b']\n"
    assert told and told[-1] > 0


def test_a_failing_command_is_one_line_that_names_its_log(tmp_path):
    log = tmp_path / "log.txt"
    with pytest.raises(UserError, match=r"status 3; see .*log\.txt"):
        launch(script(tmp_path, "raise SystemExit(3)"), [], log, lambda seconds: None)


@pytest.mark.parametrize("end", ["130", "143"])
def test_a_stopped_command_stops_us(tmp_path, end):
    with pytest.raises(KeyboardInterrupt):
        launch(script(tmp_path, f"raise SystemExit({end})"), [], None, lambda seconds: None)


def test_a_folder_is_worked_in_once(tmp_path):
    with only_one(tmp_path), pytest.raises(UserError, match="another"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_a_command_left_behind_keeps_the_folder(tmp_path):
    with only_one(tmp_path):
        # As launch() does; the parent, killed, would let go of its own hold only.
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False
        )
    try:
        with pytest.raises(UserError, match="left behind"), only_one(tmp_path):
            pass
    finally:
        child.communicate(b"\n")
    with only_one(tmp_path):
        pass
