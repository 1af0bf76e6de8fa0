"""What a pose is: a description that fits any body, and the range its joints keep to.

Hands and feet are given as targets and the elbow and knee follow, which keeps the limbs of every
pose anatomical and the feet where the pose wants them on the floor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np


@dataclass
class Pose:
    """One pose of any body.  Angles are degrees; arrays with two rows are (left, right).

    Attributes:
        pelvis: (sideways, height, forward) of the pelvis against standing upright, in leg lengths.
        pelvis_turn: lean forward, yaw to the left, roll to the right.
        spine: bend forward, twist to the left, bend to the right, over the whole spine.
        head: nod, turn to the left, tilt to the right, against the chest.
        hand: (2, 3) wrist from the shoulder: outward, up, forward of the chest, in arm lengths.
        swivel: (2,) turn of the elbow about the line from shoulder to wrist, outward positive.
        pronation: (2,) turn of the forearm; 0 has the palm facing inwards with the hand ahead.
        wrist: (2,) bend of the hand towards the palm.
        curl: (2,) of the fingers: 0 stretched, 1 a fist.
        splay: (2,) spread of the fingers: 0 side by side, 1 wide.
        foot: (2, 3) ankle from where it stands below the hip: outward, up, forward, in leg lengths.
        toe_out: (2,) turn of the foot outwards.
        foot_pitch: (2,) toes up positive.
        knee_out: (2,) turn of the knee outwards.
        seat: height of what the person sits on, in leg lengths; 0 for nothing.
        seat_back: how far behind the root its middle is, in leg lengths.
        balance: 1 where the weight has to rest over the feet, 0 where it moves on or is seated.
        root: x, z in centimetres and heading in degrees: where in the world the pose is.
    """

    pelvis: np.ndarray = field(default_factory=lambda: np.zeros(3))
    pelvis_turn: np.ndarray = field(default_factory=lambda: np.zeros(3))
    spine: np.ndarray = field(default_factory=lambda: np.zeros(3))
    head: np.ndarray = field(default_factory=lambda: np.zeros(3))
    hand: np.ndarray = field(default_factory=lambda: np.array([(1.0, 0.0, 0.0)] * 2))
    swivel: np.ndarray = field(default_factory=lambda: np.zeros(2))
    pronation: np.ndarray = field(default_factory=lambda: np.zeros(2))
    wrist: np.ndarray = field(default_factory=lambda: np.zeros(2))
    curl: np.ndarray = field(default_factory=lambda: np.zeros(2))
    splay: np.ndarray = field(default_factory=lambda: np.zeros(2))
    foot: np.ndarray = field(default_factory=lambda: np.zeros((2, 3)))
    toe_out: np.ndarray = field(default_factory=lambda: np.zeros(2))
    foot_pitch: np.ndarray = field(default_factory=lambda: np.zeros(2))
    knee_out: np.ndarray = field(default_factory=lambda: np.zeros(2))
    seat: float = 0.0
    seat_back: float = 0.0
    balance: float = 1.0
    root: np.ndarray = field(default_factory=lambda: np.zeros(3))


def stack(poses: Sequence[Pose]) -> dict[str, np.ndarray]:
    """Poses as one array per field, (N, …)."""
    return {
        each.name: np.stack([np.asarray(getattr(pose, each.name), float) for pose in poses])
        for each in fields(Pose)
    }


#: Least and greatest value of what joints do, degrees (hands in arm lengths): a mean adult's range.
_LIMITS = {
    "pelvis_turn": ((-25.0, -60.0, -20.0), (85.0, 60.0, 20.0)),
    "spine": ((-28.0, -45.0, -32.0), (62.0, 45.0, 32.0)),
    "head": ((-45.0, -85.0, -28.0), (55.0, 85.0, 28.0)),
    "hand": ((-0.85, -1.0, -0.5), (1.0, 1.0, 1.0)),
    "pronation": (-80.0, 100.0),
    "wrist": (-55.0, 60.0),
    "toe_out": (-35.0, 60.0),
    "foot_pitch": (-50.0, 60.0),
    "knee_out": (-8.0, 75.0),
}


def within_limits(poses: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Poses whose joints stay within their range."""
    return poses | {name: np.clip(poses[name], *limits) for name, limits in _LIMITS.items()}
