"""Bodies and poses: anatomy, sides, the floor, and where the headset sits."""

import numpy as np
import pytest

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
