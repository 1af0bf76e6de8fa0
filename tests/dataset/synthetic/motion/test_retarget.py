"""A user's BVH clips: known poses come back through a file, whatever its axes and rest pose."""

import json
import re
from pathlib import Path

import bvh_files
import commands
import numpy as np
import pybvh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from utils.motion.solver import solve_clip


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


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_every_turn_comes_back_and_missing_fingers_follow_the_hand(write, poser, walk, order):
    hand, finger = (poser.body.rig.index(name) for name in ("LeftHand", "LeftHandIndex2"))
    turns = turns_of(load_clip(write(order=order)), poser, np.arange(60))
    assert np.abs(turns - walk[1]).max() < 1e-4
    found = turns_of(load_clip(write(order=order, skip="Index")), poser, np.arange(60))
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
    path.write_text(written_by_inference(solve_clip(level / 100), 30.0))
    turns = turns_of(load_clip(path), poser, np.arange(60))
    found, truth = bones(poser, poser.bones.joints(turns)), bones(poser, walk[0])
    angle = np.degrees(np.arccos(np.clip((found * truth).sum(-1), -1, 1)))
    own = [k for k, limb in enumerate(LIMBS) if limb not in ((2, 8), (5, 12), (2, 5))]
    # The short neck of this body leans otherwise than people's on average.
    assert angle[:, own].max(0)[0] < 12 and angle[:, own[1:]].max() < 3.0
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
    paths = make_synthetic.find_clips(write("a.bvh").parent)
    assert [path.name for path in paths] == ["a.bvh", "b (1).BVH"]
    together = BvhTimeline(poser, random, paths).place(list(range(0, 300, 3)))
    for frame in (39, 57, 240):
        alone = BvhTimeline(poser, random, paths).place([frame])
        assert np.array_equal(alone.joints[0], together.joints[frame // 3])
        assert alone.actions[0] == together.actions[frame // 3]
    assert set(together.actions) == {"a", "b__1_"}


def test_a_share_of_the_people_moves_as_the_clips(write, tmp_path):
    options = "--train", 0, "--val", 0, "--test", 0, "--label_frames", 201
    clips = write("mine.bvh").parent
    root = commands.make_set(tmp_path / "s", *options, "--bvh", clips, "--bvh_share", 0.4)
    people = {}
    for path in root.rglob("*.json"):
        if "json" in path.parent.name:
            people.setdefault(path.parts[-5], set()).add(json.loads(path.read_text())["action"])
    assert len(people) == 5 and sum(found == {"mine"} for found in people.values()) == 2
    assert sum("mine" in found for found in people.values()) == 2
    with pytest.raises(UserError, match="another --bvh_share"):
        commands.make_set(root, *options, "--bvh", clips, "--resume")


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


def assert_same(clip, other):
    order = [clip.names.index(name) for name in other.names]
    assert not clip.drawn and np.abs(clip.turns[:, order] - other.turns).max() < 2e-6
    assert np.abs(clip.root - other.root).max() < 2e-6
    assert np.abs(clip.height - other.height).max() < 2e-6


#: Beside the checkout; not part of it.
SHARED = Path(__file__).parents[4].parent / "shared" / "bvh_files"


@pytest.mark.parametrize("path", sorted(SHARED.glob("q*.bvh")), ids=lambda path: path.stem)
def test_files_of_other_programs_give_the_motion_of_the_plain_one(path):
    assert_same(load_clip(path), load_clip(SHARED / "q00_base.bvh"))


def with_frames(text, change):
    """A file of 60 frames with the line of each changed."""
    lines = text.splitlines()
    return "\n".join([*lines[:-60], *map(change, lines[-60:])])


def below_reference(text, channels, values, moved=0.0):
    """A file whose root hangs on another with these channels and values; its own positions are
    less than before by ``moved``."""

    def change(line):
        x, y, z, *more = line.split()
        own = (str(float(number) - moved) for number in (x, y, z))
        return " ".join([values, *own, *more])

    joints, motion, table = text.partition("MOTION")
    joints = joints.replace("HIERARCHY\nROOT", "JOINT")
    root = f"HIERARCHY ROOT Reference {{ OFFSET 0 0 0 CHANNELS {channels}\n"
    return with_frames(f"{root}{joints}}}\n{motion}{table}", change)


def test_what_can_only_mean_one_thing_is_read(write, poser, walk):
    path = write()
    whole, plain = path.read_text(), load_clip(path)
    sword = "ROOT Sword { OFFSET 0 -9 0 CHANNELS 1 Xrotation }\nMOTION"
    scales = re.sub("CHANNELS 6 (.*)", r"CHANNELS 9 Xscale Yscale Zscale \1", whole, count=1)
    positions = "3 Xposition Yposition Zposition"
    high = re.sub("OFFSET.*", "OFFSET 1 98 2", whole, count=1)
    z_up = bvh_files.bvh_text(poser, *walk, axes=bvh_files.Z_UP)
    for variant in (
        whole.encode("utf-8-sig"),
        whole.encode("utf-16"),
        whole.replace(".", ","),
        whole.replace("mixamorig:", "Armature|Beta:"),
        whole.replace("ToeBase", "Toe"),
        whole.replace("rotation", "ROTATION"),
        whole.replace("Frames: ", "Frames:").replace("Time: ", "Time:"),
        f"# by a program\n{whole}".replace("MOTION", "MOTION // here\n#\n"),
        " ".join(whole.split()),
        whole.replace("Frames: 60", "Frames: 57"),
        whole.replace("0.03333333", "0.033"),
        with_frames(scales, lambda line: f"1 1 1 {line}"),
        with_frames(whole.replace("MOTION", sword), lambda line: f"{line} 7"),
        below_reference(whole, positions, "5 5 5", moved=5.0),
        below_reference(high, positions, "0 0 0"),
        below_reference(z_up, "1 Xrotation", "90"),
    ):
        path.write_bytes(variant if isinstance(variant, bytes) else variant.encode())
        assert_same(load_clip(path), plain)


def test_axes_along_the_bones_give_the_same_limbs_and_travel(write, poser, walk):
    """As in LAFAN1, where the rest pose is no person: all bones lie along x."""
    own = bvh_files.along_bones(poser)
    clip = load_clip(write(own=own, prefix="", axes=bvh_files.Y_UP))
    plain = load_clip(write())
    found = poser.bones.joints(turns_of(clip, poser, np.arange(60)))
    assert np.abs(bones(poser, found) - bones(poser, walk[0]))[:, :9].max() < 1e-3
    assert np.abs(clip.root - plain.root).max() < 1e-3
    tilted = own @ bvh_files.about("y", 40.0) @ bvh_files.about("z", 35.0)
    with pytest.raises(UserError, match="axes of LeftUpLeg are not along its bone"):
        load_clip(write(own=tilted, prefix=""))


def test_clips_of_any_rate_are_met_at_every_thirtieth_of_a_second(tmp_path, poser):
    joints, turns = poser.place(stack([BodyPose()] * 200))
    for rate in (24, 25, 60, 120, 29.97):
        joints[..., 2] = np.arange(200)[:, None] / rate  # a centimetre a second
        path = tmp_path / "clip.bvh"
        path.write_text(bvh_files.bvh_text(poser, joints, turns, frame_time=1 / rate))
        ahead = load_clip(path).root[:, 1] * poser.bones.leg_length
        assert len(ahead) == int(199 / rate * 30 + 1e-6) + 1
        assert np.abs(ahead - ahead[0] - np.arange(len(ahead)) / 30).max() < 2e-6


@pytest.mark.parametrize(
    "said, rate", [("0.066", 15), ("0.0833", 12), ("0.014", 72), ("0.041", 24), ("0.016", 62.5)]
)
def test_a_frame_time_of_few_digits_is_the_rate_it_stands_for(write, said, rate):
    path = write()
    path.write_text(path.read_text().replace("0.03333333", said))
    assert read_bvh(path).frame_time == pytest.approx(1 / rate, rel=1e-9)


def test_what_is_no_clip_ends_with_one_line_that_names_it(tmp_path, write, refused):
    path = write()
    whole = path.read_text()
    lines, joints = whole.splitlines(), whole.partition("MOTION")[0]
    two = f"MOTION Frames: 1 Frame Time: 1\n{lines[-1]}\n{lines[-1]}"
    still = re.sub(r"CHANNELS \d.*", "CHANNELS 0", joints)
    still = still.replace("CHANNELS 0", "CHANNELS 1 Xrotation", 1)
    swapped = whole.replace("Left", "L#").replace("Right", "Left").replace("L#", "Right")
    for message, content in (
        ("lacks the Mixamo joints LeftForeArm", whole.replace("LeftForeArm", "LeftElbow")),
        ("cut off: 58 of 60 frames", "\n".join([*lines[:-2], lines[-2][:200]])),
        ("the HIERARCHY is not closed", whole[: len(joints) // 2].rpartition("\n")[0]),
        ("the HIERARCHY has no joint", "HIERARCHY\nMOTION\n"),
        ("no MOTION", joints),
        ("no BVH file", "GIF89a"),
        ("line 2 is no BVH: 'ROOT'", whole.replace(" mixamorig:Hips", "", 1)),
        ("line 4 is no BVH: 'OFFSET 1", re.sub("OFFSET.*", "OFFSET 1 1", whole, count=1)),
        ("line 5 is no BVH: 'CHANNELS 7", whole.replace("CHANNELS 6", "CHANNELS 7", 1)),
        ("line 5 is no BVH: 'CHANNELS 6", whole.replace("Xrotation", "Yrotation", 1)),
        ("line 4 is no BVH", re.sub("OFFSET .*", "OFFSET 0 0 1e39", whole, count=1)),
        ("joint mixamorig:Hips has no OFFSET", re.sub("  OFFSET.*\n", "", whole, count=1)),
        ("joint mixamorig:Hips is scaled", whole.replace("Xrotation", "Xscale", 1)),
        ("holds 2 people", joints + joints.replace("HIERARCHY", "") + two),
        ("more numbers", f"{whole} 1"),
        ("no 'Frames:'", f"{joints}MOTION\n"),
        ("0 frames of 0.03", whole.replace("Frames: 60", "Frames: 0")),
        ("60 frames of nan s", whole.replace("Time: 0.03333333", "Time: nan")),
        ("frames are too many", f"{still}MOTION Frames: 9 Frame Time: 0.01\n" + "1\n" * 70_000),
        ("not finite", whole.replace(lines[-1], lines[-1].replace(lines[-1][:4], "nan ", 1))),
        ("should be numbers", f"{whole} x"),
        ("left and right are swapped", swapped),
        ("LeftLeg has no length", re.sub("(:LeftFoot\n.*\n +OFFSET).*", r"\1 0 0 0", whole)),
        ("no extent from hip to hip", re.sub("(UpLeg\n.*\n +OFFSET).*", r"\1 0 0 0", whole)),
    ):
        path.write_text(content)
        with pytest.raises(UserError, match=f"^{re.escape(str(path))}: .*{re.escape(message)}"):
            load_clip(path)
    path.write_text("GIF89a")
    for message, folder in (("no BVH file", tmp_path), ("no such folder", tmp_path / "none")):
        assert message in refused("--output", tmp_path / "new", "--bvh", folder)
    path.unlink()
    assert "holds no .bvh" in refused("--output", tmp_path / "new", "--bvh", tmp_path)
    assert not (tmp_path / "new").exists()


WORDS = ["HIERARCHY", "ROOT", "JOINT", "End Site", "{", "}", "OFFSET", "CHANNELS", "MOTION", "Hips"]
WORDS += ["Frames:", "Frame Time:", "0.03", "1e999", "nan", "-1", "9" * 500, "#", "\n", "é", "\0"]


@settings(derandomize=True, max_examples=80, deadline=None, database=None)
@given(st.data())
def test_any_text_is_a_clip_or_one_line(tmp_path_factory, poser, walk, data):
    words = bvh_files.bvh_text(poser, walk[0][:2], walk[1][:2], skip="Index").split(" ")
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(words)))
        new = data.draw(st.lists(st.sampled_from(WORDS) | st.text(max_size=9), max_size=5))
        words[at : at + data.draw(st.sampled_from([0, 0, 1, 3, 1000]))] = new
    path = tmp_path_factory.getbasetemp() / "fuzz.bvh"
    encoding = data.draw(st.sampled_from(["utf-8", "utf-16"]))
    path.write_bytes(" ".join(words).encode(encoding, "replace"))
    try:
        clip = load_clip(path)
    except UserError as error:
        assert len(str(error).splitlines()) == 1 and len(str(error)) < 500
    else:
        assert all(np.isfinite(each).all() for each in (clip.turns, clip.root, clip.height))
