"""A model on the labelled frames of a split: every pose with its errors, and the figures."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from base.errors import UserError
from base.frame import FrameId
from dataset.batch import Batch
from utils.metrics import BODY_PARTS, PoseMetrics
from utils.metrics.averaging import averaging_report
from utils.metrics.errors import distances
from utils.metrics.measures import PART_ERRORS
from utils.metrics.uncertainty import uncertainty_report
from utils.predict import PosePredictor
from utils.track import Track


@dataclass(slots=True)
class FrameResult:
    """One frame after evaluation.

    Attributes:
        frame_id: identity.
        action: clip name.
        errors: millimetres; "mpjpe", "mpjpe_upper", "mpjpe_lower", then the same of each other
            measure by part, see :func:`frame_error_names`.
        predicted: (16, 3) float32 metres, camera frame: the pose where its joints are seen.
        target: (16, 3) float32 metres, camera frame.
        uncertainty: (16,) float32 metres, radius around each predicted joint that holds the true
            one in 90 % of the cases, by the model's own account; None if it gives none.
    """

    frame_id: FrameId
    action: str
    errors: tuple[float, ...]
    predicted: np.ndarray
    target: np.ndarray
    uncertainty: np.ndarray | None = None

    @property
    def mpjpe(self) -> float:
        """MPJPE of the full body, millimetres."""
        return self.errors[0]


#: Measures that each frame keeps, by part.
_KEPT = (*PART_ERRORS, "mpjpe_mean_pose")


def frame_error_names() -> list[str]:
    """Names of :attr:`FrameResult.errors`."""
    return [name if part == "full" else f"{name}_{part}" for name in _KEPT for part in BODY_PARTS]


class Evaluation:
    """Runs a predictor over batches and keeps every pose beside the figures.

    Args:
        predictor: the model.
        mean_pose: (16, 3) metres, Neck at the origin: the baseline measured on the same frames.
        track: of the predictor, if it looks back; the batches must come in order then.

    Attributes:
        metrics: the figures, in constant memory.
        frames: results so far, in the order of the batches (about 1 KB each).
    """

    def __init__(
        self, predictor: PosePredictor, mean_pose: np.ndarray, track: Track | None = None
    ) -> None:
        self.predictor = predictor
        self.track = track
        self.metrics = PoseMetrics(mean_pose)
        self.frames: list[FrameResult] = []

    def add(self, batch: Batch) -> list[FrameResult]:
        """Evaluate one batch.

        Raises:
            UserError: for a model whose poses are not finite.
        """
        if self.track is None:
            prediction = self.predictor(batch.images)
        else:
            places = [((f.character, f.environment), f.number) for f in batch.frame_ids]
            prediction = self.predictor(batch.images, places, self.track)
        # The Neck lies at the origin; the fit only moves the pose.
        placed = prediction.joints3d + prediction.neck[:, None]
        finite = np.isfinite(placed).all((1, 2))
        if not finite.all():
            raise UserError(
                f"the model's pose of {batch.frame_ids[int(finite.argmin())]} is not finite: the "
                "checkpoint is damaged, or its values leave the range of --precision bf16"
            )
        target = batch.joints3d.numpy()
        measures = self.metrics.add(
            placed, target, batch.actions, batch.frame_ids, batch.visible.numpy()
        )
        errors = np.concatenate([measures[name] for name in _KEPT], 1).tolist()
        results = [
            FrameResult(frame_id, action, tuple(row), *poses)
            for frame_id, action, row, *poses in zip(
                batch.frame_ids, batch.actions, errors, placed, target, strict=True
            )
        ]
        if prediction.uncertainty is not None:
            for result, uncertainty in zip(results, prediction.uncertainty, strict=True):
                result.uncertainty = uncertainty
        self.frames += results
        return results

    def results(self) -> dict[str, Any]:
        """See :meth:`PoseMetrics.results`; with "averaging" on videos, and with "uncertainty"
        where the model gives it."""
        results = self.metrics.results()
        if not self.frames:
            return results
        predicted = np.stack([frame.predicted for frame in self.frames])
        target = np.stack([frame.target for frame in self.frames])
        results["averaging"] = averaging_report(
            predicted,
            target,
            [frame.frame_id for frame in self.frames],
            [frame.action for frame in self.frames],
        )
        if self.frames[0].uncertainty is not None:
            radii = np.stack([frame.uncertainty for frame in self.frames])
            results["uncertainty"] = uncertainty_report(distances(predicted, target), radii)
        return results
