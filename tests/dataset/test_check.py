"""What is wrong with a label: its bones, its projection; and what pairing by position would do."""

import json

import numpy as np
import pytest
import release
from commands import check_set

from base.frame import FrameId
from base.release_camera import RELEASE_CAMERA
from base.set_type import SetType
from base.skeleton import LIMBS
from dataset.annotations import Table
from dataset.check import Shift, measured
from dataset.labels import Label


def measures(joints3d, *joints2d):
    """Shortest and longest limb of a pose, and its residuals with each of these pixels."""
    labels = [Label(pixels, joints3d, np.ones(16, bool), "walking") for pixels in joints2d]
    frames = [FrameId("ann", "env_001", n) for n in range(len(labels))]
    shortest, longest, residuals = measured(Table.of(frames, labels))
    return shortest[0], longest[0], residuals.tolist()


def test_limbs_are_measured_and_the_residual_is_the_largest_among_joints_in_the_picture():
    pose = release.pose_for(3)
    pixels = np.stack([RELEASE_CAMERA.project(pose)] * 4)
    pixels[1:, 4] += [3.0, 4.0]
    pixels[1:, 5] += [0.0, 2.0]
    pixels[2, 6] = [1280.0, 400.0]  # outside of the picture: left out
    pixels[3] += 5000
    shortest, longest, residuals = measures(pose, *pixels)
    lengths = [np.linalg.norm(pose[a] - pose[b]) for a, b in LIMBS]
    assert (shortest, longest) == pytest.approx((min(lengths), max(lengths)))
    assert residuals == pytest.approx([0, 5, 5, np.nan], abs=1e-3, nan_ok=True)


@pytest.mark.parametrize(("theta", "counts"), [(79.5, True), (80.5, False)])
def test_a_joint_behind_the_camera_counts_where_its_pixel_lies_near_the_axis(theta, counts):
    pose = np.tile([0.0, 0.0, 1.0], (16, 1))
    pose[7] = [0.5, 0.0, -0.5]
    pixels = RELEASE_CAMERA.project(pose)
    angle = np.radians(theta)
    pixels[7] = RELEASE_CAMERA.project(np.array([np.sin(angle), 0, np.cos(angle)]))
    assert (measures(pose, pixels)[2][0] > 1) == counts


@pytest.mark.parametrize(
    ("length", "reason"),
    [(1.51, "a limb of 1.51 m"), (1.49, None), (1.1e-4, None), (0.9e-4, "a limb of no length")],
)
def test_bones_have_a_length_and_not_that_of_a_person(length, reason, tmp_path):
    pose = np.zeros((16, 3))
    pose[:, 0] = 0.1 * (np.arange(16) % 5)  # no limb without length
    pose[:, 2] = 0.6
    parent, child = LIMBS[2]
    pose[child] = pose[parent] + [0, length, 0]
    folder = release.fill(tmp_path, [1])
    content = release.label_for(1)
    for key, values in (("pts3d", pose * 100), ("pts2d", RELEASE_CAMERA.project(pose))):
        rows = np.array(content[f"{key}_fisheye"]).T
        rows[[release.FILE_JOINTS.index(name) for name in release.JOINTS]] = values
        content[f"{key}_fisheye"] = rows.T.tolist()
    release.label_path(folder, 1).write_text(json.dumps(content))
    report = check_set(tmp_path, SetType.TRAIN, pictures=False)
    assert [fault.detail for fault in report.faults] == ([reason] if reason else [])


def test_pairing_by_position_goes_wrong_from_the_first_gap_to_the_last(tmp_path):
    folder = release.fill(tmp_path, [1, 2, 4])
    release.write_picture(folder, 5)
    for number in (3, 6):
        release.write_label(folder, number)
    release.fill(tmp_path, [1, 2], env="env_002")
    release.label_path(folder, 4).write_text("{}")  # it is paired, though broken
    [shift] = check_set(tmp_path, SetType.TRAIN, pictures=False).shifts
    where = "TrainSet/female_001_a_a/env_001"
    assert shift == Shift(where, pictures=4, labels=5, mislabelled=2, first=4, last=5)
