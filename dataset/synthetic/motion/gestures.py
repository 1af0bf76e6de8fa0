"""Programs of people who stand, sit or get down: gestures, games, patting, stretching."""

import math
from collections.abc import Callable

import numpy as np

from dataset.synthetic.body.pose import BodyPose
from dataset.synthetic.motion import performance
from dataset.synthetic.motion.performance import BOTH, Performance, Place, between, ease, wave

#: Changes the pose of an act, someone who stands, into that of a moment of a clip.
Program = Callable[[Performance, BodyPose], None]


def one_hand(low: Place, high: Place, palm: float, curl: float, swivel=0.0, period=1.6) -> Program:
    """One hand moving between two places, the other idle."""

    def program(act: Performance, pose: BodyPose) -> None:
        side, other = act.sides()
        share = act.cycle(period) * act.uniform(0.6, 1.1)
        act.reach(side, between(low, high, share), 0.08, palm, curl, swivel)
        act.idle(other)

    return program


def two_hands(
    low: Place, high: Place, palm: float, curl: float, swivel=0.0, together=0.7, period=1.8
) -> Program:
    """Both hands moving between two places, in step with probability ``together``."""

    def program(act: Performance, pose: BodyPose) -> None:
        phase, size = act.phase(period), act.uniform(0.6, 1.1)
        lag = act.habit(0.0, 0.05) if act.random() < together else act.random()
        for side in BOTH:
            share = (0.5 + 0.5 * wave(phase + lag * side)) * size
            act.reach(side, between(low, high, share), 0.07, palm, curl, swivel)

    return program


def talking(act: Performance, pose: BodyPose) -> None:
    """Hands that go from one gesture to the next."""
    for side in BOTH:
        if act.random() < 0.25:
            act.idle(side)
            continue
        out, up = 0.08 + 0.18 * act.wander(1.2), -0.3 + 0.2 * act.wander(1.0)
        at = (out, up, 0.52 + 0.14 * act.wander(1.1))
        act.reach(side, at, 0.04, 10.0 + 45.0 * act.wander(1.4), 0.25, 10.0)


def shaking_head(act: Performance, pose: BodyPose) -> None:
    pose.head[1] = 26.0 * act.wave(1.1) * act.uniform(0.3, 1.2) + act.normal(0.0, 5.0)


def nodding(act: Performance, pose: BodyPose) -> None:
    pose.head[0] = 8.0 + 16.0 * act.wave(0.9) * act.uniform(0.3, 1.2)


def plotting(act: Performance, pose: BodyPose) -> None:
    """Hands rubbed together before the chest, back bent."""
    pose.spine[0] += act.uniform(5.0, 22.0)
    at, rub = (-0.22, act.uniform(-0.5, -0.2), 0.5), 0.05 * act.wave(0.8)
    act.reach_both(at, 0.02, 20.0, 0.3, 15.0, sway=(0, 0, -rub))


def bow(act: Performance, pose: BodyPose) -> None:
    depth = act.cycle(2.6)
    act.add(depth, pelvis_turn=(35, 0, 0), pelvis=(0, 0, -0.12), spine=(28, 0, 0), head=(12, 0, 0))
    if act.random() < 0.4:
        act.reach_both((-0.16, -0.72, 0.28), 0.04, 60.0, 0.2)


def handshake(act: Performance, pose: BodyPose) -> None:
    one_hand((0.0, -0.42, 0.68), (-0.1, -0.28, 0.8), 0.0, 0.35, period=0.6)(act, pose)
    pose.pelvis_turn[0] += act.uniform(0.0, 10.0)


def clapping(act: Performance, pose: BodyPose) -> None:
    gap = act.cycle(0.45) * act.pick(0.1, 0.35)
    at = (-0.25 + gap, act.uniform(-0.45, 0.1), act.uniform(0.45, 0.7))
    act.reach_both(at, 0.015, 5.0, 0.1, 15.0)


