"""Rotations of a skeleton: what goes in comes back out, and twists that joints allow."""

import numpy as np
import pytest
from moving_body import moving, standing
from scipy.spatial.transform import Rotation

from base.skeleton import JOINTS
from utils.motion.rig import (
    CAMERA_TO_RIG,
    JOINT_ROWS,
    NUM_RIG_JOINTS,
    PARENTS,
    REST,
    RIG_JOINTS,
    forward_kinematics,
)
from utils.motion.solver import LiveSolver, Motion, bone_lengths, median_offsets, solve, solve_clip

#: A body in metres: bones by the start of their joint's name.
LENGTHS = {"Spine1": 0.45, "Neck": 0.07, "Head": 0.07, "Arm": 0.16, "ForeArm": 0.26, "Hand": 0.23}
LENGTHS |= {"UpLeg": 0.07, "Leg": 0.38, "Foot": 0.42, "ToeBase": 0.155}
PLAIN = [name.removeprefix("Left").removeprefix("Right") for name in RIG_JOINTS]
OFFSETS = REST * [[LENGTHS.get(name, 0.0)] for name in PLAIN]


def row(name):
    return RIG_JOINTS.index(name)


def posed(**rotvecs):
    """Joints (16, 3) and global rotations (20, 3, 3) of a T-pose with local rotations, degrees."""
    local = np.zeros((NUM_RIG_JOINTS, 3))
    for name, rotvec in rotvecs.items():
        local[row(name)] = rotvec
    quaternions = Rotation.from_rotvec(local, degrees=True).as_quat()
    places, turned = forward_kinematics(OFFSETS, np.zeros((1, 3)), quaternions[None])
    return places[0, list(JOINT_ROWS)], turned[0]


def solved(joints3d):
    """Global rotations (20, 3, 3) found for joints in the rig's axes."""
    motion = solve(joints3d[None], OFFSETS)
    return forward_kinematics(*motion)[1][0]


def angle(first, second):
    return np.degrees(Rotation.from_matrix(first.T @ second).magnitude())


def test_forward_kinematics_is_that_of_quaternions_written_out():
    rng = np.random.default_rng(0)
    turns = Rotation.random(NUM_RIG_JOINTS, rng=rng).as_quat()
    places, _ = forward_kinematics(OFFSETS, np.array([[1.0, 2, 3]]), turns[None])

    def times(a, b):
        (*u, s), (*v, t) = a, b
        return np.array(
            [*(s * np.array(v) + t * np.array(u) + np.cross(u, v)), s * t - np.dot(u, v)]
        )

    at, whole = {0: np.array([1.0, 2, 3])}, {0: turns[0]}
    for k in range(1, NUM_RIG_JOINTS):
        q = whole[PARENTS[k]]
        moved = times(times(q, np.array([*OFFSETS[k], 0.0])), q * [-1, -1, -1, 1])
        at[k], whole[k] = at[PARENTS[k]] + moved[:3], times(q, turns[k])
    assert np.abs(places[0] - [at[k] for k in range(NUM_RIG_JOINTS)]).max() < 1e-12


def test_the_t_pose_is_the_identity():
    joints3d, _ = posed()
    named = dict(zip(JOINTS, joints3d, strict=True))
    assert named["LeftHand"][0] > 0.5 > -0.5 > named["RightHand"][0]
    assert named["Head"][1] > 0.5 and named["LeftFoot"][1] < -0.7
    assert named["LeftToeBase"][2] > 0.1 + named["LeftFoot"][2]
    motion = solve(joints3d[None], OFFSETS)
    assert np.abs(motion.rotations[0] - [0, 0, 0, 1]).max() < 1e-6
    assert np.abs(motion.root).max() < 1e-9


def test_bones_keep_their_lengths_and_joints_their_places():
    clip = moving(60)
    motion = solve_clip(clip)
    places, _ = forward_kinematics(*motion)
    assert np.abs(places[:, list(JOINT_ROWS)] - clip @ CAMERA_TO_RIG.T).max() < 1e-4
    assert np.abs(np.linalg.norm(motion.rotations, axis=-1) - 1).max() < 1e-9
    assert motion.rotations[..., 3].min() >= 0


def test_a_bone_is_as_long_as_the_median_of_both_sides():
    clip = np.repeat(standing()[None], 5, 0)
    forearm = [JOINTS.index("LeftForeArm"), JOINTS.index("LeftHand")]
    bone = clip[0, forearm[1]] - clip[0, forearm[0]]
    clip[:3, forearm[1]] += 0.1 * bone  # in three of five frames a tenth longer, on one side
    offsets = median_offsets(bone_lengths(clip @ CAMERA_TO_RIG.T))
    expected = 1.05 * np.linalg.norm(bone)
    for side in ("Left", "Right"):
        assert np.linalg.norm(offsets[row(f"{side}Hand")]) == pytest.approx(expected)


