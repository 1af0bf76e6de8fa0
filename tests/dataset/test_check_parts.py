"""A check in parts: the bytes of one without, whatever dies, is found or changes meanwhile."""

import functools
import itertools
import os
from unittest import mock

import killing
import other_sets_tiny
import pytest
import release
from commands import HereAndNow, pack, refused

import base.work_parts
from base.headset import load_headset
from dataset import check_parts
from utils import check_data


def tree(root):
    """Two sets, one of them with all that can be wrong with a frame's files."""
    folder = release.fill(root, range(1, 8))
    release.fill(root, range(1, 4), set_folder="ValSet", character="male_008_a_a")
    release.label_path(folder, 7).unlink()
    release.label_path(folder, 5).write_text("{}")
    release.picture_path(folder, 2).write_bytes(release.picture_path(folder, 2).read_bytes()[:-60])
    return root


def shards(root):
    """Four, one of them with two labels that are not those of the annotations."""
    release.fill(root / "tree", range(1, 8))
    pack(root / "tree", root / "packed", 64, "--frames_per_shard", 2)
    shard = sorted(root.glob("packed/TrainSet/*.tar"))[1]
    shard.write_bytes(shard.read_bytes().replace(b'"walking"', b'"talking"'))
    return root / "packed"


def recordings(root):
    """Of SceneEgo, with a picture that is cut off."""
    other_sets_tiny.scene_ego(root, train_jian1=5, test_jian2=2)
    picture = root / "train" / "jian1" / "imgs" / "img_000003.jpg"
    picture.write_bytes(picture.read_bytes()[:-100])
    return root


def status(*argv):
    """Exit status of a check."""
    try:
        check_data.main([*map(str, argv)])
    except SystemExit as ended:
        return ended.code
    return 0


def taken(root, capsys):
    """What a check has printed and written, which is removed."""
    found = [capsys.readouterr().out]
    for path in (root / "report.json", root / "skip_list.txt"):
        found.append(path.read_bytes() if path.is_file() else None)
        path.unlink(missing_ok=True)
    return found


@pytest.fixture
def processes(monkeypatch):
    """Parts run in this process, as its workers would."""
    monkeypatch.setattr(base.work_parts, "ProcessPoolExecutor", HereAndNow)

    def run_parts(module, argv, ray, gpu=False, real=check_data.run_parts):
        with mock.patch.object(base.work_parts, "_is_worker", False), killing.one_thread():
            real(module, argv, ray, gpu)

    monkeypatch.setattr(check_data, "run_parts", run_parts)


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("make", [tree, shards, recordings])
def test_parts_of_a_check_in_any_order_and_kills_give_its_bytes(make, tmp_path, capsys):
    root = make(tmp_path)
    capsys.readouterr()
    command = ["--data_root", root, "--jobs", 2, "--write_skip_list"]
    assert status(*command) == 1
    said, *files = taken(root, capsys)
    assert None not in files
    kill = functools.partial(killing.kill, "utils/check_data.py", *command, "--part")
    kill("2/3", at="dataset.check_parts:write_text")
    assert [status(*command, "--part", part) for part in ("3/3", "1/3")] == [0, 0]
    assert not (root / "report.json").exists()
    kill("2/3", at="dataset.check:SetReport.as_dict")  # as it puts all together
    capsys.readouterr()
    with mock.patch.object(check_parts, "check_pictures"):  # what it found is kept
        assert status(*command, "--part", "2/3") == 1
    assert taken(root, capsys) == [f"all 3 parts are complete\n{said}", *files]
    assert status(*command, "--parts", 2) == 1
    assert taken(root, capsys) == [said, *files]
    assert not [path for path in root.iterdir() if path.name.startswith(".report")]


@pytest.mark.usefixtures("processes")
def test_a_sound_set_passes_in_parts_without_pictures_too(tmp_path, capsys):
    release.fill(tmp_path)
    for more in ((), ("--no_pictures",)):
        assert status("--data_root", tmp_path, *more) == 0
        alone = taken(tmp_path, capsys)
        assert status("--data_root", tmp_path, "--parts", 2, *more) == 0
        assert taken(tmp_path, capsys) == alone


def test_a_part_is_made_anew_where_its_data_or_options_have_changed(tmp_path, monkeypatch):
    folder, calls, real = release.fill(tmp_path), itertools.count(), check_parts.check_pictures

    def check_pictures(checks, jobs):
        next(calls)
        return real(checks, jobs)

    monkeypatch.setattr(check_parts, "check_pictures", check_pictures)

    def is_made(part, *more):
        before = next(calls)
        status("--data_root", tmp_path, "--part", part, *more)
        return next(calls) - before == 2

    assert [is_made("1/2"), is_made("1/2"), is_made("1/2", "--jobs", 1)] == [True, False, False]
    os.utime(release.picture_path(folder, 2), (1, 1))
    assert is_made("1/2")
    for number in (2, 3):  # whose picture is to be of another size
        release.write_label(folder, 5 - number)
        release.write_label(folder, number, headset=load_headset("mo2cap2").as_dict())
        assert is_made("1/2")
    assert is_made("2/2", "--max_residual", 4)
    assert not (tmp_path / "report.json").exists()
    assert is_made("2/2") and (tmp_path / "report.json").exists()


@pytest.mark.usefixtures("processes")
def test_data_that_changes_while_parts_run_is_one_line_and_the_same_command_goes_on(
    tmp_path, monkeypatch
):
    picture = release.picture_path(release.fill(tmp_path), 1)
    command, real = ["--data_root", str(tmp_path), "--parts", "2"], check_parts.check_pictures

    def check_pictures(checks, jobs):
        os.utime(picture, (1, 1))
        return real(checks, jobs)

    with monkeypatch.context() as patched:
        patched.setattr(check_parts, "check_pictures", check_pictures)
        refused("has changed meanwhile: run the same command again", check_data.main, command)
    assert not (tmp_path / "report.json").exists()
    assert status(*command) == 0
