"""The One-Euro filter: poses of a video without jitter, at little lag."""

import math
from dataclasses import replace

import numpy as np

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
            self._filters = [OneEuroFilter(*self._options) for _ in range(3)]
        side = max(size)  # in the picture about a metre of what the filter is tuned for
        given = pose.joints3d, pose.neck, pose.joints2d / side
        joints3d, neck, joints2d = (
            smooth(value, time) for smooth, value in zip(self._filters, given, strict=True)
        )
        changed = {"joints3d": joints3d, "neck": neck, "joints2d": joints2d * side}
        return replace(pose, **{name: value.astype(np.float32) for name, value in changed.items()})
