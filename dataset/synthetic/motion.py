"""Pose programs: for each clip of the release a rule that draws one moment of such a movement.

Frames are independent draws, not a video: a program takes a random phase of its movement, a random
amplitude and a person's small habits.  Positions and angles are those of
:class:`~dataset.synthetic.posing.Pose`.
"""

import math
from collections.abc import Callable

import numpy as np

from base.actions import ACTION_GROUPS, action_group
from dataset.synthetic.posing import Pose

Draw = np.random.Generator
Program = Callable[[Draw], Pose]

_LEFT, _RIGHT = 0, 1
_BOTH = (_LEFT, _RIGHT)


def _wave(phase: float) -> float:
    """Sine of a phase given in turns."""
    return math.sin(2 * math.pi * phase)


def _standing(rng: Draw) -> Pose:
    """Someone standing at ease: the base of most programs."""
    pose = Pose()
    shift = rng.normal(0.0, 0.03)
    bend = abs(rng.normal(0.0, 0.03))
    pose.pelvis = np.array([shift, -bend, rng.normal(0.0, 0.02)])
    pose.pelvis_turn = rng.normal((2.0, 0.0, 0.0), (3.0, 8.0, 1.5))
    pose.spine = rng.normal((3.0, 0.0, 0.0), (6.0, 6.0, 4.0))
    pose.head = rng.normal((4.0, 0.0, 0.0), (9.0, 14.0, 4.0))
    if rng.random() < 0.2:
        pose.head[1] = rng.uniform(-60.0, 60.0)
    if rng.random() < 0.2:
        pose.head[0] = rng.uniform(-22.0, 32.0)
    stance = abs(rng.normal(0.0, 0.07))
    for side in _BOTH:
        pose.foot[side] = (stance + rng.normal(0, 0.02), 0.0, rng.normal(0.0, 0.06))
        pose.toe_out[side] = rng.normal(9.0, 7.0)
        _hang(pose, side, rng)
    return pose


def _hang(pose: Pose, side: int, rng: Draw, swing: float = 0.0) -> None:
    """Let an arm hang, swung forward by ``swing`` degrees."""
    out = rng.uniform(0.06, 0.3)
    angle = math.radians(swing + rng.normal(6.0, 9.0))
    reach = rng.uniform(0.88, 0.99)
    pose.hand[side] = (out, -reach * math.cos(angle) * 0.97, reach * math.sin(angle))
    pose.swivel[side] = rng.normal(0.0, 12.0)
    pose.pronation[side] = rng.normal(15.0, 20.0)
    pose.wrist[side] = rng.normal(5.0, 8.0)
    pose.curl[side] = rng.uniform(0.1, 0.5)


def _reach(
    pose: Pose,
    side: int,
    rng: Draw,
    at: tuple[float, float, float],
    spread: float = 0.06,
    palm: float = 30.0,
    curl: float = 0.2,
    swivel: float = 0.0,
) -> None:
    """Put a hand at (outward, up, forward) of its shoulder, in arm lengths, with some scatter."""
    pose.hand[side] = np.array(at) + rng.normal(0.0, spread, 3)
    pose.pronation[side] = palm + rng.normal(0.0, 15.0)
    pose.wrist[side] = rng.normal(0.0, 15.0)
    pose.curl[side] = float(np.clip(curl + rng.normal(0.0, 0.12), 0.0, 1.0))
    pose.swivel[side] = swivel + rng.normal(0.0, 14.0)


def _idle(pose: Pose, side: int, rng: Draw) -> None:
    """What the other arm does while one gestures."""
    choice = rng.random()
    if choice < 0.55:
        _hang(pose, side, rng)
    elif choice < 0.7:  # hand on the hip
        _reach(pose, side, rng, (0.12, -0.66, 0.12), 0.03, 60.0, 0.4, 55.0)
    elif choice < 0.85:  # across the belly
        _reach(pose, side, rng, (-0.28, -0.48, 0.42), 0.05, 60.0, 0.3, 10.0)
    else:  # half raised in front
        _reach(pose, side, rng, (0.0, -0.4, 0.55), 0.1, 40.0, 0.3, 10.0)


