"""A clip that a person performs: random draws that hold or drift, phases that run, and ways to
stand, to sit and to hold an arm. A program draws in a fixed order, and each place in that order
keeps its numbers, so that calling it at one time after another gives a continuous movement."""

import math
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from dataset.synthetic.body.pose import BodyPose

_BLOCK = 256
#: Shares of a drifting draw that hold and that move; the squares of their deviations sum to one.
_HELD, _MOVING = 0.87, 0.69
#: Left and right, and the sign of a turn, and of the opposite bend, towards each.
BOTH, TOWARDS = (0, 1), (1.0, -1.0)

Place = tuple[float, float, float]


def wave(phase: float) -> float:
    """Sine of a phase given in turns."""
    return math.sin(2 * math.pi * phase)


def ease(share: float) -> float:
    """Smooth step from 0 to 1 with resting ends (minimum jerk)."""
    x = min(max(share, 0.0), 1.0)
    return x * x * x * (10.0 + x * (6.0 * x - 15.0))


def between(low: Place, high: Place, share: float) -> Place:
    """A place on the way from ``low`` to ``high``."""
    return tuple(a * (1 - share) + b * share for a, b in zip(low, high, strict=True))


@dataclass(frozen=True)
class CirclePath:
    """The circle a person walks on: bounded for ever, and the same for all clips of a person."""

    centre: tuple[float, float] = (0.0, 0.0)  # x and z, centimetres
    radius: float = 80.0  # centimetres
    sense: float = 1.0  # 1.0 or -1.0
    start: float = 0.0  # angle where the clip begins, radians
    facing: float = 0.0  # turn of someone who stands against the direction of the path, degrees

    def at(self, advance: float, aside: float = 0.0) -> tuple[float, float, float]:
        """x and z after ``advance`` centimetres, ``aside`` of the line to the left, and the heading
        along the path, degrees from +z towards +x."""
        angle = self.start + self.sense * advance / self.radius
        heading = angle + self.sense * math.pi / 2
        # Facing (sin h, cos h), the left is at (cos h, -sin h).
        x = self.centre[0] + self.radius * math.sin(angle) + aside * math.cos(heading)
        z = self.centre[1] + self.radius * math.cos(angle) - aside * math.sin(heading)
        return x, z, math.degrees(heading)


@dataclass(frozen=True)
class Clip:
    """One clip of a timeline: what a person does for some seconds, and where."""

    action: str  # its name
    first: int = 0  # its first frame; the blend from the one before begins there
    blend: float = 0.0  # seconds of that blend; the clip's own time begins after it
    duration: float = 5.0  # seconds after the blend
    path: CirclePath = CirclePath()
    steps: int = 6  # of those that walk
    step_length: float = 55.0  # centimetres
    everyday: str = ""  # what of :data:`everyday.ACTIVITIES` is done instead of the program


