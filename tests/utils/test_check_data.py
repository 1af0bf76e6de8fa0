"""The check names every planted fault, and the loaders honour the list it writes."""

import json
import os

import cv2
import numpy as np
import pytest
import release

from base.errors import UserError
from base.set_type import SetType
from dataset import open_split
from dataset.packed.packed import Packed
from dataset.tree.mocap import Mocap
from utils import check_data, pack_data


def run(root, *options):
    """Exit status and report."""
    status = 0
    try:
        check_data.main(["--data_root", str(root), "--jobs", "2", *options])
    except SystemExit as ended:
        status = ended.code
    return status, json.loads((root / "report.json").read_text())


def pack(root, output):
    pack_data.main(["--input", str(root), "--output", str(output), "--size", "64"])
    return output


def faults(report, position=0):
    return {(f["kind"], f["where"].rpartition("/")[2]) for f in report["sets"][position]["faults"]}


def numbers(root):
    data = Mocap(root, SetType.TRAIN)
    assert len(data.annotations()) == len(data)
    return [data.frame_id(i).number for i in range(len(data))]


def fill(root, numbers=range(1, 5), **where):
    folder = release.camera_folder(root, **where)
    for number in numbers:
        release.write_label(folder, number)
        release.write_picture(folder, number)
    return folder


def png(number, character="female_001_a_a"):
    return f"{character}.rgba.{number:06d}.png"


def label(number, character="female_001_a_a"):
    return f"{character}_{number:06d}.json"


def test_a_sound_set_passes(tmp_path, capsys):
    fill(tmp_path)
    status, report = run(tmp_path)
    assert status == 0 and faults(report) == set() and report["data_root"] == str(tmp_path)
    [found] = report["sets"]
    assert found["frames"] == 4 and found["characters"] == {"female_001_a_a": 4}
    assert found["actions"] == {"walking": 4} and found["action_groups"] == {"Walking": 4}
    assert found["projection_residual_px"]["max"] < 1e-3
    printed = capsys.readouterr().out
    assert f"all is well: {tmp_path / 'report.json'}" in printed and "nothing wrong" in printed
    assert "TrainSet: 4 frames, 4 good\n" in printed and "Walking" in printed
    elsewhere = tmp_path / "elsewhere.json"
    check_data.main(["--data_root", str(tmp_path), "--sets", "train", "--report", str(elsewhere)])
    assert json.loads(elsewhere.read_text()) == report
    with pytest.raises(SystemExit):
        check_data.main(["--data_root", str(tmp_path), "--jobs", "0"])


def test_many_faults_of_a_kind_are_counted_and_ten_of_them_shown(tmp_path, capsys):
    folder = fill(tmp_path, [1])
    for number in range(2, 14):
        release.write_label(folder, number)
    release.write_label(folder, 1, pts2d_fisheye=release.label_for(6)["pts2d_fisheye"])
    assert run(tmp_path, "--max_residual", "1e9")[0] == 1
    printed = capsys.readouterr().out
    assert "  label without picture: 12\n" in printed and "    and 2 more\n" in printed
    assert "12 labels without pictures" in printed and "camera formula" not in printed
    assert "\n12 faults; all of them in " in printed
    run(tmp_path)
    assert "camera formula" in capsys.readouterr().out


def test_unpaired_frames_and_what_pairing_by_position_would_do_are_reported(tmp_path, capsys):
    folder = fill(tmp_path, range(1, 11))
    release.picture_path(folder, 3).unlink()
    release.label_path(folder, 10).unlink()
    status, report = run(tmp_path)
    assert status == 1
    assert faults(report) == {
        ("label without picture", label(3)),
        ("picture without label", png(10)),
    }
    [shift] = report["sets"][0]["pairing_by_position"]
    # Pictures 1 2 4…10 beside labels 1…9: from picture 4 on, each one has its predecessor's label.
    assert (shift["mislabelled"], shift["first"], shift["last"]) == (7, 4, 10)
    assert "7 pictures (000004 to 000010) another frame's label" in capsys.readouterr().out