def _sides(rng: Draw) -> tuple[int, int]:
    """(side that acts, the other one); people are mostly right-handed."""
    return (_RIGHT, _LEFT) if rng.random() < 0.6 else (_LEFT, _RIGHT)


def _one_hand(
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    palm: float,
    curl: float,
    swivel: float = 0.0,
) -> Program:
    """One hand moving between two places, the other idle."""

    def program(rng: Draw) -> Pose:
        pose = _standing(rng)
        side, other = _sides(rng)
        share = 0.5 + 0.5 * _wave(rng.random())
        at = tuple(np.array(low) * (1 - share) + np.array(high) * share)
        _reach(pose, side, rng, at, 0.08, palm, curl, swivel)
        _idle(pose, other, rng)
        return pose

    return program


def _two_hands(
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    palm: float,
    curl: float,
    swivel: float = 0.0,
    together: float = 0.7,
) -> Program:
    """Both hands moving between two places, in step with probability ``together``."""

    def program(rng: Draw) -> Pose:
        pose = _standing(rng)
        phase = rng.random()
        lag = rng.normal(0.0, 0.05) if rng.random() < together else rng.random()
        for side in _BOTH:
            share = 0.5 + 0.5 * _wave(phase + lag * side)
            at = tuple(np.array(low) * (1 - share) + np.array(high) * share)
            _reach(pose, side, rng, at, 0.07, palm, curl, swivel)
        return pose

    return program


def _talking(rng: Draw) -> Pose:
    pose = _standing(rng)
    for side in _BOTH:
        if rng.random() < 0.25:
            _idle(pose, side, rng)
            continue
        at = (rng.uniform(-0.2, 0.35), rng.uniform(-0.6, 0.05), rng.uniform(0.3, 0.75))
        _reach(pose, side, rng, at, 0.04, rng.uniform(-60, 80), 0.25, 10.0)
    pose.head[1] += 10.0 * _wave(rng.random())
    return pose


def _no(rng: Draw) -> Pose:
    pose = _talking(rng) if rng.random() < 0.4 else _standing(rng)
    pose.head[1] = 32.0 * _wave(rng.random()) + rng.normal(0.0, 5.0)
    return pose


def _agreeing(rng: Draw) -> Pose:
    pose = _talking(rng) if rng.random() < 0.4 else _standing(rng)
    pose.head[0] = 8.0 + 18.0 * _wave(rng.random())
    return pose


def _plotting(rng: Draw) -> Pose:
    """Hands rubbed together before the chest, back bent."""
    pose = _standing(rng)
    pose.spine[0] += rng.uniform(5.0, 22.0)
    height = rng.uniform(-0.5, -0.2)
    for side in _BOTH:
        _reach(pose, side, rng, (-0.24, height, 0.5), 0.03, 20.0, 0.4, 15.0)
    return pose


def _bow(rng: Draw) -> Pose:
    pose = _standing(rng)
    depth = 0.5 - 0.5 * math.cos(2 * math.pi * rng.random())
    pose.pelvis_turn[0] += 35.0 * depth
    pose.pelvis[2] -= 0.15 * depth
    pose.spine[0] += 28.0 * depth
    pose.head[0] += 12.0 * depth
    if rng.random() < 0.4:
        for side in _BOTH:
            _reach(pose, side, rng, (-0.16, -0.72, 0.28), 0.04, 60.0, 0.2)
    return pose


def _handshake(rng: Draw) -> Pose:
    pose = _one_hand((0.0, -0.5, 0.6), (-0.1, -0.25, 0.82), 0.0, 0.35)(rng)
    pose.pelvis_turn[0] += rng.uniform(0.0, 10.0)
    return pose


def _clapping(rng: Draw) -> Pose:
    pose = _standing(rng)
    gap = abs(_wave(rng.random())) * 0.35
    height, ahead = rng.uniform(-0.45, 0.1), rng.uniform(0.45, 0.7)
    for side in _BOTH:
        _reach(pose, side, rng, (-0.27 + gap, height, ahead), 0.02, 5.0, 0.1, 15.0)
    return pose


