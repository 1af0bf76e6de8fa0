"""Ways to stand, to sit and to hold an arm: what the programs of :mod:`programs` are made of.

Positions and angles are those of :class:`~dataset.synthetic.body.pose.Pose`.
"""

import math

import numpy as np

from dataset.synthetic.body.pose import BodyPose
from dataset.synthetic.motion.performance import Performance, Place, wave

LEFT, RIGHT = 0, 1
BOTH = (LEFT, RIGHT)


def add(pose: BodyPose, share: float = 1.0, **changes: Place) -> None:
    """Add ``share`` of some changes, three numbers for each field."""
    for name, change in changes.items():
        setattr(pose, name, getattr(pose, name) + share * np.array(change))


def gaze(act: Performance, pose: BodyPose) -> None:
    """Turn the head as people do: held, then moved, at times far to a side."""
    wide = 2.2 if act.random() < 0.35 else 1.0
    pose.head[0] += 3.0 + 9.0 * act.wander(1.8, 0.45)
    pose.head[1] += wide * 18.0 * act.wander(1.6, 0.5)
    pose.head[2] += 5.5 * act.wander(2.5, 0.7)
    kept = act.random()  # one way all the time
    if kept < 0.12:  # up or down
        pose.head[0] += act.pick(-22.0, 30.0)
    elif kept < 0.3:  # to one side, as when talking to someone there
        pose.head[1] += (1.0 if kept < 0.21 else -1.0) * act.pick(25.0, 75.0)


def stand(act: Performance, pose: BodyPose) -> None:
    """Stand at ease, breathing and shifting weight: how all programs begin."""
    bend = abs(act.habit(0.0, 0.03))
    pose.pelvis = np.array([act.normal(0.0, 0.025), -bend, act.normal(0.0, 0.015)])
    pose.pelvis_turn = act.normals((2.0, 0.0, 0.0), (3.0, 7.0, 1.5))
    pose.spine = act.normals((3.0, 0.0, 0.0), (6.0, 6.0, 4.0))
    pose.spine[0] += 0.8 * wave(act.phase(3.6))
    gaze(act, pose)
    apart = abs(act.habit(0.0, 0.07))
    for side in BOTH:
        pose.foot[side] = (apart + act.habit(0, 0.02), 0.0, act.habit(0.0, 0.06))
        pose.toe_out[side] = act.habit(9.0, 7.0)
        hang(act, pose, side)
    x, z, heading = act.clip.path.at(0.0)
    pose.root = np.array([x, z, heading + act.clip.path.facing])


def sit(act: Performance, pose: BodyPose) -> None:
    """On a seat, hands on the thighs: how the seated clips begin."""
    pose.seat = act.pick(0.42, 0.58)
    pose.seat_back = act.pick(0.3, 0.45)
    pose.balance = 0.0
    pose.pelvis = np.array([0.0, pose.seat - 0.9, -pose.seat_back])
    pose.pelvis_turn = act.normals((0.0, 0.0, 0.0), (5.0, 4.0, 1.5))
    spread = act.pick(0.0, 0.2)
    for side in BOTH:
        pose.foot[side] = (spread + act.habit(0, 0.03), 0.0, act.pick(-0.05, 0.25))
        pose.knee_out[side] = 60.0 * spread + act.habit(5.0, 5.0)
        reach(act, pose, side, (0.0, -0.58, 0.48), 0.05, 80.0, 0.25, 20.0)


def hang(act: Performance, pose: BodyPose, side: int, swing: float = 0.0) -> None:
    """Let an arm hang, swung forward by ``swing`` degrees."""
    angle = math.radians(swing + act.normal(6.0, 8.0))
    out, far = act.uniform(0.08, 0.3), act.uniform(0.88, 0.99)
    pose.hand[side] = (out, -far * math.cos(angle) * 0.97, far * math.sin(angle))
    pose.swivel[side] = act.normal(0.0, 10.0)
    pose.pronation[side] = act.normal(15.0, 18.0)
    pose.wrist[side] = act.normal(5.0, 8.0)
    pose.curl[side] = act.uniform(0.15, 0.5)
    pose.splay[side] = act.habit(0.0, 0.3)


def reach(
    act: Performance,
    pose: BodyPose,
    side: int,
    at: Place,
    spread: float,
    palm: float,
    curl,
    swivel=0,
) -> None:
    """Put a hand at (outward, up, forward) of its shoulder, in arm lengths, with some scatter."""
    pose.hand[side] = np.array(at) + act.normals((0.0, 0.0, 0.0), spread)
    pose.pronation[side] = palm + act.normal(0.0, 14.0)
    pose.wrist[side] = act.normal(0.0, 14.0)
    pose.curl[side] = min(max(curl + act.normal(0.0, 0.12), 0.0), 1.0)
    pose.swivel[side] = swivel + act.normal(0.0, 12.0)
    pose.splay[side] = act.habit(0.3, 0.4) if curl < 0.4 else 0.0


def reach_both(
    act: Performance, pose: BodyPose, at: Place, *how: float, sway: Place = (0, 0, 0)
) -> None:
    """Put both hands at the same place, each of its own shoulder; ``sway`` is added for the left
    one and subtracted for the right one."""
    for side in BOTH:
        reach(act, pose, side, np.array(at) + towards(side) * np.array(sway), *how)


def idle(act: Performance, pose: BodyPose, side: int) -> None:
    """What the other arm does while one gestures."""
    choice = act.random()
    if choice < 0.55:
        hang(act, pose, side)
    elif choice < 0.7:  # hand on the hip
        reach(act, pose, side, (0.12, -0.66, 0.12), 0.03, 60.0, 0.4, 55.0)
    elif choice < 0.85:  # across the belly
        reach(act, pose, side, (-0.28, -0.48, 0.42), 0.05, 60.0, 0.3, 10.0)
    else:  # half raised in front
        reach(act, pose, side, (0.0, -0.4, 0.55), 0.1, 40.0, 0.3, 10.0)


def sides(act: Performance) -> tuple[int, int]:
    """(side that acts, the other one); people are mostly right-handed."""
    return (RIGHT, LEFT) if act.random() < 0.6 else (LEFT, RIGHT)


def towards(side: int) -> float:
    """Sign of a turn, and of the opposite bend, towards a side: 1 to the left, -1 to the right."""
    return 1.0 if side == LEFT else -1.0
