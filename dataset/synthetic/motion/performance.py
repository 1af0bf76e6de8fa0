"""A clip that a person performs, and its random numbers: draws that hold or drift, phases that run.

A program asks for random numbers in a fixed order, and each place in that order keeps its own
numbers, so that calling the program at one time after another gives a continuous movement.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_BLOCK = 256
#: Shares of a drifting draw that hold and that move; the squares of their deviations sum to one.
_HELD, _MOVING = 0.87, 0.69

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
        heading = angle + (math.pi / 2 if self.sense > 0 else -math.pi / 2)
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
    """Random numbers of one performance of a clip, by a person with legs of ``leg`` centimetres and
    ``hip`` from the middle to a hip."""

    def __init__(self, rng: np.random.Generator, clip: Clip, leg: float = 85.0, hip: float = 9.0):
        self.clip, self.leg, self.hip = clip, leg, hip
        self.time = 0.0
        self._rng, self._next = rng, 0
        self._z: list[float] = []
        self._u: list[list[float]] = []
        self._knots: dict[int, tuple[list[float], list[float]]] = {}

    def rewind(self, time: float) -> None:
        """Go to a time, seconds from the start; the next draw is the first one again."""
        self.time, self._next = time, 0

    def _place(self) -> int:
        place = self._next
        self._next += 1
        if place >= len(self._z):
            self._z += self._rng.standard_normal(_BLOCK).tolist()
            self._u += self._rng.random((_BLOCK, 2)).tolist()
        return place

    def _drifting(self) -> float:
        """About a standard normal number that moves slowly."""
        place = self._place()
        rate, start = self._u[place]
        turn = (0.08 + 0.27 * rate) * self.time + start
        return _HELD * self._z[place] + _MOVING * wave(turn)

    def normal(self, mean: float, deviation: float) -> float:
        """A normal draw that drifts."""
        return mean + deviation * self._drifting()

    def normals(self, mean: Sequence[float], deviation: float | Sequence[float]) -> np.ndarray:
        """Normal draws, one for each mean, that drift."""
        drawn = np.array([self._drifting() for _ in mean])
        return np.asarray(mean) + np.asarray(deviation) * drawn

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

    def phase(self, period: float) -> float:
        """Turns of a movement of about ``period`` seconds, its tempo never quite even."""
        place = self._place()
        start, sway = self._u[place]
        rate = math.exp(0.2 * self._z[place]) / period
        return start + rate * self.time + 0.04 * wave(0.23 * self.time + sway)

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
        number = bisect_right(times, self.time)
        if number == 0:
            return values[0]
        share = ease((self.time - times[number - 1]) / move)
        return values[number - 1] * (1 - share) + values[number] * share
