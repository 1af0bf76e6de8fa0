"""Readers of other sets against copies that independent code writes from the facts."""

import h5py
import numpy as np
import pytest
import scipy.io
from commands import refused
from other_sets import ego_body3m, mpi, unreal_ego

from base.errors import BrokenFrameError
from base.headset import load_headset
from base.set_type import SetType
from base.skeleton import HEAD, JOINTS
from dataset import data_format, open_split, scene_ego

TRAIN, VAL, TEST = SetType
TOES = [JOINTS.index(f"{side}ToeBase") for side in ("Left", "Right")]
#: Format → frames that its copy is made of, the writer, the joints it lacks, frames and headsets.
COPIES = {
    "scene_ego": ("scene_ego", mpi.write_scene_ego, [HEAD], 8),
    "ego_pw": ("mo2cap2", mpi.write_ego_pw, [HEAD], 6),
    "mo2cap2": ("mo2cap2", mpi.write_mo2cap2, [HEAD], 4),
    "unreal_ego": ("unreal_ego", unreal_ego.write_unreal_ego, [], 12),
    "ego_body3m": ("ego_body3m", ego_body3m.write_ego_body3m, TOES, 24),
}


@pytest.fixture
def copy(rendered_for, tmp_path):
    """Writes a format's copy, with what is to be wrong in it; its folder."""

    def write(name, **traps):
        rendered, writer, *_ = COPIES[name]
        writer(tmp_path / "set", rendered_for(rendered), **traps)
        return tmp_path / "set"

    return write


def opened(root, check=False, format=None):
    """The sets of a root, by type."""
    found = data_format(root, None, format)
    how = {"check": check, "report": False, "format": format}
    return {set_type: found(root, set_type, **how) for set_type in found.sets(root)}


def all_faults(root):
    """ "detail" of each of the faults of all sets."""
    return [str(fault) for data in opened(root, check=True).values() for fault in data.faults]


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_read_as_it_was_rendered(name, copy, rendered_for):
    rendered, _, lacks, count = COPIES[name]
    known = np.setdiff1d(range(16), lacks)
    frames = [
        f for each in rendered_for(rendered) for f in (each if type(each) is tuple else [each])
    ]
    sets = opened(copy(name))
    sets = {key: data for key, data in sets.items() if not data.aligned_only(key)}
    assert sum(map(len, sets.values())) == count
    for data in sets.values():
        for row in range(len(data)):
            values, seen = data.table.rows[row], data[row]
            joints, visible = values["joints3d"], values["visible"]
            assert np.isnan([*joints[lacks].flat, *seen.joints3d[lacks].flat]).all()
            assert not visible[lacks].any() and not seen.visible[lacks].any()
            off = [np.linalg.norm((f.joints3d - joints)[known], axis=-1).max() for f in frames]
            frame, headset = frames[np.argmin(off)], data.table.headsets[values["headset"]]
            assert min(off) < 1e-4
            pixels = headset.camera.project(frame.joints3d[known], clamp=True)
            pixels -= values["joints2d"][known]
            assert np.abs(pixels[visible[known]]).max() < 0.05
            # The network's view: x to the wearer's left, y forward, z down.
            truth = (frame.joints3d @ headset.rotation)[known]
            np.testing.assert_allclose(seen.joints3d[known], truth, atol=1e-4)
            if name != "mo2cap2":  # whose pictures are kept smaller
                alike = [f for f in frames if f.picture.shape == data.image(row).shape]
                picture = data.image(row).mean(-1)
                far = [np.abs(f.picture.mean(-1) - picture).mean() for f in alike]
                assert alike[np.argmin(far)] is frame and min(far) < 6


@pytest.mark.parametrize("name", ["scene_ego", "ego_pw", "ego_body3m"])
def test_labels_that_would_run_something_are_refused(name, copy, tmp_path):
    root = copy(name, mkdir=tmp_path / "ran")
    if name == "ego_body3m":  # sequences.py is read, not run
        assert len(opened(root)) == 3
    else:
        assert any("refused: it would call" in text for text in all_faults(root))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", COPIES)
def test_a_truncated_picture_is_a_broken_frame_and_the_others_are_read(name, copy):
    data = opened(copy(name, truncated=True))
    broken = 0
    for each in data.values():
        for index in range(len(each)):
            try:
                each[index]
            except BrokenFrameError as error:
                broken += "cut off" in str(error)
    assert broken == 1


def test_poses_that_are_none_or_nan_are_left_out_other_cameras_and_folders_refused(copy):
    root = copy("scene_ego", none=(1,), nan=(2,))
    faults = all_faults(root)
    for text in ("no pose", "a joint has a coordinate of NaN"):
        assert sum(text in fault for fault in faults) == 2  # one of each sequence
    assert sum(map(len, opened(root).values())) == 4
    refused("leave --headset out", open_split, root, TRAIN, headset=load_headset("mo2cap2"))


