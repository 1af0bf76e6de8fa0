"""Programs of the upper body: people who stand and talk, greet, point, argue and react."""

from collections.abc import Callable

import numpy as np

from dataset.synthetic.body.pose import Pose
from dataset.synthetic.motion.stance import BOTH, Place, between, idle, reach, sides, standing
from dataset.synthetic.motion.take import Take, wave

Program = Callable[[Take], Pose]


def one_hand(
    low: Place, high: Place, palm: float, curl: float, swivel: float = 0.0, period: float = 1.6
) -> Program:
    """One hand moving between two places, the other idle."""

    def program(take: Take) -> Pose:
        pose = standing(take)
        side, other = sides(take)
        share = take.cycle(period) * take.uniform(0.6, 1.1)
        reach(pose, side, take, between(low, high, share), 0.08, palm, curl, swivel)
        idle(pose, other, take)
        return pose

    return program


def two_hands(
    low: Place,
    high: Place,
    palm: float,
    curl: float,
    swivel: float = 0.0,
    together: float = 0.7,
    period: float = 1.8,
) -> Program:
    """Both hands moving between two places, in step with probability ``together``."""

    def program(take: Take) -> Pose:
        pose = standing(take)
        phase, size = take.phase(period), take.uniform(0.6, 1.1)
        lag = take.habit(0.0, 0.05) if take.random() < together else take.random()
        for side in BOTH:
            share = (0.5 + 0.5 * wave(phase + lag * side)) * size
            reach(pose, side, take, between(low, high, share), 0.07, palm, curl, swivel)
        return pose

    return program


def talking(take: Take) -> Pose:
    """Hands that go from one gesture to the next."""
    pose = standing(take)
    for side in BOTH:
        if take.random() < 0.25:
            idle(pose, side, take)
            continue
        at = (
            0.08 + 0.18 * take.wander(1.2),
            -0.3 + 0.2 * take.wander(1.0),
            0.52 + 0.14 * take.wander(1.1),
        )
        reach(pose, side, take, at, 0.04, 10.0 + 45.0 * take.wander(1.4), 0.25, 10.0)
    return pose


def shaking_head(take: Take) -> Pose:
    """No."""
    pose = talking(take) if take.random() < 0.4 else standing(take)
    pose.head[1] = 26.0 * wave(take.phase(1.1)) * take.uniform(0.3, 1.2) + take.normal(0.0, 5.0)
    return pose


def nodding(take: Take) -> Pose:
    """Agreeing."""
    pose = talking(take) if take.random() < 0.4 else standing(take)
    pose.head[0] = 8.0 + 16.0 * wave(take.phase(0.9)) * take.uniform(0.3, 1.2)
    return pose


def plotting(take: Take) -> Pose:
    """Hands rubbed together before the chest, back bent."""
    pose = standing(take)
    pose.spine[0] += take.uniform(5.0, 22.0)
    height, rub = take.uniform(-0.5, -0.2), 0.05 * wave(take.phase(0.8))
    for side in BOTH:
        ahead = 0.5 + (rub if side else -rub)
        reach(pose, side, take, (-0.22, height, ahead), 0.02, 20.0, 0.3, 15.0)
    return pose


def bow(take: Take) -> Pose:
    """A quick formal bow."""
    pose = standing(take)
    depth = take.cycle(2.6)
    pose.pelvis_turn[0] += 35.0 * depth
    pose.pelvis[2] -= 0.12 * depth
    pose.spine[0] += 28.0 * depth
    pose.head[0] += 12.0 * depth
    if take.random() < 0.4:
        for side in BOTH:
            reach(pose, side, take, (-0.16, -0.72, 0.28), 0.04, 60.0, 0.2)
    return pose


def handshake(take: Take) -> Pose:
    """A hand held out and shaken."""
    pose = one_hand((0.0, -0.42, 0.68), (-0.1, -0.28, 0.8), 0.0, 0.35, period=0.6)(take)
    pose.pelvis_turn[0] += take.uniform(0.0, 10.0)
    return pose


def clapping(take: Take) -> Pose:
    """Hands clapped at the height of belly to face."""
    pose = standing(take)
    gap = take.cycle(0.45) * take.pick(0.1, 0.35)
    height, ahead = take.uniform(-0.45, 0.1), take.uniform(0.45, 0.7)
    for side in BOTH:
        reach(pose, side, take, (-0.25 + gap, height, ahead), 0.015, 5.0, 0.1, 15.0)
    return pose


