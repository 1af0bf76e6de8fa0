"""The One-Euro filter: poses of a video without jitter, at little lag."""

import math
from dataclasses import dataclass, replace

import numpy as np

from utils.inference.predictor import Pose

#: A gap after which the filter starts anew, seconds.
_GAP_S = 1.0
#: Cutoff of the filter of speeds, hertz: the authors' value.
_SPEED_CUTOFF = 1.0


@dataclass(frozen=True, slots=True)
class OneEuroOptions:
    """Parameters of the filter.

    Attributes:
        min_cutoff: hertz, cutoff at rest: lower takes away more jitter.
        beta: hertz per metre a second, by which the cutoff rises with speed: higher lags less.
    """

    min_cutoff: float = 1.0
    beta: float = 6.0


def _share(cutoff: float | np.ndarray, dt: float) -> float | np.ndarray:
    """How much of a new value a first-order low-pass of that cutoff takes on after ``dt``."""
    return 1.0 / (1.0 + 1.0 / (2 * math.pi * cutoff * dt))


class OneEuroFilter:
    """Smooths points whose noise shows most at rest and whose lag shows most in motion.

    Source: Casiez, Roussel & Vogel, "1€ filter: a simple speed-based low-pass filter for noisy
    input in interactive systems", CHI 2012.  The cutoff follows the speed of each point, not of
    each coordinate, so that the result does not depend on how the axes lie.
    """

    def __init__(self, options: OneEuroOptions) -> None:
        self._options = options
        self._time = -math.inf
        self._value = np.empty(0)
        self._speed = np.empty(0)

    def __call__(self, value: np.ndarray, time: float) -> np.ndarray:
        """Smoothed points.

        Args:
            value: (…, D), always of one shape.
            time: seconds, rising; after a gap of more than one second the filter starts anew.
        """
        value = np.asarray(value, np.float64)
        dt = time - self._time
        if not 0 < dt <= _GAP_S:
            if dt != 0:
                self._value, self._speed = value, np.zeros_like(value)
            self._time = time
            return self._value
        speed = (value - self._value) / dt
        self._speed = self._speed + _share(_SPEED_CUTOFF, dt) * (speed - self._speed)
        pace = np.linalg.norm(self._speed, axis=-1, keepdims=True)
        cutoff = self._options.min_cutoff + self._options.beta * pace
        self._value = self._value + _share(cutoff, dt) * (value - self._value)
        self._time = time
        return self._value


class PoseSmoother:
    """Smooths the joints and the place of poses, each sequence for itself."""

    def __init__(self, options: OneEuroOptions) -> None:
        self._options = options
        self._sequence: str | None = None

    def __call__(self, pose: Pose, size: tuple[int, int], time: float, sequence: str = "") -> Pose:
        """The smoothed pose.

        Args:
            pose: of a frame.
            size: width and height of its picture, pixels.
            time: of the frame, seconds.
            sequence: the frame's; a new one starts anew.
        """
        if sequence != self._sequence:
            self._sequence = sequence
            self._joints3d, self._neck, self._joints2d = (
                OneEuroFilter(self._options) for _ in range(3)
            )
        # In the picture a side is about a metre of what the filter is tuned for.
        side = max(size)
        return replace(
            pose,
            joints3d=self._joints3d(pose.joints3d, time).astype(np.float32),
            neck=self._neck(pose.neck, time).astype(np.float32),
            joints2d=(self._joints2d(pose.joints2d / side, time) * side).astype(np.float32),
        )