def _terrified(rng: Draw) -> Pose:
    """Hands before the face, knees giving way, leaning back."""
    pose = _standing(rng)
    pose.pelvis[1] -= rng.uniform(0.02, 0.2)
    pose.pelvis_turn[0] -= rng.uniform(0.0, 10.0)
    for side in _BOTH:
        at = (rng.uniform(-0.2, 0.1), rng.uniform(0.0, 0.35), rng.uniform(0.5, 0.7))
        _reach(pose, side, rng, at, 0.04, 70.0, 0.3, 20.0)
    return pose


def _tpose(rng: Draw) -> Pose:
    pose = _standing(rng)
    pose.spine *= 0.3
    pose.pelvis_turn *= 0.3
    for side in _BOTH:
        _reach(pose, side, rng, (0.98, rng.normal(0.0, 0.08), rng.normal(0, 0.08)), 0.03, 60, 0.05)
    return pose


def _upper_stretching(rng: Draw) -> Pose:
    """Arms overhead, across, behind or circling, trunk bending and twisting."""
    pose = _standing(rng)
    kind = rng.random()
    pose.spine += np.array([rng.normal(0, 8), rng.normal(0, 18), rng.normal(0, 16)])
    if kind < 0.25:  # overhead
        for side in _BOTH:
            out = rng.uniform(-0.2, 0.35)
            _reach(pose, side, rng, (out, rng.uniform(0.7, 0.95), 0.15), 0.07, 10.0, 0.15)
    elif kind < 0.5:  # circling arms
        phase = rng.random()
        for side in _BOTH:
            at = (0.25, 0.92 * _wave(phase + 0.25), max(0.9 * _wave(phase), -0.35))
            _reach(pose, side, rng, at, 0.08, 20.0, 0.2)
    elif kind < 0.75:  # out to the sides, up and down
        for side in _BOTH:
            angle = rng.uniform(-1.1, 1.1)
            at = (0.95 * math.cos(angle), 0.95 * math.sin(angle), rng.uniform(-0.15, 0.4))
            _reach(pose, side, rng, at, 0.04, 50.0, 0.1)
    else:  # one arm drawn across the chest by the other
        side, other = _sides(rng)
        _reach(pose, side, rng, (-0.55, rng.uniform(-0.2, 0.05), 0.6), 0.05, 40.0, 0.2, 40.0)
        _reach(pose, other, rng, (-0.15, rng.uniform(-0.15, 0.1), 0.5), 0.05, 40.0, 0.5)
    return pose


def _thinking(rng: Draw) -> Pose:
    pose = _standing(rng)
    side, other = _sides(rng)
    _reach(pose, side, rng, (-0.2, rng.uniform(0.0, 0.18), 0.42), 0.03, -10.0, 0.6, -5.0)
    _reach(pose, other, rng, (-0.3, -0.42, 0.42), 0.04, 60.0, 0.4, 5.0)
    return pose


def _boxing(rng: Draw) -> Pose:
    pose = _standing(rng)
    lead = _LEFT if rng.random() < 0.7 else _RIGHT
    sign = 1.0 if lead == _LEFT else -1.0
    pose.pelvis_turn[1] = -sign * rng.uniform(10.0, 35.0)
    pose.pelvis[1] -= rng.uniform(0.02, 0.12)
    pose.foot[lead, 2] = rng.uniform(0.1, 0.25)
    pose.foot[1 - lead, 2] = -rng.uniform(0.1, 0.25)
    punching = lead if rng.random() < 0.5 else 1 - lead
    punch = max(0.0, _wave(rng.random()))
    for side in _BOTH:
        _reach(pose, side, rng, (-0.08, 0.02, 0.45), 0.06, 30.0, 1.0, -5.0)
    pose.hand[punching] += np.array([-0.15, 0.05, 0.45]) * punch
    pose.pronation[punching] += 60.0 * punch
    pose.spine[1] += (-20.0 if punching == _LEFT else 20.0) * punch
    return pose


def _dribble(rng: Draw) -> Pose:
    pose = _standing(rng)
    pose.pelvis[1] -= rng.uniform(0.05, 0.2)
    pose.pelvis_turn[0] += rng.uniform(5.0, 22.0)
    side, other = _sides(rng)
    height = -0.55 + 0.22 * _wave(rng.random())
    _reach(pose, side, rng, (0.15, height, 0.5), 0.06, 95.0, 0.2)
    _idle(pose, other, rng)
    return pose


