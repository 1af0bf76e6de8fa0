"""The check names every planted fault, and the loaders honour the list it writes."""

import json

import cv2
import numpy as np
import pytest
import release
from commands import pack, refused, run_check

from base.frame import FrameId
from base.set_type import SetType
from dataset import open_split
from dataset.skip_list import add_to_skip_list, read_skip_list
from dataset.tree.mocap import Mocap
from utils import check_data


def faults(found):
    return {(fault["kind"], fault["where"].rpartition("/")[2]) for fault in found["faults"]}


def numbers(root):
    data = Mocap(root, SetType.TRAIN)
    assert len(data.annotations()) == len(data)
    return [data.frame_id(i).number for i in range(len(data))]


def png(number):
    return f"female_001_a_a.rgba.{number:06d}.png"


def label(number):
    return f"female_001_a_a_{number:06d}.json"


def test_a_sound_set_passes(tmp_path, capsys):
    release.fill(tmp_path)
    status, [found] = run_check(tmp_path)
    assert status == 0 and faults(found) == set()
    assert found["frames"] == 4 and found["characters"] == {"female_001_a_a": 4}
    assert found["actions"] == {"walking": 4} and found["action_groups"] == {"Walking": 4}
    assert found["projection_residual_px"]["max"] < 1e-3
    printed = capsys.readouterr().out
    assert f"all is well: {tmp_path / 'report.json'}" in printed and "nothing wrong" in printed
    assert "TrainSet: 4 frames, 4 good\n" in printed and "Walking" in printed
    elsewhere = tmp_path / "elsewhere.json"
    check_data.main(["--data_root", str(tmp_path), "--sets", "train", "--report", str(elsewhere)])
    assert json.loads(elsewhere.read_text()) == json.loads((tmp_path / "report.json").read_text())


def test_faults_are_counted_ten_of_a_kind_shown_and_pairing_by_position_reported(tmp_path, capsys):
    folder = release.fill(tmp_path, [1, 14])
    for number in range(2, 14):
        release.write_label(folder, number)
    release.write_label(folder, 1, pts2d_fisheye=release.label_for(6)["pts2d_fisheye"])
    assert run_check(tmp_path, "--max_residual", "1e9")[0] == 1
    printed = capsys.readouterr().out
    assert "  label without picture: 12\n" in printed and "    and 2 more\n" in printed
    assert "12 labels without pictures" in printed and "another headset" not in printed
    assert "given 1 pictures (000014 to 000014) another frame's label (2 pictures, 14" in printed
    assert "\n12 faults; all of them in " in printed
    [shift] = run_check(tmp_path)[1][0]["pairing_by_position"]
    assert "another headset" in capsys.readouterr().out and shift["first"] == 14


def test_labels_that_contradict_themselves_are_distinguished(tmp_path):
    folder = release.fill(tmp_path, range(3, 7))
    flat = np.full((3, len(release.FILE_JOINTS)), 50.0)
    release.write_label(folder, 4, pts3d_fisheye=flat.tolist())
    # Labels of another frame in 2D, which is what a wrong pairing looks like.
    release.write_label(folder, 5, pts2d_fisheye=release.label_for(6)["pts2d_fisheye"])
    cv2.imwrite(str(release.picture_path(folder, 3)), np.zeros((801, 1280), np.uint8))
    off = {("2D and 3D joints disagree", label(5))}
    status, [found] = run_check(tmp_path)
    assert status == 1 and found["good_frames"] == 1
    wrong_labels = off | {("broken label", label(4))}
    assert faults(found) == wrong_labels | {("wrong size or channels", png(3))}
    assert faults(run_check(tmp_path, "--no_pictures")[1][0]) == wrong_labels


def test_a_character_in_the_wrong_set_is_named(tmp_path, capsys):
    release.fill(tmp_path, set_folder="ValSet", character="female_004_a_a")
    release.fill(tmp_path, set_folder="TrainSet", character="somebody_else")
    status, (train, val) = run_check(tmp_path)
    assert (status, train["set"], val["set"]) == (1, "TrainSet", "ValSet")
    assert faults(train) == set()
    assert faults(val) == {("character in the wrong set", "female_004_a_a")}
    assert val["faults"][0]["detail"] == "belongs in TestSet"
    assert "\n1 fault; all of them in " in capsys.readouterr().out


