"""The One-Euro filter: poses of a video without jitter, at little lag."""

import math
from dataclasses import replace

import numpy as np

from base.skeleton import NUM_JOINTS
from utils.inference.predictor import Pose

#: A gap after which the filter starts anew, seconds.
_GAP_S = 1.0
#: The filter's options, see :class:`OneEuroFilter`.
MIN_CUTOFF, BETA = 1.0, 6.0
#: Cutoff of the filter of speeds, hertz: the authors' value.
_SPEED_CUTOFF = 1.0


def _gain(cutoff: float | np.ndarray, dt: float) -> float | np.ndarray:
    """Weight of a new value in a first-order low-pass of that cutoff, ``dt`` after the last."""
    return 1.0 / (1.0 + 1.0 / (2 * math.pi * cutoff * dt))


class OneEuroFilter:
    """Casiez, Roussel & Vogel, "1€ filter: a simple speed-based low-pass filter for noisy input in
    interactive systems", CHI 2012. The cutoff, ``min_cutoff`` hertz at rest, rises by ``beta``
    hertz per metre a second with the speed of each point, not of each coordinate, so that the
    result does not depend on the axes."""

    def __init__(self, min_cutoff: float = MIN_CUTOFF, beta: float = BETA) -> None:
        self._min_cutoff, self._beta = min_cutoff, beta
        self._time, self._value, self._speed = -math.inf, np.empty(0), np.empty(0)

    def __call__(self, value: np.ndarray, time: float) -> np.ndarray:
        """Smoothed points (…, D), always of one shape, at rising times, seconds; after more than a
        second without any the filter starts anew."""
        value = np.asarray(value, np.float64)
        dt, self._time = time - self._time, time
        if dt == 0:
            return self._value
        if not 0 < dt <= _GAP_S:
            self._value, self._speed = value, np.zeros_like(value)
            return value
        speed = (value - self._value) / dt
        self._speed = self._speed + _gain(_SPEED_CUTOFF, dt) * (speed - self._speed)
        pace = np.linalg.norm(self._speed, axis=-1, keepdims=True)
        cutoff = self._min_cutoff + self._beta * pace
        self._value = self._value + _gain(cutoff, dt) * (value - self._value)
        return self._value


class PoseSmoother:
    """Smooths the joints and the place of poses, each sequence for itself; ``options`` are those of
    :class:`OneEuroFilter`."""

    def __init__(self, *options: float) -> None:
        self._options = options
        self._sequence: str | None = None

    def __call__(self, pose: Pose, size: tuple[int, int], time: float, sequence: str) -> Pose:
        """The smoothed pose of a frame at ``time``, seconds; ``size`` is its picture's, pixels."""
        if sequence != self._sequence:
            self._sequence = sequence
            self._filter = OneEuroFilter(*self._options)
        # In the picture a side is about a metre of what the filter is tuned for.
        points, side = np.zeros((2 * NUM_JOINTS + 1, 3)), max(size)
        points[:NUM_JOINTS], points[-1] = pose.joints3d, pose.neck
        points[NUM_JOINTS:-1, :2] = pose.joints2d / side
        points = self._filter(points, time)
        joints3d, neck = points[:NUM_JOINTS].astype(np.float32), points[-1].astype(np.float32)
        joints2d = (points[NUM_JOINTS:-1, :2] * side).astype(np.float32)
        return replace(pose, joints3d=joints3d, neck=neck, joints2d=joints2d)