def terrified(act: Performance, pose: BodyPose) -> None:
    """Hands before the face, knees giving way, leaning back, trembling."""
    pose.pelvis[1] -= act.uniform(0.02, 0.2)
    pose.pelvis_turn[0] -= act.uniform(0.0, 10.0)
    tremble = 0.01 * act.wave(0.16)
    for side in BOTH:
        at = (act.uniform(-0.2, 0.1), act.uniform(0.0, 0.35) + tremble, act.uniform(0.5, 0.7))
        act.reach(side, at, 0.04, 70.0, 0.3, 20.0)


def pain(act: Performance, pose: BodyPose) -> None:
    """Bent over, hands on the belly."""
    bent = {"spine": (30, 0, 0), "pelvis_turn": (18, 0, 0), "pelvis": (0, -0.1, 0)}
    act.add(act.uniform(0.3, 1.0), **bent, head=(10, 0, 0))
    for side in BOTH:
        act.reach(side, (-0.26 + 0.04 * side, -0.5, 0.42), 0.03, 60.0, 0.4, 15.0)


def taking_punch(act: Performance, pose: BodyPose) -> None:
    """Thrown back, arms flung up, coming upright again."""
    blow = act.cycle(1.8) ** 2
    act.add(blow, spine=(-18, act.pick(-25, 25), 0), head=(-12, act.pick(-30, 30), 0))
    act.reach_both(between((0.1, -0.6, 0.35), (0.35, -0.05, 0.55), blow), 0.08, 40.0, 0.4, 20.0)


def tpose(act: Performance, pose: BodyPose) -> None:
    pose.spine *= 0.3
    pose.pelvis_turn *= 0.3
    for side in BOTH:
        act.reach(side, (0.98, act.normal(0.0, 0.08), act.normal(0, 0.08)), 0.03, 60.0, 0.05)


def thinking(act: Performance, pose: BodyPose) -> None:
    """A hand at the chin, its elbow in the other hand."""
    side, other = act.sides()
    act.reach(side, (-0.2, act.uniform(0.0, 0.16), 0.46), 0.03, -10.0, 0.6, -5.0)
    act.reach(other, (-0.3, -0.42, 0.42), 0.04, 60.0, 0.4, 5.0)


def counting(act: Performance, pose: BodyPose) -> None:
    """Fingers held up one after another, ticked off with the other hand."""
    side, other = act.sides()
    act.reach(side, (-0.12, -0.1, 0.5), 0.05, -40.0, 0.5)
    pose.curl[side] = act.cycle(2.2)
    at = between((-0.2, -0.25, 0.55), (-0.26, -0.12, 0.52), act.cycle(0.8))
    act.reach(other, at, 0.03, 20.0, 0.6)


def counting_on_one_leg(act: Performance, pose: BodyPose) -> None:
    counting(act, pose)
    pose.pelvis[0] += act.pick(-0.08, 0.08)
    pose.spine[1] += act.normal(0.0, 8.0)


def umpire(act: Performance, pose: BodyPose) -> None:
    """Arms swept out to the sides from the chest: safe."""
    pose.pelvis[1] -= act.pick(0.0, 0.12)
    at = between((-0.25, -0.2, 0.5), (0.85, -0.12, 0.3), act.cycle(1.5))
    act.reach_both(at, 0.05, 80.0, 0.1)


def crazy(act: Performance, pose: BodyPose) -> None:
    """A finger circling beside the head."""
    side, other = act.sides()
    phase = act.phase(0.9)
    at = (0.12 + 0.06 * wave(phase), 0.3 + 0.06 * wave(phase + 0.25), 0.38)
    act.reach(side, at, 0.03, 20.0, 0.6, 25.0)
    act.idle(other)
    pose.head[2] += 6.0 * wave(phase)


def sitting_thumbs_up(act: Performance, pose: BodyPose) -> None:
    act.sit()
    (side, _), share = act.sides(), act.cycle(2.2)
    at = between((0.0, -0.4, 0.55), (0.1, act.uniform(-0.2, 0.1), 0.75), share)
    act.reach(side, at, 0.04, 0.0, 0.9, 5.0)


