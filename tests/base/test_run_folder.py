"""The files of two runs never lie beside each other, and nobody else's file is touched."""

import os
from pathlib import Path

import pytest

from base.files import write_text
from base.run_folder import RunFolder


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
