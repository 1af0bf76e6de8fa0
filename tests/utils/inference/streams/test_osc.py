"""VMC packets, parsed by another library and rebuilt in Unity's axes."""

import numpy as np
import pytest
from live_packets import UNITY, osc_messages, udp_receiver, unity_joints
from scipy.spatial.transform import Rotation

from utils.inference.outputs import FramePose
from utils.inference.streams.osc import OscStream
from utils.inference.streams.stream import Packet
from utils.motion.rig import REST, RIG_JOINTS
from utils.motion.solver import Motion

LENGTHS = dict.fromkeys(("Arm", "Foot", "ToeBase"), 0.15) | {"UpLeg": 0.1, "Spine1": 0.5}
SHORT = [name.removeprefix("Left").removeprefix("Right") for name in RIG_JOINTS]
OFFSETS = REST * np.array([LENGTHS.get(name, 0.3) for name in SHORT])[:, None]


def motion(**turns):
    """One who stands in a T-pose but for joints that are turned by Euler angles x y z, degrees."""
    rotations = np.tile([0.0, 0, 0, 1], (1, 20, 1))
    for name, angles in turns.items():
        turn = Rotation.from_euler("xyz", angles, degrees=True)
        rotations[0, RIG_JOINTS.index(name)] = turn.as_quat()
    return Motion(OFFSETS, np.array([[0.1, -0.8, -0.2]]), rotations)


@pytest.fixture
def encode():
    def encode(moving, origin="camera"):
        result = FramePose("a.mp4", "a", (9, 9), None, 3, 0.1, 3, motion=moving)
        return stream.encode(Packet(result, origin, 0.0, 0.0))

    with udp_receiver() as (_, port):
        stream = OscStream("", "127.0.0.1", port)
        yield encode
        stream.close()


def test_who_stands_as_avatars_do_at_rest_turns_nothing(encode):
    messages = osc_messages(encode(motion()))
    assert messages[0] == ("/VMC/Ext/OK", [1])
    assert messages[1] == ("/VMC/Ext/T", [pytest.approx(0.1)])
    bones = [values for address, values in messages if address == "/VMC/Ext/Bone/Pos"]
    assert [values[0] for values in bones] == sorted(UNITY, key=[v[0] for v in bones].index)
    assert np.allclose([values[4:] for values in bones], [0, 0, 0, 1], atol=1e-6)


def test_an_arm_raised_forward_is_raised_on_its_side_in_unitys_axes(encode):
    joints = unity_joints(encode(motion(RightArm=(0, 90, 0), RightForeArm=(0, 0, -40))))
    # x to the right, z forward: the right arm ahead, its forearm bent upward, the left as it was.
    shoulder, elbow, hand = (joints[f"Right{bone}"] for bone in ("UpperArm", "LowerArm", "Hand"))
    bend = np.radians(40)
    assert np.allclose(elbow - shoulder, [0, 0, 0.3], atol=1e-5)
    assert np.allclose(shoulder - joints["Chest"], [0.15, 0, 0], atol=1e-5)
    assert np.allclose(hand - elbow, [0, 0.3 * np.sin(bend), 0.3 * np.cos(bend)], atol=1e-5)
    assert np.allclose(joints["LeftHand"] - joints["LeftUpperArm"], [-0.6, 0, 0], atol=1e-5)
    assert np.allclose(joints["Hips"], [-0.1, -0.8, -0.2], atol=1e-5)
    assert joints["root"].tolist() == pytest.approx([0, -joints["LeftToes"][1], 0], abs=1e-5)
    on_its_floor = unity_joints(encode(motion(), "room"))
    assert on_its_floor["root"].tolist() == [0, 0, 0]
