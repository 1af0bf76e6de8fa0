"""Errors of motion over frames with consecutive numbers: acceleration, jitter, and what averaging
over past frames could take away."""

from typing import Any

import numpy as np

from base.skeleton import neck_centred
from dataset.runs import run_lengths
from utils.evaluation.distances import MILLIMETRES
from utils.evaluation.poses import Poses

#: Where a true joint moves further than this between two frames, metres, there is a cut and no
#: motion: at 30 frames a second it would be 12 m/s relative to the Neck.
CUT = 0.4
#: Frames that :func:`averaging` averages, the newest among them.
WINDOWS = (2, 4, 8, 16, 32, 64)
#: Of the frames that a window has to fit: the others would be averaged over less.
_LEAST_SHARE = 0.5


def _consecutive(poses: Poses) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predicted and true poses (N, 16, 3) in millimetres, Neck at the origin, in the order of
    their frames; and (N,) how many frames before each one follow each other up to it, within one
    clip of one character and environment and without a :data:`CUT`."""
    order = sorted(range(len(poses.frame_ids)), key=poses.frame_ids.__getitem__)
    predicted, target = (
        neck_centred(np.asarray(both, np.float64)[order]) * MILLIMETRES
        for both in (poses.predicted, poses.target)
    )
    jumps = np.linalg.norm(np.diff(target, axis=0), axis=-1).max(-1, initial=0)
    scenes = np.concatenate([[0], np.cumsum(jumps > CUT * MILLIMETRES)]).tolist()
    places = []
    for scene, row in zip(scenes, order, strict=True):
        frame_id = poses.frame_ids[row]
        place = frame_id.character, frame_id.environment, poses.actions[row], scene
        places.append((place, frame_id.number))
    return predicted, target, run_lengths(places)


def motion(poses: Poses) -> dict[str, Any] | None:
    """Acceleration error and jitter with the truth's own; None where no three frames are
    consecutive.

    Acceleration error: mean over joints and windows of ‖a_pred − a_true‖, a = p(t+1) − 2 p(t) +
    p(t−1), millimetres per frame² (Kanazawa et al., "Learning 3D human dynamics from video",
    CVPR 2019).  Jitter: the same mean of the length of the third difference of the prediction
    (Yi et al., "TransPose", SIGGRAPH 2021), millimetres per frame³.
    """
    predicted, target, lengths = _consecutive(poses)
    threes, fours = lengths[2:] >= 2, lengths[3:] >= 3
    if not threes.any():
        return None

    def mean_norm(vectors: np.ndarray) -> float | None:
        return float(np.linalg.norm(vectors, axis=-1).mean()) if len(vectors) else None

    second, true_second = (np.diff(both, 2, axis=0)[threes] for both in (predicted, target))
    third, true_third = (np.diff(both, 3, axis=0)[fours] for both in (predicted, target))
    return {
        "acceleration_error": mean_norm(second - true_second),
        "acceleration_true": mean_norm(true_second),
        "windows": int(threes.sum()),
        "jitter": mean_norm(third),
        "jitter_true": mean_norm(true_third),
    }


def averaged(vectors: np.ndarray, lengths: np.ndarray, window: int) -> np.ndarray:
    """Mean of each frame's vectors and of those right before it.

    Args:
        vectors: (N, …) in the order of the frames.
        lengths: (N,) int64, how many frames before each one belong to its run.
        window: frames that are averaged; fewer where the run has not had so many.

    Returns:
        (N, …) float64.
    """
    sums = np.concatenate([np.zeros_like(vectors[:1], np.float64), np.cumsum(vectors, 0)])
    counts = np.minimum(lengths + 1, window)
    ends = np.arange(len(vectors)) + 1
    return (sums[ends] - sums[ends - counts]) / counts.reshape(-1, *[1] * (vectors.ndim - 1))


def averaging(poses: Poses) -> dict[str, float] | None:
    """MPJPE that would be left after averaging the errors over windows of past frames.

    Errors that differ from frame to frame average away; those caused by a body, clothes or a
    posture last for seconds.  The errors themselves are averaged, as if the true motion were known,
    so no filter over the same window does better.

    Returns:
        Frames of the window → millimetres, Neck at the origin, for the windows that at least half
        of the frames have behind them; None where that is no window.
    """
    predicted, target, lengths = _consecutive(poses)
    return {
        str(window): float(
            np.linalg.norm(averaged(predicted - target, lengths, window), axis=-1).mean()
        )
        for window in WINDOWS
        if np.mean(lengths + 1 >= window) >= _LEAST_SHARE
    } or None
