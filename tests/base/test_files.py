"""Files and folders of results are whole or as they were, and of one run alone."""

import csv
import hashlib
import io
import os
import signal
from pathlib import Path

import pytest
from commands import refused

from base.errors import UserError
from base.files import csv_rows, replacing, sha256, write_text
from base.lock import clear_leftovers, locked
from base.run_folder import RunFolder


@pytest.mark.parametrize("single_writer", [False, True])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, single_writer):
    path = tmp_path / "file.txt"
    write_text(path, "old", single_writer)
    with pytest.raises(ValueError, match="half-way"), replacing(path, single_writer) as temporary:
        temporary.write_text("ne")
        raise ValueError("half-way")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(UserError, match=r"cannot be written \(No space left"), replacing(path):
        raise OSError(28, "No space left")
    with pytest.raises(PermissionError, match="other"), replacing(path):
        raise PermissionError(13, "Permission denied", "other")
    kept = [path, *(tmp_path / name for name in ("usual", ".lock", "a.part", "part.01.txt"))]
    for other in kept[1:]:
        other.touch()
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert sha256(path) == hashlib.sha256(b"old").hexdigest()
    refused("cannot be made a folder", write_text, path / "below.txt", "text")
    temporary.write_text("hal")  # of a killed run; a single writer overwrites it
    write_text(path, "new", single_writer)
    assert path.read_text() == "new" and temporary.exists() != single_writer
    replacing(path, single_writer).__enter__()  # a writer that is killed here
    clear_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_a_text_that_a_spreadsheet_would_run_is_quoted_and_numbers_stay():
    stream = io.StringIO()
    cells = ("=1+1", "+x", "-a.png", "@SUM(A1)", "\tx", "'=", "-0.25", "+3", "a=1", "", -0.5, None)
    csv_rows(stream)(cells)
    [row] = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    expected = ("'=1+1", "'+x", "'-a.png", "'@SUM(A1)", "'\tx", "''=", "-0.25", "+3", "a=1", "")
    assert row == [*expected, "-0.5", ""]


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
    held = pytest.raises(UserError, match=rf"out: process {holder} on \S+ is writing")
    with held, locked(tmp_path / "out"):
        pytest.fail("two processes held one folder")
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    with locked(tmp_path / "out"):
        pass


def test_a_folder_that_is_removed_as_it_is_locked_is_made_again(tmp_path, monkeypatch):
    removed = []

    def make_and_remove(path):
        if not removed:
            removed.append(path)
        else:
            path.mkdir()

    monkeypatch.setattr("base.lock.make_folder", make_and_remove)
    with locked(tmp_path / "out"):
        assert removed == [tmp_path / "out"] and (tmp_path / "out" / ".lock").is_file()


def test_a_run_that_fails_before_it_writes_leaves_no_new_folder(tmp_path):
    kept = tmp_path / "mine"
    kept.mkdir()
    with pytest.raises(UserError), RunFolder(kept / "new" / "out"):
        raise UserError("no frame could be read")
    assert not [*kept.iterdir()]
    with locked(kept):
        pass
    assert kept.is_dir()
    with locked(tmp_path / "out"):
        write_text(tmp_path / "out" / "a", "")
    assert (tmp_path / "out" / "a").is_file()


def run(path, *names, adds=False, fail=False):
    with RunFolder(path, adds) as folder:
        for name in names:
            write_text(folder.new / name, "")
        if fail:
            raise KeyboardInterrupt
        folder.keep()


def found(path):
    """Every file's name, but for the lock and the list."""
    files = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    return {name for name in files if name not in (".lock", ".files")}


def test_a_run_takes_the_place_of_the_last_one_and_leaves_what_is_not_ours(tmp_path):
    write_text(tmp_path / "pictures" / "mine.jpg", "")
    run(tmp_path, "pictures/a.jpg", "pictures/b.jpg", "walk/on/poses.bvh", "poses.json")
    before = found(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "pictures/c.jpg", fail=True)
    assert found(tmp_path) == before and len(before) == 5
    odd = os.fsdecode(b"\xff\xe2\x80\xa8.csv")
    run(tmp_path, "pictures/b.jpg", odd)
    run(tmp_path, "figures/a.png", adds=True)
    assert found(tmp_path) == {"pictures/mine.jpg", "pictures/b.jpg", "figures/a.png", odd}
    assert not (tmp_path / "walk").exists()
    run(tmp_path, "poses.json")
    assert found(tmp_path) == {"pictures/mine.jpg", "poses.json"}


def test_what_is_kept_early_stays_when_the_rest_fails(tmp_path):
    run(tmp_path, "results.json", "worst/a.png")
    with pytest.raises(KeyboardInterrupt), RunFolder(tmp_path) as folder:
        write_text(folder.new / "results.json", "new")
        folder.keep()
        write_text(folder.new / "worst" / "b.png", "")
        raise KeyboardInterrupt
    assert found(tmp_path) == {"results.json"}
    assert (tmp_path / "results.json").read_text() == "new"


def test_results_that_somebody_removed_are_not_said_to_be_there(tmp_path):
    path = tmp_path / "out"
    with pytest.raises(UserError, match=f"^{path}: was removed"), RunFolder(path) as folder:
        write_text(folder.new / "results.json", "")
        path.rename(tmp_path / "elsewhere")
        folder.keep()


@pytest.mark.parametrize(
    ("name", "left"), [("unlink", {"a/1"}), ("replace", {"a/2"})], ids=["removing", "moving"]
)
def test_a_run_killed_while_files_move_is_cleared_by_the_next(tmp_path, monkeypatch, name, left):
    run(tmp_path, "a/1", "b/1")
    calls, original = [], getattr(Path, name)

    def killed(path, *target, **how):
        if not {".unfinished", ".files"} & {*target[0].parts} if target else path.name == "1":
            calls.append(path)
            if len(calls) == 2:
                raise SystemExit
        return original(path, *target, **how)

    with monkeypatch.context() as patch:
        patch.setattr(Path, name, killed)
        with pytest.raises(SystemExit):
            run(tmp_path, "a/2", "b/2")
    assert found(tmp_path) == left
    run(tmp_path, "c")
    assert found(tmp_path) == {"c"}


def test_a_list_that_leads_out_of_the_folder_removes_nothing_there(tmp_path):
    out, other = tmp_path / "out", tmp_path / "other"
    for path in (other / "a", other / "b", tmp_path / "c", out / "d"):
        write_text(path, "")
    (out / "link").symlink_to(other)
    wrong = ("../c", "link/a", str(other / "b"), ".", "..", "", "\0", "x" * 5000, "d/e", "d")
    (out / ".files").write_bytes("\n".join(wrong).encode() + b"\n\xff\xfe")
    run(out, "new")
    assert found(other) == {"a", "b"} and (tmp_path / "c").is_file()
    assert found(out) - {"link/a", "link/b"} == {"new"}
