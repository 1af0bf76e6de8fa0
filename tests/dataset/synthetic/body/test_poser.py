"""Bodies and poses: anatomy, sides, the floor, and where the headset sits."""

import numpy as np
import pytest

from base.actions import ACTION_GROUPS
from base.headset import RELEASE_HEADSET
from base.release_camera import MAYA_TO_CAMERA, euler_sxyz_to_matrix
from dataset.synthetic.body.head_camera import camera_poses, mount
from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.motion.performance import Clip, Performance
from dataset.synthetic.motion.programs import PROGRAMS, perform


@pytest.fixture
def body(poser):
    return poser.body


def moments(clips, count):
    draws = [(clip, seed) for clip in clips for seed in range(count)]
    acts = [(Performance(np.random.default_rng(seed), Clip(clip)), seed) for clip, seed in draws]
    return stack([perform(act, 1.3 * seed + 0.4) for act, seed in acts])


def test_the_tpose_has_its_left_at_plus_x_its_toes_ahead_and_stands_on_the_floor(body, poser):
    joints, turns = (each[0] for each in poser.place(stack([BodyPose()])))
    at = {name: joints[row] for row, name in enumerate(body.rig.names)}
    assert at["LeftHand"][0] > 50 and at["RightHand"][0] < -50
    assert at["LeftToeBase"][2] > at["LeftFoot"][2] + 5
    assert at["Head"][1] > at["Neck"][1] > at["Hips"][1] > at["LeftLeg"][1] > at["LeftFoot"][1] > 0
    assert abs(at["LeftHand"][1] - at["LeftArm"][1]) < 1.0
    skin = body.skin(joints, turns)
    assert abs(skin[:, 1].min()) < 1.0
    assert 160 < np.ptp(skin[:, 1]) < 195  # the stature of an average man, centimetres


def test_in_every_program_bones_keep_their_length_and_nobody_hovers_or_sinks(body, poser):
    joints, turns = poser.place(moments(PROGRAMS, 3))
    for bone in ("Arm ForeArm", "ForeArm Hand", "UpLeg Leg", "Leg Foot"):
        for side in ("Left", "Right"):
            start, end = (side + name for name in bone.split())
            apart = joints[:, body.rig.index(start)] - joints[:, body.rig.index(end)]
            # One length serves both sides; a body's own two differ by less than this.
            assert np.abs(np.linalg.norm(apart, axis=-1) - body.length(start, end)).max() < 0.3
    for row in range(1, len(joints), 15):
        assert abs(body.skin(joints[row], turns[row])[:, 1].min()) < 2.5


def test_every_clip_of_the_evaluation_has_a_program_of_its_own():
    assert set(PROGRAMS) == {clip for clips in ACTION_GROUPS.values() for clip in clips}
    assert len({id(program) for program in PROGRAMS.values()}) == len(PROGRAMS)


def test_a_hand_aimed_into_the_belly_stays_outside(body, poser):
    inside = BodyPose(hand=np.array([(-0.3, -0.6, 0.0), (-0.2, -0.5, 0.05)]))
    joints, turns = poser.place(stack([inside]))
    for side in ("Left", "Right"):
        wrist = joints[:, body.rig.index(f"{side}Hand")]
        assert poser.volumes.depth(wrist, joints, turns, room=0.0)[0] > 1.0


def test_the_camera_sits_before_the_face_and_looks_down(body, poser):
    joints, turns = poser.place(stack([BodyPose()]))
    head = body.rig.index("Head")
    for seed in range(20):
        rig = mount(body, RELEASE_HEADSET, np.random.default_rng(seed))
        trans, rot = camera_poses(rig, joints[:, head], turns[:, head])
        offset = trans[0] - joints[0, head]
        assert abs(offset[0]) < 2.5 and -1 < offset[1] < 6 and 13 < offset[2] < 21
        # Columns: picture right is the wearer's left, picture down ahead, the optical axis down.
        axes = euler_sxyz_to_matrix(rot[0]) @ MAYA_TO_CAMERA
        cosine = np.diag(axes.T @ [[1, 0, 0], [0, 0, -1], [0, 1, 0]])
        assert (cosine > np.cos(np.radians(3.0))).all()


def test_hands_reach_past_the_other_shoulder(body, poser):
    joints, turns = poser.place(moments(["upper_stretching"], 400))
    chest, row = turns[:, body.rig.index("Spine2")], body.rig.index
    for side, other, sign in (("Left", "Right", -1.0), ("Right", "Left", 1.0)):
        beyond = joints[:, row(f"{side}Hand")] - joints[:, row(f"{other}Arm")]
        outward, up, _ = np.einsum("nba,nb->an", chest, beyond) * np.array([[sign], [1.0], [1.0]])
        assert ((outward > 0.0) & (np.abs(up) < 25.0)).sum() >= 4


def test_thighs_are_lifted_aside_while_the_head_leans_over_the_other_leg(body, poser):
    joints, _ = poser.place(moments(["lower_stretching"], 400))
    row = body.rig.index
    thigh = body.length("LeftUpLeg", "LeftLeg")
    for side, other, sign in (("Left", "Right", 1.0), ("Right", "Left", -1.0)):
        lifted = (joints[:, row(f"{side}Leg")] - joints[:, row(f"{side}UpLeg")]) / thigh
        aside = (sign * lifted[:, 0] > 0.6) & (lifted[:, 1] > -0.6)
        chosen = aside & (joints[:, row(f"{other}Foot"), 1] < 12.0)
        head = -sign * (joints[:, row("Head"), 0] - joints[:, row(f"{other}Foot"), 0])
        assert chosen.sum() >= 5 and np.median(head[chosen]) > 0
