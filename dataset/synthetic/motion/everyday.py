"""What people do every day with a headset on, beside the clips of the release: a table."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dataset.synthetic.body.pose import BodyPose
from dataset.synthetic.motion.performance import BOTH, Performance, Place


class _Hand(NamedTuple):
    """How a hand is held, as for :meth:`Performance.reach`.  By a search over bodies for fingers or
    palm to be where they belong, the palm turned to it."""

    at: Place
    palm: float
    wrist: float
    swivel: float
    curl: float
    to: Place | None = None  # somewhere between ``at`` and here


def _chair(act: Performance, pose: BodyPose) -> None:
    """Sit upright and high enough for a table."""
    act.sit()
    pose.seat = act.pick(0.5, 0.56)
    pose.pelvis[1] = pose.seat - 0.9
    pose.spine *= 0.5


def _squat(act: Performance, pose: BodyPose) -> None:
    depth = act.pick(0.8, 1.0)
    pose.pelvis = np.array([0.0, -0.58 * depth, -0.18 * depth])
    pose.pelvis_turn[0] += act.pick(5.0, 18.0)
    pose.foot[:, 0] += 0.13
    pose.foot_pitch[:] = -38.0 if act.random() < 0.5 else 0.0
    pose.knee_out[:] = act.pick(25.0, 55.0)


def _kneel(act: Performance, pose: BodyPose) -> None:
    """On one knee, or on both and upright or on the way back to the heels."""
    side, back = act.sides()[0], act.pick(-1.0, 1.0)
    behind = [back > 0 or each == side for each in BOTH]
    lower = 0.08 * max(back, 0.0)
    pose.pelvis = np.array([0.0, -0.58 - lower, -1.3 * lower])
    # Toes a shin behind a knee that is on the floor.
    toes = math.sqrt(0.475**2 - (0.45 - lower) ** 2) - 0.64 - 1.3 * lower
    pose.pelvis_turn[0] += act.pick(0.0, 25.0)
    pose.foot[:, 2] = np.where(behind, toes, 0.42)
    pose.foot_pitch[:] = np.where(behind, -50.0, 0.0)
    pose.balance = 0.0


_FOLDED = (
    _Hand((-0.61, -0.11, 0.34), -50.0, 25.0, 1.0, 0.4),
    _Hand((-0.44, -0.18, 0.45), -66.0, 27.0, 76.0, 0.4),
)
_AT_OTHER_ELBOW = _Hand((-0.77, -0.31, 0.2), -42.0, 32.0, 36.0, 0.5)
_BELOW_OTHER_ELBOW = _Hand((-0.47, -0.52, 0.29), -74.0, 10.0, 62.0, 0.45)
_HIP = _Hand((0.12, -0.66, 0.12), 60.0, 0.0, 55.0, 0.4)
_POCKET = _Hand((0.11, -0.72, -0.02), -31.0, -9.0, 9.0, 0.4)
_BACK = _Hand((-0.25, -0.69, -0.29), 80.0, 0.0, 0.0, 0.4)
_JAW = _Hand((-0.13, -0.11, 0.23), -45.0, 7.0, -4.0, 0.5)
_CHEEK = _Hand((-0.02, 0.12, 0.16), -11.0, -1.0, -30.0, 0.35)
_TEMPLE = _Hand((-0.08, 0.34, 0.3), -33.0, 13.0, -43.0, 0.3)
_EAR = _Hand((-0.11, 0.24, 0.11), 19.0, -3.0, -69.0, 0.5)
_NAPE = _Hand((-0.19, 0.37, -0.23), -37.0, 12.0, -60.0, 0.2)
_PHONE = _Hand((-0.3, -0.42, 0.42), -70.0, 0.0, 0.0, 0.5, to=(-0.1, -0.2, 0.46))
_TYPES = _Hand((-0.19, -0.42, 0.46), -70.0, 0.0, 0.0, 0.5, to=(-0.17, -0.2, 0.46))
_BELOW_SHEET = _Hand((-0.2, -0.45, 0.45), -65.0, 0.0, 10.0, 0.4, to=(0.2, -0.15, 0.65))
_ON_SHEET = _BELOW_SHEET._replace(palm=60.0)
_BOX = _Hand((-0.12, -0.65, 0.5), 0.0, 0.0, 10.0, 0.15, to=(0.15, -0.25, 0.6))
_CUP = _Hand((-0.1, -0.38, 0.5), 0.0, 0.0, 10.0, 0.6, to=(-0.22, -0.08, 0.4))
_KEYS = _Hand((-0.16, -0.4, 0.48), 90.0, -6.0, -10.0, 0.15, to=(-0.08, -0.4, 0.56))
_TABLE = _Hand((-0.25, -0.41, 0.45), 65.0, -3.0, 0.0, 0.3, to=(0.1, -0.41, 0.7))
_WHEEL = _Hand((-0.02, -0.25, 0.55), 40.0, 0.0, -10.0, 0.7, to=(0.08, -0.1, 0.75))
_KNEES = (  # on them, past them, between them
    _Hand((0.04, -0.53, 0.4), 57.0, 0.0, 0.0, 0.3, to=(0.3, -0.55, 0.4)),
    _Hand((-0.05, -0.28, 0.8), 57.0, 0.0, 0.0, 0.3),
    _Hand((-0.2, -0.65, 0.65), 57.0, 0.0, 0.0, 0.3),
)
_ON_THIGH = _Hand((0.0, -0.66, 0.4), 70.0, 0.0, 15.0, 0.25)
_LOW = _Hand((-0.1, -0.5, 0.7), 70.0, 0.0, 15.0, 0.25)


class Activity(NamedTuple):
    """Something done instead of the program of a clip."""

    share: float  # of the time
    action: str  # the clip of the release as which it is labelled
    # ways to hold the hands: that of one side and of the other; None lets it hang or rest
    hands: tuple[tuple[_Hand | None, _Hand | None], ...]
    uses: str = ""  # as :func:`scene.in_use.draw_in_use` takes it
    down: float = 0.0  # how often people sit or get down for it, and how
    get_down: Callable[[Performance, BodyPose], None] = lambda act, _: act.sit()
    nod: float | None = None  # of a head that does not look around, degrees

    def pose(self, act: Performance, pose: BodyPose) -> None:
        """Change the pose of someone who stands into that of a moment of it."""
        sway = act.wave(4.5) * act.pick(0.0, 1.0)
        act.add(sway, pelvis=(0.06, 0, 0), pelvis_turn=(0, 0, 4.0), spine=(0, 0, -5.0))
        if act.random() < self.down:
            self.get_down(act, pose)
        if self.nod is not None:
            pose.head = act.normals((self.nod, 0.0, 0.0), (9.0, 7.0, 4.0))
        way = self.hands[int(act.random() * len(self.hands))]
        share = np.array([act.uniform(0.0, 1.0) for _ in range(3)])
        for side, hand in zip(act.sides(), way, strict=True):
            if hand:
                at = hand.at + share * np.subtract(hand.to or hand.at, hand.at)
                act.reach(side, at, 0.012, hand.palm, hand.curl, hand.swivel)
                pose.wrist[side] = hand.wrist + 0.5 * pose.wrist[side]


def _both(*hands: _Hand) -> tuple[tuple[_Hand, _Hand], ...]:
    return tuple((hand, hand) for hand in hands)


_ASIDE = _both(_HIP, _POCKET, _BACK)
_REST = (*8 * [(None, None)], *_ASIDE[1:], *_ASIDE[1:], (_HIP, None))
_FACE = ((_JAW, None), (_CHEEK, None), (_TEMPLE, None), (_EAR, None))
_FACE += (*_both(_JAW, _TEMPLE), (_JAW, _BELOW_OTHER_ELBOW))
_PHONES, _SHEETS = ((_PHONE, None), (_TYPES, _TYPES)), _both(_BELOW_SHEET, _BELOW_SHEET, _ON_SHEET)
_TABLES = (*_both(_TABLE), (_TABLE, _JAW), (_TABLE, _KEYS))
_LOWS = (*_both(_ON_THIGH, _LOW), (_ON_THIGH, None), (_LOW, None))
_STANDS, _SITS = "Weight_Shift_Gesture", "Sitting_Disapproval"
ACTIVITIES = {
    "at rest": Activity(0.167, _STANDS, _REST),
    "arms crossed": Activity(0.035, _STANDS, (_FOLDED, _FOLDED, (_AT_OTHER_ELBOW, None)), "", 0.2),
    "hands at hips": Activity(0.025, _STANDS, _ASIDE),
    "hand at face": Activity(0.04, "Thinking", _FACE, "", 0.3, nod=5.0),
    "hands behind head": Activity(0.01, "upper_stretching", _both(_NAPE), "", 0.4, nod=0.0),
    "phone": Activity(0.045, "Talking", _PHONES, "phone", 0.3, nod=24.0),
    "reading": Activity(0.045, "Opening_A_Lid", _SHEETS, "sheet", 0.5, nod=20.0),
    "carrying": Activity(0.03, "Hands_Forward_Gesture", _both(_BOX), "box"),
    "drinking": Activity(0.025, "Opening_A_Lid", ((_CUP, None),), "vessel", 0.4, nod=3.0),
    "typing": Activity(0.025, _SITS, _both(_KEYS), "keyboard", 1.0, _chair, nod=18.0),
    "at a table": Activity(0.02, _SITS, _TABLES, "table", 1.0, _chair),
    "driving": Activity(0.015, _SITS, _both(_WHEEL), "wheel", 1.0, nod=5.0),
    "squatting": Activity(0.009, "lower_stretching", _both(*_KNEES), "", 1.0, _squat),
    "kneeling": Activity(0.009, "Petting_Animal", _LOWS, "", 1.0, _kneel),
}
#: They replace clips on the spot, which have so much of the time.
_ON_THE_SPOT = 0.89
_UP_TO = np.cumsum([each.share / _ON_THE_SPOT for each in ACTIVITIES.values()])


def instead(lot: float) -> str:
    """The activity that replaces a clip on the spot, by a number in [0, 1]; "" for none."""
    return (*ACTIVITIES, "")[np.searchsorted(_UP_TO, lot, side="right")]
