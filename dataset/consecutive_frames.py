"""Which frames follow each other: a history never reaches over a gap."""

from collections.abc import Hashable, Sequence

import numpy as np

#: Sequence and number of a frame in it; None for a picture that belongs to no sequence.
Place = tuple[Hashable, int] | None


def run_lengths(places: Sequence[Place]) -> np.ndarray:
    """For each of N frames in their order, how many right before it lead up to it: (N,) int64.

    A missing number cuts the history, and so does a picture that could not be read or one that is
    out of order.
    """
    lengths = np.zeros(len(places), np.int64)
    for row in range(1, len(places)):
        if follows(places[row - 1], places[row]):
            lengths[row] = lengths[row - 1] + 1
    return lengths


def follows(before: Place, now: Place) -> bool:
    """Whether two frames are of one sequence and the second comes right after the first."""
    return bool(before and now) and now == (before[0], before[1] + 1)


def history_rows(lengths: np.ndarray, lags: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the frames that lie so many before each frame, and whether they are there: (N, K).

    ``lengths`` are those of :func:`run_lengths`, ``lags`` K numbers of frames, the first of them 0.
    A frame that is not there is replaced by the frame itself.
    """
    own, back = np.arange(len(lengths))[:, None], np.asarray(lags, np.int64)
    known = back <= lengths[:, None]
    return np.where(known, own - back, own), known
