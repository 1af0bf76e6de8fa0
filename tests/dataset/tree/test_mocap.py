"""Reading the extracted layout: what a frame holds, bad labels, the cache."""

import json
import os

import numpy as np
import pytest
import release
from commands import pack, refused

from base.errors import BrokenFrameError, UserError
from base.release_camera import RELEASE_CAMERA
from base.set_type import SetType
from dataset import open_split
from dataset.labels import parse_label
from dataset.tree import index as index_module
from dataset.tree.mocap import Mocap

TRAIN = SetType.TRAIN


def test_what_does_not_pair_is_named_once_however_often_a_set_is_opened(tmp_path, capsys):
    folder = release.fill(tmp_path, (1, 3, 4))
    release.write_label(folder, 2)
    release.write_picture(folder, 5)
    assert len(Mocap(tmp_path, TRAIN)) == 3
    printed = capsys.readouterr().err
    assert "1 picture without label: " in printed and ".rgba.000005.png" in printed
    assert "1 label without picture: " in printed and "_000002.json" in printed
    Mocap(tmp_path, TRAIN)
    assert "without" not in capsys.readouterr().err


@pytest.mark.parametrize("channels", [3, 4])
def test_picture_labels_and_camera_are_cropped_together(tmp_path, channels):
    folder = release.camera_folder(tmp_path)
    release.write_label(folder, 3, action="Juggling")
    release.write_picture(folder, 3, channels)
    assert open_split(tmp_path, TRAIN)[0].image.shape == (800, 800, 3)
    data = open_split(tmp_path, TRAIN, 200)
    frame = data[0]
    assert frame.image.shape == (200, 200, 3) and (frame.image == 3).all()
    expected = data.camera.project(release.pose_for(3))
    np.testing.assert_allclose(frame.joints2d, expected, atol=1e-3)
    labels = data.annotations()
    np.testing.assert_array_equal(labels.joints2d[0], frame.joints2d)
    assert labels.actions == ["Juggling"] and frame.action == "Juggling"


def test_visible_is_inside_the_square_within_the_lenss_range_and_not_hidden(tmp_path):
    names = list(release.FILE_JOINTS)
    points = np.tile([0.0, 0.0, 50.0], (len(names), 1))
    points[names.index("Head")] = [20.0, 0.0, -20.0]  # 135° off the axis
    pixels = RELEASE_CAMERA.project(points, clamp=True)
    pixels[names.index("LeftHand")] = [100.0, 400.0]  # in the picture, beside the square
    seen = [name != "RightFoot" for name in names]
    folder = release.camera_folder(tmp_path)
    release.write_picture(folder, 1)
    release.write_label(
        folder, 1, pts3d_fisheye=points.T.tolist(), pts2d_fisheye=pixels.T.tolist(), visible=seen
    )
    data = open_split(tmp_path, TRAIN, 100)
    hidden = {release.JOINTS[row] for row in np.flatnonzero(~data[0].visible)}
    assert hidden == {"Head", "LeftHand", "RightFoot"}
    assert np.array_equal(data.annotations().visible[0], data[0].visible)


@pytest.mark.parametrize(("knowing", "known"), [((), False), ((1, 2), True), ((1,), False)])
def test_occlusion_is_known_if_all_labels_know_it(knowing, known, tmp_path):
    folder = release.fill(tmp_path / "tree", (1, 2))
    for number in knowing:
        release.write_label(folder, number, visible=[True] * len(release.FILE_JOINTS))
    for root in (tmp_path / "tree", pack(tmp_path / "tree", tmp_path / "packed")):
        assert open_split(root, TRAIN, 64).annotations().occlusion_known == known


HEAD = {"name": "mixamorig:Head"}