def sitting_disapproval(act: Performance, pose: BodyPose) -> None:
    """Seated, shaking the head, arms folded or a hand waved off."""
    act.sit()
    pose.head[1] = 26.0 * act.wave(1.3) * act.uniform(0.4, 1.1)
    if act.random() < 0.5:
        for side in BOTH:
            act.reach(side, (-0.32, -0.4 + 0.13 * side, 0.44 + 0.08 * side), 0.015, 60.0, 0.5, 5.0)
    else:
        at = between((-0.1, -0.2, 0.5), (0.35, -0.1, 0.65), act.cycle(1.6))
        act.reach(act.sides()[0], at, 0.06, 80.0, 0.2, 10.0)


def patting(act: Performance, pose: BodyPose) -> None:
    """Patting something at the height of hip or chest."""
    side, other = act.sides()
    height = act.pick(-0.6, 0.0) + 0.07 * act.wave(0.8)
    act.reach(side, (act.pick(-0.2, 0.2), height, 0.65), 0.03, 85.0, 0.12)
    act.idle(other)
    pose.pelvis_turn[0] += act.uniform(0.0, 18.0)
    pose.head[0] += act.uniform(0.0, 14.0)


def stroking(act: Performance, pose: BodyPose) -> None:
    """A flat hand drawn to and fro along something in front."""
    side, other = act.sides()
    stroke, height = act.cycle(1.4), act.pick(-0.65, -0.25)
    act.reach(side, between((-0.3, height, 0.5), (0.25, height, 0.78), stroke), 0.03, 85.0, 0.1)
    act.idle(other)
    pose.pelvis_turn[0] += act.uniform(4.0, 20.0)
    pose.spine[0] += act.uniform(0.0, 14.0)
    pose.head[0] += act.uniform(2.0, 16.0)


def petting_animal(act: Performance, pose: BodyPose) -> None:
    """Crouching or bent down to an animal."""
    depth = act.pick(0.3, 1.0) * (0.9 + 0.1 * act.cycle(3.0))
    pose.pelvis = np.array([0.0, -0.52 * depth, -0.15 * depth])
    pose.pelvis_turn[0] = 18.0 + 25.0 * depth
    pose.spine[0] += act.uniform(5.0, 28.0)
    side, other = act.sides()
    act.reach(side, (0.2 * act.wave(1.5), -0.6, 0.68), 0.05, 85.0, 0.15)
    if act.random() < 0.5:
        act.reach(other, (0.0, -0.55, 0.5), 0.06, 80.0, 0.3, 20.0)
    else:
        act.idle(other)
    pose.foot[other, 2] -= 0.2
    pose.foot_pitch[other] = -40.0 * depth
    pose.knee_out[:] = act.pick(0.0, 25.0)


def boxing(act: Performance, pose: BodyPose) -> None:
    """Guard up; punches that alternate."""
    lead = int(act.random() >= 0.7)
    pose.pelvis_turn[1] = -performance.TOWARDS[lead] * act.pick(10.0, 35.0)
    pose.pelvis[1] -= act.uniform(0.02, 0.12)
    pose.foot[lead, 2], pose.foot[1 - lead, 2] = act.pick(0.1, 0.25), -act.pick(0.1, 0.25)
    turn = act.phase(0.8)
    punching = lead if math.floor(turn) % 3 else 1 - lead
    punch = max(0.0, wave(turn)) ** 2
    act.reach_both((-0.06, 0.0, 0.48), 0.05, 30.0, 1.0, -5.0)
    pose.hand[punching] += np.array([-0.15, 0.05, 0.45]) * punch
    pose.pronation[punching] += 60.0 * punch
    pose.spine[1] += -20.0 * performance.TOWARDS[punching] * punch


def dribble(act: Performance, pose: BodyPose) -> None:
    """Bouncing a ball, knees bent."""
    bounce = act.wave(0.7)
    pose.pelvis[1] -= act.uniform(0.06, 0.2) + 0.01 * bounce
    pose.pelvis_turn[0] += act.uniform(5.0, 20.0)
    side, other = act.sides()
    act.reach(side, (0.15, -0.52 + 0.2 * bounce, 0.5), 0.05, 95.0, 0.2)
    act.idle(other)