class Performance:
    """One performance of a clip, by a person with legs of ``leg`` centimetres and ``hip`` from the
    middle to a hip; ``pose``, in the terms of :class:`BodyPose`, is that of a moment."""

    def __init__(self, rng: np.random.Generator, clip: Clip, leg: float = 85.0, hip: float = 9.0):
        self.clip, self.leg, self.hip = clip, leg, hip
        self._rng, self._z, self._u = rng, [], []
        self._knots: dict[int, tuple[list[float], list[float]]] = {}
        self.rewind(0.0)

    def rewind(self, time: float) -> None:
        """Go to a time, seconds from the start; the next draw is the first one again."""
        self.time, self._next, self.pose = time, 0, BodyPose()

    def _place(self) -> int:
        self._next += 1
        if self._next > len(self._z):
            self._z += self._rng.standard_normal(_BLOCK).tolist()
            self._u += self._rng.random((_BLOCK, 2)).tolist()
        return self._next - 1

    def _drifting(self) -> float:
        """About a standard normal number that moves slowly."""
        place = self._place()
        rate, start = self._u[place]
        return _HELD * self._z[place] + _MOVING * wave((0.08 + 0.27 * rate) * self.time + start)

    def normal(self, mean: float, deviation: float) -> float:
        """A normal draw that drifts."""
        return mean + deviation * self._drifting()

    def normals(self, mean: Place, deviation: float | Place) -> np.ndarray:
        """Normal draws, one for each mean, that drift."""
        return np.asarray(mean) + np.multiply(deviation, [self._drifting() for _ in mean])

    def uniform(self, low: float, high: float) -> float:
        """A uniform draw that drifts."""
        return low + (high - low) * 0.5 * (1 + math.erf(self._drifting() / math.sqrt(2.0)))

    def random(self) -> float:
        """A number in [0, 1) that holds: for choices."""
        return self._u[self._place()][0]

    def habit(self, mean: float, deviation: float) -> float:
        """A normal draw that holds: where feet stand, how an arm is held."""
        return mean + deviation * self._z[self._place()]

    def pick(self, low: float, high: float) -> float:
        """A uniform draw that holds."""
        return low + (high - low) * self.random()

    def sides(self) -> tuple[int, int]:
        """(side that acts, the other one); people are mostly right-handed."""
        return (1, 0) if self.random() < 0.6 else (0, 1)

    def phase(self, period: float) -> float:
        """Turns of a movement of about ``period`` seconds, its tempo never quite even."""
        place = self._place()
        start, sway = self._u[place]
        rate = math.exp(0.2 * self._z[place]) / period
        return start + rate * self.time + 0.04 * wave(0.23 * self.time + sway)

    def wave(self, period: float) -> float:
        """To and fro between -1 and 1."""
        return wave(self.phase(period))

    def cycle(self, period: float) -> float:
        """Smooth to and fro between 0 and 1, resting a little at both ends."""
        return 0.5 - 0.5 * math.cos(2 * math.pi * self.phase(period))

    def wander(self, hold: float, move: float = 0.5) -> float:
        """About a standard normal number held for ``hold`` seconds, then moved to the next one."""
        place = self._place()
        if place not in self._knots:
            count = int(self.clip.duration / (0.5 * hold)) + 4
            gaps = hold * (0.5 + self._rng.random(count))
            times = np.cumsum(gaps) - gaps[0] - hold * self._rng.random()
            self._knots[place] = times.tolist(), self._rng.standard_normal(count + 1).tolist()
        times, values = self._knots[place]
        if (number := bisect_right(times, self.time)) == 0:
            return values[0]
        share = ease((self.time - times[number - 1]) / move)
        return values[number - 1] * (1 - share) + values[number] * share

    def add(self, share: float = 1.0, **changes: Place) -> None:
        """Add ``share`` of some changes to fields of the pose, three numbers for each."""
        for name, change in changes.items():
            setattr(self.pose, name, getattr(self.pose, name) + share * np.array(change))

    def gaze(self) -> None:
        """Turn the head as people do: held, then moved, at times far to a side."""
        head = self.pose.head
        wide = 2.2 if self.random() < 0.35 else 1.0
        nod, turn = 3.0 + 9.0 * self.wander(1.8, 0.45), wide * 18.0 * self.wander(1.6)
        head += nod, turn, 5.5 * self.wander(2.5, 0.7)
        kept = self.random()  # one way all the time
        if kept < 0.12:  # up or down
            head[0] += self.pick(-22.0, 30.0)
        elif kept < 0.3:  # to one side, as when talking to someone there
            head[1] += (1.0 if kept < 0.21 else -1.0) * self.pick(25.0, 75.0)

    def stand(self) -> None:
        """Stand at ease, breathing and shifting weight: how all programs begin."""
        pose, bend = self.pose, abs(self.habit(0.0, 0.03))
        pose.pelvis = np.array([self.normal(0.0, 0.025), -bend, self.normal(0.0, 0.015)])
        pose.pelvis_turn = self.normals((2.0, 0.0, 0.0), (3.0, 7.0, 1.5))
        pose.spine = self.normals((3.0, 0.0, 0.0), (6.0, 6.0, 4.0))
        pose.spine[0] += 0.8 * self.wave(3.6)
        self.gaze()
        apart = abs(self.habit(0.0, 0.07))
        for side in BOTH:
            pose.foot[side] = (apart + self.habit(0, 0.02), 0.0, self.habit(0.0, 0.06))
            pose.toe_out[side] = self.habit(9.0, 7.0)
            self.hang(side)
        x, z, heading = self.clip.path.at(0.0)
        pose.root = np.array([x, z, heading + self.clip.path.facing])

    def sit(self) -> None:
        """On a seat, hands on the thighs: how the seated clips begin."""
        pose = self.pose
        pose.seat, pose.seat_back = self.pick(0.42, 0.58), self.pick(0.3, 0.45)
        pose.balance = 0.0
        pose.pelvis = np.array([0.0, pose.seat - 0.9, -pose.seat_back])
        pose.pelvis_turn = self.normals((0.0, 0.0, 0.0), (5.0, 4.0, 1.5))
        spread = self.pick(0.0, 0.2)
        for side in BOTH:
            pose.foot[side] = (spread + self.habit(0, 0.03), 0.0, self.pick(-0.05, 0.25))
            pose.knee_out[side] = 60.0 * spread + self.habit(5.0, 5.0)
            self.reach(side, (0.0, -0.58, 0.48), 0.05, 80.0, 0.25, 20.0)

    def hang(self, side: int, swing: float = 0.0) -> None:
        """Let an arm hang, swung forward by ``swing`` degrees."""
        angle = math.radians(swing + self.normal(6.0, 8.0))
        out, far = self.uniform(0.08, 0.3), self.uniform(0.88, 0.99)
        at = (out, -far * math.cos(angle) * 0.97, far * math.sin(angle))
        draws = self.normal(0.0, 10.0), self.normal(15.0, 18.0), self.normal(5.0, 8.0)
        self._hold(side, at, *draws, self.uniform(0.15, 0.5), self.habit(0.0, 0.3))

    def reach(
        self, side: int, at: Place, spread: float, palm: float, curl: float, swivel: float = 0.0
    ) -> None:
        """Put a hand at (outward, up, forward) of its shoulder, arm lengths, with some scatter."""
        at = np.array(at) + self.normals((0.0, 0.0, 0.0), spread)
        palm, wrist = palm + self.normal(0.0, 14.0), self.normal(0.0, 14.0)
        curled = min(max(curl + self.normal(0.0, 0.12), 0.0), 1.0)
        swivel += self.normal(0.0, 12.0)
        splay = self.habit(0.3, 0.4) if curl < 0.4 else 0.0
        self._hold(side, at, swivel, palm, wrist, curled, splay)

    def _hold(self, side: int, *values: Place | float) -> None:
        names = "hand", "swivel", "pronation", "wrist", "curl", "splay"
        for name, value in zip(names, values, strict=True):
            getattr(self.pose, name)[side] = value

    def reach_both(self, at: Place, *how: float, sway: Place = (0, 0, 0)) -> None:
        """Put both hands at a place, each of its shoulder, plus (left) or minus ``sway``."""
        for side in BOTH:
            self.reach(side, np.array(at) + TOWARDS[side] * np.array(sway), *how)

    def idle(self, side: int) -> None:
        """What the other arm does while one gestures: hang, rest on hip or belly, or half rise."""
        at_hip = (0.12, -0.66, 0.12), 0.03, 60.0, 0.4, 55.0
        at_belly = (-0.28, -0.48, 0.42), 0.05, 60.0, 0.3, 10.0
        if (choice := self.random()) < 0.55:
            self.hang(side)
        elif choice < 0.85:
            self.reach(side, *(at_hip if choice < 0.7 else at_belly))
        else:
            self.reach(side, (0.0, -0.4, 0.55), 0.1, 40.0, 0.3, 10.0)