def bad_labels() -> dict[str, str]:
    """Reason → content of the file."""
    good = release.label_for(1)
    with_nan, far = (np.array(good["pts3d_fisheye"]) for _ in range(2))
    with_nan[0, 3] = np.nan
    far[:] = 0
    far[2, 5] = 1000.1
    near, count = (np.array(good["pts3d_fisheye"]) / 100).tolist(), len(good["joints"])
    changes = {
        "no joint Neck": {"joints": [j for j in good["joints"] if "Neck" not in j["name"]]},
        "not finite": {"pts3d_fisheye": with_nan.tolist()},
        "its action is no text": {"action": 3},
        "over 10 m from the camera": {"pts3d_fisheye": far.tolist()},
        "pts2d_fisheye": {"pts2d_fisheye": [[1.0], [2.0]]},
        ": labels are not arrays": {"pts3d_fisheye": [[10**400]]},
        "more than one joint Head": {"joints": [*good["joints"][:-1], HEAD]},
        "span 0 m": {"pts3d_fisheye": np.full((3, count), 50.0).tolist()},
        "are they centimetres?": {"pts3d_fisheye": near},
        "over 1e+06 pixels": {"pts2d_fisheye": np.full((2, count), 1e30).tolist()},
        "values than 0 and 1": {"visible": [2] * count},
        "its action '' is empty": {"action": ""},
        r"action 'a\x1b' is": {"action": "a\x1b"},
        r"action '\ud800' is": {"action": "\ud800"},
        "action '../a' is": {"action": "../a"},
        "visible (2,)": {"visible": [True, False]},
    }
    found = {reason: json.dumps(good | change) for reason, change in changes.items()}
    found["not valid JSON"] = json.dumps(good)[:100]
    found["or nested too deeply"] = "[" * 100_000
    found["has no 'action'"] = json.dumps({k: v for k, v in good.items() if k != "action"})
    return found


@pytest.mark.parametrize(("reason", "content"), bad_labels().items())
def test_a_bad_label_is_refused_with_its_reason_in_one_line(reason, content):
    with pytest.raises(BrokenFrameError, match=r"^label: ") as caught:
        parse_label(content.encode(), "label")
    assert reason in str(caught.value) and "\n" not in str(caught.value)


def test_missing_and_empty_sets_say_what_to_do(tmp_path):
    refused(r"no TrainSet in .*make_synthetic", open_split, tmp_path, TRAIN)
    (tmp_path / "ValSet").mkdir()
    refused(r"ValSet: no frame can be used: no label: give", open_split, tmp_path, SetType.VAL)
    assert not [*(tmp_path / "ValSet").iterdir()]  # nothing is kept beside nothing
    folder = release.camera_folder(tmp_path, "TestSet")
    release.write_label(folder, 1)
    release.write_picture(folder, 2)
    with pytest.raises(UserError, match=r"1 picture without label.*; 1 labels have no picture$"):
        open_split(tmp_path, SetType.TEST)


@pytest.mark.parametrize(("action", "later"), [("talking", 1), ("running far", 0), (None, 0)])
def test_the_second_start_reads_labels_only_after_a_change(tmp_path, monkeypatch, action, later):
    folder = release.fill(tmp_path, (1, 2))
    first = Mocap(tmp_path, TRAIN).annotations()
    read = []
    monkeypatch.setattr(
        index_module, "parse_label", lambda *given: read.append(1) or parse_label(*given)
    )
    second = Mocap(tmp_path, TRAIN).annotations()
    assert read == [] and np.array_equal(first.joints3d, second.joints3d)
    assert first.actions == second.actions
    if action is None:
        release.fill(tmp_path, [3])
        assert len(Mocap(tmp_path, TRAIN)) == len(read) == 3
        return
    path = release.label_path(folder, 1)
    content, stat = path.read_text(), path.stat()
    path.write_text(content.replace("walking", action))
    # The size alone tells, and so does the time: a clock may be coarse.
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + later))
    assert Mocap(tmp_path, TRAIN)[0].action == action


def test_a_joint_may_be_ten_metres_away():
    points = np.zeros((3, len(release.FILE_JOINTS)))
    points[2] = 1000.0
    points[0, release.FILE_JOINTS.index("Head")] = 30.0
    content = release.label_for(1) | {"pts3d_fisheye": points.tolist()}
    label = parse_label(json.dumps(content).encode(), "label")
    assert label.joints3d[0].tolist() == [0, 0, 10]