def test_bad_pictures_are_distinguished(tmp_path):
    folder = fill(tmp_path, range(1, 7))
    path = release.picture_path(folder, 1)
    path.write_bytes(path.read_bytes()[:-100])
    content = bytearray(release.picture_path(folder, 2).read_bytes())
    content[len(content) // 2] ^= 1
    release.picture_path(folder, 2).write_bytes(content)
    cv2.imwrite(str(release.picture_path(folder, 3)), np.zeros((400, 640, 3), np.uint8))
    cv2.imwrite(str(release.picture_path(folder, 4)), np.zeros((800, 1280), np.uint8))
    cv2.imwrite(str(release.picture_path(folder, 5)), np.zeros((800, 1280, 4), np.uint8))
    status, report = run(tmp_path)
    assert status == 1
    assert faults(report) == {
        ("unreadable picture", png(1)),
        ("unreadable picture", png(2)),
        ("wrong size or channels", png(3)),
        ("wrong size or channels", png(4)),
    }
    status, report = run(tmp_path, "--no_pictures")
    assert status == 0 and faults(report) == set()


def test_bad_labels_are_distinguished(tmp_path):
    folder = fill(tmp_path, range(1, 7))
    release.label_path(folder, 1).write_text('{"action": ')
    names = release.label_for(2)["joints"]
    release.write_label(folder, 2, joints=[j for j in names if j["name"] != "mixamorig:Neck"])
    nan = np.array(release.label_for(3)["pts3d_fisheye"])
    nan[:] = np.nan
    release.write_label(folder, 3, pts3d_fisheye=nan.tolist())
    flat = np.full_like(nan, 50.0)
    release.write_label(folder, 4, pts3d_fisheye=flat.tolist())
    # Labels of another frame in 2D, which is what a wrong pairing looks like.
    release.write_label(folder, 5, pts2d_fisheye=release.label_for(6)["pts2d_fisheye"])
    status, report = run(tmp_path)
    assert status == 1
    assert faults(report) == {
        ("broken label", label(1)),
        ("broken label", label(2)),
        ("broken label", label(3)),
        ("absurd pose", label(4)),
        ("2D and 3D joints disagree", label(4)),
        ("2D and 3D joints disagree", label(5)),
    }
    details = {f["where"][-7:-5]: f["detail"] for f in report["sets"][0]["faults"]}
    assert details["02"] == "has no joint Neck" and "px" in details["05"]


def test_a_character_in_the_wrong_set_is_named(tmp_path):
    fill(tmp_path, set_folder="ValSet", character="female_004_a_a")
    fill(tmp_path, set_folder="TrainSet", character="somebody_else")
    status, report = run(tmp_path)
    assert status == 1
    assert [found["set"] for found in report["sets"]] == ["TrainSet", "ValSet"]
    assert faults(report, 0) == set()
    assert faults(report, 1) == {("character in the wrong set", "female_004_a_a")}
    assert report["sets"][1]["faults"][0]["detail"] == "belongs in TestSet"


def test_the_skip_list_takes_effect_at_once_and_satisfies_the_check(tmp_path, capsys):
    folder = fill(tmp_path, range(1, 6))
    path = release.picture_path(folder, 2)
    path.write_bytes(path.read_bytes()[:-100])
    release.label_path(folder, 5).unlink()
    assert numbers(tmp_path) == [1, 2, 3, 4]
    assert run(tmp_path, "--write_skip_list")[0] == 1
    assert f"2 frames added to {tmp_path / 'skip_list.txt'}" in capsys.readouterr().out
    assert numbers(tmp_path) == [1, 3, 4]
    printed = capsys.readouterr().err
    assert "1 frames left out by skip_list.txt" in printed and "without label" not in printed
    status, report = run(tmp_path)
    assert status == 0 and len(report["sets"][0]["on_skip_list"]) == 2
    printed = capsys.readouterr().out
    assert "2 more faults are of frames that skip_list.txt leaves out" in printed
    assert "nothing else wrong" in printed
    # A new fault is added to what the list holds.
    release.picture_path(folder, 4).write_bytes(b"")
    assert run(tmp_path, "--write_skip_list")[0] == 1
    assert numbers(tmp_path) == [1, 3]
    (tmp_path / "skip_list.txt").unlink()
    assert numbers(tmp_path) == [1, 2, 3, 4]


@pytest.mark.parametrize("environment", ["env\n001", "env\\\\001"])
def test_a_frame_that_no_line_can_hold_does_not_spoil_the_list(tmp_path, capsys, environment):
    for name in ("env_001", environment):
        folder = fill(tmp_path, (1, 2), env=name)
        release.picture_path(folder, 2).write_bytes(b"")
    assert run(tmp_path, "--write_skip_list")[0] == 1
    printed = capsys.readouterr().out
    assert "1 frames added" in printed and "1 more lie in folders" in printed
    assert len(Mocap(tmp_path, SetType.TRAIN)) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"# mine\n\n  TrainSet/female_001_a_a/env_001/3\nValSet/female_001_a_a/env_001/1\n",
        "\ufeffTrainSet/female_001_a_a/env_001/3\n".encode(),
        "# mine\nTrainSet/female_001_a_a/env_001/000003  why\n".encode("utf-16"),
        b"# mine\r\n\r\n  TrainSet\\female_001_a_a\\env_001\\000003\tC:\\why  \r\n",
        b"# caf\xe9\nTrainSet/female_001_a_a/env_001/000003\n",
    ],
    ids=["by hand", "BOM", "UTF-16", "Windows", "Latin-1"],
)
def test_a_skip_list_of_any_editor_is_read_and_added_to(tmp_path, content):
    folder = fill(tmp_path)
    path = tmp_path / "skip_list.txt"
    path.write_bytes(content)
    assert numbers(tmp_path) == [1, 2, 4]
    release.label_path(folder, 1).write_text("{")
    assert run(tmp_path, "--write_skip_list")[0] == 1
    assert numbers(tmp_path) == [2, 4]
    assert path.read_bytes().endswith(b"TrainSet/female_001_a_a/env_001/000001  broken label\n")


