"""Poses and errors of an evaluation on disk."""

import csv

import numpy as np
import pytest
from commands import refused

from base.frame import FrameId
from utils.evaluation.poses import Poses, joined, keep_joints, read_poses


def poses(count: int, first: int = 0, uncertainty: bool = True) -> Poses:
    rng = np.random.default_rng(first)
    predicted, target = rng.normal(size=(2, count, 16, 3)).astype(np.float32)
    identities = [FrameId("male_001_a_a", "env_001", first + number) for number in range(count)]
    radii = rng.random((count, 16)) if uncertainty else None
    visible = rng.random((count, 16)) < 0.5
    actions, own = ['a "quoted", clip'] * count, rng.normal(size=(count, 3))
    return Poses(predicted, target, actions, identities, visible, radii, raw_neck=own)


def test_batches_joined_saved_and_read_are_the_poses_in_their_order(tmp_path):
    batches = poses(2), poses(1, first=2)
    both = joined(batches, np.full((16, 3), 7.0))
    both.save(tmp_path / "poses.npz")
    stored = read_poses(tmp_path / "poses.npz")
    for found in (both, stored):
        for name in ("predicted", "target"):
            parts = [getattr(batch, name) for batch in batches]
            assert np.array_equal(getattr(found, name), np.concatenate(parts))
        assert [frame_id.number for frame_id in found.frame_ids] == [0, 1, 2]
        assert found.frame_ids[2] == FrameId("male_001_a_a", "env_001", 2)
        assert found.actions == ['a "quoted", clip'] * 3
    assert np.array_equal(both.visible[2], batches[1].visible[0])
    assert np.array_equal(both.raw_neck[2], batches[1].raw_neck[0])
    written = np.load(tmp_path / "poses.npz")
    assert written["uncertainty"].shape == (3, 16)
    assert np.array_equal(written["raw_neck"], both.raw_neck)
    alone = joined([poses(1, uncertainty=False)], None)
    assert alone.uncertainty is None
    alone.save(tmp_path / "alone.npz")
    assert "uncertainty" not in np.load(tmp_path / "alone.npz").files


def test_joints_that_are_not_labelled_are_kept_as_such(tmp_path):
    found = poses(2)
    found.target[0, 8:], found.target[1, 11] = np.nan, np.nan
    found.save(tmp_path / "poses.npz")
    stored = read_poses(tmp_path / "poses.npz")
    assert np.array_equal(stored.target, found.target, equal_nan=True)
    found.write_csv(tmp_path / "frames.csv")
    head, *lines = csv.reader((tmp_path / "frames.csv").open(encoding="utf-8"))
    first, second = (dict(zip(head, line, strict=True)) for line in lines)
    assert first["mpjpe_lower"] == "" and float(first["mpjpe"]) == float(first["mpjpe_upper"])
    assert second["mpjpe_lower"] == f"{np.delete(found.joint_errors[1], 11)[8:].mean():.4f}"
    common = keep_joints(found, ["Neck", "LeftHand", "LeftToeBase"])
    assert np.flatnonzero(common.known[0]).tolist() == [0, 4]
    assert np.flatnonzero(common.known[1]).tolist() == [0, 4]
    assert np.isfinite(found.target[1, 5]).all() and common.mpjpe[1] == pytest.approx(
        found.joint_errors[1, 4] / 2
    )


def test_each_frame_has_a_line_with_its_errors_under_their_names(tmp_path):
    found = joined([poses(2)], np.zeros((16, 3)))
    found.actions[1] = "walking"
    found.write_csv(tmp_path / "frames.csv")
    head, first, second = (tmp_path / "frames.csv").read_text().splitlines()
    about, names = head.split(",")[:5], head.split(",")[5:]
    assert about == ["character", "environment", "frame", "action", "group"]
    assert names[:4] == ["mpjpe", "mpjpe_upper", "mpjpe_lower", "pa_mpjpe"] and len(names) == 18
    assert first.startswith(f'male_001_a_a,env_001,0,"a ""quoted"", clip",,{found.mpjpe[0]:.4f}')
    *about, group = second.split(",")[:5]
    assert about == ["male_001_a_a", "env_001", "1", "walking"] and group == "Walking"
    cells = dict(zip(names, second.split(",")[5:], strict=True))
    for name, column in (("mpjpe", 0), ("absolute", 1), ("mpjpe_mean_pose", 2)):
        suffix = ("", "_upper", "_lower")[column]
        assert cells[name + suffix] == f"{found.part_errors[name][1, column]:.4f}"


def test_missing_damaged_and_other_files_are_refused(tmp_path):
    path = tmp_path / "poses.npz"
    refused(r"demo\.py run", read_poses, path)
    poses(3).save(path)
    whole, arrays = path.read_bytes(), dict(np.load(path))
    # Cut off, and with other bytes: in an array's header, in its numbers, and in the directory.
    changed = [whole[:at] + b"\xff\xff" + whole[at + 2 :] for at in (60, 500, len(whole) - 20)]
    for content in (b"", b"no archive", whole[: len(whole) // 2], *changed):
        path.write_bytes(content)
        refused("damaged", read_poses, path)
    target, numbers = arrays["target"], arrays["frame"]
    for other in (
        *({"target": target[:2]}, {"target": target[:, :15]}, {"frame": numbers[:2]}),
        *({"frame": 3}, {"camera": "[" * 9000}, {"camera": "{}"}),
        *({"predicted": np.full_like(target, np.nan)}, {"predicted": target.astype(str)}),
    ):
        np.savez(path, **(arrays | other))
        refused("not the poses of an evaluation", read_poses, path)
    with path.open("wb") as file:
        np.save(file, target)
    refused("no arrays of numbers", read_poses, path)
