"""Which frames follow each other: a history never reaches over a gap."""

from collections.abc import Hashable, Sequence

import numpy as np

#: Sequence and number of a frame in it; None for a picture that belongs to no sequence.
Place = tuple[Hashable, int] | None


def run_lengths(places: Sequence[Place]) -> np.ndarray:
    """For each frame, how many before it in the list follow each other without a gap up to it.

    Two frames follow each other if they are of one sequence and the second one's number is the
    first one's plus 1: a missing number cuts the history, and so does a picture that could not be
    read or one that is out of order.

    Args:
        places: of N frames, in the order in which they come.

    Returns:
        (N,) int64.
    """
    lengths = np.zeros(len(places), np.int64)
    for row in range(1, len(places)):
        before, now = places[row - 1], places[row]
        if follows(before, now):
            lengths[row] = lengths[row - 1] + 1
    return lengths


def follows(before: Place, now: Place) -> bool:
    """Whether a frame comes right after another."""
    if before is None or now is None:
        return False
    return before[0] == now[0] and now[1] == before[1] + 1


def history_rows(lengths: np.ndarray, lags: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the frames that lie so many before each frame.

    Args:
        lengths: (N,) of :func:`run_lengths`.
        lags: K numbers of frames, the first of them 0.

    Returns:
        rows: (N, K) int64; a frame that is not there is replaced by the frame itself.
        known: (N, K) bool, whether it is there.
    """
    own, back = np.arange(len(lengths))[:, None], np.asarray(lags, np.int64)
    known = back <= lengths[:, None]
    return np.where(known, own - back, own), known
