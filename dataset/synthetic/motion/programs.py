"""The clips of the release and the program that performs each of them."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from base.actions import ACTION_GROUPS, action_group
from base.errors import UserError
from dataset.synthetic.body.pose import BodyPose
from dataset.synthetic.motion import gestures, walking
from dataset.synthetic.motion.everyday import ACTIVITIES
from dataset.synthetic.motion.gestures import Program, one_hand, two_hands
from dataset.synthetic.motion.performance import Performance

#: Clip name → program: every clip the official evaluation knows.
PROGRAMS: dict[str, Program] = {
    "Opening_A_Lid": two_hands((-0.18, -0.4, 0.5), (0.0, -0.2, 0.58), 50.0, 0.6, 5.0),
    "Standing_Arguing": two_hands((0.05, -0.55, 0.45), (0.35, -0.1, 0.6), -20.0, 0.2, together=0.4),
    "Two_Hand_Spell_Casting": two_hands((-0.1, -0.35, 0.45), (0.1, 0.0, 0.85), 70.0, 0.1),
    "Angry_Gesture": two_hands((0.1, -0.6, 0.4), (0.25, 0.1, 0.6), 20.0, 0.8, 10.0, period=0.9),
    "Waving_Gesture": one_hand((0.15, 0.25, 0.45), (0.5, 0.5, 0.35), 10.0, 0.05, 25.0, 0.8),
    "Taunt_Gesture": two_hands((0.3, -0.45, 0.5), (0.7, -0.2, 0.5), -60.0, 0.15, 10.0),
    "Taking_Punch": gestures.taking_punch,
    "Happy_Hand_Gesture": two_hands((0.1, -0.3, 0.5), (0.5, 0.3, 0.45), 10.0, 0.15, period=1.1),
    "Pointing": one_hand((0.1, -0.35, 0.6), (0.05, 0.15, 0.9), 60.0, 0.6, period=2.4),
    "Crazy_Gesture": gestures.crazy,
    "Arm_Gesture": one_hand((0.2, -0.6, 0.35), (0.75, -0.05, 0.55), 20.0, 0.2, 10.0),
    "Fist_Pump": one_hand((0.1, -0.2, 0.45), (0.1, 0.6, 0.4), 0.0, 1.0, period=0.9),
    "Hand_Raising": one_hand((0.1, 0.1, 0.5), (0.15, 0.93, 0.2), 20.0, 0.1, period=3.0),
    "Counting__1_": gestures.counting, "Rifle_Punch": gestures.rifle_punch,
    "Rejected": two_hands((0.1, -0.7, 0.3), (0.3, -0.45, 0.4), -30.0, 0.2, period=3.0),
    "Angry_Point": one_hand((0.0, -0.1, 0.5), (0.0, 0.0, 0.95), 60.0, 0.6, period=0.9),
    "Dismissing_Gesture": one_hand((-0.15, -0.2, 0.5), (0.5, -0.1, 0.7), 70.0, 0.15, 15.0),
    "Strong_Gesture": two_hands((0.35, -0.1, 0.4), (0.45, 0.4, 0.25), -20.0, 1.0, 15.0, 0.95),
    "Pointing_Gesture": one_hand((0.1, -0.3, 0.6), (0.7, 0.05, 0.6), 50.0, 0.6, period=2.0),
    "Loser": one_hand((0.0, 0.2, 0.46), (-0.08, 0.42, 0.48), 30.0, 0.5, 25.0),
    "Beckoning": one_hand((0.05, -0.1, 0.85), (0.0, 0.0, 0.5), -40.0, 0.4, period=0.9),
    "Pain_Gesture": gestures.pain, "Terrified": gestures.terrified,
    "Surprised": two_hands((0.0, -0.25, 0.5), (0.25, 0.25, 0.5), 40.0, 0.1, 20.0),
    "Clapping": gestures.clapping,
    "Rallying": one_hand((0.2, 0.3, 0.4), (0.3, 0.9, 0.1), 10.0, 0.9, period=1.0),
    "Shaking_Hands_2": gestures.handshake,
    "Hands_Forward_Gesture": two_hands((0.0, -0.5, 0.45), (0.1, -0.1, 0.9), 0.0, 0.1),
    "Shake_Fist": one_hand((0.05, 0.0, 0.52), (0.1, 0.3, 0.55), 0.0, 1.0, period=0.5),
    "Standing_Greeting": one_hand((0.2, -0.3, 0.5), (0.45, 0.4, 0.4), 20.0, 0.1, period=1.4),
    "Quick_Formal_Bow": gestures.bow,
    "Standing_Arguing__1_": two_hands((0.1, -0.4, 0.5), (0.3, 0.0, 0.7), 30.0, 0.3, together=0.3),
    "Happy": two_hands((0.2, -0.5, 0.4), (0.35, 0.2, 0.4), 0.0, 0.5, 10.0, period=0.8),
    "Plotting": gestures.plotting, "No": gestures.shaking_head,
    "Agreeing": gestures.nodding, "Talking": gestures.talking,
    "Reaching_Out": one_hand((0.1, -0.4, 0.5), (0.1, -0.05, 0.95), -30.0, 0.1, period=2.6),
    "Insult": one_hand((0.0, -0.45, 0.5), (0.15, 0.1, 0.65), -50.0, 0.7, period=1.3),
    "Counting": gestures.counting_on_one_leg,
    "Standing_2H_Cast_Spell_01": two_hands((0.2, 0.3, 0.35), (0.0, 0.1, 0.85), 80.0, 0.1),
    "Standing_Thumbs_Up": one_hand((0.05, -0.35, 0.6), (0.15, 0.0, 0.75), 0.0, 0.9, period=2.2),
    "Standing_1H_Magic_Attack_01": one_hand((0.4, 0.4, 0.0), (-0.05, 0.0, 0.95), 70.0, 0.1, 10.0),
    "Thinking": gestures.thinking, "Tpose_Take_001": gestures.tpose,
    "upper_stretching": gestures.upper_stretching,
    "Dribble": gestures.dribble, "Boxing": gestures.boxing,
    "Shooting_Gun": gestures.shooting, "Baseball_Umpire": gestures.umpire,
    "Golf_Putt_Failure": partial(gestures.golf, period=2.4, amplitude=0.8),
    "Golf_Putt_Failure__1_": partial(gestures.golf, period=1.6, amplitude=1.1),
    "Golf_Putt_Victory": partial(gestures.victory, curl=1.0),
    "Golf_Putt_Victory__1_": partial(gestures.victory, curl=0.2),
    "Revealing_Dice": one_hand((-0.05, -0.4, 0.55), (0.2, -0.2, 0.7), -60.0, 0.4),
    "Charge": walking.charge, "Sitting_Thumbs_Up": gestures.sitting_thumbs_up,
    "Sitting_Disapproval": gestures.sitting_disapproval,
    "lower_stretching": gestures.lower_stretching, "Patting": gestures.patting,
    "Petting": gestures.stroking, "Petting_Animal": gestures.petting_animal,
    "anim_Clip1": walking.side_step, "Weight_Shift_Gesture": walking.weight_shift,
    "walking": walking.walking,
}  # fmt: skip

#: Share of each group in the time, and of the clips that dominate theirs.
_GROUP_WEIGHT = {"Walking": 1.6, "UpperStretching": 2.2, "LowerStretching": 2.2}
_CLIP_WEIGHT = {"upper_stretching": 10.0, "lower_stretching": 6.0, "walking": 2.0, "Talking": 2.0}
#: Clips in which people talk with their hands at times.
_TALKS_AT_TIMES = ("No", "Agreeing")

CLIPS = tuple(PROGRAMS)


def _weight(clip: str) -> float:
    group = action_group(clip)
    whole = sum(_CLIP_WEIGHT.get(other, 1.0) for other in ACTION_GROUPS[group])
    return _CLIP_WEIGHT.get(clip, 1.0) / whole * _GROUP_WEIGHT.get(group, 1.0)


SHARES = np.array([_weight(clip) for clip in CLIPS])
SHARES /= SHARES.sum()


def clips_named(names: Sequence[str]) -> tuple[str, ...]:
    """Clips by their own names or their groups', in the order of :data:`CLIPS`; or a UserError."""
    unknown = [name for name in names if name not in PROGRAMS and name not in ACTION_GROUPS]
    if unknown:
        raise UserError(
            f"no action {unknown[0]:.40}: give groups ({', '.join(ACTION_GROUPS)}) or names of "
            "clips, such as walking"
        )
    return tuple(clip for clip in CLIPS if clip in names or action_group(clip) in names)


def shares_of(clips: Sequence[str]) -> np.ndarray:
    """(C,) share of the time of each of :data:`CLIPS` where only some are performed."""
    if not clips:
        return SHARES
    chosen = SHARES * [clip in clips for clip in CLIPS]
    return chosen / chosen.sum()


def perform(act: Performance, time: float) -> BodyPose:
    """The pose of a clip's performance ``time`` seconds after its start."""
    act.rewind(time)
    action, everyday = act.clip.action, act.clip.everyday
    talks = action in _TALKS_AT_TIMES and act.random() < 0.4
    act.stand()
    if talks:
        gestures.talking(act, act.pose)
    (ACTIVITIES[everyday].pose if everyday else PROGRAMS[action])(act, act.pose)
    return act.pose
