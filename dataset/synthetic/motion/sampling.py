"""Frames of a person: moments of a timeline, put into the world with camera and seat."""

from dataclasses import dataclass

import numpy as np

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.body.head_camera import HeadCamera, camera_poses
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.motion.bvh_timeline import ClipTimeline
from dataset.synthetic.motion.timeline import Timeline

_ATTEMPTS = 8


@dataclass(frozen=True)
class Frames:
    """N frames of one person, world axes (centimetres, y up, floor at y = 0).

    Attributes:
        actions: N clip names.
        joints: (N, J, 3) joints.
        turns: (N, J, 3, 3) turns of the bones on top of the T-pose.
        seats: (N, 4) x, height, z of the middle of a seat's top, and its heading in radians;
            the height is 0 where there is none.
        trans: (N, 3) camera position.
        rot: (N, 3) camera angles, degrees.
    """

    actions: list[str]
    joints: np.ndarray
    turns: np.ndarray
    seats: np.ndarray
    trans: np.ndarray
    rot: np.ndarray


def draw_frames(
    poser: Poser,
    rig: HeadCamera,
    timeline: Timeline | ClipTimeline,
    starts: list[int],
    stride: int,
    draws: list[np.random.Generator],
) -> Frames:
    """Frames of a timeline: for each start one of the ``stride`` frames from there on.

    Where there is a choice, a frame in which an arm goes through the body is left for another.

    Args:
        poser: of the person.
        rig: how they wear the headset.
        timeline: what they do.
        starts: N frame numbers.
        stride: frames to choose among; 1 for none.
        draws: N generators, so that a frame does not depend on its neighbours.
    """
    open_rows = np.arange(len(starts))
    for attempt in range(_ATTEMPTS if stride > 1 else 1):
        picked = [
            starts[row] + (int(draws[row].integers(stride)) if stride > 1 else 0)
            for row in open_rows
        ]
        new_actions, new_poses, new_joints, new_turns = timeline.place(picked)
        if attempt == 0:
            actions, poses, joints, turns = new_actions, new_poses, new_joints, new_turns
        else:
            for row, action in zip(open_rows, new_actions, strict=True):
                actions[row] = action
            for name, values in new_poses.items():
                poses[name][open_rows] = values
            joints[open_rows], turns[open_rows] = new_joints, new_turns
        open_rows = open_rows[poser.volumes.hit(new_joints, new_turns, rig.offset)]
        if len(open_rows) == 0:
            break
    return in_world(poser, rig, actions, poses, joints, turns)


def in_world(
    poser: Poser,
    rig: HeadCamera,
    actions: list[str],
    poses: dict[str, np.ndarray],
    joints: np.ndarray,
    turns: np.ndarray,
) -> Frames:
    """Turn and move placed poses to where they are, and add the camera and the seats."""
    count = len(actions)
    heading = np.radians(poses["root"][:, 2])
    c, s = np.cos(heading), np.sin(heading)
    world = np.zeros((count, 3, 3))
    world[:, 1, 1] = 1.0
    world[:, 0, 0] = world[:, 2, 2] = c
    world[:, 0, 2], world[:, 2, 0] = s, -s
    joints = np.einsum("nab,njb->nja", world, joints)
    joints[..., [0, 2]] += poses["root"][:, None, :2]
    turns = world[:, None] @ turns
    back = poses["seat_back"] * poser.bones.leg_length
    height = np.where(poses["seat"] > 0, poser.seat_height(poses["seat"]), 0.0)
    x, z = poses["root"][:, 0] - back * s, poses["root"][:, 1] - back * c
    seats = np.stack([x, height, z, heading], -1)
    head = poser.body.rig.index("Head")
    trans, rot = camera_poses(rig, joints[:, head], turns[:, head])
    return Frames(actions, joints, turns, seats, trans, rot)


#: How far a joint may lie under the surface that is seen before it, centimetres for a body 170 cm
#: tall, by the start of its name without the side: half the thickness of the flesh and the cloth
#: around it, with some room.  Beyond that something else is in between.
_FLESH = {
    "HandThumb": 3.5,
    "Hand": 5.0,
    "ForeArm": 8.0,
    "Arm": 11.0,
    "Shoulder": 11.0,
    "UpLeg": 17.0,
    "Leg": 10.0,
    "Foot": 9.0,
    "ToeBase": 6.0,
    "Neck": 14.0,
    "Head": 16.0,
    "Hips": 22.0,
    "Spine": 22.0,
}


def occluded(lead: np.ndarray, body: Body) -> np.ndarray:
    """Which joints are hidden.

    Args:
        lead: (J,) centimetres by which the first surface on the way from the camera to each joint
            lies before the joint.
        body: whose joints they are.

    Returns:
        (J,) bool.
    """
    plain = [name.removeprefix("Left").removeprefix("Right") for name in body.rig.names]
    flesh = [next(cm for start, cm in _FLESH.items() if name.startswith(start)) for name in plain]
    return lead > np.array(flesh) * float(np.ptp(body.vertices[:, 1])) / 170.0


def seat_of(frames: Frames, row: int) -> tuple[np.ndarray, float] | None:
    """Top centre and heading of the seat in a frame, None where nobody sits on one."""
    x, height, z, heading = frames.seats[row]
    return None if height <= 0 else (np.array([x, height, z]), float(heading))
