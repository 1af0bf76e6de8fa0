"""Bodies and poses: which side is which, the floor, and where the headset sits."""

import numpy as np
import pytest

from base.headset import RELEASE_HEADSET
from base.release_camera import MAYA_TO_CAMERA, euler_sxyz_to_matrix
from dataset.synthetic.body.head_camera import camera_poses, mount
from dataset.synthetic.body.pose import BodyPose, stack


@pytest.fixture
def body(poser):
    return poser.body


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