@pytest.mark.parametrize(
    "line", ["frame 3", "TranSet/x/env_001/1", "TrainSet/x/env_001/1a", "TrainSet/x/1"]
)
def test_a_line_of_a_skip_list_that_names_no_frame_is_refused(tmp_path, line):
    fill(tmp_path, [1])
    (tmp_path / "skip_list.txt").write_text(f"# mine\n{line}\n")
    with pytest.raises(UserError, match=r"skip_list\.txt:2: no frame like"):
        Mocap(tmp_path, SetType.TRAIN)


def test_files_of_no_frame_are_reported_and_never_reach_the_skip_list(tmp_path, capsys):
    folder = fill(tmp_path)
    others = json.dumps(release.label_for(9))
    for name in (label(1, "male_004_a_a"), f"Copy of {label(2)}", f"._{label(3)}", "Thumbs.db"):
        (folder / "json" / name).write_text(others)
    (folder / "rgba" / f"._{png(3)}").write_bytes(b"resource fork")
    (folder / "rgba" / os.fsdecode(b"\xff.png")).write_bytes(b"")
    strangers = {label(1, "male_004_a_a"), f"Copy of {label(2)}", "\udcff.png"}
    status, report = run(tmp_path, "--write_skip_list")
    assert status == 1 and report["sets"][0]["good_frames"] == 4
    assert faults(report) == {("unexpected file", name) for name in strangers}
    assert not (tmp_path / "skip_list.txt").exists()
    assert "no frame to leave out: nothing added to" in capsys.readouterr().out
    data = Mocap(tmp_path, SetType.TRAIN)
    assert "TrainSet: 3 unexpected files: " in capsys.readouterr().err
    for i, number in enumerate((1, 2, 3, 4)):
        assert np.allclose(data[i].joints3d, release.pose_for(number), atol=1e-6)
    pack(tmp_path, tmp_path / "packed")
    assert "left out: 3 unexpected files: " in capsys.readouterr().out
    Packed(tmp_path / "packed", SetType.TRAIN)
    assert "TrainSet, left out when it was packed: 3 unexpected" in capsys.readouterr().err


def test_a_renamed_character_is_reported_by_all(tmp_path, capsys):
    fill(tmp_path).parents[1].rename(tmp_path / "TrainSet" / "anna")
    status, report = run(tmp_path)
    assert status == 1 and faults(report) == {("renamed folder", "cam_down")}
    advice = "its 8 files are named after female_001_a_a: rename the folder anna to that"
    assert advice in capsys.readouterr().out
    with pytest.raises(UserError, match=f"no frame can be used: 1 renamed folder: .*{advice}"):
        Mocap(tmp_path, SetType.TRAIN)
    with pytest.raises(UserError, match=advice):
        pack(tmp_path, tmp_path / "packed")


@pytest.mark.parametrize("inside", ["", "/env_001/cam_down/json"])
def test_a_folder_that_cannot_be_read_is_reported_and_left_out(
    tmp_path, capsys, monkeypatch, inside
):
    fill(tmp_path)
    fill(tmp_path, character="female_002_a_a")
    where, scandir = f"TrainSet/female_002_a_a{inside}", os.scandir

    def refusing(folder):
        if str(folder) == str(tmp_path / where):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    status, report = run(tmp_path, "--write_skip_list")
    assert status == 1 and report["sets"][0]["good_frames"] == 4
    [fault] = report["sets"][0]["faults"]
    found = fault["kind"], fault["where"], fault["detail"]
    assert found == ("unreadable folder", where, "Permission denied")
    assert not (tmp_path / "skip_list.txt").exists()
    capsys.readouterr()
    assert len(Mocap(tmp_path, SetType.TRAIN)) == 4
    line = f"TrainSet: 1 unreadable folder: {where} (Permission denied)\n"
    assert line in capsys.readouterr().err
    monkeypatch.undo()
    assert len(Mocap(tmp_path, SetType.TRAIN)) == 8


