"""Poses and errors of an evaluation on disk."""

import numpy as np
import pytest

from base.errors import UserError
from base.frame import FrameId
from utils.evaluation.poses import Poses, frame_error_names, read_poses, write_frames_csv


def poses(count: int) -> Poses:
    rng = np.random.default_rng(0)
    predicted, target = rng.normal(size=(2, count, 16, 3)).astype(np.float32)
    identities = [FrameId("male_001_a_a", "env_001", number) for number in range(count)]
    actions = ['a "quoted", clip'] * count
    return Poses(predicted, target, actions, identities, mean_pose=np.zeros((16, 3)))


def test_poses_come_back_as_they_were(tmp_path):
    saved = poses(3)
    saved.save(tmp_path / "poses.npz")
    stored = read_poses(tmp_path / "poses.npz")
    assert np.array_equal(stored.predicted, saved.predicted)
    assert np.array_equal(stored.target, saved.target)
    assert (stored.frame_ids, stored.actions) == (saved.frame_ids, saved.actions)


def test_each_frame_has_a_line_with_its_errors_under_their_names(tmp_path):
    names, found = frame_error_names(), poses(2)
    assert names[:4] == ["mpjpe", "mpjpe_upper", "mpjpe_lower", "pa_mpjpe"]
    frames = found.frames()
    write_frames_csv(tmp_path / "frames.csv", frames)
    lines = (tmp_path / "frames.csv").read_text().splitlines()
    assert len(lines) == 3 and lines[0].endswith(",".join(names))
    errors = found.part_errors
    assert frames[1].mpjpe == errors["mpjpe"][1, 0]
    for name, column in (("mpjpe", 0), ("absolute_upper", 1), ("mpjpe_mean_pose_lower", 2)):
        value = errors[name.removesuffix("_upper").removesuffix("_lower")][1, column]
        assert frames[1].errors[names.index(name)] == value
    assert lines[1].startswith(
        f'male_001_a_a,env_001,0,"a ""quoted"", clip",,{frames[0].mpjpe:.4f}'
    )


def test_predictions_and_truth_of_different_length_are_refused(tmp_path):
    path = tmp_path / "poses.npz"
    poses(3).save(path)
    with np.load(path) as stored:
        arrays = dict(stored)
    np.savez(path, **(arrays | {"target": arrays["target"][:2]}))
    with pytest.raises(UserError, match=r"differ in length .*3 predicted, 2 target"):
        read_poses(path)
    np.savez(path, **(arrays | {"target": arrays["target"][:, :15]}))
    with pytest.raises(UserError, match=r"not \(N, 16, 3\)"):
        read_poses(path)


def test_missing_and_damaged_files_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"demo\.py run"):
        read_poses(tmp_path / "poses.npz")
    poses(3).save(tmp_path / "poses.npz")
    whole = (tmp_path / "poses.npz").read_bytes()
    for content in (b"", b"no archive", whole[: len(whole) // 2]):
        (tmp_path / "damaged.npz").write_bytes(content)
        with pytest.raises(UserError, match="damaged"):
            read_poses(tmp_path / "damaged.npz")