def test_the_skip_list_takes_effect_at_once_and_satisfies_the_check(tmp_path, capsys):
    folder = release.fill(tmp_path, range(1, 6))
    path = release.picture_path(folder, 2)
    path.write_bytes(path.read_bytes()[:-100])
    release.label_path(folder, 5).unlink()
    assert numbers(tmp_path) == [1, 2, 3, 4]
    assert run_check(tmp_path, "--write_skip_list")[0] == 1
    assert f"2 frames added to {tmp_path / 'skip_list.txt'}" in capsys.readouterr().out
    assert numbers(tmp_path) == [1, 3, 4]
    printed = capsys.readouterr().err
    assert "1 frames left out by skip_list.txt" in printed and "without label" not in printed
    status, [found] = run_check(tmp_path)
    assert status == 0 and len(found["on_skip_list"]) == 2
    printed = capsys.readouterr().out
    assert "of frames that skip_list.txt leaves out: 2 faults" in printed
    assert "nothing else wrong" in printed
    # A new fault is added to what the list holds.
    release.picture_path(folder, 4).write_bytes(b"")
    assert run_check(tmp_path, "--write_skip_list")[0] == 1
    assert numbers(tmp_path) == [1, 3]
    (tmp_path / "skip_list.txt").unlink()
    assert numbers(tmp_path) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "content",
    [
        b"# mine\n\n  TrainSet/ann/env_001/3\nValSet/ann/env_001/1\n",
        "\ufeffTrainSet/ann/env_001/3\n".encode(),
        "# mine\nTrainSet/ann/env_001/000003  why\n".encode("utf-16"),
        b"# mine\r\n\r\n  TrainSet\\ann\\env_001\\000003\tC:\\why  \r\n",
        b"# caf\xe9\nTrainSet/ann/env_001/000003\n",
    ],
    ids=["by hand", "BOM", "UTF-16", "Windows", "Latin-1"],
)
def test_a_skip_list_of_any_editor_is_read_and_added_to(tmp_path, content):
    (tmp_path / "skip_list.txt").write_bytes(content)
    first, third = (FrameId("ann", "env_001", n) for n in (1, 3))
    assert read_skip_list(tmp_path, SetType.TRAIN) == {third}
    reasons = "broken label", "absurd\npose"
    assert add_to_skip_list(tmp_path, [(SetType.TRAIN, first, why) for why in reasons]) == 1
    assert read_skip_list(tmp_path, SetType.TRAIN) == {first, third}
    line = b"TrainSet/ann/env_001/000001  broken label; absurd pose\n"
    assert (tmp_path / "skip_list.txt").read_bytes().endswith(line)


def test_lines_that_name_no_frame_are_refused_and_none_are_written(tmp_path, capsys, monkeypatch):
    folder = release.fill(tmp_path, (1, 2), env="env_001")
    release.label_path(folder, 2).write_bytes(b"")
    (folder / "rgba" / f"Copy of {png(1)}").write_bytes(b"")  # of no frame
    assert run_check(tmp_path, "--write_skip_list", "--no_pictures")[0] == 1
    assert "1 frame added" in capsys.readouterr().out
    assert read_skip_list(tmp_path, SetType.TRAIN) == {FrameId("female_001_a_a", "env_001", 2)}
    for line in ("frame 3", "TranSet/x/env_001/1", "TrainSet/x/env_001/1a", "TrainSet/x/1"):
        (tmp_path / "skip_list.txt").write_text(f"# mine\n{line}\n")
        refused(r"skip_list\.txt:2: no frame like", read_skip_list, tmp_path, SetType.TRAIN)
    monkeypatch.setattr(check_data, "check_pictures", None)  # it is told before hours of work
    refused("no frame like", check_data.main, ["--data_root", str(tmp_path)])


