"""Poses of an evaluation with their labels, and what demo.py leaves of them on disk."""

import json
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from base.actions import action_group
from base.arrays import read_arrays
from base.cameras import camera_from_dict, camera_to_dict
from base.cameras.camera import Camera
from base.documents import parse_json
from base.errors import UserError
from base.files import csv_rows, replacing
from base.frame import FrameId
from base.release_camera import RELEASE_SQUARE
from utils.evaluation import mpjpe
from utils.evaluation.mpjpe import BODY_PARTS, by_part

if TYPE_CHECKING:  # torch takes seconds to import
    from dataset.batch import Batch
    from utils.inference.pose_predictor import PosePredictor, Track


@dataclass
class Poses:
    """Predicted and true poses of N frames; ValueError where their numbers do not match.

    Attributes:
        predicted, target: (N, 16, 3) metres, axes of the network's view, camera at the origin.
        actions: N clip names.
        frame_ids: N identities.
        visible: (N, 16) bool, None where it is unknown.
        uncertainty: (N, 16) metres, radius around each predicted joint that holds the true one in
            90 % of the cases by the model's own estimate; None if it gives none.
        mean_pose: (16, 3) metres, any origin: the baseline to measure on the same frames, or None.
        camera: of the network's view, by default the release's square.
        raw_neck: (N, 3) metres where the network's own poses have the Neck, None for the origin.
    """

    predicted: np.ndarray
    target: np.ndarray
    actions: list[str]
    frame_ids: list[FrameId]
    visible: np.ndarray | None = None
    uncertainty: np.ndarray | None = None
    mean_pose: np.ndarray | None = None
    camera: Camera = RELEASE_SQUARE
    raw_neck: np.ndarray | None = None

    def __post_init__(self) -> None:
        mpjpe.check_poses(self.predicted, self.target)
        counts = len(self.predicted), len(self.actions), len(self.frame_ids)
        if len(set(counts)) > 1:
            raise ValueError("{} poses, but {} actions and {} identities".format(*counts))

    @cached_property
    def joint_errors(self) -> np.ndarray:
        """(N, 16) millimetres, Neck at the origin."""
        return mpjpe.joint_errors(self.predicted, self.target)

    @cached_property
    def mpjpe(self) -> np.ndarray:
        """(N,) millimetres, full body."""
        return by_part(self.joint_errors)[:, 0]

    @cached_property
    def part_errors(self) -> dict[str, np.ndarray]:
        """Name → (N, 3) millimetres of the full, upper and lower body: the :data:`PART_ERRORS`,
        "mpjpe_official", and "mpjpe_mean_pose" where there is a mean pose."""
        both = self.predicted, self.target
        errors = {name: by_part(measure(*both)) for name, measure in mpjpe.PART_ERRORS.items()}
        errors["mpjpe_official"] = by_part(mpjpe.official_errors(*both, self.raw_neck))
        if self.mean_pose is not None:
            baseline = np.broadcast_to(self.mean_pose, self.target.shape)
            errors["mpjpe_mean_pose"] = by_part(mpjpe.joint_errors(baseline, self.target))
        return errors

    @cached_property
    def frame_errors(self) -> dict[str, np.ndarray]:
        """Name → (N,) millimetres, as "mpjpe", "mpjpe_upper" and "mpjpe_lower"."""
        return {
            name if part == "full" else f"{name}_{part}": errors[:, column]
            for name, errors in self.part_errors.items()
            for column, part in enumerate(BODY_PARTS)
        }

    @cached_property
    def groups(self) -> dict[str, np.ndarray]:
        """See :func:`group_rows`."""
        return mpjpe.group_rows(self.actions)

    @cached_property
    def characters(self) -> tuple[list[str], np.ndarray]:
        """Names of the C characters, and (N,) which of them each frame shows."""
        names, rows = np.unique([f.character for f in self.frame_ids], return_inverse=True)
        return names.tolist(), rows

    def save(self, path: Path) -> None:
        """Write the arrays for :func:`read_poses`, and for others to compute with."""
        arrays = {"uncertainty": self.uncertainty, "raw_neck": self.raw_neck}
        arrays = {name: values for name, values in arrays.items() if values is not None}
        arrays["camera"] = json.dumps(camera_to_dict(self.camera))
        arrays |= {"predicted": self.predicted, "target": self.target, "action": self.actions}
        arrays["character"] = [frame_id.character for frame_id in self.frame_ids]
        arrays["environment"] = [frame_id.environment for frame_id in self.frame_ids]
        arrays["frame"] = [frame_id.number for frame_id in self.frame_ids]
        with replacing(path) as temporary:
            np.savez_compressed(temporary, **arrays)

    def write_csv(self, path: Path) -> None:
        """A line a frame: identity, action, group (empty if unknown), errors in millimetres."""
        frames = zip(self.frame_ids, self.actions, *self.frame_errors.values(), strict=True)
        with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as out:
            write = csv_rows(out)
            write(["character", "environment", "frame", "action", "group", *self.frame_errors])
            for frame, action, *errors in frames:
                about = [frame.character, frame.environment, frame.number, action]
                write([*about, action_group(action) or "", *(f"{error:.4f}" for error in errors)])


