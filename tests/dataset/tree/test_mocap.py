"""Reading the extracted layout: pairing by frame number, bad labels, bad pictures, the cache."""

import json
import os

import numpy as np
import pytest
import release

from base.camera import RELEASE_CAMERA
from base.errors import BrokenFrameError, UserError
from base.set_type import SetType
from dataset import open_split
from dataset.labels import parse_label
from dataset.pictures import read_bytes
from dataset.transforms import SquareCrop
from dataset.tree import index as index_module
from dataset.tree.mocap import Mocap


def read_label(path):
    return parse_label(read_bytes(path), path)


def test_frames_are_paired_by_number_when_either_side_has_a_gap(tmp_path, capsys):
    folder = release.camera_folder(tmp_path)
    # As in the official release: as many pictures as labels, but shifted against each other.
    for number in (1, 2, 3, 4):
        release.write_label(folder, number)
    for number in (1, 3, 4, 5):
        release.write_picture(folder, number)
    data = Mocap(tmp_path, SetType.TRAIN)
    assert [data.frame_id(i).number for i in range(len(data))] == [1, 3, 4]
    for i in range(len(data)):
        frame = data[i]
        number = frame.frame_id.number
        assert (frame.image == number).all()
        assert np.allclose(frame.joints3d, release.pose_for(number), atol=1e-6)
    told = capsys.readouterr().err
    assert "1 picture without label: " in told and ".rgba.000005.png" in told
    assert "1 label without picture: " in told and "_000002.json" in told


def test_joints_are_selected_by_name_and_projected_consistently(tmp_path):
    label = read_label(release.write_label(release.camera_folder(tmp_path), 7))
    assert np.allclose(label.joints3d, release.pose_for(7), atol=1e-6)
    assert np.allclose(label.joints2d, RELEASE_CAMERA.project(release.pose_for(7)), atol=1e-3)


@pytest.mark.parametrize("channels", [3, 4])
def test_pictures_have_three_or_four_channels(tmp_path, channels):
    folder = release.camera_folder(tmp_path)
    release.write_label(folder, 9)
    release.write_picture(folder, 9, channels)
    image = Mocap(tmp_path, SetType.TRAIN)[0].image
    assert image.shape == (800, 1280, 3) and (image == 9).all()


def test_the_square_crop_keeps_labels_camera_and_picture_together(tmp_path):
    folder = release.camera_folder(tmp_path)
    release.write_label(folder, 3)
    release.write_picture(folder, 3)
    data = open_split(tmp_path, SetType.TRAIN, 200)
    frame = data[0]
    assert frame.image.shape == (200, 200, 3)
    assert np.allclose(frame.joints2d, data.camera.project(frame.joints3d), atol=1e-3)
    assert np.allclose(data.annotations().joints2d[0], frame.joints2d)


def test_labels_without_any_picture_folder_serve_the_lifting_stage_only(tmp_path, capsys):
    folder = release.camera_folder(tmp_path)
    release.write_label(folder, 1)
    release.write_picture(folder, 1)
    labels_only = release.camera_folder(tmp_path, env="env_002")
    (labels_only / "rgba").rmdir()
    release.write_label(labels_only, 2)
    assert len(Mocap(tmp_path, SetType.TRAIN)) == 1
    assert len(Mocap(tmp_path, SetType.TRAIN, pictures=False).annotations()) == 2
    assert "without" not in capsys.readouterr().err


def test_an_unknown_action_is_kept(tmp_path):
    folder = release.camera_folder(tmp_path)
    release.write_label(folder, 1, action="Juggling")
    release.write_picture(folder, 1)
    assert Mocap(tmp_path, SetType.TRAIN)[0].action == "Juggling"


def bad_labels() -> dict[str, dict]:
    good = release.label_for(1)
    no_neck = [j for j in good["joints"] if j["name"] != "mixamorig:Neck"]
    with_nan = np.array(good["pts3d_fisheye"])
    with_nan[0, 3] = np.nan
    far = np.array(good["pts3d_fisheye"]) * 1000
    return {
        "no joint Neck": {"joints": no_neck},
        "not finite": {"pts3d_fisheye": with_nan.tolist()},
        "m from the camera": {"pts3d_fisheye": far.tolist()},
        "pts2d_fisheye": {"pts2d_fisheye": [[1.0], [2.0]]},
        "not arrays of numbers": {"pts3d_fisheye": "left"},
        ": labels are not arrays": {"pts3d_fisheye": [[10**400]]},
        "labels are not arrays of": {"joints": [{"name": 3} for _ in good["joints"]]},
        "visible (2,)": {"visible": [True, False]},
    }


@pytest.mark.parametrize(("reason", "change"), bad_labels().items())
def test_a_bad_label_is_skipped_counted_and_named(tmp_path, capsys, reason, change):
    folder = release.camera_folder(tmp_path)
    for number in (1, 2):
        release.write_picture(folder, number)
    release.write_label(folder, 1)
    path = release.write_label(folder, 2, **change)
    with pytest.raises(BrokenFrameError, match=r"_000002\.json: ") as caught:
        read_label(path)
    assert reason in str(caught.value) and "\n" not in str(caught.value)
    assert len(Mocap(tmp_path, SetType.TRAIN)) == 1
    assert "1 broken label: " in capsys.readouterr().err


