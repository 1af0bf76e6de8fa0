"""What is wrong with a label: its bones, its projection, its values."""

import numpy as np
import pytest
import release

from base.frame import FrameId
from base.release_camera import RELEASE_CAMERA
from base.set_type import SetType
from base.skeleton import JOINTS, LIMBS
from dataset.check import SetReport, Shift, absurdity, pairing_by_position, projection_residual
from dataset.faults import OFF_CAMERA
from dataset.labels import Label

FRAME = FrameId("ann", "env_001", 1)


def label_of(joints3d, joints2d=None):
    joints2d = RELEASE_CAMERA.project(joints3d) if joints2d is None else joints2d
    return Label(joints2d, joints3d, np.ones(16, bool), "walking")


@pytest.mark.parametrize(
    ("length", "reason"),
    [(1.51, "a limb of 1.51 m"), (1.49, None), (1.1e-4, None), (0.9e-4, "a limb of no length")],
)
def test_bones_have_a_length_and_not_that_of_a_person(length, reason):
    pose = np.zeros((16, 3))
    pose[:, 0] = 0.1 * (np.arange(16) % 5)  # no limb without length
    parent, child = LIMBS[2]
    pose[child] = pose[parent] + [0, length, 0]
    assert absurdity(label_of(pose)) == reason


def test_the_residual_is_the_largest_distance_among_joints_in_the_picture():
    pose = release.pose_for(3)
    pixels = RELEASE_CAMERA.project(pose)
    assert projection_residual(label_of(pose)) == pytest.approx(0, abs=1e-6)
    pixels[4] += [3.0, 4.0]
    pixels[5] += [0.0, 2.0]
    assert projection_residual(label_of(pose, pixels)) == pytest.approx(5.0)
    pixels[6] = [1280.0, 400.0]  # outside of the picture: left out
    assert projection_residual(label_of(pose, pixels)) == pytest.approx(5.0)
    assert projection_residual(label_of(pose, pixels + 5000)) is None


@pytest.mark.parametrize(("theta", "counts"), [(79.5, True), (80.5, False)])
def test_a_joint_behind_the_camera_counts_where_its_pixel_lies_near_the_axis(theta, counts):
    pose = np.tile([0.0, 0.0, 1.0], (16, 1))
    pose[7] = [0.5, 0.0, -0.5]
    pixels = RELEASE_CAMERA.project(pose)
    angle = np.radians(theta)
    pixels[7] = RELEASE_CAMERA.project(np.array([np.sin(angle), 0, np.cos(angle)]))
    assert (projection_residual(label_of(pose, pixels)) > 1) == counts


def test_labels_are_counted_and_faults_beyond_the_limit_noted():
    report = SetReport(SetType.TRAIN, [], [], frozenset())
    label = label_of(release.pose_for(2))
    label.joints2d[JOINTS.index("LeftHand")] = 500.0
    report.add_label(label, FRAME, "there", 5.0)
    [fault] = report.faults
    assert (fault.kind, fault.where, fault.frame_id) == (OFF_CAMERA, "there", FRAME)
    report.faults, report.residuals = [], []
    label = label_of(release.pose_for(2))
    report.add_label(label, FRAME, "there", projection_residual(label))
    outside = label_of(release.pose_for(2), label.joints2d + 5000)
    report.add_label(outside, FRAME, "there", 5.0)
    assert report.faults == [] and len(report.residuals) == 1 and report.actions.total() == 3
    report.residuals = [1.0, 2.0, 3.0, 100.0, 5.0]
    figures = report.residual_figures()
    assert (figures["median"], figures["max"]) == (3.0, 100.0)
    assert figures["p99"] == pytest.approx(100 - 0.04 * 95)


def test_pairing_by_position_goes_wrong_from_the_first_gap_to_the_last():
    shift = pairing_by_position("f", [5, 1, 2, 4], [1, 2, 3, 4, 6])
    assert shift == Shift("f", pictures=4, labels=5, mislabelled=2, first=4, last=5)
    assert pairing_by_position("f", [2, 1], [1, 2, 3]) is None
