"""A model on the labelled frames of a split: every pose beside its label."""

import numpy as np

from dataset.batch import Batch
from utils.evaluation.distances import by_part, joint_errors
from utils.evaluation.poses import Poses
from utils.inference.pose_predictor import PosePredictor
from utils.inference.track import Track


class Evaluation:
    """Runs a predictor over batches and keeps the poses (about 1 KB a frame).

    Args:
        predictor: the model.
        mean_pose: (16, 3) metres, Neck at the origin: the baseline measured on the same frames.
        track: of the predictor, if it is temporal; the batches must come in order then.
    """

    def __init__(
        self, predictor: PosePredictor, mean_pose: np.ndarray, track: Track | None = None
    ) -> None:
        self.predictor = predictor
        self.track = track
        self.mean_pose = mean_pose
        self._batches: list[Poses] = []

    def add(self, batch: Batch) -> np.ndarray:
        """Evaluate one batch: (B,) MPJPE of its frames, millimetres."""
        if self.track is None:
            prediction = self.predictor(batch.images)
        else:
            places = [((f.character, f.environment), f.number) for f in batch.frame_ids]
            prediction = self.predictor(batch.images, places, self.track)
        # The Neck lies at the origin; the fit only moves the pose.
        placed = prediction.joints3d + prediction.neck[:, None]
        target, visible = batch.joints3d.numpy(), batch.visible.numpy()
        self._batches.append(
            Poses(placed, target, batch.actions, batch.frame_ids, visible, prediction.uncertainty)
        )
        return by_part(joint_errors(placed, target))[:, 0]

    @property
    def poses(self) -> Poses | None:
        """Those of all batches in their order; None before the first frame."""
        if not self._batches:
            return None

        def joined(name: str) -> np.ndarray | None:
            parts = [getattr(batch, name) for batch in self._batches]
            return None if parts[0] is None else np.concatenate(parts)

        return Poses(
            joined("predicted"),
            joined("target"),
            [action for batch in self._batches for action in batch.actions],
            [frame_id for batch in self._batches for frame_id in batch.frame_ids],
            joined("visible"),
            joined("uncertainty"),
            self.mean_pose,
        )
