"""A user's BVH clips: known poses come back through a file, whatever its axes and rest pose."""

import re

import bvh_files
import numpy as np
import pybvh
import pytest

from base.errors import UserError
from base.release_camera import world_to_camera
from base.skeleton import JOINTS, LIMBS
from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.motion.bvh_file import read_bvh
from dataset.synthetic.motion.bvh_timeline import BvhTimeline, passages
from dataset.synthetic.motion.retarget import between, load_clip, turns_of
from dataset.synthetic.motion.timeline import Timeline
from utils import make_synthetic
from utils.inference.sinks.bvh import bvh_text as written_by_inference
from utils.inference.sinks.bvh import solve_motion


def random(*key):
    return np.random.default_rng(np.random.SeedSequence(5, spawn_key=key))


@pytest.fixture(scope="module")
def walk(poser):
    """Poses of movement, joints in place and turns: what the files hold."""
    timeline = Timeline(poser, random, np.array([0.0, 5.0, 21.0]))
    frames = timeline.place(list(range(40, 340, 5)))
    return frames.joints, frames.turns


@pytest.fixture
def write(tmp_path, poser, walk):
    def write(name="Boxing.bvh", **options):
        path = tmp_path / name
        path.write_text(bvh_files.bvh_text(poser, *walk, **options))
        return path

    return write


def bones(poser, joints):
    """(F, 14, 3) directions of the limbs."""
    rows = [poser.body.rig.index(name) for name in JOINTS]
    ways = np.stack([joints[:, rows[b]] - joints[:, rows[a]] for a, b in LIMBS], 1)
    return ways / np.linalg.norm(ways, axis=-1, keepdims=True)


def a_pose(poser):
    """Arms 50 degrees down, feet turned out, elbows a little bent."""
    rest = np.tile(np.eye(3), (len(poser.body.rig.names), 1, 1))
    for row, name in enumerate(poser.body.rig.names):
        side = 1 if name.startswith("Left") else -1
        if "Foot" in name or "Toe" in name:
            rest[row] = bvh_files.about("y", side * 12.0)
        elif "ForeArm" in name or "Hand" in name:
            rest[row] = bvh_files.about("z", -side * 50.0) @ bvh_files.about("y", -side * 15.0)
        elif name.endswith("Arm"):
            rest[row] = bvh_files.about("z", -side * 50.0)
    return rest


def test_somebody_elses_reader_and_ours_agree(write):
    path = write(order="YXZ")
    theirs, ours = pybvh.read_bvh_file(path), read_bvh(path)
    assert [joint.name for joint in ours.joints] == theirs.joint_names
    assert ours.frame_time == pytest.approx(1 / theirs.fps) and len(ours.joints[0].values) == 60
    assert np.abs(ours.forward()[1] - np.asarray(theirs.joint_positions())).max() < 1e-3
    # Statements may share lines.
    joints, motion, numbers = path.read_text().partition("MOTION")
    path.write_text("\ufeff" + re.sub(r"\n\s*([{}])\s*", r" \1 ", joints) + motion + numbers)
    assert np.array_equal(read_bvh(path).forward()[1], ours.forward()[1])


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_every_turn_comes_back_from_a_t_pose(write, poser, walk, order):
    clip = load_clip(write(order=order))
    turns = turns_of(clip, poser, np.arange(60))
    assert np.abs(turns - walk[1]).max() < 1e-4
    # Fingers that are missing follow the hand.
    found = turns_of(load_clip(write(order=order, skip="Index")), poser, np.arange(60))
    hand, finger = (poser.body.rig.index(name) for name in ("LeftHand", "LeftHandIndex2"))
    assert np.abs(found[:, finger] - turns[:, hand]).max() < 1e-6


@pytest.mark.parametrize("axes", ["Y_UP", "Z_UP", "FACING_ASIDE"])
def test_joints_come_back_whatever_the_axes_rest_pose_and_unit(write, poser, walk, axes):
    path = write(rest=a_pose(poser), axes=getattr(bvh_files, axes), scale=100.0, prefix="")
    turns = turns_of(load_clip(path), poser, np.arange(60))
    assert np.abs(bones(poser, poser.bones.joints(turns)) - bones(poser, walk[0])).max() < 1e-3
    # Bones do not turn about themselves either; half of the hand's twist is the forearm's.
    free = [row for row, name in enumerate(poser.body.rig.names) if "ForeArm" not in name]
    assert np.abs(turns - walk[1])[:, free].max() < 0.03


