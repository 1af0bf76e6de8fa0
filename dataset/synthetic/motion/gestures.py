"""Programs of the upper body: people who stand and talk, greet, point, argue and react."""

from collections.abc import Callable

from dataset.synthetic.body.pose import Pose
from dataset.synthetic.motion.stance import BOTH, Place, between, idle, reach, reach_both, sides
from dataset.synthetic.motion.take import Take, wave

#: Changes the pose of someone who stands (:func:`stance.stand`) into that of a moment of a take.
Program = Callable[[Take, Pose], None]


def one_hand(
    low: Place, high: Place, palm: float, curl: float, swivel: float = 0.0, period: float = 1.6
) -> Program:
    """One hand moving between two places, the other idle."""

    def program(take: Take, pose: Pose) -> None:
        side, other = sides(take)
        share = take.cycle(period) * take.uniform(0.6, 1.1)
        reach(take, pose, side, between(low, high, share), 0.08, palm, curl, swivel)
        idle(take, pose, other)

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
    """No."""
    pose.head[1] = 26.0 * wave(take.phase(1.1)) * take.uniform(0.3, 1.2) + take.normal(0.0, 5.0)


def nodding(take: Take, pose: Pose) -> None:
    """Agreeing."""
    pose.head[0] = 8.0 + 16.0 * wave(take.phase(0.9)) * take.uniform(0.3, 1.2)


def plotting(take: Take, pose: Pose) -> None:
    """Hands rubbed together before the chest, back bent."""
    pose.spine[0] += take.uniform(5.0, 22.0)
    height, rub = take.uniform(-0.5, -0.2), 0.05 * wave(take.phase(0.8))
    for side in BOTH:
        ahead = 0.5 + (rub if side else -rub)
        reach(take, pose, side, (-0.22, height, ahead), 0.02, 20.0, 0.3, 15.0)


def bow(take: Take, pose: Pose) -> None:
    """A quick formal bow."""
    depth = take.cycle(2.6)
    pose.pelvis_turn[0] += 35.0 * depth
    pose.pelvis[2] -= 0.12 * depth
    pose.spine[0] += 28.0 * depth
    pose.head[0] += 12.0 * depth
    if take.random() < 0.4:
        reach_both(take, pose, (-0.16, -0.72, 0.28), 0.04, 60.0, 0.2)


def handshake(take: Take, pose: Pose) -> None:
    """A hand held out and shaken."""
    one_hand((0.0, -0.42, 0.68), (-0.1, -0.28, 0.8), 0.0, 0.35, period=0.6)(take, pose)
    pose.pelvis_turn[0] += take.uniform(0.0, 10.0)


def clapping(take: Take, pose: Pose) -> None:
    """Hands clapped at the height of belly to face."""
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
    pose.spine[0] += 30.0 * depth
    pose.pelvis_turn[0] += 18.0 * depth
    pose.pelvis[1] -= 0.1 * depth
    pose.head[0] += 10.0 * depth
    for side in BOTH:
        reach(take, pose, side, (-0.26 + 0.04 * side, -0.5, 0.42), 0.03, 60.0, 0.4, 15.0)


def taking_punch(take: Take, pose: Pose) -> None:
    """Thrown back, arms flung up, coming upright again."""
    blow = take.cycle(1.8) ** 2
    pose.spine[0] -= 18.0 * blow
    pose.spine[1] += take.pick(-25.0, 25.0) * blow
    pose.head[1] += take.pick(-30.0, 30.0) * blow
    pose.head[0] -= 12.0 * blow
    at = between((0.1, -0.6, 0.35), (0.35, -0.05, 0.55), blow)
    reach_both(take, pose, at, 0.08, 40.0, 0.4, 20.0)


def tpose(take: Take, pose: Pose) -> None:
    """Arms out to the sides, as at the beginning of a recording."""
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
