"""Programs that stretch: the upper body standing, the lower body down to the floor."""

import math

import numpy as np

from dataset.synthetic.body.pose import BodyPose
from dataset.synthetic.motion.performance import BOTH, TOWARDS, Performance, between, ease, wave


def _overhead(act: Performance, pose: BodyPose) -> None:
    act.reach_both((act.uniform(-0.2, 0.35), act.uniform(0.68, 0.95), 0.15), 0.05, 10.0, 0.15)


def _circling(act: Performance, pose: BodyPose) -> None:
    phase = act.phase(act.pick(1.6, 3.0))
    opposite = 0.5 if act.random() < 0.3 else 0.0
    for side in BOTH:
        turn = phase + opposite * side
        at = (0.28, 0.92 * wave(turn + 0.25), max(0.9 * wave(turn), -0.35))
        act.reach(side, at, 0.06, 20.0, 0.2)


def _to_the_sides(act: Performance, pose: BodyPose) -> None:
    swing = 1.1 * act.wave(2.4)
    mirrored, ahead = 1.0 if act.random() < 0.6 else -1.0, act.uniform(-0.15, 0.4)
    for side, angle in enumerate((swing, mirrored * swing)):
        at = (0.95 * math.cos(angle), 0.95 * math.sin(angle), ahead)
        act.reach(side, at, 0.04, 50.0, 0.1)


def _across(act: Performance, pose: BodyPose) -> None:
    (side, other), far = act.sides(), act.pick(-0.85, -0.45)
    pose.spine[1] += TOWARDS[other] * act.uniform(0.0, 42.0)
    pose.head[1] -= TOWARDS[other] * act.pick(-10.0, 45.0)
    act.reach(side, (far, act.uniform(-0.2, 0.15), 0.58), 0.05, 40.0, 0.2, 40.0)
    act.reach(other, (-0.15, act.uniform(-0.15, 0.1), 0.55), 0.05, 40.0, 0.5)


def _reach_over(act: Performance, pose: BodyPose) -> None:
    (side, other), share = act.sides(), act.cycle(2.6)
    head, hips = act.pick(-25.0, 45.0), act.pick(0.0, 25.0)
    way = TOWARDS[other] * share
    act.add(way, spine=(0, 42, 0), head=(0, -head, 0), pelvis_turn=(0, hips, 0))
    far = (act.pick(-0.85, -0.5), act.pick(-0.4, 0.3), act.pick(0.45, 0.75))
    at = between((0.1, -0.35, 0.55), far, share)
    act.reach(side, at, 0.05, act.pick(0.0, 80.0), act.pick(0.0, 0.6), 20.0)
    act.idle(other)


def _side_bend(act: Performance, pose: BodyPose) -> None:
    (side, other), bend = act.sides(), act.cycle(3.0)
    pose.spine[2] += TOWARDS[side] * 26.0 * bend
    act.reach(side, between((0.3, 0.3, 0.3), (-0.1, 0.9, 0.2), bend), 0.05, 10.0, 0.2)
    act.hang(other)


def _twist(act: Performance, pose: BodyPose) -> None:
    act.add(act.wave(2.6), spine=(0, 32, 0), pelvis_turn=(0, 12, 0))
    act.reach_both((0.1, act.pick(-0.3, 0.05), 0.62), 0.05, 70.0, 0.4, 30.0)


_UPPER = (_overhead, _circling, _to_the_sides, _across, _reach_over, _side_bend, _twist)


def upper_stretching(act: Performance, pose: BodyPose) -> None:
    pose.spine += act.normals((0.0, 0.0, 0.0), (6.0, 12.0, 10.0))
    _UPPER[int(act.random() * len(_UPPER))](act, pose)


def _lunge(act: Performance, pose: BodyPose) -> None:
    (side, other), depth = act.sides(), 0.15 + 0.85 * act.cycle(2.8)
    step = act.pick(0.35, 0.5)
    pose.pelvis[1] = -0.4 * depth
    pose.foot[side, 2], pose.foot[other, 2] = step, -step
    pose.foot_pitch[other] = -40.0
    for each in BOTH:
        if act.random() < 0.6:
            act.reach(each, (0.0, -0.66, 0.4), 0.06, 70.0, 0.2, 20.0)


def _squat(act: Performance, pose: BodyPose) -> None:
    depth = 0.1 + 0.9 * act.cycle(2.6) * act.pick(0.5, 1.0)
    pose.pelvis = np.array([0.0, -0.6 * depth, -0.2 * depth])
    pose.pelvis_turn[0] += 32.0 * depth
    ahead = (act.uniform(-0.1, 0.2), act.uniform(-0.3, 0.15), 0.85)
    for side in BOTH:
        pose.foot[side, 0] += 0.1
        pose.knee_out[side] = act.pick(8.0, 35.0)
        act.reach(side, ahead, 0.06, 70.0, 0.2)