def test_what_inference_wrote_comes_back_as_the_same_limbs(tmp_path, poser, walk):
    rows = [poser.body.rig.index(name) for name in JOINTS]
    level = np.array([world_to_camera(joints, np.zeros(3), np.array([-90.0, 0, 0]))
                      for joints in walk[0][:, rows]])  # fmt: skip
    path = tmp_path / "poses.bvh"
    path.write_text(written_by_inference(solve_motion(level / 100), 30.0))
    turns = turns_of(load_clip(path), poser, np.arange(60))
    found, truth = bones(poser, poser.bones.joints(turns)), bones(poser, walk[0])
    angle = np.degrees(np.arccos(np.clip((found * truth).sum(-1), -1, 1)))
    own = [k for k, limb in enumerate(LIMBS) if limb not in ((2, 8), (5, 12), (2, 5))]
    assert angle[:, own].max() < 2.0
    # From shoulder to hip, with the spine's bones shared out by angles that positions do not tell.
    assert np.median(angle) < 1.0 and angle.max() < 15.0


def test_feet_stand_on_the_floor_and_leave_it_in_a_jump(tmp_path, other_poser, poser):
    crouch = BodyPose(pelvis=np.array([0.0, -0.3, 0.0]))
    joints, turns = poser.place(stack([BodyPose()] * 20 + [crouch] * 10 + [BodyPose()] * 30))
    joints[40:50, :, 1] += 30.0  # centimetres, in a pose that would stand
    joints[..., 1] += 500.0  # wherever the file has its floor
    path = tmp_path / "jump.bvh"
    path.write_text(bvh_files.bvh_text(poser, joints, turns))
    found = BvhTimeline(other_poser, random, (path,)).place(list(range(60 - 20)))
    placed = found.joints
    assert not found.seats.any()
    skin = [other_poser.body.skin(placed[k], found.turns[k])[:, 1].min() for k in (0, 10, 25, 35)]
    assert np.abs(skin).max() < 0.7
    height = load_clip(path).height * other_poser.bones.leg_length
    ratio = other_poser.bones.leg_length / poser.bones.leg_length
    assert height[45] == pytest.approx(30 * ratio, abs=3.0) and height[:40].max() == 0
    assert placed[25, 0, 1] < placed[0, 0, 1] - 15.0


def test_people_travel_in_their_own_leg_lengths_and_stay_where_there_is_room(
    tmp_path, poser, other_poser
):
    joints, turns = poser.place(stack([BodyPose()] * 300))
    joints[..., 2] += np.linspace(0, 900, 300)[:, None]  # nine metres straight ahead
    path = tmp_path / "walking.bvh"
    path.write_text(bvh_files.bvh_text(poser, joints, turns))
    timeline = BvhTimeline(other_poser, random, (path,))
    frames = timeline.place(list(range(900)))
    hips = frames.joints[:, 0]
    assert np.abs(hips[:, [0, 2]]).max() < 200.0
    step = np.linalg.norm(np.diff(hips[:, [0, 2]], axis=0), axis=1)
    scale = other_poser.bones.leg_length / poser.bones.leg_length
    assert np.median(step) == pytest.approx(900 / 299 * scale, rel=0.01)
    assert step.max() < 12.0 and set(frames.actions) == {"walking"}
    # They go where they face.
    ahead = frames.turns[:-1, 0, :, 2][:, [0, 2]]
    along = (np.diff(hips[:, [0, 2]], axis=0) * ahead).sum(1) / np.maximum(step, 1e-9)
    assert np.median(along) > 0.99


