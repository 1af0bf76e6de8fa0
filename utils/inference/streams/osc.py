"""``osc://HOST:PORT``: the VMC protocol, which avatars are moved by (https://protocol.vmc.info).

Bones have the names of Unity's HumanBodyBones and the rest pose of VRM, a T-pose in which every
rotation is the identity.  Unity's axes are left-handed: x to the wearer's right, y up, z forward.
"""

import numpy as np
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from scipy.spatial.transform import Rotation

from utils.inference.streams.stream import Packet
from utils.inference.streams.udp import UdpStream
from utils.motion.rig import RIG_JOINTS, forward_kinematics
from utils.motion.solver import Motion

_ROW = {name: row for row, name in enumerate(RIG_JOINTS)}
_LIMBS = {"Arm": "UpperArm", "ForeArm": "LowerArm", "Hand": "Hand"}
_LIMBS |= {"UpLeg": "UpperLeg", "Leg": "LowerLeg", "Foot": "Foot", "ToeBase": "Toes"}
#: Joint of the rig → bone of Unity.  Spine2 has none: not every avatar has an UpperChest, and where
#: there is one it carries the shoulders, which the rig's does not.
BONES = {
    **{name: name for name in ("Hips", "Spine", "Neck", "Head")},
    "Spine1": "Chest",
    **{side + name: side + bone for side in ("Left", "Right") for name, bone in _LIMBS.items()},
}
#: The mirror that turns the rig's axes into Unity's: of places, and of quaternions x y z w.
_PLACE, _TURN = np.array([-1.0, 1, 1]), np.array([1.0, -1, -1, 1])
_HERE, _IDENTITY = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)


def unity_bones(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Places (20, 3), metres, and rotations (20, 4), quaternions x y z w, of the rig's joints in
    one frame relative to their parents, in Unity's axes; the Neck's are relative to the Spine1."""
    places, turns = motion.offsets.copy(), motion.rotations[0].copy()
    places[0] = motion.root[0]
    chest, neck = Rotation.from_quat(turns[_ROW["Spine2"]]), _ROW["Neck"]
    places[neck] = places[_ROW["Spine2"]] + chest.apply(places[neck])
    turns[neck] = (chest * Rotation.from_quat(turns[neck])).as_quat()
    return places * _PLACE, turns * _TURN


class OscStream(UdpStream):
    """One bundle a frame. Of motion relative to the camera, the root lifts the lowest joint onto
    the floor."""

    def encode(self, packet: Packet) -> bytes:
        bundle = OscBundleBuilder(IMMEDIATELY)

        def add(address: str, *values: object) -> None:
            message = OscMessageBuilder(address)
            for value in values:
                message.add_arg(value)
            bundle.add_content(message.build())

        motion, floor = packet.result.motion, 0.0
        places, turns = unity_bones(motion)
        if packet.origin == "camera":
            floor = float(forward_kinematics(*motion)[0][0, :, 1].min())
        add("/VMC/Ext/OK", 1)
        add("/VMC/Ext/T", float(packet.result.time or 0.0))
        add("/VMC/Ext/Root/Pos", "root", 0.0, -floor, 0.0, *_IDENTITY)
        for joint, bone in BONES.items():
            row = _ROW[joint]
            add("/VMC/Ext/Bone/Pos", bone, *places[row].tolist(), *turns[row].tolist())
        return bundle.build().dgram
