"""What people do every day with a headset on, beside the clips of the release."""

from typing import NamedTuple

import numpy as np

from dataset.synthetic.body.pose import BodyPose
from dataset.synthetic.motion import stance
from dataset.synthetic.motion.gestures import Program
from dataset.synthetic.motion.performance import Performance, Place, between
from dataset.synthetic.motion.stance import BOTH, hang, idle, reach, reach_both, sides, sit


def _look_at_hands(act: Performance, pose: BodyPose) -> None:
    pose.head = act.normals((24.0, 0.0, 0.0), (9.0, 7.0, 4.0))


def _maybe_seated(act: Performance, pose: BodyPose, chance: float) -> None:
    if act.random() < chance:
        sit(act, pose)


class _Held(NamedTuple):
    """How a hand is held at something: as for :func:`stance.reach`, found by a search over bodies for
    fingers or palm to be there, the palm turned to it."""

    at: Place
    palm: float
    wrist: float
    swivel: float
    curl: float


_FOLDED = (
    _Held((-0.56, -0.1, 0.32), -26.0, 20.0, 7.0, 0.4),
    _Held((-0.48, -0.16, 0.39), -44.0, 22.0, 78.0, 0.4),
)
_ACROSS = _Held((-0.77, -0.31, 0.2), -42.0, 32.0, 36.0, 0.5)
_UNDER_ELBOW = _Held((-0.47, -0.52, 0.29), -74.0, 10.0, 62.0, 0.45)
_JAW = _Held((-0.15, -0.07, 0.23), -55.0, 7.0, 4.0, 0.5)
_CHEEK = _Held((-0.07, 0.12, 0.23), -11.0, -1.0, -30.0, 0.35)
_TEMPLE = _Held((-0.08, 0.34, 0.3), -33.0, 13.0, -43.0, 0.3)
_EAR = _Held((-0.11, 0.24, 0.11), 19.0, -3.0, -69.0, 0.5)
_NAPE = _Held((-0.19, 0.37, -0.23), -37.0, 12.0, -60.0, 0.2)
_AT_FACE = (_JAW, _JAW, _CHEEK, _TEMPLE, _EAR)


def _hold(act: Performance, pose: BodyPose, side: int, how: _Held, spread: float = 0.015) -> None:
    reach(act, pose, side, how.at, spread, how.palm, how.curl, how.swivel)
    pose.wrist[side] = how.wrist + 0.5 * pose.wrist[side]


def _arms_crossed(act: Performance, pose: BodyPose) -> None:
    """Before the chest, or one across the body at the other's elbow."""
    _maybe_seated(act, pose, 0.2)
    side, other = sides(act)
    if act.random() < 0.7:
        _hold(act, pose, side, _FOLDED[0])
        _hold(act, pose, other, _FOLDED[1])
    else:
        hang(act, pose, other)
        _hold(act, pose, side, _ACROSS)


def _hand_at_face(act: Performance, pose: BodyPose) -> None:
    """At jaw, cheek, temple or ear: one, the other below its elbow or idle, or both."""
    _maybe_seated(act, pose, 0.3)
    side, other = sides(act)
    pose.head *= 0.5
    how, more = _AT_FACE[int(act.random() * len(_AT_FACE))], act.random()
    _hold(act, pose, side, how)
    if more < 0.25:
        _hold(act, pose, other, how)
    elif more < 0.5 and how is _JAW:
        _hold(act, pose, other, _UNDER_ELBOW)
    else:
        idle(act, pose, other)


def _hands_behind_head(act: Performance, pose: BodyPose) -> None:
    _maybe_seated(act, pose, 0.4)
    pose.head *= 0.5
    for side in BOTH:
        _hold(act, pose, side, _NAPE)


def _at_hips(act: Performance, pose: BodyPose) -> None:
    """Hands on the hips, in the pockets or behind the back."""
    choice = act.random()
    if choice < 0.4:
        reach_both(act, pose, (0.12, -0.66, 0.12), 0.03, 60.0, 0.4, 55.0)
    elif choice < 0.7:
        reach_both(act, pose, (0.03, -0.86, 0.1), 0.02, 30.0, 0.5, 30.0)
    else:
        reach_both(act, pose, (-0.22, -0.8, -0.3), 0.02, 60.0, 0.4, -20.0)