def terrified(take: Take) -> Pose:
    """Hands before the face, knees giving way, leaning back, trembling."""
    pose = standing(take)
    pose.pelvis[1] -= take.uniform(0.02, 0.2)
    pose.pelvis_turn[0] -= take.uniform(0.0, 10.0)
    tremble = 0.01 * wave(take.phase(0.16))
    for side in BOTH:
        at = (take.uniform(-0.2, 0.1), take.uniform(0.0, 0.35) + tremble, take.uniform(0.5, 0.7))
        reach(pose, side, take, at, 0.04, 70.0, 0.3, 20.0)
    return pose


def pain(take: Take) -> Pose:
    """Bent over, hands on the belly."""
    pose = standing(take)
    depth = take.uniform(0.3, 1.0)
    pose.spine[0] += 30.0 * depth
    pose.pelvis_turn[0] += 18.0 * depth
    pose.pelvis[1] -= 0.1 * depth
    pose.head[0] += 10.0 * depth
    for side in BOTH:
        reach(pose, side, take, (-0.26 + 0.04 * side, -0.5, 0.42), 0.03, 60.0, 0.4, 15.0)
    return pose


def taking_punch(take: Take) -> Pose:
    """Thrown back, arms flung up, coming upright again."""
    pose = standing(take)
    blow = take.cycle(1.8) ** 2
    pose.spine[0] -= 18.0 * blow
    pose.spine[1] += take.pick(-25.0, 25.0) * blow
    pose.head[1] += take.pick(-30.0, 30.0) * blow
    pose.head[0] -= 12.0 * blow
    for side in BOTH:
        at = between((0.1, -0.6, 0.35), (0.35, -0.05, 0.55), blow)
        reach(pose, side, take, at, 0.08, 40.0, 0.4, 20.0)
    return pose


def tpose(take: Take) -> Pose:
    """Arms out to the sides, as at the beginning of a recording."""
    pose = standing(take)
    pose.spine *= 0.3
    pose.pelvis_turn *= 0.3
    for side in BOTH:
        at = (0.98, take.normal(0.0, 0.08), take.normal(0, 0.08))
        reach(pose, side, take, at, 0.03, 60.0, 0.05)
    return pose


def thinking(take: Take) -> Pose:
    """A hand at the chin, its elbow in the other hand."""
    pose = standing(take)
    side, other = sides(take)
    reach(pose, side, take, (-0.2, take.uniform(0.0, 0.16), 0.46), 0.03, -10.0, 0.6, -5.0)
    reach(pose, other, take, (-0.3, -0.42, 0.42), 0.04, 60.0, 0.4, 5.0)
    return pose


def counting(take: Take) -> Pose:
    """Fingers held up one after another, ticked off with the other hand."""
    pose = standing(take)
    side, other = sides(take)
    reach(pose, side, take, (-0.12, -0.1, 0.5), 0.05, -40.0, 0.5)
    pose.curl[side] = take.cycle(2.2)
    at = between((-0.2, -0.25, 0.55), (-0.26, -0.12, 0.52), take.cycle(0.8))
    reach(pose, other, take, at, 0.03, 20.0, 0.6)
    return pose


def umpire(take: Take) -> Pose:
    """Arms swept out to the sides from the chest: safe."""
    pose = standing(take)
    pose.pelvis[1] -= take.pick(0.0, 0.12)
    share = take.cycle(1.5)
    for side in BOTH:
        at = between((-0.25, -0.2, 0.5), (0.85, -0.12, 0.3), share)
        reach(pose, side, take, at, 0.05, 80.0, 0.1)
    return pose


def crazy(take: Take) -> Pose:
    """A finger circling beside the head."""
    pose = standing(take)
    side, other = sides(take)
    phase = take.phase(0.9)
    at = (0.12 + 0.06 * wave(phase), 0.3 + 0.06 * wave(phase + 0.25), 0.38)
    reach(pose, side, take, at, 0.03, 20.0, 0.6, 25.0)
    idle(pose, other, take)
    pose.head = pose.head + np.array([0.0, 0.0, 6.0 * wave(phase)])
    return pose