def test_joints_off_by_centimetres_are_met_within_a_few_millimetres():
    rng = np.random.default_rng(1)
    clip = moving(200)
    off = clip + rng.normal(0, 0.01, clip.shape)
    offsets = median_offsets(bone_lengths(clip @ CAMERA_TO_RIG.T))
    places, _ = forward_kinematics(*solve_clip(off, offsets))
    error = np.linalg.norm(places[:, list(JOINT_ROWS)] - off @ CAMERA_TO_RIG.T, axis=-1)
    assert 0.003 < error.mean() < 0.010


SIGN = {"Left": 1, "Right": -1}


@pytest.mark.parametrize("side", SIGN)
@pytest.mark.parametrize("twist", [-40, 0, 50])
def test_the_upper_arm_is_turned_as_the_elbow_bends(side, twist):
    # The elbow bends forward about the arm's y axis; the shoulder turns the arm about itself.
    turns = {f"{side}Arm": (twist, 0, 0), f"{side}ForeArm": (0, -70 * SIGN[side], 0)}
    joints3d, expected = posed(**turns)
    found = solved(joints3d)
    for name in ("Arm", "ForeArm", "Hand"):
        assert angle(found[row(side + name)], expected[row(side + name)]) < 8
    other = "Right" if side == "Left" else "Left"
    assert angle(found[row(f"{other}Arm")], np.eye(3)) < 1e-4


@pytest.mark.parametrize("side", SIGN)
@pytest.mark.parametrize("twist", [-25, 0, 25])
def test_the_thigh_is_turned_as_the_knee_bends_and_the_foot_points(side, twist):
    for bend, names in ((80, ("UpLeg", "Leg", "Foot")), (5, ("Foot",))):
        turns = {f"{side}UpLeg": (0, twist, 0), f"{side}Leg": (bend, 0, 0)}
        joints3d, expected = posed(**turns)
        found = solved(joints3d)
        for name in names:
            assert angle(found[row(side + name)], expected[row(side + name)]) < 10
    knee = joints3d[JOINTS.index(f"{side}Leg")]
    assert joints3d[JOINTS.index(f"{side}Foot")][2] < knee[2]  # bent backwards


def test_the_chest_faces_as_the_shoulders_and_the_head_as_the_camera():
    joints3d, expected = posed(Spine=(0, 40, 0))
    found = solved(joints3d)
    assert angle(found[row("Hips")], np.eye(3)) < 1e-4
    assert angle(found[row("Spine1")], expected[row("Spine1")]) < 1e-4
    assert angle(found[row("Spine")], np.eye(3)) == pytest.approx(20, abs=1)  # half of it
    assert angle(found[row("Head")], np.eye(3)) < 1e-4
    head = Rotation.from_euler("y", 30, degrees=True).as_matrix()
    motion = solve(joints3d[None], OFFSETS, head[None])
    assert angle(forward_kinematics(*motion)[1][0, row("Head")], head) < 1e-4


def test_elbow_and_knee_bend_no_further_than_they_can():
    joints3d, _ = posed(LeftForeArm=(0, -175, 0), RightLeg=(175, 0, 0))
    turned = solved(joints3d)
    assert angle(turned[row("LeftArm")], turned[row("LeftForeArm")]) == pytest.approx(150, abs=0.1)
    motion = solve(joints3d[None], OFFSETS)
    places, _ = forward_kinematics(*motion)
    shin = places[0, row("RightFoot")] - places[0, row("RightLeg")]
    thigh = places[0, row("RightLeg")] - places[0, row("RightUpLeg")]
    cosine = shin @ thigh / np.linalg.norm(shin) / np.linalg.norm(thigh)
    assert np.degrees(np.arccos(cosine)) == pytest.approx(155, abs=0.1)


def test_poses_without_extent_have_rotations():
    for joints3d in (np.zeros((2, 16, 3)), np.ones((2, 16, 3))):
        motion = solve_clip(joints3d)
        assert all(np.isfinite(values).all() for values in motion)


def test_live_bones_are_measured_and_then_stay():
    clip = moving(70)
    clip[60:] *= 1.3
    live, frames = LiveSolver(), []
    for pose in clip:
        frames.append(live(pose))
    known = solve_clip(clip[:60])
    assert np.allclose(frames[59].offsets, known.offsets)
    assert np.array_equal(frames[69].offsets, frames[59].offsets)
    assert np.allclose(frames[30].rotations, solve_clip(clip[:31]).rotations[30])
    given = LiveSolver(2 * known.offsets)(clip[0])
    assert isinstance(given, Motion) and np.array_equal(given.offsets, 2 * known.offsets)
