"""BVH read back by somebody else's reader (pybvh): bones of constant length, joints in place."""

import re

import numpy as np
import pybvh
import pytest
from moving_body import moving, standing, written
from scipy.spatial.transform import Rotation

from base.skeleton import JOINTS
from utils.inference.sinks.bvh import BvhFormat, bvh_text, euler_zxy
from utils.motion.rig import CAMERA_TO_RIG
from utils.motion.solver import solve_clip


def read_back(tmp_path, clip, fps=30.0):
    """(F, 16, 3) metres in the file's axes, and the file as pybvh sees it."""
    file = pybvh.read_bvh_file(
        written(BvhFormat, tmp_path / "a.bvh", clip, np.arange(len(clip)) / fps, fps)
    )
    positions = file.joint_positions()
    rows = [file.joint_names.index(f"mixamorig:{name}") for name in JOINTS]
    return np.asarray(positions)[:, rows] / 100, file


def expected_places(clip):
    """The clip in the file's axes, the floor at zero as in the file."""
    places = clip @ CAMERA_TO_RIG.T
    places[..., 1] -= np.median(places[..., 1].min(1))
    return places


def test_joints_are_where_the_poses_have_them_with_bones_of_median_length(tmp_path):
    clip = moving(40)
    given = clip.copy()
    given[::4, 1] += (clip[::4, 1] - clip[::4, 0]) / 2  # Head: too far in a quarter of the frames
    found, file = read_back(tmp_path, given, fps=25.0)
    assert file.frame_count == 40 and file.fps == pytest.approx(25.0, rel=1e-8)
    assert np.abs(found - expected_places(clip)).max() < 1e-4


def test_left_is_left_up_is_up_and_the_face_looks_along_z(tmp_path):
    found, _ = read_back(tmp_path, np.repeat(standing()[None], 2, 0))
    joint = dict(zip(JOINTS, found[0], strict=True))
    assert joint["LeftArm"][0] > 0.1 > -0.1 > joint["RightArm"][0]
    assert joint["Head"][1] > joint["LeftUpLeg"][1] > joint["LeftToeBase"][1]
    assert joint["LeftToeBase"][1] == pytest.approx(0, abs=1e-4)
    assert joint["LeftToeBase"][2] > joint["LeftFoot"][2]


def test_the_rest_pose_is_a_t_pose_in_centimetres(tmp_path):
    _, file = read_back(tmp_path, moving(5))
    rest = np.asarray(file.rest_pose_positions())
    named = dict(zip([node.name for node in file.nodes], rest.reshape(-1, 3), strict=True))
    hand, arm = named["mixamorig:LeftHand"], named["mixamorig:LeftArm"]
    assert hand[1] == pytest.approx(arm[1], abs=1e-3) and 40 < hand[0] - arm[0] < 60


@pytest.mark.parametrize("fps", [30.0, 30000 / 1001, 119.88])
def test_a_constant_rate_in_rounded_timestamps_plays_in_exactly_its_time(tmp_path, fps):
    # Milliseconds, as of Matroska; a 30 fps clip once got a frame time of 0.033 s.
    clip, seconds = moving(200), 199 / fps
    times = [round(k / fps, 3) for k in range(200)]
    text = written(BvhFormat, tmp_path / "a.bvh", clip, times, fps).read_text()
    motion = solve_clip(clip)
    motion.root[:, 1] -= np.median((clip @ CAMERA_TO_RIG.T)[..., 1].min(1))  # the floor is at 0
    assert text == bvh_text(motion, fps)
    frame_time = float(re.search(r"Frame Time: (\S+)", text)[1])
    assert 199 * frame_time == pytest.approx(seconds, abs=1e-6)


def test_gaps_of_hours_are_left_out_the_frames_after_them_keep_their_pace(tmp_path):
    times = [0, 1, 3601, 3602, 9999, 10000]
    written(BvhFormat, tmp_path / "a.bvh", moving(6), times, 30.0)
    # Steps 0, 30, then 31, 61, then 62, 92.
    assert "\nFrames: 93\n" in (tmp_path / "a.bvh").read_text()


def test_frames_that_round_to_one_step_are_resampled(tmp_path):
    # 10 s of a camera at --fps 0.01, and two frames a tenth of a step apart.
    for times, fps, frames in (([0, 5.0, 10.0], 0.01, 1), ([0, 0.096, 0.105], 10.0, 2)):
        text = written(BvhFormat, tmp_path / "a.bvh", moving(3), times, fps).read_text()
        assert f"\nFrames: {frames}\n" in text


def test_a_variable_rate_is_resampled_so_that_every_pose_is_at_its_time(tmp_path):
    # Along x and about the vertical at constant speed, seen at 30 frames a second, then at 10, with
    # gaps to fill.
    times = np.concatenate([np.arange(30) / 30, 1 + np.arange(21) / 10])
    turns = Rotation.from_euler("z", 40 * times[:, None], degrees=True)
    clip = np.stack([turn.apply(standing()) for turn in turns])
    clip[..., 0] += times[:, None]
    file = pybvh.read_bvh_file(written(BvhFormat, tmp_path / "a.bvh", clip, times, 20.0))
    assert file.frame_count == 61 and file.fps == pytest.approx(20, rel=1e-8)
    row = file.joint_names.index("mixamorig:Hips")
    places = np.asarray(file.joint_positions()) / 100
    assert np.abs(places[:, row, 0] - np.arange(61) / 20).max() < 1e-4
    legs = [file.joint_names.index(f"mixamorig:{side}UpLeg") for side in ("Left", "Right")]
    across = places[:, legs[0]] - places[:, legs[1]]
    turned = np.unwrap(np.arctan2(across[:, 2], across[:, 0]))
    assert np.abs(np.degrees(turned) - 2 * np.arange(61)).max() < 0.1


def test_angles_do_not_jump_between_frames_nor_when_looking_straight_up():
    turns = Rotation.from_euler("Y", np.linspace(0, 720, 100)[:, None], degrees=True)
    angles = euler_zxy(turns)
    assert np.abs(np.diff(angles, axis=0)).max() < 10
    assert angles[-1] == pytest.approx([0, 0, 720], abs=1e-6)
    up = Rotation.from_euler("ZX", [30, 90], degrees=True)
    assert euler_zxy(Rotation.concatenate([up]))[0] == pytest.approx([30, 90, 0], abs=1e-4)


def test_opposite_bones_make_half_a_turn(tmp_path):
    pose = standing()
    for side, x in (("Left", 1), ("Right", -1)):
        # From one shoulder through the other.
        pose[JOINTS.index(f"{side}ForeArm")] = -0.1 * x, 0, 0.22
        pose[JOINTS.index(f"{side}Hand")] = -0.35 * x, 0, 0.22
    clip = np.repeat(pose[None], 2, 0)
    assert np.abs(read_back(tmp_path, clip)[0] - expected_places(clip)).max() < 1e-4
