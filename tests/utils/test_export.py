"""Poses and errors of an evaluation on disk."""

import numpy as np
import pytest

from base.errors import UserError
from base.frame import FrameId
from utils.evaluate import FrameResult, frame_error_names
from utils.export import read_poses, write_frames_csv, write_poses


def frames(count: int) -> list[FrameResult]:
    rng = np.random.default_rng(0)
    errors = tuple(float(i) for i in range(len(frame_error_names())))
    return [
        FrameResult(
            FrameId("male_001_a_a", "env_001", number),
            'a "quoted", clip',
            errors,
            *rng.normal(size=(2, 16, 3)).astype(np.float32),
        )
        for number in range(count)
    ]


def test_poses_come_back_as_they_were(tmp_path):
    write_poses(tmp_path / "poses.npz", frames(3))
    stored = read_poses(tmp_path / "poses.npz")
    for row, frame in enumerate(frames(3)):
        assert np.array_equal(stored.predicted[row], frame.predicted)
        assert np.array_equal(stored.target[row], frame.target)
        assert stored.frame_ids[row] == frame.frame_id and stored.actions[row] == frame.action


def test_the_first_error_column_is_the_mpjpe(tmp_path):
    assert frame_error_names()[:4] == ["mpjpe", "mpjpe_upper", "mpjpe_lower", "pa_mpjpe"]
    write_frames_csv(tmp_path / "frames.csv", frames(2))
    lines = (tmp_path / "frames.csv").read_text().splitlines()
    assert len(lines) == 3
    assert lines[1].startswith('male_001_a_a,env_001,0,"a ""quoted"", clip",,0.0000,1.0000')


def test_predictions_and_truth_of_different_length_are_refused(tmp_path):
    path = tmp_path / "poses.npz"
    write_poses(path, frames(3))
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
    write_poses(tmp_path / "poses.npz", frames(3))
    whole = (tmp_path / "poses.npz").read_bytes()
    for content in (b"", b"no archive", whole[: len(whole) // 2]):
        (tmp_path / "damaged.npz").write_bytes(content)
        with pytest.raises(UserError, match="damaged"):
            read_poses(tmp_path / "damaged.npz")