@pytest.mark.parametrize("call", ["os.scandir", "pathlib.Path.is_file"])
def test_a_data_root_that_cannot_be_read_is_one_line(tmp_path, monkeypatch, call):
    def refusing(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(call, refusing)
    message = r"cannot be read \(Permission denied\)"
    refused(message, check_data.main, ["--data_root", str(tmp_path)])
    refused(message, open_split, tmp_path, SetType.TRAIN, 64)


@pytest.fixture
def packed(tmp_path):
    folder = release.fill(tmp_path / "tree", range(1, 7))
    release.label_path(folder, 6).unlink()
    return pack(tmp_path / "tree", tmp_path / "packed")


def test_damage_to_shards_and_labels_is_reported_frame_by_frame(packed):
    assert faults(run_check(packed)[1][0]) == {("picture without label", png(6))}
    assert run_check(packed, "--write_skip_list")[0] == 1
    [shard] = (packed / "TrainSet").glob("*.tar")
    whole = shard.read_bytes()
    assert run_check(packed)[0] == 0

    def details(content):
        shard.write_bytes(content)
        status, [found] = run_check(packed)
        assert status == 1
        return {fault["detail"] for fault in found["faults"]}

    content = bytearray(whole)
    content[600] ^= 1
    assert details(content) == {
        "female_001_a_a/env_001/000001: its picture is damaged, or not where its index says"
    }
    first = "female_001_a_a/env_001/000001"
    other = whole.replace(b'"action":"walking"', b'"action":"talking"', 1)
    assert details(other) == {f"{first}: its json differs from the annotations"}
    # A header that is damaged ends a tar for every reader.
    renamed = details(whole.replace(b"000003.jpg", b"000009.jpg"))
    assert renamed == {f"{first[:-1]}{number}: missing" for number in (3, 4, 5)}
    assert any("cannot be read" in reason for reason in details(whole[:2000]))
    shard.write_bytes(whole)
    table = np.load(packed / "TrainSet" / "annotations.npy")
    table["joints3d"][0] *= -1
    np.save(packed / "TrainSet" / "annotations.npy", table)
    status, [found] = run_check(packed, "--no_pictures")
    off = {("2D and 3D joints disagree", "000001")}
    assert status == 1 and faults(found) == off | {("damaged shard", "annotations.npy")}


def test_what_cannot_be_checked_is_one_line(tmp_path):
    refused("holds no TrainSet", check_data.main, ["--data_root", str(tmp_path)])
    (tmp_path / "TrainSet").mkdir()
    refused("holds no frame", check_data.main, ["--data_root", str(tmp_path)])
    for pixels in ("nan", "-1"):
        flags = ["--data_root", str(tmp_path), "--max_residual", pixels]
        refused(f"--max_residual {pixels}: a number of pixels", check_data.main, flags)


def test_one_run_names_every_kind_of_fault_and_ends_with_a_report(tmp_path):
    """Whatever is wrong: sets that cannot be opened beside others, labels of every make, pipes."""
    folder = release.fill(tmp_path, range(1, 12))
    odd = {
        1: '{"action": 1',
        2: "[" * 10**5,
        3: json.dumps(release.label_for(3) | {"pts3d_fisheye": [[10**400] * 19] * 3}),
        4: json.dumps(release.label_for(4) | {"joints": [{"name": 3}]}),
        5: json.dumps(release.label_for(5) | {"pts2d_fisheye": [[1e39] * 19] * 2}),
        6: json.dumps(release.label_for(6) | {"headset": {"camera": {"fx": 10**25}}}),
        7: json.dumps(release.label_for(7) | {"action": "x" * 20_000}),
        8: json.dumps(release.label_for(8) | {"visible": "yes"}),
    }
    for number, text in odd.items():
        release.label_path(folder, number).write_text(text)
    for path in (release.label_path(folder, 9), release.picture_path(folder, 10)):
        path.unlink()
        path.mkdir()
    release.camera_folder(tmp_path, env="env_002")
    (tmp_path / "ValSet").write_text("a file")
    (tmp_path / "TestSet").mkdir()
    status, (train, val, test) = run_check(tmp_path, "--jobs", 2)
    assert status == 1 and train["good_frames"] == 1
    broken = {("broken label", label(number)) for number in range(1, 10)}
    assert faults(train) == broken | {("unreadable picture", png(10))}
    assert faults(val) == {("unreadable set", "ValSet")}
    assert faults(test) == {("unreadable set", "TestSet")}
    assert max(len(fault["detail"]) for fault in train["faults"]) < 200
    # The loaders and the packer leave out the same.
    data = open_split(tmp_path, SetType.TRAIN, 64)
    assert [data.frame_id(i).number for i in range(len(data))] == [10, 11]
    refused(r"^2 characters or sets are .*ValSet: .*TestSet", pack, tmp_path, tmp_path / "p")
    assert len(open_split(tmp_path / "p", SetType.TRAIN, 64)) == 1
