"""Programs of people who stand or sit: gestures, games, patting."""

import math
from collections.abc import Callable

import numpy as np

from dataset.synthetic.body.pose import Pose
from dataset.synthetic.motion.stance import BOTH, add, idle, reach, reach_both, sides, sit, towards
from dataset.synthetic.motion.take import Place, Take, between, ease, wave

#: Changes the pose of someone who stands (:func:`stance.stand`) into that of a moment of a take.
Program = Callable[[Take, Pose], None]


def one_hand(low: Place, high: Place, palm: float, curl: float, swivel=0.0, period=1.6) -> Program:
    """One hand moving between two places, the other idle."""

    def program(take: Take, pose: Pose) -> None:
        side, other = sides(take)
        share = take.cycle(period) * take.uniform(0.6, 1.1)
        reach(take, pose, side, between(low, high, share), 0.08, palm, curl, swivel)
        idle(take, pose, other)

    return program


def two_hands(
    low: Place, high: Place, palm: float, curl: float, swivel=0.0, together=0.7, period=1.8
) -> Program:
    """Both hands moving between two places, in step with probability ``together``."""

    def program(take: Take, pose: Pose) -> None:
        phase, size = take.phase(period), take.uniform(0.6, 1.1)
        lag = take.habit(0.0, 0.05) if take.random() < together else take.random()
        for side in BOTH:
            share = (0.5 + 0.5 * wave(phase + lag * side)) * size
            reach(take, pose, side, between(low, high, share), 0.07, palm, curl, swivel)

    return program


def talking(take: Take, pose: Pose) -> None:
    """Hands that go from one gesture to the next."""
    for side in BOTH:
        if take.random() < 0.25:
            idle(take, pose, side)
            continue
        out, up = 0.08 + 0.18 * take.wander(1.2), -0.3 + 0.2 * take.wander(1.0)
        at = (out, up, 0.52 + 0.14 * take.wander(1.1))
        reach(take, pose, side, at, 0.04, 10.0 + 45.0 * take.wander(1.4), 0.25, 10.0)


def shaking_head(take: Take, pose: Pose) -> None:
    pose.head[1] = 26.0 * wave(take.phase(1.1)) * take.uniform(0.3, 1.2) + take.normal(0.0, 5.0)


def nodding(take: Take, pose: Pose) -> None:
    pose.head[0] = 8.0 + 16.0 * wave(take.phase(0.9)) * take.uniform(0.3, 1.2)


def plotting(take: Take, pose: Pose) -> None:
    """Hands rubbed together before the chest, back bent."""
    pose.spine[0] += take.uniform(5.0, 22.0)
    height, rub = take.uniform(-0.5, -0.2), 0.05 * wave(take.phase(0.8))
    reach_both(take, pose, (-0.22, height, 0.5), 0.02, 20.0, 0.3, 15.0, sway=(0, 0, -rub))


def bow(take: Take, pose: Pose) -> None:
    depth = take.cycle(2.6)
    add(pose, depth, pelvis_turn=(35, 0, 0), pelvis=(0, 0, -0.12), spine=(28, 0, 0))
    pose.head[0] += 12.0 * depth
    if take.random() < 0.4:
        reach_both(take, pose, (-0.16, -0.72, 0.28), 0.04, 60.0, 0.2)


def handshake(take: Take, pose: Pose) -> None:
    one_hand((0.0, -0.42, 0.68), (-0.1, -0.28, 0.8), 0.0, 0.35, period=0.6)(take, pose)
    pose.pelvis_turn[0] += take.uniform(0.0, 10.0)


def clapping(take: Take, pose: Pose) -> None:
    gap = take.cycle(0.45) * take.pick(0.1, 0.35)
    height, ahead = take.uniform(-0.45, 0.1), take.uniform(0.45, 0.7)
    reach_both(take, pose, (-0.25 + gap, height, ahead), 0.015, 5.0, 0.1, 15.0)


def terrified(take: Take, pose: Pose) -> None:
    """Hands before the face, knees giving way, leaning back, trembling."""
    pose.pelvis[1] -= take.uniform(0.02, 0.2)
    pose.pelvis_turn[0] -= take.uniform(0.0, 10.0)
    tremble = 0.01 * wave(take.phase(0.16))
    for side in BOTH:
        at = (take.uniform(-0.2, 0.1), take.uniform(0.0, 0.35) + tremble, take.uniform(0.5, 0.7))
        reach(take, pose, side, at, 0.04, 70.0, 0.3, 20.0)


def pain(take: Take, pose: Pose) -> None:
    """Bent over, hands on the belly."""
    depth = take.uniform(0.3, 1.0)
    add(pose, depth, spine=(30, 0, 0), pelvis_turn=(18, 0, 0), pelvis=(0, -0.1, 0), head=(10, 0, 0))
    for side in BOTH:
        reach(take, pose, side, (-0.26 + 0.04 * side, -0.5, 0.42), 0.03, 60.0, 0.4, 15.0)


