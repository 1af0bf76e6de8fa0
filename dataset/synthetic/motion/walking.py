"""Walking: feet that stay where they were set down while the body passes over them."""

import math

import numpy as np

from dataset.synthetic.body.pose import BodyPose
from dataset.synthetic.motion.performance import BOTH, TOWARDS, Performance, ease, wave

#: Share of the cycle a foot is on the floor; both are, twice, for the rest of half of it.
_STANCE = 0.6
#: Point of the cycle where both feet stand: where walks begin and end; seconds of getting going.
_REST, _RAMP = 0.05, 0.8


def _advance(act: Performance, total: float) -> tuple[float, float]:
    """Distance covered (of ``total``) and share of full speed, which goes as a cosine."""
    span = max(act.clip.duration, 2.5 * _RAMP)
    full = total / (span - _RAMP)
    time = min(max(act.time, 0.0), span)
    if _RAMP <= time <= span - _RAMP:
        return full * (_RAMP / 2 + time - _RAMP), 1.0
    near = min(time, span - time)  # to the end that is nearer
    covered = full * (near / 2 - _RAMP / (2 * math.pi) * math.sin(math.pi * near / _RAMP))
    pace = 0.5 - 0.5 * math.cos(math.pi * near / _RAMP)
    return covered if time < _RAMP else total - covered, pace


def stride(
    act: Performance, pose: BodyPose, lift: float, arm_swing: float, width=0.0, aside=0.0
) -> None:
    """Walk along the path of the clip: a swinging foot ``lift`` high, feet ``width`` outside the
    hips, leg lengths; degrees the arms swing, and the body is turned ``aside`` of the path."""
    clip, pose.balance = act.clip, 0.0
    advance, pace = _advance(act, clip.steps * clip.step_length)
    cycle = _REST + advance / (2.0 * clip.step_length)
    x, z, heading = clip.path.at(advance)
    pose.root = np.array([x, z, heading + aside])
    bob = -0.02 + 0.008 * pace * wave(2 * cycle)
    pose.pelvis = np.array([0.02 * pace * wave(cycle + 0.9), bob, 0.0])
    turn, roll = 6.0 * pace * wave(cycle + 0.2), 2.0 * pace * wave(cycle + 0.45)
    pose.pelvis_turn = np.array([act.normal(3, 2), turn, roll])
    pose.spine[1] = -9.0 * pace * wave(cycle + 0.2) + act.normal(0, 2)
    angle = math.radians(pose.root[2])
    ahead, left = (math.sin(angle), math.cos(angle)), (math.cos(angle), -math.sin(angle))
    share = min(2.0 * clip.step_length / act.leg, 1.6) * math.cos(math.radians(aside))
    for side, sign in enumerate(TOWARDS):
        # On its print, or on the way to the next one.
        number, phase = divmod(cycle + 0.5 * side, 1.0)
        swing = ease((phase - _STANCE) / (1 - _STANCE))
        here, there = (_footprint(act, side, n, width, aside) for n in (number, number + 1))
        place = here * (1 - swing) + there * swing
        pose.toe_out[side] += sign * (place[2] + aside - pose.root[2])
        offset = (place[:2] - pose.root[:2]) / act.leg
        outward = sign * float(offset @ left) - act.hip / act.leg
        high = lift * math.sin(math.pi * swing) ** 2
        pose.foot[side] = (outward, high, float(offset @ ahead))
        heel_off = (phase - 0.35) / (_STANCE - 0.35) if phase < _STANCE else 1.0 - swing
        strike = (phase - 0.82) / 0.18 if phase > 0.82 else 1 - phase / 0.1
        pose.foot_pitch[side] = share * (-24.0 * ease(heel_off) + 13.0 * ease(strike))
        # The arm goes with the opposite leg.
        act.hang(side, swing=-arm_swing * pace * wave(cycle + 0.5 * side + 0.2))


def _footprint(act: Performance, side: int, count: float, width: float, aside: float) -> np.ndarray:
    """(3,) x, z, heading of the print a foot sets down as its ``count``-th cycle begins."""
    turned, out = math.radians(aside), TOWARDS[side] * (act.hip + width * act.leg)
    along = (count - 0.5 * side + _STANCE / 2 - _REST) * 2.0 * act.clip.step_length
    return np.array(act.clip.path.at(along - out * math.sin(turned), out * math.cos(turned)))


def walking(act: Performance, pose: BodyPose) -> None:
    stride(act, pose, 0.09, 28.0)


def charge(act: Performance, pose: BodyPose) -> None:
    """Running, bent forward, fists up."""
    stride(act, pose, 0.2, 50.0)
    pose.pelvis_turn[0] += act.pick(5.0, 16.0)
    pose.pelvis[1] -= act.pick(0.02, 0.06)
    pose.hand = pose.hand * 0.7 + np.array([0.0, 0.05, 0.14])
    pose.curl[:] = 0.9


def side_step(act: Performance, pose: BodyPose) -> None:
    """Stepping sideways, arms loose, looking about."""
    stride(act, pose, 0.06, 5.0, width=0.12, aside=90.0)
    act.gaze()


def weight_shift(act: Performance, pose: BodyPose) -> None:
    act.add(act.wave(3.0), pelvis=(0.1, 0, 0), pelvis_turn=(0, 0, 6.0), spine=(0, 0, -8.0))
    for side in BOTH:
        pose.foot[side, 0] += 0.1
        if act.random() < 0.5:
            act.idle(side)
    if act.random() < 0.3:
        act.reach(0, (-0.33, -0.4, 0.44), 0.015, 60.0, 0.5, 5.0)
        act.reach(1, (-0.3, -0.27, 0.52), 0.015, 60.0, 0.5, 5.0)


#: Clips that move on along the path, with the range of the length of a step, leg lengths, and the
#: steps a second.
TRAVELLING: dict[str, tuple[float, float, float]] = {
    "walking": (0.5, 0.78, 1.8),
    "Charge": (0.75, 1.0, 2.6),
    "anim_Clip1": (0.16, 0.3, 1.5),
}
