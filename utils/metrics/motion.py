"""Errors of motion: acceleration and jitter over frames with consecutive numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from base.frame import FrameId
from utils.metrics.errors import MILLIMETRES, neck_centred

#: Where a true joint moves further than this between two frames, metres, there is a cut and no
#: motion: at 30 frames a second it would be 12 m/s relative to the Neck.
CUT = 0.4

#: A window of jitter spans four frames, so three at each end can belong to windows yet to come.
_EDGE = 3


#: Character, environment and clip.
Place = tuple[str, str, str]


@dataclass(slots=True, eq=False)
class _Run:
    """Consecutive frames: numbers start … stop - 1, and the poses at both ends.

    Poses are (2, n, 16, 3) metres, n at most 3: predicted and true, Neck at the origin.
    """

    place: Place
    start: int
    stop: int
    head: np.ndarray
    tail: np.ndarray


@dataclass(slots=True)
class _Sums:
    """Sums over windows, millimetres."""

    windows: int = 0
    acceleration_error: float = 0.0
    acceleration_true: float = 0.0
    jitter_windows: int = 0
    jitter: float = 0.0
    jitter_true: float = 0.0

    def add(self, other: "_Sums") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def add_windows(self, of_three: np.ndarray, of_four: np.ndarray) -> None:
        """Add all windows inside (2, n, 16, 3) consecutive poses, of three and of four frames."""
        if of_three.shape[1] >= 3:
            second = np.diff(of_three, 2, axis=1) * MILLIMETRES
            self.windows += second.shape[1]
            self.acceleration_error += _mean_norms(second[0] - second[1])
            self.acceleration_true += _mean_norms(second[1])
        if of_four.shape[1] >= 4:
            third = np.diff(of_four, 3, axis=1) * MILLIMETRES
            self.jitter_windows += third.shape[1]
            self.jitter += _mean_norms(third[0])
            self.jitter_true += _mean_norms(third[1])


def _mean_norms(vectors: np.ndarray) -> float:
    """Σ over frames of the mean over joints of the length of (n, 16, 3) vectors."""
    return float(np.linalg.norm(vectors, axis=-1).mean(-1).sum())


@dataclass
class MotionMetrics:
    """Acceleration error and jitter, streaming.

    Acceleration error: mean over joints and windows of ‖a_pred - a_true‖, a = p(t+1) - 2 p(t) +
    p(t-1), millimetres per frame² (Kanazawa et al., "Learning 3D human dynamics from video",
    CVPR 2019).  Jitter: the same mean of the length of the third difference of the prediction
    (Yi et al., "TransPose", SIGGRAPH 2021), millimetres per frame³.  Poses have their Neck at the
    origin.  A window lies within one clip of one character and environment, without a :data:`CUT`.

    Frames may come in any order, and parts measured by other processes be merged; only the ends of
    runs of consecutive frames are kept.
    """

    _by_start: dict[tuple[Place, int], _Run] = field(default_factory=dict)
    _by_stop: dict[tuple[Place, int], _Run] = field(default_factory=dict)
    _sums: _Sums = field(default_factory=_Sums)

    def update(
        self,
        predicted: np.ndarray,
        target: np.ndarray,
        frame_ids: Sequence[FrameId],
        actions: Sequence[str],
    ) -> None:
        """Add B frames: poses (B, 16, 3) metres, any origin, with identity and clip."""
        poses = np.stack([neck_centred(predicted), neck_centred(target)])
        places = [
            (frame_id.character, frame_id.environment, action)
            for frame_id, action in zip(frame_ids, actions, strict=True)
        ]
        numbers = [frame_id.number for frame_id in frame_ids]
        cut = is_cut(poses[1, :-1], poses[1, 1:])
        start = 0
        for row in range(1, len(numbers) + 1):
            if (
                row == len(numbers)
                or places[row] != places[start]
                or numbers[row] != numbers[row - 1] + 1
                or cut[row - 1]
            ):
                run = poses[:, start:row]
                self._sums.add_windows(run, run)
                self._insert(
                    _Run(
                        place=places[start],
                        start=numbers[start],
                        stop=numbers[row - 1] + 1,
                        # Copies: a slice would keep the whole batch alive.
                        head=run[:, :_EDGE].copy(),
                        tail=run[:, -_EDGE:].copy(),
                    )
                )
                start = row

    def merge(self, other: "MotionMetrics") -> None:
        """Add what another one measured on other frames."""
        self._sums.add(other._sums)
        for run in other._by_start.values():
            self._insert(run)

    def _insert(self, run: _Run) -> None:
        """Join a run with those it touches, and keep it."""
        before = self._by_stop.get((run.place, run.start))
        if before is not None and not is_cut(before.tail[1, -1], run.head[1, 0]):
            run = self._joined(before, run)
        after = self._by_start.get((run.place, run.stop))
        if after is not None and not is_cut(run.tail[1, -1], after.head[1, 0]):
            run = self._joined(run, after)
        # Where two were joined, the ends of the outer ones are overwritten.
        self._by_start[run.place, run.start] = run
        self._by_stop[run.place, run.stop] = run

    def _joined(self, first: _Run, second: _Run) -> _Run:
        """One run of two; the windows that lie in neither alone are counted."""
        self._by_stop.pop((first.place, first.stop), None)
        self._by_start.pop((first.place, second.start), None)
        self._sums.add_windows(
            np.concatenate([first.tail[:, -2:], second.head[:, :2]], 1),
            np.concatenate([first.tail, second.head], 1),
        )
        return _Run(
            place=first.place,
            start=first.start,
            stop=second.stop,
            head=np.concatenate([first.head, second.head], 1)[:, :_EDGE]
            if first.stop - first.start < _EDGE
            else first.head,
            tail=np.concatenate([first.tail, second.tail], 1)[:, -_EDGE:]
            if second.stop - second.start < _EDGE
            else second.tail,
        )

    def results(self) -> dict[str, Any] | None:
        """Means, and the truth's own for comparison; None where no three frames are consecutive."""
        sums = self._sums
        if sums.windows == 0:
            return None
        windows, jitter_windows = sums.windows, max(1, sums.jitter_windows)
        return {
            "acceleration_error": sums.acceleration_error / windows,
            "acceleration_true": sums.acceleration_true / windows,
            "windows": windows,
            "jitter": sums.jitter / jitter_windows if sums.jitter_windows else None,
            "jitter_true": sums.jitter_true / jitter_windows if sums.jitter_windows else None,
        }


def is_cut(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(…) bool: whether the true pose (…, 16, 3) jumps from one frame to the next."""
    return np.linalg.norm(after - before, axis=-1).max(-1) > CUT
