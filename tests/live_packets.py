"""Receivers of live poses written with other libraries than those that send them."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from kinematics import rebuilt
from oscpy.parser import read_packet

from base.skeleton import JOINTS
from utils.motion.rig import RIG_JOINTS, forward_kinematics
from utils.motion.solver import LiveSolver

#: Bones that are sent → their parents, as in Unity.
UNITY = {"Hips": None, "Spine": "Hips", "Chest": "Spine", "Neck": "Chest", "Head": "Neck"}
#: The same bones by the names of the project's joints; two have none.
NAMES = {"Neck": "Neck", "Head": "Head"}
_LIMBS = {"UpperArm": ("Chest", "Arm"), "LowerArm": ("UpperArm", "ForeArm")}
_LIMBS |= {"Hand": ("LowerArm", "Hand"), "UpperLeg": ("Hips", "UpLeg")}
_LIMBS |= {
    "LowerLeg": ("UpperLeg", "Leg"),
    "Foot": ("LowerLeg", "Foot"),
    "Toes": ("Foot", "ToeBase"),
}
for _bone, (_parent, _name) in _LIMBS.items():
    for _side in ("Left", "Right"):
        UNITY[_side + _bone] = _parent if _parent in UNITY else _side + _parent
        NAMES[_side + _bone] = _side + _name


@contextmanager
def udp_receiver() -> Iterator[tuple[socket.socket, int]]:
    """A socket that keeps datagrams until they are read, and its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**22)
        receiver.bind(("127.0.0.1", 0))
        yield receiver, receiver.getsockname()[1]


def received(receiver: socket.socket) -> list[bytes]:
    """The datagrams that have arrived."""
    receiver.setblocking(False)
    found = []
    while True:
        try:
            found.append(receiver.recv(2**16))
        except BlockingIOError:
            return found


def osc_messages(packet: bytes) -> list[tuple[str, list]]:
    """Addresses and values of a bundle."""
    return [
        (address.decode(), [v.decode() if isinstance(v, bytes) else v for v in values])
        for address, _, values, _ in read_packet(packet)
    ]


def unity_joints(packet: bytes) -> dict[str, np.ndarray]:
    """Where the bones of a bundle are, in Unity's axes, without the root; and "root"."""
    places, turns = {}, {}
    for address, values in osc_messages(packet):
        if address.endswith("/Pos"):
            assert abs(np.linalg.norm(values[4:]) - 1) < 1e-6
            places[values[0]], turns[values[0]] = np.array(values[1:4]), np.array(values[4:])
    assert set(places) == {"root", *UNITY} and turns["root"].tolist() == [0, 0, 0, 1]
    return rebuilt(UNITY, places, turns) | {"root": places["root"]}


def rig_joints(packet: dict, skeleton: dict) -> dict[str, np.ndarray]:
    """Where the joints of a JSON packet are, in the rig's axes."""
    names, places = skeleton["joint_names"], [packet["root"], *packet["offsets"][1:]]
    parents = [None if parent < 0 else names[parent] for parent in skeleton["parents"]]
    columns = parents, places, packet["rotations"]
    return rebuilt(*(dict(zip(names, column, strict=True)) for column in columns))


class Expected:
    """What the frames of poses.json, one after the other, are to be sent as."""

    def __init__(self, frames: list[dict]) -> None:
        solver = LiveSolver()
        self.frames = {}
        for frame in frames:
            camera3d = np.array(frame["joints3d"]) + frame["neck"]
            self.frames[frame["frame"]] = frame, camera3d, solver(camera3d[None])

    def check_json(self, text: str | bytes, skeleton: dict) -> int:
        """Check a packet of JSON; the number of its frame."""
        packet = json.loads(text)
        frame, _, motion = self.frames[packet["frame"]]
        assert {key: packet[key] for key in frame} == frame
        assert set(packet) - set(frame) == {"captured", "latency_ms"}
        self._check(rig_joints(packet, skeleton), motion, {name: name for name in JOINTS}, 1)
        return packet["frame"]

    def check_osc(self, packet: bytes) -> int:
        """Check a bundle, which names its frame by the time; its number."""
        [seconds] = next(v for a, v in osc_messages(packet) if a == "/VMC/Ext/T")
        [number] = [n for n, (f, *_) in self.frames.items() if abs(f["time"] - seconds) < 1e-4]
        joints = unity_joints(packet)
        self._check(joints, self.frames[number][2], NAMES, np.array([-1, 1, 1]))
        lowest = min(joints[bone][1] for bone in UNITY)
        assert abs(joints["root"][1] + lowest) < 1e-4
        return number

    @staticmethod
    def _check(joints, motion, names, mirror) -> None:
        places = forward_kinematics(*motion)[0][0]
        for bone, joint in names.items():
            off = joints[bone] * mirror - places[RIG_JOINTS.index(joint)]
            assert np.abs(off).max() < 1e-4, (bone, off)