def _shooting(rng: Draw) -> Pose:
    """Both hands on a gun held ahead."""
    pose = _standing(rng)
    height, aside = rng.uniform(-0.35, 0.1), rng.uniform(-0.15, 0.15)
    ahead = rng.uniform(0.6, 0.85)
    for side in _BOTH:
        shift = aside if side == _LEFT else -aside
        _reach(pose, side, rng, (-0.27 + shift, height, ahead), 0.015, 15.0, 0.7, 10.0)
    pose.pelvis[1] -= rng.uniform(0.0, 0.1)
    return pose


def _golf(rng: Draw) -> Pose:
    pose = _standing(rng)
    pose.pelvis_turn[0] += rng.uniform(12.0, 32.0)
    pose.pelvis[1:] -= (rng.uniform(0.03, 0.1), 0.1)
    pose.spine[0] += rng.uniform(5.0, 20.0)
    swing = _wave(rng.random())
    pose.spine[1] += 25.0 * swing
    for side in _BOTH:
        _reach(pose, side, rng, (-0.27, -0.66, 0.55), 0.02, 10.0, 0.9)
    pose.head[1] -= 20.0 * swing
    pose.head[0] += 12.0
    return pose


def _charge(rng: Draw) -> Pose:
    pose = _walk(rng, stride=0.4, arm_swing=55.0)
    pose.pelvis_turn[0] += rng.uniform(5.0, 18.0)
    for side in _BOTH:
        pose.hand[side] = pose.hand[side] * 0.7 + np.array([0.0, 0.05, 0.12])
        pose.curl[side] = 0.9
    return pose


def _walk(rng: Draw, stride: float, arm_swing: float) -> Pose:
    pose = _standing(rng)
    phase = rng.random()
    stride *= rng.uniform(0.6, 1.2)
    pose.pelvis = np.array([0.02 * _wave(phase), -0.02 - 0.25 * stride**2, 0.0])
    pose.pelvis_turn = np.array([rng.normal(3, 2), 6.0 * _wave(phase), 2.0 * _wave(phase + 0.25)])
    pose.spine[1] = -9.0 * _wave(phase) + rng.normal(0, 2)
    for side in _BOTH:
        cycle = phase + 0.5 * side
        ahead = stride * _wave(cycle)
        lift = max(0.0, math.cos(2 * math.pi * cycle))  # the foot moves forward off the floor
        pose.foot[side] = (rng.uniform(-0.02, 0.03), 0.16 * lift * (0.4 + stride), ahead)
        pose.foot_pitch[side] = 18.0 * _wave(cycle) if ahead > 0 else -45.0 * stride * lift
        if ahead < 0 and lift == 0.0:  # pushing off: heel up
            pose.foot[side, 1] += 0.12 * -ahead
            pose.foot_pitch[side] = 60.0 * ahead
        _hang(pose, side, rng, swing=-arm_swing * rng.uniform(0.6, 1.1) * _wave(cycle))
    return pose


def _walking(rng: Draw) -> Pose:
    return _walk(rng, stride=0.34, arm_swing=28.0)


def _side_step(rng: Draw) -> Pose:
    """Stepping aside or turning on the spot, arms loose."""
    pose = _walk(rng, stride=0.12, arm_swing=15.0)
    side = _sides(rng)[0]
    pose.foot[side, 0] += rng.uniform(0.0, 0.35)
    pose.pelvis_turn[1] += rng.uniform(-25.0, 25.0)
    pose.head[1] += rng.uniform(-35.0, 35.0)
    return pose


def _weight_shift(rng: Draw) -> Pose:
    pose = _standing(rng)
    sway = _wave(rng.random())
    pose.pelvis[0] += 0.12 * sway
    pose.pelvis_turn[2] += 6.0 * sway
    pose.spine[2] -= 8.0 * sway
    for side in _BOTH:
        pose.foot[side, 0] += 0.1
        if rng.random() < 0.5:
            _idle(pose, side, rng)
    return pose