def taking_punch(take: Take, pose: Pose) -> None:
    """Thrown back, arms flung up, coming upright again."""
    blow = take.cycle(1.8) ** 2
    add(pose, blow, spine=(-18, take.pick(-25, 25), 0), head=(-12, take.pick(-30, 30), 0))
    at = between((0.1, -0.6, 0.35), (0.35, -0.05, 0.55), blow)
    reach_both(take, pose, at, 0.08, 40.0, 0.4, 20.0)


def tpose(take: Take, pose: Pose) -> None:
    pose.spine *= 0.3
    pose.pelvis_turn *= 0.3
    for side in BOTH:
        at = (0.98, take.normal(0.0, 0.08), take.normal(0, 0.08))
        reach(take, pose, side, at, 0.03, 60.0, 0.05)


def thinking(take: Take, pose: Pose) -> None:
    """A hand at the chin, its elbow in the other hand."""
    side, other = sides(take)
    reach(take, pose, side, (-0.2, take.uniform(0.0, 0.16), 0.46), 0.03, -10.0, 0.6, -5.0)
    reach(take, pose, other, (-0.3, -0.42, 0.42), 0.04, 60.0, 0.4, 5.0)


def counting(take: Take, pose: Pose) -> None:
    """Fingers held up one after another, ticked off with the other hand."""
    side, other = sides(take)
    reach(take, pose, side, (-0.12, -0.1, 0.5), 0.05, -40.0, 0.5)
    pose.curl[side] = take.cycle(2.2)
    at = between((-0.2, -0.25, 0.55), (-0.26, -0.12, 0.52), take.cycle(0.8))
    reach(take, pose, other, at, 0.03, 20.0, 0.6)


def counting_on_one_leg(take: Take, pose: Pose) -> None:
    counting(take, pose)
    pose.pelvis[0] += take.pick(-0.08, 0.08)
    pose.spine[1] += take.normal(0.0, 8.0)


def umpire(take: Take, pose: Pose) -> None:
    """Arms swept out to the sides from the chest: safe."""
    pose.pelvis[1] -= take.pick(0.0, 0.12)
    at = between((-0.25, -0.2, 0.5), (0.85, -0.12, 0.3), take.cycle(1.5))
    reach_both(take, pose, at, 0.05, 80.0, 0.1)


def crazy(take: Take, pose: Pose) -> None:
    """A finger circling beside the head."""
    side, other = sides(take)
    phase = take.phase(0.9)
    at = (0.12 + 0.06 * wave(phase), 0.3 + 0.06 * wave(phase + 0.25), 0.38)
    reach(take, pose, side, at, 0.03, 20.0, 0.6, 25.0)
    idle(take, pose, other)
    pose.head[2] += 6.0 * wave(phase)


def sitting_thumbs_up(take: Take, pose: Pose) -> None:
    sit(take, pose)
    side, _ = sides(take)
    share = take.cycle(2.2)
    at = between((0.0, -0.4, 0.55), (0.1, take.uniform(-0.2, 0.1), 0.75), share)
    reach(take, pose, side, at, 0.04, 0.0, 0.9, 5.0)


def sitting_disapproval(take: Take, pose: Pose) -> None:
    """Seated, shaking the head, arms folded or a hand waved off."""
    sit(take, pose)
    pose.head[1] = 26.0 * wave(take.phase(1.3)) * take.uniform(0.4, 1.1)
    if take.random() < 0.5:
        for side in BOTH:
            at = (-0.32, -0.4 + 0.13 * side, 0.44 + 0.08 * side)
            reach(take, pose, side, at, 0.015, 60.0, 0.5, 5.0)
    else:
        at = between((-0.1, -0.2, 0.5), (0.35, -0.1, 0.65), take.cycle(1.6))
        reach(take, pose, sides(take)[0], at, 0.06, 80.0, 0.2, 10.0)


def patting(take: Take, pose: Pose) -> None:
    """Patting something at the height of hip or chest."""
    side, other = sides(take)
    height = take.pick(-0.6, 0.0) + 0.07 * wave(take.phase(0.8))
    reach(take, pose, side, (take.pick(-0.2, 0.2), height, 0.65), 0.03, 85.0, 0.12)
    idle(take, pose, other)
    pose.pelvis_turn[0] += take.uniform(0.0, 18.0)
    pose.head[0] += take.uniform(0.0, 14.0)


def stroking(take: Take, pose: Pose) -> None:
    """A flat hand drawn to and fro along something in front."""
    side, other = sides(take)
    stroke, height = take.cycle(1.4), take.pick(-0.65, -0.25)
    at = between((-0.3, height, 0.5), (0.25, height, 0.78), stroke)
    reach(take, pose, side, at, 0.03, 85.0, 0.1)
    idle(take, pose, other)
    pose.pelvis_turn[0] += take.uniform(4.0, 20.0)
    pose.spine[0] += take.uniform(0.0, 14.0)
    pose.head[0] += take.uniform(2.0, 16.0)


