"""What a pose is, for any body, and the range its joints keep to. Hands and feet are targets, which
elbow and knee follow: limbs are anatomical, feet on their spot."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

#: What a field holds where nothing is stated.
_TWO, _THREE = {"default_factory": lambda: np.zeros(2)}, {"default_factory": lambda: np.zeros(3)}


@dataclass
class BodyPose:
    """One pose of any body.  Angles are degrees; arrays with two rows are (left, right)."""

    pelvis: np.ndarray = field(**_THREE)  # sideways, up, forward of standing, leg lengths
    pelvis_turn: np.ndarray = field(**_THREE)  # lean forward, yaw to the left, roll to the right
    spine: np.ndarray = field(**_THREE)  # bend forward, twist left, bend right over all of it
    head: np.ndarray = field(**_THREE)  # nod, turn to the left, tilt to the right, from the chest
    # wrist from the shoulder: outward, up, forward of the chest, arm lengths
    hand: np.ndarray = field(default_factory=lambda: np.array([(1.0, 0.0, 0.0)] * 2))
    swivel: np.ndarray = field(**_TWO)  # of the elbow about shoulder to wrist, outward positive
    pronation: np.ndarray = field(**_TWO)  # of the forearm: 0 has the palm of a hand ahead inward
    wrist: np.ndarray = field(**_TWO)  # bend of the hand towards the palm
    curl: np.ndarray = field(**_TWO)  # of the fingers: 0 stretched, 1 a fist
    splay: np.ndarray = field(**_TWO)  # of the fingers: 0 side by side, 1 wide
    # ankle from where it stands below the hip: outward, up, forward, leg lengths
    foot: np.ndarray = field(default_factory=lambda: np.zeros((2, 3)))
    toe_out: np.ndarray = field(**_TWO)  # turn of the foot outwards
    foot_pitch: np.ndarray = field(**_TWO)  # toes up positive
    knee_out: np.ndarray = field(**_TWO)  # turn of the knee outwards
    seat: float = 0.0  # height of what the person sits on, leg lengths; 0 for nothing
    seat_back: float = 0.0  # how far behind the root its middle is, leg lengths
    balance: float = 1.0  # 1: the weight rests over the feet; 0: it moves on or is seated
    root: np.ndarray = field(**_THREE)  # in the world: x, z in centimetres, heading in degrees


def stack(poses: Sequence[BodyPose]) -> dict[str, np.ndarray]:
    """Poses as one array per field, (N, …)."""
    return {
        each.name: np.stack([np.asarray(getattr(pose, each.name), float) for pose in poses])
        for each in fields(BodyPose)
    }


#: Least and greatest value of what joints do, degrees (hands in arm lengths): a mean adult's range.
_LIMITS = {
    "pelvis_turn": ((-25.0, -60.0, -20.0), (85.0, 60.0, 20.0)),
    "spine": ((-28.0, -45.0, -32.0), (62.0, 45.0, 32.0)),
    "head": ((-45.0, -85.0, -28.0), (55.0, 85.0, 28.0)),
    "hand": ((-0.85, -1.0, -0.5), (1.0, 1.0, 1.0)),
    "pronation": (-80.0, 100.0), "wrist": (-55.0, 60.0), "toe_out": (-35.0, 60.0),
    "foot_pitch": (-50.0, 60.0), "knee_out": (-8.0, 75.0),
}  # fmt: skip


def within_limits(poses: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return poses | {name: np.clip(poses[name], *limits) for name, limits in _LIMITS.items()}