def _sitting(rng: Draw) -> Pose:
    """On a seat: the base of the seated clips, hands on the thighs."""
    pose = _standing(rng)
    pose.seat = rng.uniform(0.42, 0.58)
    pose.pelvis = np.array([0.0, pose.seat - 0.9, -rng.uniform(0.3, 0.45)])
    pose.pelvis_turn = rng.normal((0.0, 0.0, 0.0), (6.0, 5.0, 2.0))
    spread = rng.uniform(0.0, 0.2)
    for side in _BOTH:
        pose.foot[side] = (spread + rng.normal(0, 0.03), 0.0, rng.uniform(-0.05, 0.25))
        pose.knee_out[side] = 60.0 * spread + rng.normal(5.0, 5.0)
        _reach(pose, side, rng, (0.0, -0.58, 0.48), 0.05, 80.0, 0.25, 20.0)
    return pose


def _sitting_thumbs_up(rng: Draw) -> Pose:
    pose = _sitting(rng)
    side, _ = _sides(rng)
    at = (rng.uniform(-0.1, 0.2), rng.uniform(-0.3, 0.1), rng.uniform(0.5, 0.8))
    _reach(pose, side, rng, at, 0.04, 0.0, 0.9, 5.0)
    return pose


def _sitting_disapproval(rng: Draw) -> Pose:
    pose = _sitting(rng)
    pose.head[1] = 30.0 * _wave(rng.random())
    if rng.random() < 0.5:  # arms folded
        for side in _BOTH:
            _reach(pose, side, rng, (-0.36, -0.36 + 0.06 * side, 0.44), 0.02, 60.0, 0.5, 5.0)
    else:
        _reach(pose, _sides(rng)[0], rng, (0.0, -0.1, 0.62), 0.08, 80.0, 0.2, 10.0)
    return pose


def _lower_stretching(rng: Draw) -> Pose:
    """Lunges, squats, touching the toes, lifting a knee, sitting on the floor."""
    pose = _standing(rng)
    kind = rng.random()
    if kind < 0.22:  # lunge
        side, other = _sides(rng)
        depth = rng.uniform(0.2, 1.0)
        pose.pelvis[1] = -0.4 * depth
        pose.foot[side, 2], pose.foot[other, 2] = 0.25 + 0.3 * depth, -0.2 - 0.35 * depth
        pose.foot[other, 1], pose.foot_pitch[other] = 0.1 + 0.03 * depth, -40.0
        for each in _BOTH:
            if rng.random() < 0.6:
                _reach(pose, each, rng, (0.0, -0.66, 0.4), 0.06, 70.0, 0.2, 20.0)
    elif kind < 0.44:  # squat
        depth = rng.uniform(0.2, 1.0)
        pose.pelvis = np.array([0.0, -0.6 * depth, -0.22 * depth])
        pose.pelvis_turn[0] += 32.0 * depth
        for side in _BOTH:
            pose.foot[side, 0] += 0.1
            pose.knee_out[side] = rng.uniform(8.0, 35.0)
            ahead = (rng.uniform(-0.1, 0.2), rng.uniform(-0.3, 0.15), 0.85)
            _reach(pose, side, rng, ahead, 0.06, 70.0, 0.2)
    elif kind < 0.66:  # down to the toes, straight or to one side
        depth = rng.uniform(0.3, 1.0)
        pose.pelvis[2] = -0.22 * depth
        pose.pelvis_turn[0] = 65.0 * depth
        pose.pelvis_turn[1] = rng.normal(0.0, 12.0)
        pose.spine = np.array([45.0 * depth, rng.normal(0, 14), rng.normal(0, 6)])
        wide = rng.uniform(0.0, 0.35)
        for side in _BOTH:
            pose.foot[side, 0] += wide
            at = (rng.uniform(-0.3, 0.1), -0.5 - 0.2 * depth, 0.45 + 0.3 * depth)
            _reach(pose, side, rng, at, 0.07, 40.0, 0.2)
    elif kind < 0.84:  # a knee lifted, or a leg stretched forward or aside
        side, _ = _sides(rng)
        if rng.random() < 0.5:
            lift = rng.uniform(0.2, 0.55)
            pose.foot[side] = (0.0, lift, rng.uniform(0.1, 0.35))
        else:
            angle, aside = rng.uniform(0.2, 1.1), rng.uniform(0.0, 0.5)
            pose.foot[side] = (aside, 1.0 - math.cos(angle), math.sin(angle))
        pose.foot_pitch[side] = rng.uniform(-40.0, 15.0)
        for each in _BOTH:
            if rng.random() < 0.4:
                _reach(pose, each, rng, (0.75, -0.3, 0.3), 0.12, 60.0, 0.2)
    else:  # on the floor, legs ahead
        pose.pelvis = np.array([0.0, -0.9, -0.4])
        pose.pelvis_turn[0] = rng.uniform(-15.0, 25.0)
        pose.spine[0] = rng.uniform(0.0, 40.0)
        wide = rng.uniform(0.0, 0.4)
        for side in _BOTH:
            pose.foot[side] = (wide, 0.02, rng.uniform(0.2, 0.6))
            pose.foot_pitch[side] = rng.uniform(20.0, 60.0)
            pose.knee_out[side] = rng.uniform(0.0, 30.0)
            _reach(pose, side, rng, (0.1, -0.45, rng.uniform(0.2, 0.7)), 0.08, 60.0, 0.2, 15.0)
    return pose