def predict(
    predictor: "PosePredictor", batch: "Batch", tracks: "list[Track] | None" = None
) -> Poses:
    """A predictor's poses of a labelled batch; a temporal one's batches come in order."""
    places = [((f.character, f.environment), f.number) for f in batch.frame_ids] if tracks else None
    prediction = predictor(batch.images, places, tracks)
    # Predictions have the Neck at the origin; their place is separate.
    placed = prediction.joints3d + prediction.neck[:, None]
    target, visible = batch.joints3d.numpy(), batch.visible.numpy()
    about = batch.actions, batch.frame_ids, visible, prediction.uncertainty
    return Poses(placed, target, *about, raw_neck=prediction.raw_neck)


def joined(
    batches: Sequence[Poses], mean_pose: np.ndarray, camera: Camera = RELEASE_SQUARE
) -> Poses:
    """The poses of several batches, to be measured beside a mean pose."""

    arrays = {}
    for name in ("predicted", "target", "visible", "uncertainty", "raw_neck"):
        parts = [getattr(batch, name) for batch in batches]
        arrays[name] = None if parts[0] is None else np.concatenate(parts)
    actions, ids = (
        [each for batch in batches for each in getattr(batch, name)]
        for name in ("actions", "frame_ids")
    )
    return Poses(actions=actions, frame_ids=ids, mean_pose=mean_pose, camera=camera, **arrays)


def read_poses(path: Path) -> Poses:
    """Poses that :meth:`Poses.save` wrote; UserError for a file that is missing, damaged, or whose
    arrays do not belong together."""
    if not path.is_file():
        raise UserError(f"no {path}: give the --save_dir of a demo.py run that has ended")
    stored = read_arrays(path)
    try:
        names = ("action", "character", "environment")
        actions, *identities = ([str(text) for text in stored[name].tolist()] for name in names)
        numbers = [operator.index(number) for number in stored["frame"].tolist()]
        frame_ids = [FrameId(*each) for each in zip(*identities, numbers, strict=True)]
        both = [stored[name] for name in ("predicted", "target")]
        if not all(each.dtype.kind == "f" and np.isfinite(each).all() for each in both):
            raise ValueError("poses must be finite numbers")
        if "camera" not in stored:  # written before there was a choice
            return Poses(*both, actions, frame_ids)
        camera = camera_from_dict(parse_json(str(stored["camera"])))
        return Poses(*both, actions, frame_ids, camera=camera)
    except (KeyError, TypeError, ValueError, UserError) as error:
        raise UserError(f"{path}: not the poses of an evaluation ({error})") from None