def test_frames_do_not_depend_on_those_asked_for_before(write, poser):
    write("b (1).BVH", frame_time=1 / 60)
    find = make_synthetic.find_files
    paths = find("--bvh", write("a.bvh").parent, (".bvh",), load_clip)
    assert [path.name for path in paths] == ["a.bvh", "b (1).BVH"]
    together = BvhTimeline(poser, random, paths).place(list(range(0, 300, 3)))
    for frame in (39, 57, 240):
        alone = BvhTimeline(poser, random, paths).place([frame])
        assert np.array_equal(alone.joints[0], together.joints[frame // 3])
        assert alone.actions[0] == together.actions[frame // 3]
    assert set(together.actions) == {"a", "b__1_"}


def test_passages_cover_a_clip_and_none_goes_far():
    rng = np.random.default_rng(0)
    for count in (1, 29, 700):
        root = np.cumsum(rng.normal(0.02, 0.02, (count, 2)), 0)
        pieces = passages(root)
        assert set().union(*(range(*piece) for piece in pieces)) == set(range(count))
        for start, end in pieces:
            assert np.hypot(*np.ptp(root[start:end], axis=0)) <= 3.2 and end - start <= 210
    # As long as they may be; a short rest is made longer by frames of the piece before.
    assert passages(np.zeros((215, 2))) == [(0, 210), (185, 215)]
    assert passages(np.linspace((0, 0), (0, 9.0), 100)) == [(0, 36), (36, 72), (70, 100)]


def test_rotations_between_two_are_rotations_even_between_opposite_ones():
    half = np.diag([1.0, -1.0, -1.0])
    for share in (0.0, 0.3, 0.5, 1.0):
        turn = between(np.eye(3)[None], half[None], share)[0]
        assert np.allclose(turn @ turn.T, np.eye(3)) and np.linalg.det(turn) > 0
    quarter = between(np.eye(3), bvh_files.about("y", 60.0), 0.5)
    assert np.allclose(quarter, bvh_files.about("y", 30.0))
    assert np.allclose(between(np.eye(3), quarter, 1.0), quarter)


def test_what_is_no_clip_ends_with_one_line_that_names_it(tmp_path, write, refused):
    path = write()
    whole = path.read_text()
    lines, joints = whole.splitlines(), whole.partition("MOTION")[0]
    rest = lines[-1].partition(" ")[2]
    swapped = whole.replace("Left", "L#").replace("Right", "Left").replace("L#", "Right")
    for message, content in (
        ("lacks the Mixamo joints LeftForeArm", whole.replace("LeftForeArm", "LeftElbow")),
        ("cut off: 58 of 60 frames", "\n".join([*lines[:-2], lines[-2][:200]])),
        ("the HIERARCHY is not closed", whole[: len(joints) // 2].rpartition("\n")[0]),
        ("the HIERARCHY has no joint", "HIERARCHY\nMOTION\n"),
        ("no MOTION", joints),
        ("no BVH file", "GIF89a"),
        ("line 2 is no BVH: 'ROOT'", whole.replace(" mixamorig:Hips", "", 1)),
        ("line 4 is no BVH: 'OFFSETS", whole.replace("  OFFSET", "  OFFSETS", 1)),
        ("line 4 is no BVH: 'OFFSET 1", re.sub("OFFSET.*", "OFFSET 1 1", whole, count=1)),
        ("line 5 is no BVH: 'CHANNELS 7", whole.replace("CHANNELS 6", "CHANNELS 7", 1)),
        ("line 5 is no BVH: 'CHANNELS 6", whole.replace("Xrotation", "Xscale", 1)),
        ("line 6 is no BVH: 'ROOT", whole.replace("JOINT", "ROOT", 1)),
        ("joint mixamorig:Hips has no OFFSET", re.sub("  OFFSET.*\n", "", whole, count=1)),
        ("more numbers", whole + "1 2 3\n"),
        ("no 'Frames:'", f"{joints}MOTION\n"),
        ("0 frames of 0.03", whole.replace("Frames: 60", "Frames: 0")),
        ("60 frames of 0.0 s", whole.replace("Time: 0.03333333", "Time: 0")),
        ("not finite", whole.replace(lines[-1], f"nan {rest}")),
        ("should be numbers", whole.replace(lines[-1], f"x {rest}")),
        ("left and right are swapped", swapped),
        ("LeftLeg has no length", re.sub("(:LeftFoot\n.*\n +OFFSET).*", r"\1 0 0 0", whole)),
        ("no extent from hip to hip", re.sub("(UpLeg\n.*\n +OFFSET).*", r"\1 0 0 0", whole)),
    ):
        path.write_text(content)
        with pytest.raises(UserError, match=re.escape(message)) as caught:
            load_clip(path)
        assert str(caught.value).startswith(f"{path}: ")
    for message, folder in (("no BVH file", tmp_path), ("no such folder", tmp_path / "none")):
        path.write_text("GIF89a")
        assert message in refused("--output", tmp_path / "new", "--bvh", folder)
    path.unlink()
    assert "holds no .bvh" in refused("--output", tmp_path / "new", "--bvh", tmp_path)
    assert not (tmp_path / "new").exists()