def _patting(rng: Draw) -> Pose:
    """Patting something at the height of hip or chest."""
    pose = _standing(rng)
    side, other = _sides(rng)
    height = rng.uniform(-0.6, 0.0) + 0.06 * _wave(rng.random())
    _reach(pose, side, rng, (rng.uniform(-0.2, 0.2), height, 0.65), 0.05, 85.0, 0.12)
    _idle(pose, other, rng)
    pose.pelvis_turn[0] += rng.uniform(0.0, 18.0)
    pose.head[0] += rng.uniform(0.0, 14.0)
    return pose


def _petting_animal(rng: Draw) -> Pose:
    """Crouching or bent down to an animal."""
    pose = _standing(rng)
    depth = rng.uniform(0.3, 1.0)
    pose.pelvis = np.array([0.0, -0.52 * depth, -0.2 * depth])
    pose.pelvis_turn[0] = 18.0 + 25.0 * depth
    pose.spine[0] += rng.uniform(5.0, 28.0)
    side, other = _sides(rng)
    _reach(pose, side, rng, (rng.uniform(-0.25, 0.2), -0.62, 0.68), 0.07, 85.0, 0.15)
    if rng.random() < 0.5:
        _reach(pose, other, rng, (0.0, -0.55, 0.5), 0.06, 80.0, 0.3, 20.0)
    else:
        _idle(pose, other, rng)
    pose.foot[other, 2] -= 0.2 * depth
    pose.foot[other, 1], pose.foot_pitch[other] = 0.1 * depth, -40.0 * depth
    pose.knee_out[:] = rng.uniform(0.0, 25.0)
    return pose


_POINT = _one_hand((0.1, -0.35, 0.6), (0.05, 0.15, 0.9), 60.0, 0.6)
_ARGUE = _two_hands((0.05, -0.55, 0.45), (0.35, -0.1, 0.6), -20.0, 0.2, together=0.5)

