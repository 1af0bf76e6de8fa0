"""A model on the labelled frames of a split: every pose with its error, and the sums."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from base.frame import FrameId
from base.skeleton import NECK
from dataset.batch import Batch
from utils.metrics import MPJPEByAction
from utils.predict import PosePredictor


@dataclass(slots=True)
class FrameResult:
    """One frame after evaluation.

    Attributes:
        frame_id: identity.
        action: clip name.
        error: MPJPE, millimetres.
        predicted: (16, 3) float32 metres, camera frame: the pose where its joints are seen.
        target: (16, 3) float32 metres, camera frame.
    """

    frame_id: FrameId
    action: str
    error: float
    predicted: np.ndarray
    target: np.ndarray


class Evaluation:
    """Runs a predictor over batches and keeps, beside the errors, every pose.

    Args:
        predictor: the model.
        mean_pose: (16, 3) metres, Neck at the origin: the baseline measured on the same frames.

    Attributes:
        frames: results so far, in the order of the batches (about 500 bytes each).
    """

    def __init__(self, predictor: PosePredictor, mean_pose: np.ndarray) -> None:
        self.predictor = predictor
        self.mean_pose = mean_pose
        self.metric = MPJPEByAction()
        self.baseline = MPJPEByAction()
        self.frames: list[FrameResult] = []

    def run(self, batches: Iterable[Batch]) -> Iterator[list[FrameResult]]:
        """Evaluate batch by batch; yields the new results of each."""
        for batch in batches:
            yield self.add(batch)

    def add(self, batch: Batch) -> list[FrameResult]:
        """Evaluate one batch."""
        prediction = self.predictor(batch.images)
        target = batch.joints3d.numpy()
        errors = self.metric.update(prediction.joints3d, target, batch.actions)
        baseline = np.broadcast_to(self.mean_pose, target.shape)
        self.baseline.update(baseline, target, batch.actions)
        # Both poses have their Neck at the origin before the fit, so this only moves it.
        placed = prediction.joints3d - prediction.joints3d[:, [NECK]] + prediction.neck[:, None]
        results = [
            FrameResult(*row)
            for row in zip(
                batch.frame_ids, batch.actions, errors.tolist(), placed, target, strict=True
            )
        ]
        self.frames += results
        return results

    def results(self) -> dict[str, Any]:
        """Part of the body → group → {"mpjpe", "mpjpe_mean_pose": millimetres, "frames"}."""
        results, baseline = self.metric.results(), self.baseline.results()
        for part, groups in results.items():
            for group, cell in groups.items():
                cell["mpjpe_mean_pose"] = baseline[part][group]["mpjpe"]
        return results
