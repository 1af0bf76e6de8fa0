"""Programs of the whole body: games, crouching, and those who sit."""

import math

import numpy as np

from dataset.synthetic.body.pose import Pose
from dataset.synthetic.motion import stance
from dataset.synthetic.motion.gestures import Program, counting
from dataset.synthetic.motion.stance import BOTH, between, idle, reach, reach_both, sides, towards
from dataset.synthetic.motion.take import Take, ease, wave


def sitting_thumbs_up(take: Take, pose: Pose) -> None:
    """Seated, a thumb held up."""
    stance.sit(take, pose)
    side, _ = sides(take)
    share = take.cycle(2.2)
    at = between((0.0, -0.4, 0.55), (0.1, take.uniform(-0.2, 0.1), 0.75), share)
    reach(take, pose, side, at, 0.04, 0.0, 0.9, 5.0)


def sitting_disapproval(take: Take, pose: Pose) -> None:
    """Seated, shaking the head, arms folded or a hand waved off."""
    stance.sit(take, pose)
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
    ahead = take.pick(0.62, 0.82) - 0.08 * recoil
    for side in BOTH:
        shift = aside * towards(side)
        reach(take, pose, side, (-0.24 + shift, height, ahead), 0.012, 15.0, 0.7, 10.0)
    pose.pelvis[1] -= take.uniform(0.0, 0.1)


def rifle_punch(take: Take, pose: Pose) -> None:
    """A rifle held across the chest and pushed forward."""
    side, other = sides(take)
    push = take.cycle(1.6) ** 2
    reach(take, pose, side, between((-0.1, -0.4, 0.4), (-0.1, -0.15, 0.8), push), 0.03, 40.0, 0.9)
    reach(take, pose, other, between((0.0, -0.05, 0.5), (0.0, 0.05, 0.85), push), 0.03, 60.0, 0.9)
    pose.spine[1] += -14.0 * towards(side) * push


def golf(period: float, amplitude: float) -> Program:
    """A putt: bent over the ball, hands together, swinging."""

    def program(take: Take, pose: Pose) -> None:
        pose.pelvis_turn[0] += take.pick(12.0, 30.0)
        pose.pelvis[1:] -= (take.pick(0.03, 0.1), 0.08)
        pose.spine[0] += take.pick(5.0, 20.0)
        swing = wave(take.phase(period)) * amplitude
        pose.spine[1] += 25.0 * swing
        for side in BOTH:
            aside = 0.1 * swing * towards(side)
            reach(take, pose, side, (-0.25 + aside, -0.62, 0.55), 0.015, 10.0, 0.9)
        pose.head[1] -= 20.0 * swing
        pose.head[0] += 12.0

    return program


def victory(fists: float) -> Program:
    """Arms thrown up and shaken, rising from the knees."""

    def program(take: Take, pose: Pose) -> None:
        up = ease(1.4 * take.cycle(1.8))
        pose.pelvis[1] -= 0.12 * (1 - up)
        out = take.pick(0.05, 0.4)
        both = take.random() < 0.6
        side, _ = sides(take)
        for each in BOTH:
            if both or each == side:
                at = between((0.05, -0.25, 0.45), (out, 0.75, 0.35), up)
                reach(take, pose, each, at, 0.06, 10.0, fists)

    return program


def ticking_off(take: Take, pose: Pose) -> None:
    """Counting with the weight on one leg."""
    counting(take, pose)
    pose.pelvis[0] += take.pick(-0.08, 0.08)
    pose.spine[1] += take.normal(0.0, 8.0)