#: Clip name → program; every group of the evaluation has at least two.
PROGRAMS: dict[str, Program] = {
    "Waving_Gesture": _one_hand((0.15, 0.25, 0.4), (0.5, 0.5, 0.35), 10.0, 0.05, 25.0),
    "Standing_Arguing": _ARGUE,
    "Two_Hand_Spell_Casting": _two_hands((-0.1, -0.35, 0.4), (0.1, 0.0, 0.85), 70.0, 0.1),
    "Happy_Hand_Gesture": _two_hands((0.1, -0.3, 0.5), (0.5, 0.3, 0.45), 10.0, 0.15),
    "Pointing": _POINT,
    "Fist_Pump": _one_hand((0.1, -0.2, 0.4), (0.1, 0.6, 0.4), 0.0, 1.0),
    "Hand_Raising": _one_hand((0.1, 0.1, 0.45), (0.15, 0.93, 0.2), 20.0, 0.1),
    "Opening_A_Lid": _two_hands((-0.2, -0.4, 0.48), (0.0, -0.2, 0.55), 50.0, 0.6, 5.0),
    "Counting__1_": _one_hand((-0.05, -0.2, 0.5), (0.05, 0.05, 0.55), -40.0, 0.5),
    "Clapping": _clapping,
    "Surprised": _two_hands((0.0, -0.25, 0.45), (0.25, 0.25, 0.45), 40.0, 0.1, 20.0),
    "Terrified": _terrified,
    "Dismissing_Gesture": _one_hand((-0.15, -0.2, 0.45), (0.5, -0.1, 0.7), 70.0, 0.15, 15.0),
    "Rallying": _one_hand((0.2, 0.3, 0.35), (0.3, 0.9, 0.1), 10.0, 0.9),
    "Angry_Point": _POINT,
    "Loser": _one_hand((0.0, 0.2, 0.4), (-0.1, 0.45, 0.42), 30.0, 0.5, 25.0),
    "Shaking_Hands_2": _handshake,
    "Quick_Formal_Bow": _bow,
    "Standing_Greeting": _one_hand((0.2, -0.3, 0.5), (0.45, 0.4, 0.4), 20.0, 0.1),
    "Shake_Fist": _one_hand((0.05, 0.0, 0.5), (0.1, 0.35, 0.5), 0.0, 1.0),
    "Hands_Forward_Gesture": _two_hands((0.0, -0.5, 0.4), (0.1, -0.1, 0.9), 0.0, 0.1),
    "Talking": _talking,
    "Agreeing": _agreeing,
    "No": _no,
    "Plotting": _plotting,
    "Reaching_Out": _one_hand((0.1, -0.4, 0.5), (0.1, -0.05, 0.95), -30.0, 0.1),
    "Standing_Arguing__1_": _ARGUE,
    "upper_stretching": _upper_stretching,
    "Tpose_Take_001": _tpose,
    "Thinking": _thinking,
    "Standing_Thumbs_Up": _one_hand((0.05, -0.35, 0.6), (0.15, 0.0, 0.75), 0.0, 0.9),
    "Standing_2H_Cast_Spell_01": _two_hands((0.2, 0.3, 0.3), (0.0, 0.1, 0.85), 80.0, 0.1),
    "Boxing": _boxing,
    "Dribble": _dribble,
    "Shooting_Gun": _shooting,
    "Golf_Putt_Failure": _golf,
    "Charge": _charge,
    "Revealing_Dice": _one_hand((-0.05, -0.4, 0.5), (0.2, -0.2, 0.7), -60.0, 0.4),
    "lower_stretching": _lower_stretching,
    "Sitting_Thumbs_Up": _sitting_thumbs_up,
    "Sitting_Disapproval": _sitting_disapproval,
    "Patting": _patting,
    "Petting": _patting,
    "Petting_Animal": _petting_animal,
    "walking": _walking,
    "anim_Clip1": _side_step,
    "Weight_Shift_Gesture": _weight_shift,
}

#: Share of each group in the frames, and of the clips that dominate theirs.
_GROUP_WEIGHT = {"Walking": 1.6, "UpperStretching": 1.5, "LowerStretching": 1.5}
_CLIP_WEIGHT = {"upper_stretching": 3.0, "lower_stretching": 4.0, "walking": 2.0, "Talking": 2.0}


def _clip_shares() -> tuple[tuple[str, ...], np.ndarray]:
    clips = tuple(PROGRAMS)
    weight = {clip: _CLIP_WEIGHT.get(clip, 1.0) for clip in clips}
    total = dict.fromkeys(ACTION_GROUPS, 0.0)
    for clip in clips:
        total[action_group(clip)] += weight[clip]
    shares = np.array(
        [
            weight[clip] / total[action_group(clip)] * _GROUP_WEIGHT.get(action_group(clip), 1.0)
            for clip in clips
        ]
    )
    return clips, shares / shares.sum()


_CLIPS, _SHARES = _clip_shares()


def draw_action(rng: Draw) -> str:
    """Name of a clip of the release."""
    return _CLIPS[int(rng.choice(len(_CLIPS), p=_SHARES))]


def draw_pose(action: str, rng: Draw) -> Pose:
    """One moment of a clip."""
    return PROGRAMS[action](rng)