def test_a_label_that_is_no_json_or_lacks_a_key_is_broken(tmp_path):
    folder = release.camera_folder(tmp_path)
    path = release.write_label(folder, 1)
    for text in (path.read_text()[:100], "[" * 100_000):
        path.write_text(text)
        with pytest.raises(BrokenFrameError, match="not valid json"):
            read_label(path)
    content = release.label_for(1)
    del content["action"]
    path.write_text(json.dumps(content))
    with pytest.raises(BrokenFrameError, match="has no 'action'"):
        read_label(path)


def test_a_picture_cut_off_or_of_another_size_is_broken(tmp_path):
    folder = release.camera_folder(tmp_path)
    for number in (1, 2):
        release.write_label(folder, number)
    whole = release.write_picture(folder, 1).read_bytes()
    release.picture_path(folder, 1).write_bytes(whole[: len(whole) // 2])
    small = release.write_picture(folder, 2)
    small.write_bytes(whole)
    import cv2

    cv2.imwrite(str(small), np.zeros((80, 128, 3), np.uint8))
    data = Mocap(tmp_path, SetType.TRAIN)
    with pytest.raises(BrokenFrameError, match=r"rgba\.000001\.png"):
        data[0]
    with pytest.raises(BrokenFrameError, match="128×80"):
        data[1]


def test_missing_and_empty_sets_say_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"no TrainSet in .*make_synthetic"):
        Mocap(tmp_path, SetType.TRAIN)
    (tmp_path / "ValSet").mkdir()
    with pytest.raises(UserError, match="no labelled frame"):
        Mocap(tmp_path, SetType.VAL)
    folder = release.camera_folder(tmp_path, "TestSet")
    release.write_label(folder, 1)
    release.write_picture(folder, 2)
    with pytest.raises(UserError, match="no picture of the same frame number"):
        Mocap(tmp_path, SetType.TEST, report=False)


def test_the_second_start_reads_no_label_and_a_change_on_disk_is_seen(tmp_path, monkeypatch):
    folder = release.camera_folder(tmp_path)
    for number in (1, 2):
        release.write_label(folder, number)
        release.write_picture(folder, number)
    first = Mocap(tmp_path, SetType.TRAIN).annotations()
    read = []

    def counting(path):
        read.append(path)
        return read_label(path)

    monkeypatch.setattr(index_module, "read_label", counting)
    second = Mocap(tmp_path, SetType.TRAIN).annotations()
    assert read == []
    assert np.array_equal(first.joints3d, second.joints3d) and first.actions == second.actions
    release.write_label(folder, 3)
    release.write_picture(folder, 3)
    assert len(Mocap(tmp_path, SetType.TRAIN)) == 3
    assert len(read) == 3


@pytest.mark.parametrize(("action", "later"), [("talking", 1), ("running far", 0)])
def test_a_label_rewritten_in_place_is_read_again(tmp_path, action, later):
    folder = release.camera_folder(tmp_path)
    path = release.write_label(folder, 1)
    release.write_picture(folder, 1)
    Mocap(tmp_path, SetType.TRAIN)
    content, stat = path.read_text(), path.stat()
    path.write_text(content.replace("walking", action))
    # The size alone tells, and so does the time: a clock may be coarse.
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + later))
    assert Mocap(tmp_path, SetType.TRAIN)[0].action == action


def test_the_cache_is_readable_for_whom_the_umask_lets_read(tmp_path):
    folder = release.camera_folder(tmp_path)
    release.write_label(folder, 1)
    release.write_picture(folder, 1)
    before = os.umask(0o027)
    try:
        Mocap(tmp_path, SetType.TRAIN)
    finally:
        os.umask(before)
    assert (tmp_path / "TrainSet" / ".index.npz").stat().st_mode & 0o777 == 0o640


def test_a_damaged_cache_is_built_anew(tmp_path):
    folder = release.camera_folder(tmp_path)
    release.write_label(folder, 1)
    release.write_picture(folder, 1)
    Mocap(tmp_path, SetType.TRAIN)
    cache = tmp_path / "TrainSet" / ".index.npz"
    cache.write_bytes(cache.read_bytes()[:200])
    assert len(Mocap(tmp_path, SetType.TRAIN)) == 1


def test_the_square_crop_is_the_references_columns_and_keeps_a_fitting_picture():
    picture = np.zeros((800, 1280, 3), np.uint8)
    picture[:, 240:1040] = 255
    assert (SquareCrop(368).image(picture) == 255).all()
    fitting = np.random.default_rng(0).integers(0, 256, (368, 368, 3), np.uint8)
    assert np.array_equal(SquareCrop(368, 368, 368).image(fitting), fitting)


def test_points_go_through_the_crop_and_back():
    crop = SquareCrop(368)
    points = np.random.default_rng(0).uniform(0, 800, (20, 2))
    assert np.allclose(crop.points_back(crop.points(points)), points)
    # The crop's first pixel area keeps its outer edge.
    assert np.allclose(crop.points(np.array([239.5, -0.5])), [-0.5, -0.5])
