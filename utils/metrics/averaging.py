"""How much of a model's error averaging over past frames could take away, at the very best.

What a model gets wrong by chance differs from frame to frame, and averages away; what it gets wrong
because of a body, clothes or a posture it gets wrong for seconds on end, and stays.  The errors
themselves are averaged here, as if the true motion between the frames were known: no filter does
better on the same window, and a temporal model only by saying something else than an average.
"""

from collections.abc import Sequence

import numpy as np

from base.frame import FrameId
from dataset.runs import Place, run_lengths
from utils.metrics.errors import MILLIMETRES, neck_centred
from utils.metrics.motion import is_cut

#: Frames that are averaged, the newest among them.
WINDOWS = (2, 4, 8, 16, 32, 64)
#: Of the frames that a window has to fit: the others would be averaged over less.
_LEAST_SHARE = 0.5


def averaged(vectors: np.ndarray, lengths: np.ndarray, window: int) -> np.ndarray:
    """Mean of each frame's vectors and of those right before it.

    Args:
        vectors: (F, …) in the order of the frames.
        lengths: (F,) int64, how many frames before each one belong to its run.
        window: frames that are averaged; fewer where the run has not had so many.

    Returns:
        (F, …) float64.
    """
    sums = np.concatenate([np.zeros_like(vectors[:1], np.float64), np.cumsum(vectors, 0)])
    counts = np.minimum(lengths + 1, window)
    ends = np.arange(len(vectors)) + 1
    return (sums[ends] - sums[ends - counts]) / counts.reshape(-1, *[1] * (vectors.ndim - 1))


def averaging_report(
    predicted: np.ndarray,
    target: np.ndarray,
    frame_ids: Sequence[FrameId],
    actions: Sequence[str],
) -> dict[str, float] | None:
    """MPJPE that would be left after averaging the errors over windows of past frames.

    Args:
        predicted, target: (F, 16, 3) metres, any origin, in any order of the frames.
        frame_ids: F identities.
        actions: F clip names.

    Returns:
        Frames of the window → millimetres, Neck at the origin, for the windows that at least half
        of the frames have behind them; None where that is no window.
    """
    order = sorted(range(len(frame_ids)), key=frame_ids.__getitem__)
    predicted, target = (neck_centred(np.asarray(poses)[order]) for poses in (predicted, target))
    cuts = np.concatenate([[False], is_cut(target[:-1], target[1:])])
    places: list[Place] = []
    for scene, row in zip(cuts.cumsum().tolist(), order, strict=True):
        frame_id = frame_ids[row]
        sequence = frame_id.character, frame_id.environment, actions[row], scene
        places.append((sequence, frame_id.number))
    lengths = run_lengths(places)
    errors = (predicted - target) * MILLIMETRES
    return {
        str(window): float(np.linalg.norm(averaged(errors, lengths, window), axis=-1).mean())
        for window in WINDOWS
        if np.mean(lengths + 1 >= window) >= _LEAST_SHARE
    } or None