def test_a_link_to_a_folder_that_is_not_there_is_reported_though_an_index_is_cached(
    tmp_path, capsys
):
    fill(tmp_path)
    Mocap(tmp_path, SetType.TRAIN)
    (tmp_path / "TrainSet" / "female_002_a_a").symlink_to(tmp_path / "not_mounted")
    status, report = run(tmp_path)
    assert status == 1 and faults(report) == {("unreadable folder", "female_002_a_a")}
    capsys.readouterr()
    Mocap(tmp_path, SetType.TRAIN)
    assert "1 unreadable folder: TrainSet/female_002_a_a (No such file" in capsys.readouterr().err


@pytest.mark.parametrize("call", ["os.scandir", "pathlib.Path.is_file"])
def test_a_data_root_that_cannot_be_read_is_one_line(tmp_path, monkeypatch, call):
    fill(tmp_path)

    def refusing(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(call, refusing)
    for reading in (
        lambda: check_data.main(["--data_root", str(tmp_path)]),
        lambda: open_split(tmp_path, SetType.TRAIN, 64),
    ):
        with pytest.raises(UserError, match=r"cannot be read \(Permission denied\)"):
            reading()


@pytest.fixture
def packed(tmp_path):
    folder = fill(tmp_path / "tree", range(1, 7))
    release.label_path(folder, 6).unlink()
    return pack(tmp_path / "tree", tmp_path / "packed")


def test_a_packed_set_is_checked_and_what_packing_left_out_is_reported(packed, capsys):
    status, report = run(packed)
    assert status == 1
    [found] = report["sets"]
    assert found["frames"] == 5 and found["action_groups"] == {"Walking": 5}
    assert found["projection_residual_px"]["max"] < 1e-3
    assert faults(report) == {("picture without label", png(6))}
    assert run(packed, "--write_skip_list")[0] == 1
    assert run(packed)[0] == 0
    capsys.readouterr()
    Packed(packed, SetType.TRAIN)
    assert capsys.readouterr().err == ""


def test_damage_to_shards_and_labels_is_reported_frame_by_frame(packed):
    (packed / "skip_list.txt").write_text("TrainSet/female_001_a_a/env_001/000006\n")
    [shard] = (packed / "TrainSet").glob("*.tar")
    whole = shard.read_bytes()
    assert run(packed)[0] == 0

    def details(content):
        shard.write_bytes(content)
        status, report = run(packed)
        assert status == 1
        return {f["detail"] for f in report["sets"][0]["faults"]}

    content = bytearray(whole)
    content[600] ^= 1
    assert details(content) == {"female_001_a_a/env_001/000001: its picture is damaged"}
    first = "female_001_a_a/env_001/000001"
    other = whole.replace(b'"action":"walking"', b'"action":"talking"', 1)
    assert details(other) == {f"{first}: its json differs from the annotations"}
    # A header that is damaged ends a tar for every reader.
    renamed = details(whole.replace(b"000003.jpg", b"000009.jpg"))
    assert renamed == {f"{first[:-1]}{number}: missing" for number in (3, 4, 5)}
    reasons = details(whole[:2000])
    assert any("cannot be read" in reason or reason.endswith("5: missing") for reason in reasons)
    shard.write_bytes(whole)
    table = np.load(packed / "TrainSet" / "annotations.npy")
    table["joints3d"][0] *= -1
    np.save(packed / "TrainSet" / "annotations.npy", table)
    status, report = run(packed, "--no_pictures")
    assert status == 1
    assert {f["kind"] for f in report["sets"][0]["faults"]} <= {
        "2D and 3D joints disagree",
        "broken label",
    }


def test_what_cannot_be_checked_is_one_line(tmp_path):
    with pytest.raises(UserError, match="holds no TrainSet"):
        check_data.main(["--data_root", str(tmp_path)])
    (tmp_path / "TrainSet").mkdir()
    with pytest.raises(UserError, match="holds no frame"):
        check_data.main(["--data_root", str(tmp_path)])