def shooting(act: Performance, pose: BodyPose) -> None:
    """Both hands on a gun held ahead, with recoil."""
    recoil = max(0.0, act.wave(1.2)) ** 6
    height, aside = act.uniform(-0.3, 0.1) + 0.06 * recoil, act.uniform(-0.12, 0.12)
    at = (-0.24, height, act.pick(0.62, 0.82) - 0.08 * recoil)
    act.reach_both(at, 0.012, 15.0, 0.7, 10.0, sway=(aside, 0, 0))
    pose.pelvis[1] -= act.uniform(0.0, 0.1)


def rifle_punch(act: Performance, pose: BodyPose) -> None:
    """A rifle held across the chest and pushed forward."""
    (side, other), push = act.sides(), act.cycle(1.6) ** 2
    act.reach(side, between((-0.1, -0.4, 0.4), (-0.1, -0.15, 0.8), push), 0.03, 40.0, 0.9)
    act.reach(other, between((0.0, -0.05, 0.5), (0.0, 0.05, 0.85), push), 0.03, 60.0, 0.9)
    pose.spine[1] += -14.0 * performance.TOWARDS[side] * push


def golf(act: Performance, pose: BodyPose, period: float, amplitude: float) -> None:
    """A putt: bent over the ball, hands together, swinging."""
    pose.pelvis_turn[0] += act.pick(12.0, 30.0)
    pose.pelvis[1:] -= (act.pick(0.03, 0.1), 0.08)
    pose.spine[0] += act.pick(5.0, 20.0)
    swing = act.wave(period) * amplitude
    act.add(swing, spine=(0, 25, 0), head=(0, -20, 0))
    pose.head[0] += 12.0
    act.reach_both((-0.25, -0.62, 0.55), 0.015, 10.0, 0.9, sway=(0.1 * swing, 0, 0))


def victory(act: Performance, pose: BodyPose, curl: float) -> None:
    """Arms thrown up and shaken, rising from the knees."""
    up = ease(1.4 * act.cycle(1.8))
    pose.pelvis[1] -= 0.12 * (1 - up)
    at = between((0.05, -0.25, 0.45), (act.pick(0.05, 0.4), 0.75, 0.35), up)
    both, (side, _) = act.random() < 0.6, act.sides()
    for each in BOTH if both else (side,):
        act.reach(each, at, 0.06, 10.0, curl)


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
    pose.spine[1] += performance.TOWARDS[other] * act.uniform(0.0, 42.0)
    pose.head[1] -= performance.TOWARDS[other] * act.pick(-10.0, 45.0)
    act.reach(side, (far, act.uniform(-0.2, 0.15), 0.58), 0.05, 40.0, 0.2, 40.0)
    act.reach(other, (-0.15, act.uniform(-0.15, 0.1), 0.55), 0.05, 40.0, 0.5)


def _reach_over(act: Performance, pose: BodyPose) -> None:
    (side, other), share = act.sides(), act.cycle(2.6)
    head, hips = act.pick(-25.0, 45.0), act.pick(0.0, 25.0)
    way = performance.TOWARDS[other] * share
    act.add(way, spine=(0, 42, 0), head=(0, -head, 0), pelvis_turn=(0, hips, 0))
    far = (act.pick(-0.85, -0.5), act.pick(-0.4, 0.3), act.pick(0.45, 0.75))
    at = between((0.1, -0.35, 0.55), far, share)
    act.reach(side, at, 0.05, act.pick(0.0, 80.0), act.pick(0.0, 0.6), 20.0)
    act.idle(other)


def _side_bend(act: Performance, pose: BodyPose) -> None:
    (side, other), bend = act.sides(), act.cycle(3.0)
    pose.spine[2] += performance.TOWARDS[side] * 26.0 * bend
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
    away = performance.TOWARDS[side] * share
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