def test_clocks_pair_pictures_where_labels_do_not_name_them(copy, rendered_for):
    by_name = opened(copy("scene_ego"))[TEST]
    root = by_name.root
    for path in root.rglob("annotation.pkl"):
        path.unlink()
    by_clock = opened(root)[TEST]
    assert by_clock.by_clock and len(by_clock) == len(by_name)
    for row in range(len(by_name)):
        assert by_clock.picture_where(row) == by_name.picture_where(row)


def test_drift_adds_a_picture_each_thousand_labels():
    entries = [{"ext_id": 100 + n} for n in (-3, 0, 500, 501, 999, 1000, 1500, 1501, 2600)]
    data = scene_ego.SceneEgo.__new__(scene_ego.SceneEgo)
    data.choices = {"pairing": "drift"}
    sync = {"ego": 7, "ext": 100}
    expected = [0, 500, 502, 1000, 1001, 1501, 1503, 2603]
    assert data.by_clocks(entries, sync)[1:] == [7 + n for n in expected]
    data.choices = {"pairing": "sync"}
    assert data.by_clocks(entries, sync) == [each["ext_id"] - 93 for each in entries]


def test_a_download_in_part_works_with_what_is_whole(copy):
    root = copy("unreal_ego", half=True, prefix="./UnrealEgoData/")
    train = opened(root)[TRAIN]
    assert len(train) == 2 and len(train.table.rows) == 4
    assert any("1 of 2 frames" in text for text in all_faults(root))


def test_ego_body3m_fits_each_device(copy):
    data = opened(copy("ego_body3m", other_device=True), check=True)
    assert [len(one.table.headsets) for one in data.values()] == [4, 4, 4]
    for one in data.values():
        stated, rows = one.stated2d, one.table.rows
        # Those behind the camera are mirrored in the labels.
        seen = rows["visible"] & (rows["joints3d"][..., 2] > 0.02)
        off = np.linalg.norm(stated - rows["joints2d"], axis=-1)[seen]
        assert np.nanmax(off) < 0.5


def test_a_corrupt_json_is_named_and_the_rest_is_read(copy):
    root = copy("ego_body3m", corrupt=True)
    assert sum("frame0001.json" in text for text in all_faults(root)) == 1
    train = opened(root)[TRAIN]
    # One frame is too little for the lenses of the two cameras that hardly see the body.
    assert {each.environment for each in map(train.frame_id, range(len(train)))} == {"cam0", "cam3"}
    assert sum("needs 15" in text for text in all_faults(root)) == 2


def test_options_of_a_format_are_chosen_by_name(copy):
    root = copy("mo2cap2", bgr=True)
    plain, turned = (opened(root, format=f)[TRAIN] for f in (None, "mo2cap2:colour=bgr"))
    assert np.array_equal(plain.image(0)[..., ::-1], turned.image(0))
    assert plain.image(0).shape == (256, 256, 3) and plain.camera.width == 256
    for format, message in (
        ("mo2cap2:colour=red", "colour=rgb, colour=bgr"),
        ("ego_pw:colour=bgr", "no options|no TrainSet"),
        ("mocap2", "one of packed, xr_egopose, scene_ego"),
    ):
        refused(message, open_split, root, TRAIN, format=format)


def test_truth_in_another_frame_is_only_compared_after_alignment(copy, rendered_for):
    data = opened(copy("mo2cap2"))
    test = data[TEST]
    assert "motion capture" in test.aligned_only(TEST) and not data[TRAIN].aligned_only(TRAIN)
    assert not test.table.rows["visible"].any()
    frames = rendered_for("mo2cap2")
    known = np.setdiff1d(range(16), [HEAD])
    for index in range(len(test)):
        pose = test.table.rows[test._rows[index]]["joints3d"][known]
        gaps = np.linalg.norm(pose[:, None] - pose, axis=-1)
        own = test.image(test._rows[index]).mean(-1)
        frame = min(frames, key=lambda f: np.abs(f.picture.mean(-1) - own).mean())
        truth = frame.joints3d[known]
        np.testing.assert_allclose(gaps, np.linalg.norm(truth[:, None] - truth, axis=-1), atol=1e-4)


def test_a_root_of_no_format_lists_what_was_looked_for(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    found = refused(f"no TrainSet in {tmp_path}: looked for packed: ", open_split, tmp_path, TRAIN)
    for text in ("imgs and annotation.pkl", "train.txt", "mo2cap2_chunk_0001", "sequences.py"):
        assert text in found


def test_truth_in_matlabs_newer_files_is_read_alike(copy):
    root = copy("mo2cap2")
    [path] = root.rglob("olek_outdoor_gt.mat")
    before = opened(root)[TEST].table.rows["joints3d"]
    poses = scipy.io.loadmat(path)["pose_gt"]
    with h5py.File(path, "w", userblock_size=512) as file:
        file["pose_gt"] = poses.T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    after = opened(root)[TEST].table.rows["joints3d"]
    np.testing.assert_array_equal(before, after)