def _toe_touch(act: Performance, pose: BodyPose) -> None:
    depth = 0.2 + 0.8 * act.cycle(3.4)
    pose.pelvis[2] = -0.18 * depth
    pose.pelvis_turn[:2] = 65.0 * depth, act.normal(0.0, 12.0)
    pose.spine = np.array([45.0 * depth, act.normal(0, 14), act.normal(0, 6)])
    pose.foot[:, 0] += act.pick(0.0, 0.35)
    at = (act.uniform(-0.3, 0.1), -0.5 - 0.2 * depth, 0.45 + 0.3 * depth)
    act.reach_both(at, 0.06, 40.0, 0.2)


def _arms_out(act: Performance, chance: float) -> None:
    """Arms held out for balance, each by chance."""
    for side in BOTH:
        if act.random() < chance:
            act.reach(side, (0.75, -0.3, 0.3), 0.12, 60.0, 0.2)


def _knee_lift(act: Performance, pose: BodyPose) -> None:
    (side, _), lift = act.sides(), act.cycle(2.2)
    pose.foot[side] = (0.0, act.pick(0.3, 0.55) * lift, act.pick(0.15, 0.35) * lift)
    pose.foot_pitch[side] = -30.0 * lift
    _arms_out(act, 0.4)


def _open_hip(act: Performance, pose: BodyPose) -> None:
    """A thigh carried out to the side, the lower leg hanging or held out."""
    side, _ = act.sides()
    lift = math.radians(act.pick(55.0, 105.0)) * ease(1.6 * act.cycle(3.0))
    out = act.pick(0.3, 1.0)
    held = math.radians(act.pick(0.0, 60.0)) * math.sin(lift)
    far = 0.5 * (math.sin(lift) + math.sin(held))
    high = 0.5 * (1 - math.cos(lift)) + 0.5 * (1 - math.cos(held))
    angle = 0.5 * math.pi * out
    pose.foot[side] = (far * math.sin(angle), high, far * math.cos(angle))
    pose.knee_out[side] = 90.0 * out
    pose.toe_out[side] += 45.0 * out
    pose.foot_pitch[side] = act.pick(-35.0, 10.0) * lift
    _lean_away(act, side, math.sin(lift))
    _arms_out(act, 0.4)


def _lean_away(act: Performance, side: int, share: float) -> None:
    """From a leg that is lifted: the weight goes over the other one, the head stays upright."""
    away = TOWARDS[side] * share
    hips, waist = away * act.pick(0.0, 20.0), away * act.pick(0.0, 32.0)
    head = -(hips + waist) * act.pick(0.0, 0.9)
    act.add(pelvis_turn=(0, 0, hips), spine=(0, 0, waist), head=(0, 0, head))


def _leg_out(act: Performance, pose: BodyPose) -> None:
    side, _ = act.sides()
    lift, aside = act.cycle(2.4), act.pick(0.0, 0.75)
    angle = act.pick(0.4, 1.1) * lift
    pose.foot[side] = (aside * lift, 1.0 - math.cos(angle), math.sin(angle) * (1 - aside))
    pose.foot_pitch[side] = act.pick(-30.0, 15.0) * lift
    _lean_away(act, side, lift * aside)
    _arms_out(act, 0.5)


def _on_the_floor(act: Performance, pose: BodyPose) -> None:
    bend = act.cycle(3.6)
    pose.balance, pose.pelvis = 0.0, np.array([0.0, -0.9, -0.4])
    pose.pelvis_turn[0], pose.spine[0] = -12.0 + 32.0 * bend, 38.0 * bend
    pose.foot[:] = (act.pick(0.0, 0.4), 0.0, act.pick(0.25, 0.6))
    ahead = between((0.1, -0.5, 0.2), (0.0, -0.38, 0.75), bend)
    for side in BOTH:
        pose.foot_pitch[side] = act.pick(20.0, 55.0)
        pose.knee_out[side] = act.pick(0.0, 30.0)
        act.reach(side, ahead, 0.06, 60.0, 0.2, 15.0)


_LOWER = (_lunge, _squat, _toe_touch, _knee_lift, _open_hip, _leg_out, _on_the_floor)


def lower_stretching(act: Performance, pose: BodyPose) -> None:
    _LOWER[int(act.random() * len(_LOWER))](act, pose)