def _phone(act: Performance, pose: BodyPose) -> None:
    """Read in one hand or typed on with both."""
    _maybe_seated(act, pose, 0.3)
    side, other = sides(act)
    height = act.uniform(-0.42, -0.2)
    if act.random() < 0.5:
        reach_both(act, pose, (-0.19, height, 0.46), 0.01, -70.0, 0.5)
    else:
        reach(act, pose, side, (act.pick(-0.3, -0.1), height, 0.42), 0.02, -70.0, 0.5)
    _look_at_hands(act, pose)


def _reading(act: Performance, pose: BodyPose) -> None:
    """A newspaper or a book in both hands."""
    _maybe_seated(act, pose, 0.5)
    height, wide = act.uniform(-0.45, -0.15), act.pick(-0.2, 0.2)
    palm = -65.0 if act.random() < 0.7 else 60.0  # below the sheet or on it
    reach_both(act, pose, (wide, height, act.uniform(0.45, 0.65)), 0.015, palm, 0.4, 10.0)
    _look_at_hands(act, pose)


def _carrying(act: Performance, pose: BodyPose) -> None:
    """A box between the hands."""
    height, wide = act.pick(-0.65, -0.25), act.pick(-0.12, 0.15)
    ahead = 0.5 + 0.1 * act.cycle(4.0)
    reach_both(act, pose, (wide, height, ahead), 0.008, 0.0, 0.15, 10.0)
    pose.spine[0] -= act.pick(0.0, 8.0)


def _drinking(act: Performance, pose: BodyPose) -> None:
    _maybe_seated(act, pose, 0.4)
    at = between((-0.1, -0.38, 0.5), (-0.22, -0.08, 0.4), act.cycle(3.0))
    reach(act, pose, sides(act)[0], at, 0.02, 0.0, 0.6, 10.0)
    pose.head *= 0.5


def _sit_upright(act: Performance, pose: BodyPose) -> None:
    sit(act, pose)
    pose.seat = act.pick(0.5, 0.56)
    pose.pelvis = np.array([0.0, pose.seat - 0.9, -pose.seat_back])
    pose.spine *= 0.5


def _typing(act: Performance, pose: BodyPose) -> None:
    """At a keyboard on a table."""
    _sit_upright(act, pose)
    for side in BOTH:
        at = (-0.12 + 0.03 * act.wander(0.8), -0.4, 0.52 + 0.02 * act.wander(0.7))
        _hold(act, pose, side, _Held(at, 90.0, -6.0, -10.0, 0.1 + 0.15 * act.cycle(0.4)))
    _look_at_hands(act, pose)


def _at_table(act: Performance, pose: BodyPose) -> None:
    """Seated, each hand on the table or one at the face."""
    _sit_upright(act, pose)
    side, other = sides(act)
    for each in BOTH:
        at = (act.pick(-0.25, 0.1), -0.41, act.pick(0.45, 0.7) + 0.03 * act.wander(2.0))
        _hold(act, pose, each, _Held(at, act.pick(40.0, 90.0), -3.0, 0.0, act.pick(0.1, 0.6)))
    if act.random() < 0.25:
        _hold(act, pose, other, _JAW)


def _driving(act: Performance, pose: BodyPose) -> None:
    """Both hands on a steering wheel, turned a little."""
    sit(act, pose)
    pose.seat = act.pick(0.32, 0.5)
    pose.pelvis = np.array([0.0, pose.seat - 0.9, -pose.seat_back])
    pose.pelvis_turn[0] -= act.pick(0.0, 12.0)
    pose.foot[:, 2] += act.pick(0.1, 0.35)
    turn, wide = 0.1 * act.wander(1.5), act.pick(-0.02, 0.08)
    at = (wide, act.pick(-0.25, -0.1), act.pick(0.55, 0.75))
    reach_both(act, pose, at, 0.008, 40.0, 0.7, -10.0, sway=(0.0, turn, 0.0))