def petting_animal(take: Take, pose: Pose) -> None:
    """Crouching or bent down to an animal."""
    depth = take.pick(0.3, 1.0) * (0.9 + 0.1 * take.cycle(3.0))
    pose.pelvis = np.array([0.0, -0.52 * depth, -0.15 * depth])
    pose.pelvis_turn[0] = 18.0 + 25.0 * depth
    pose.spine[0] += take.uniform(5.0, 28.0)
    side, other = sides(take)
    stroke = 0.2 * wave(take.phase(1.5))
    reach(take, pose, side, (stroke, -0.6, 0.68), 0.05, 85.0, 0.15)
    if take.random() < 0.5:
        reach(take, pose, other, (0.0, -0.55, 0.5), 0.06, 80.0, 0.3, 20.0)
    else:
        idle(take, pose, other)
    pose.foot[other, 2] -= 0.2
    pose.foot_pitch[other] = -40.0 * depth
    pose.knee_out[:] = take.pick(0.0, 25.0)


def boxing(take: Take, pose: Pose) -> None:
    """Guard up; punches that alternate."""
    lead = 0 if take.random() < 0.7 else 1
    pose.pelvis_turn[1] = -towards(lead) * take.pick(10.0, 35.0)
    pose.pelvis[1] -= take.uniform(0.02, 0.12)
    pose.foot[lead, 2], pose.foot[1 - lead, 2] = take.pick(0.1, 0.25), -take.pick(0.1, 0.25)
    turn = take.phase(0.8)
    punching = lead if math.floor(turn) % 3 else 1 - lead
    punch = max(0.0, wave(turn)) ** 2
    reach_both(take, pose, (-0.06, 0.0, 0.48), 0.05, 30.0, 1.0, -5.0)
    pose.hand[punching] += np.array([-0.15, 0.05, 0.45]) * punch
    pose.pronation[punching] += 60.0 * punch
    pose.spine[1] += -20.0 * towards(punching) * punch


def dribble(take: Take, pose: Pose) -> None:
    """Bouncing a ball, knees bent."""
    bounce = wave(take.phase(0.7))
    pose.pelvis[1] -= take.uniform(0.06, 0.2) + 0.01 * bounce
    pose.pelvis_turn[0] += take.uniform(5.0, 20.0)
    side, other = sides(take)
    reach(take, pose, side, (0.15, -0.52 + 0.2 * bounce, 0.5), 0.05, 95.0, 0.2)
    idle(take, pose, other)


def shooting(take: Take, pose: Pose) -> None:
    """Both hands on a gun held ahead, with recoil."""
    recoil = max(0.0, wave(take.phase(1.2))) ** 6
    height, aside = take.uniform(-0.3, 0.1) + 0.06 * recoil, take.uniform(-0.12, 0.12)
    at = (-0.24, height, take.pick(0.62, 0.82) - 0.08 * recoil)
    reach_both(take, pose, at, 0.012, 15.0, 0.7, 10.0, sway=(aside, 0, 0))
    pose.pelvis[1] -= take.uniform(0.0, 0.1)


def rifle_punch(take: Take, pose: Pose) -> None:
    """A rifle held across the chest and pushed forward."""
    side, other = sides(take)
    push = take.cycle(1.6) ** 2
    reach(take, pose, side, between((-0.1, -0.4, 0.4), (-0.1, -0.15, 0.8), push), 0.03, 40.0, 0.9)
    reach(take, pose, other, between((0.0, -0.05, 0.5), (0.0, 0.05, 0.85), push), 0.03, 60.0, 0.9)
    pose.spine[1] += -14.0 * towards(side) * push


def golf(take: Take, pose: Pose, period: float, amplitude: float) -> None:
    """A putt: bent over the ball, hands together, swinging."""
    pose.pelvis_turn[0] += take.pick(12.0, 30.0)
    pose.pelvis[1:] -= (take.pick(0.03, 0.1), 0.08)
    pose.spine[0] += take.pick(5.0, 20.0)
    swing = wave(take.phase(period)) * amplitude
    add(pose, swing, spine=(0, 25, 0), head=(0, -20, 0))
    pose.head[0] += 12.0
    at, sway = (-0.25, -0.62, 0.55), (0.1 * swing, 0, 0)
    reach_both(take, pose, at, 0.015, 10.0, 0.9, sway=sway)


def victory(take: Take, pose: Pose, curl: float) -> None:
    """Arms thrown up and shaken, rising from the knees."""
    up = ease(1.4 * take.cycle(1.8))
    pose.pelvis[1] -= 0.12 * (1 - up)
    at = between((0.05, -0.25, 0.45), (take.pick(0.05, 0.4), 0.75, 0.35), up)
    both = take.random() < 0.6
    side, _ = sides(take)
    for each in BOTH if both else (side,):
        reach(take, pose, each, at, 0.06, 10.0, curl)
