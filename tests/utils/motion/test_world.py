"""Motion in the room: a walk whose feet and path are known, seen from a head that nods."""

import numpy as np
import pytest
from commands import refused
from moving_body import standing
from scipy.spatial.transform import Rotation

from utils.inference.sinks.bvh import bvh_text
from utils.inference.sinks.glb import glb_bytes
from utils.motion.gravity import Gravity
from utils.motion.rig import CAMERA_TO_RIG, JOINT_ROWS, RIG_JOINTS, forward_kinematics
from utils.motion.solver import solve_clip
from utils.motion.world import World, upright

FPS = 30.0
SPEED = 0.9  # of the walk, metres a second
BALLS = [RIG_JOINTS.index(f"{side}ToeBase") for side in ("Left", "Right")]
ROWS = list(JOINT_ROWS)


def walk(frames, speed=SPEED):
    """Joints (F, 16, 3) and the path of the head (F, 3) in the room, y up, z ahead, of stiff legs
    that slide: 20 frames on the one foot, which stands still, 20 on the other, which passes it."""
    pose = standing() @ CAMERA_TO_RIG.T
    pose[:, 1] -= pose[:, 1].min()
    step = 20
    rows = {"Left": slice(8, 12), "Right": slice(12, 16)}
    clip, path = [], []
    at = {"Left": 0.0, "Right": 0.0}
    for k in range(frames):
        z = speed * k / FPS
        swing = "Left" if (k // step) % 2 else "Right"
        phase = (k % step + 1) / step
        if k % step == 0:
            start, goal = at[swing], speed * (k + 1.5 * step) / FPS
        at[swing] = start + (goal - start) * phase
        joints = pose + np.array([0, 0, z])
        for side, those in rows.items():
            joints[those] = pose[those] + [0, 0, at[side]]
            joints[those, 1] += 0.07 * np.sin(np.pi * phase) * (side == swing)
            hip, ankle = pose[those][0] + [0, 0, z], joints[those][2]
            joints[those.start] = hip
            joints[those.start + 1] = (hip + ankle) / 2 + [0, 0, 0.15]
        clip.append(joints)
        path.append([0, 0, z])
    return np.array(clip), np.array(path)


def seen_from(clip, path, turns):
    """Poses in the camera's axes of a head that was turned by (F,) rotations from upright."""
    head = path + np.array([0, 1.6, 0])
    away = np.stack(
        [turn.inv().apply(pose - at) for turn, pose, at in zip(turns, clip, head, strict=True)]
    )
    return away @ CAMERA_TO_RIG


def place(poses, world):
    motion = solve_clip(poses)
    placed = world.place(motion, np.arange(len(poses)) / FPS)
    return motion, *forward_kinematics(*placed)


def nodding(frames):
    """A head that looks down by up to 30 degrees."""
    angles = 15 - 15 * np.cos(np.arange(frames) / 9)
    return Rotation.from_euler("x", angles[:, None], degrees=True)


def test_a_walk_goes_as_far_as_its_feet_whatever_the_head_does():
    clip, path = walk(121)
    turns = nodding(121)
    down = turns.inv().apply([0, -1, 0])
    for world in (World(lambda time: down[round(time * FPS)]), World()):
        _, places, turned = place(seen_from(clip, path, turns), world)
        head = places[:, RIG_JOINTS.index("Head")]
        travel = head[-1] - head[0]
        assert travel[2] == pytest.approx(path[-1, 2], rel=0.15) and abs(travel[0]) < 0.05
        assert places[..., 1].min() > 0
    # The rotation of the head is its own.
    tilt = Rotation.from_matrix(turned[:, RIG_JOINTS.index("Head")])
    nods = tilt.as_euler("YXZ", degrees=True)[:, 1], turns.as_euler("YXZ", degrees=True)[:, 1]
    assert np.abs(np.subtract(*nods)).max() < 8


def test_a_foot_that_stands_does_not_slide_nor_sink():
    clip, path = walk(121)
    _, places, _ = place(seen_from(clip, path, nodding(121)), World())
    balls = places[:, BALLS]
    height = balls[..., 1].min()
    for k in (k for k in range(1, 121) if 3 < k % 20 < 17):
        side = (k // 20) % 2  # the other one swings
        assert np.linalg.norm(balls[k, side] - balls[k - 1, side]) < 0.004
        assert balls[k, side, 1] < height + 0.01


def test_who_stands_still_stays():
    poses = np.repeat(standing()[None], 60, 0)
    rng = np.random.default_rng(0)
    poses[:, 1:] += rng.normal(0, 0.004, poses[:, 1:].shape)
    _, places, _ = place(poses, World())
    moves = np.linalg.norm(np.diff(places[:, BALLS], axis=0), axis=-1)[2:]
    # Legs that are all but straight reach no further.
    assert moves.mean() < 0.002 and moves.max() < 0.012
    head = places[:, RIG_JOINTS.index("Head")]
    assert np.abs(head - head[0]).max() < 0.06


def test_bones_and_the_bend_of_limbs_are_kept():
    clip, path = walk(61)
    motion, places, _ = place(seen_from(clip, path, nodding(61)), World())
    before, _ = forward_kinematics(*motion)
    pairs = [("LeftUpLeg", "LeftLeg"), ("RightLeg", "RightFoot"), ("Neck", "Head")]
    # Above the legs nothing moves against anything else.
    pairs += [("Hips", "Head"), ("LeftHand", "Head")]
    for pair in pairs:
        rows = list(map(RIG_JOINTS.index, pair))
        spans = (np.linalg.norm(np.diff(at[:, rows], axis=1), axis=-1) for at in (places, before))
        assert np.abs(np.subtract(*spans)).max() < 1e-5


def test_frame_by_frame_is_the_same_as_at_once():
    clip, path = walk(50)
    motion = solve_clip(seen_from(clip, path, nodding(50)))
    whole = World().place(motion, np.arange(50) / FPS)
    live = World()
    for k in range(50):
        one = live.place(motion.frame(k), [k / FPS])
        assert np.allclose(one.root[0], whole.root[k]) and np.allclose(
            one.rotations[0], whole.rotations[k]
        )


def test_upright_turns_gravity_down_by_the_least_angle():
    upside_down = [[off, 1.0, -off] for off in (0.0, 1e-5, 1e-3)]
    for down in [*np.random.default_rng(2).normal(size=(20, 3)), *np.array(upside_down)]:
        turn = upright(down)
        assert np.allclose(turn @ down / np.linalg.norm(down), [0, -1, 0], atol=1e-4)
        assert np.allclose(turn @ turn.T, np.eye(3)) and np.linalg.det(turn) > 0
        least = np.arccos(-down[1] / np.linalg.norm(down))
        assert Rotation.from_matrix(turn).magnitude() == pytest.approx(least, abs=1e-4)
    _, placed, _ = place(seen_from(*walk(3), [Rotation.identity()] * 3), World(lambda _: down))
    assert np.isfinite(placed).all()


def test_gravity_is_read_in_the_axes_of_the_poses(tmp_path):
    path = tmp_path / "imu.csv"
    path.write_text("gx,time,gy,gz\n0,0.0,0,9.81\n0,1.0,9.81,0\n")
    gravity = Gravity(path)
    assert np.allclose(gravity(0), [0, -1, 0]) and np.allclose(gravity(5), [0, 0, 1])
    assert np.allclose(gravity(0.5), [0, -0.5, 0.5])


@pytest.mark.parametrize(
    "text, fault",
    [
        ("time,gx,gy\n0,0,1\n", "no CSV file with the columns time, gx, gy, gz"),
        ("time,gx,gy,gz\n0,0,x,1\n", "no CSV file with the columns"),
        ("time,gx,gy,gz\n", "no CSV file with the columns"),
        ("time,gx,gy,gz\n0,0,nan,1\n", "not finite"),
        ("time,gx,gy,gz\n1,0,0,0\n", "a row has no direction"),
        ("time,gx,gy,gz\n1,0,0,1\n1,0,0,1\n", "its times are not rising"),
        ("time,gx,gy,gz\n1.7e9,0,0,1\n", "not rising seconds since the first frame"),
        ("time,gx,gy,gz\n-2,0,0,1\n-1,0,0,1\n", "not rising seconds since the first frame"),
    ],
)
def test_a_file_without_gravity_is_refused(tmp_path, text, fault):
    path = tmp_path / "imu.csv"
    path.write_text(text)
    refused(fault, Gravity, path)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("at", [0.0, 0.3])
def test_a_pose_without_extent_is_placed_and_written_as_any_other(at):
    placed = World().place(solve_clip(np.full((3, 16, 3), at)), [0.0, 0.1, 0.2])
    assert all(np.isfinite(values).all() for values in placed)
    assert glb_bytes(placed, np.arange(3)) and bvh_text(placed, 30.0)
