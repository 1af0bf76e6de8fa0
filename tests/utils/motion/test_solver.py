"""Rotations of a skeleton: what goes in comes back out, and twists that joints allow."""

import numpy as np
import pytest
from kinematics import rebuilt
from moving_body import moving, standing
from scipy.optimize import minimize
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

    parents = {k: None if parent < 0 else parent for k, parent in enumerate(PARENTS)}
    at = rebuilt(parents, [[1.0, 2, 3], *OFFSETS[1:]], turns)
    assert np.abs(places[0] - [*at.values()]).max() < 1e-12


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
    # The neck shares what is between: 40 degrees of the chest, 60 of the head.
    head = Rotation.from_euler("y", 60, degrees=True).as_matrix()
    motion = solve(joints3d[None], OFFSETS, head[None])
    turned = forward_kinematics(*motion)[1][0]
    assert angle(turned[row("Head")], head) < 1e-4
    left = turned[row("Neck"), :, 0]
    assert np.degrees(np.arctan2(-left[2], left[0])) == pytest.approx(50, abs=3)


def test_a_trunk_that_is_too_long_is_met_half_way():
    joints3d, _ = posed()
    above = [JOINTS.index(name) for name in JOINTS if "Leg" not in name and "Foot" not in name]
    joints3d[[row for row in above if "Toe" not in JOINTS[row]], 1] += 0.04
    places, _ = forward_kinematics(*solve(joints3d[None], OFFSETS))
    assert places[0, row("Hips"), 1] == pytest.approx(0.02)
    assert places[0, row("Spine1"), 1] == pytest.approx(0.47)


def test_a_limb_is_as_near_as_its_bones_allow():
    # The least of the squared distances of elbow and hand, the hand's counted twice, by search.
    rng = np.random.default_rng(3)
    for _ in range(5):
        joints3d, _ = posed(LeftArm=rng.normal(0, 30, 3), LeftForeArm=(0, -60, 0))
        elbow, hand = (JOINTS.index(name) for name in ("LeftForeArm", "LeftHand"))
        joints3d[[elbow, hand]] += rng.normal(0, 0.04, (2, 3))
        places, _ = forward_kinematics(*solve(joints3d[None], OFFSETS))
        start = places[0, row("LeftArm")]

        def off(angles, joints3d=joints3d, start=start):
            ways = [[np.cos(b) * np.cos(a), np.sin(b), np.cos(b) * np.sin(a)] for a, b in angles]
            middle = start + 0.26 * np.array(ways[0])
            end = middle + 0.23 * np.array(ways[1])
            return ((middle - joints3d[3]) ** 2).sum() + 2 * ((end - joints3d[4]) ** 2).sum()

        first = rng.uniform(-1, 1, (20, 4))
        best = min(minimize(lambda x: off(x.reshape(2, 2)), x, tol=1e-12).fun for x in first)
        found = places[0, [row("LeftForeArm"), row("LeftHand")]]
        square = ((found - joints3d[[elbow, hand]]) ** 2).sum(1) @ [1, 2]
        assert square < 1.02 * best + 1e-7


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
    clip[25:] *= 1.1  # of most of the first 60
    clip[60:] *= 1.3
    live, frames = LiveSolver(), []
    for pose in clip:
        frames.append(live(pose[None]))
    known = solve_clip(clip[:60])
    assert np.allclose(frames[59].offsets, known.offsets)
    assert np.array_equal(frames[69].offsets, frames[59].offsets)
    assert np.allclose(frames[30].rotations, solve_clip(clip[:31]).rotations[30])
    given = LiveSolver(2 * known.offsets)(clip[:1])
    assert isinstance(given, Motion) and np.array_equal(given.offsets, 2 * known.offsets)