def _squatting(act: Performance, pose: BodyPose) -> None:
    """Arms on the knees or hands at something on the floor."""
    depth = act.pick(0.8, 1.0)
    pose.pelvis = np.array([0.0, -0.58 * depth, -0.18 * depth])
    pose.pelvis_turn[0] += 30.0 * depth
    tiptoe = -38.0 if act.random() < 0.5 else 0.0
    at = _SQUATTING[int(len(_SQUATTING) * act.random())]
    for side in BOTH:
        pose.foot[side, 0] += 0.08
        pose.foot_pitch[side] = tiptoe
        pose.knee_out[side] = act.pick(15.0, 35.0)
        reach(act, pose, side, at, 0.03, 57.0, 0.3)


#: Hands on the knees, outside of them, at the floor.
_SQUATTING = ((0.04, -0.53, 0.4), (0.22, -0.5, 0.47), (0.0, -0.95, 0.7))


def _kneeling(act: Performance, pose: BodyPose) -> None:
    """On one knee or on both, upright or sitting back on the heels."""
    side, _ = sides(act)
    pose.balance = 0.0
    both = act.random() < 0.5
    back = act.pick(0.0, 1.0) if both else 0.0
    pose.pelvis = np.array([0.0, -0.44 - 0.17 * back, -0.2 * back])
    pose.pelvis_turn[0] += act.pick(0.0, 25.0)
    for each in BOTH:
        behind = both or each == side
        pose.foot[each, 2] = -0.45 if behind else 0.42
        pose.foot_pitch[each] = -50.0 if behind else 0.0
        pose.knee_out[each] = act.pick(0.0, 12.0)
        if act.random() < 0.6:
            at = ((0.0, -0.66, 0.4), (-0.1, -0.5, 0.7))[int(2 * act.random())]
            reach(act, pose, each, at, 0.04, 70.0, 0.25, 15.0)


class Activity(NamedTuple):
    """Something done instead of the program of a clip."""

    program: Program
    share: float  # of the time
    action: str  # the clip of the release as which it is labelled
    thing: str = ""  # what is used, a name of :data:`scene.in_use.IN_USE`


ACTIVITIES = {
    "at rest": Activity(stance.rest, 0.167, "Weight_Shift_Gesture"),
    "arms crossed": Activity(_arms_crossed, 0.03, "Weight_Shift_Gesture"),
    "hands at hips": Activity(_at_hips, 0.024, "Weight_Shift_Gesture"),
    "hand at face": Activity(_hand_at_face, 0.035, "Thinking"),
    "hands behind head": Activity(_hands_behind_head, 0.01, "upper_stretching"),
    "phone": Activity(_phone, 0.045, "Revealing_Dice", "phone"),
    "reading": Activity(_reading, 0.045, "Opening_A_Lid", "sheet"),
    "carrying": Activity(_carrying, 0.03, "Hands_Forward_Gesture", "box"),
    "drinking": Activity(_drinking, 0.024, "Opening_A_Lid", "vessel"),
    "typing": Activity(_typing, 0.025, "Sitting_Disapproval", "keyboard"),
    "at a table": Activity(_at_table, 0.02, "Sitting_Thumbs_Up", "table"),
    "driving": Activity(_driving, 0.015, "Sitting_Disapproval", "wheel"),
    "squatting": Activity(_squatting, 0.015, "Petting_Animal"),
    "kneeling": Activity(_kneeling, 0.015, "Petting_Animal"),
}
#: Share of the time of the clips on the spot, the only ones that make place for these.
_ON_THE_SPOT = 0.89
_NAMES = (*ACTIVITIES, "")
_UP_TO = np.cumsum([each.share / _ON_THE_SPOT for each in ACTIVITIES.values()])


def instead(lot: float) -> str:
    """The activity that replaces a clip on the spot, by a number in [0, 1]; "" for none."""
    return _NAMES[np.searchsorted(_UP_TO, lot, side="right")]
