"""Poses of an evaluation with their labels, and what demo.py leaves of them on disk."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import chain
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
from base.skeleton import JOINTS, labelled
from utils.evaluation import mpjpe
from utils.evaluation.mpjpe import BODY_PARTS, by_part
from utils.evaluation.pa_mpjpe import aligned, pa_joint_errors

if TYPE_CHECKING:  # torch takes seconds to import
    from dataset.batch import Batch
    from dataset.bone_labels import BoneLabels
    from utils.inference.square_predictor import SquarePredictor, Track


@dataclass
class Poses:
    """Predicted and true poses of N frames, true joints that are not labelled being NaN; ValueError
    where their numbers do not match.

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
        aligned_only: why the truth is in another frame than the camera's, where it is.
        occlusion_known: whether ``visible`` also says what the body hides inside the picture.
        bones: rotations of the labels, where they have any.
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
    aligned_only: str | None = None
    occlusion_known: bool = True
    bones: "BoneLabels | None" = None

    def __post_init__(self) -> None:
        mpjpe.check_poses(self.predicted, self.target)
        counts = len(self.predicted), len(self.actions), len(self.frame_ids)
        if len(set(counts)) > 1:
            raise ValueError("{} poses, but {} actions and {} identities".format(*counts))

    @property
    def known(self) -> np.ndarray:
        """(N, 16) bool, which joints are labelled."""
        return labelled(self.target)

    @property
    def hidden(self) -> np.ndarray:
        """(N, 16) bool, which of these are not visible."""
        return ~self.visible & self.known

    @property
    def measured(self) -> np.ndarray:
        """The predicted poses, NaN where the true ones are."""
        return np.where(self.known[..., None], self.predicted, np.nan)

    @cached_property
    def joint_errors(self) -> np.ndarray:
        """(N, 16) millimetres, Neck at the origin."""
        return mpjpe.joint_errors(self.predicted, self.target)

    @cached_property
    def mpjpe(self) -> np.ndarray:
        """(N,) millimetres, full body; PA-MPJPE where only that can be had."""
        return (
            self.part_errors["pa_mpjpe"][:, 0]
            if self.aligned_only
            else by_part(self.joint_errors)[:, 0]
        )

    @cached_property
    def part_errors(self) -> dict[str, np.ndarray]:
        """Name → (N, 3) millimetres of the full, upper and lower body, which have the alignment of
        the whole pose; "mpjpe_mean_pose" where there is a mean pose."""
        predicted, target = self.predicted, self.target
        errors = {
            "pa_mpjpe": pa_joint_errors(predicted, target),
            "pa_mpjpe_rigid": pa_joint_errors(predicted, target, scale=False),
        }
        if not self.aligned_only:
            official = mpjpe.joint_errors(predicted, target, self.raw_neck)
            errors = {"mpjpe": self.joint_errors} | errors
            errors |= {"absolute": mpjpe.distances(predicted, target), "mpjpe_official": official}
        if self.mean_pose is not None and not self.aligned_only:
            baseline = np.broadcast_to(self.mean_pose, target.shape)
            errors["mpjpe_mean_pose"] = mpjpe.joint_errors(baseline, target)
        return {name: by_part(values) for name, values in errors.items()}

    @cached_property
    def frame_errors(self) -> dict[str, np.ndarray]:
        """Name → (N,) millimetres, as "mpjpe", "mpjpe_upper" and "mpjpe_lower"."""
        return {
            name if part == "full" else f"{name}_{part}": errors[:, column]
            for name, errors in self.part_errors.items()
            for column, part in enumerate(BODY_PARTS)
        }

    @cached_property
    def characters(self) -> tuple[list[str], np.ndarray]:
        """Names of the C characters, and (N,) which of them each frame shows."""
        names, rows = np.unique([f.character for f in self.frame_ids], return_inverse=True)
        return names.tolist(), rows

    def in_place(self) -> "Poses":
        """For drawing: a truth that is in another frame is moved and turned to the prediction."""
        if not self.aligned_only:
            return self
        return replace(self, target=aligned(self.target, self.predicted, scale=False))

    def save(self, path: Path) -> None:
        """Write the arrays for :func:`read_poses`, and for others to compute with."""
        arrays = {"predicted": self.predicted, "target": self.target, "action": self.actions}
        for name, field in (("character",) * 2, ("environment",) * 2, ("frame", "number")):
            arrays[name] = [getattr(frame_id, field) for frame_id in self.frame_ids]
        more = {"uncertainty": self.uncertainty, "raw_neck": self.raw_neck}
        arrays |= {name: values for name, values in more.items() if values is not None}
        with replacing(path) as temporary:
            np.savez_compressed(temporary, camera=json.dumps(camera_to_dict(self.camera)), **arrays)

    def write_csv(self, path: Path) -> None:
        """A line a frame: identity, action, group, errors in millimetres; empty if unknown."""
        frames = zip(self.frame_ids, self.actions, *self.frame_errors.values(), strict=True)
        with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as out:
            write = csv_rows(out)
            write(["character", "environment", "frame", "action", "group", *self.frame_errors])
            for frame, action, *errors in frames:
                about = [frame.character, frame.environment, frame.number, action]
                cells = ["" if np.isnan(error) else f"{error:.4f}" for error in errors]
                write([*about, action_group(action) or "", *cells])


def predict(
    predictor: "SquarePredictor", batch: "Batch", tracks: "list[Track] | None" = None
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
    batches: Sequence[Poses], mean_pose: np.ndarray | None, camera: Camera = RELEASE_SQUARE
) -> Poses:
    """The poses of several batches, to be measured beside a mean pose."""

    def column(name: str) -> np.ndarray | list | None:
        parts = [getattr(batch, name) for batch in batches]
        if isinstance(parts[0], list):
            return [*chain(*parts)]
        return parts[0] if isinstance(parts[0], str | bool | None) else np.concatenate(parts)

    names = [each.name for each in fields(Poses) if each.name not in ("mean_pose", "camera")]
    return Poses(**{name: column(name) for name in names}, mean_pose=mean_pose, camera=camera)


def keep_joints(poses: Poses, names: Collection[str]) -> Poses:
    """The poses with the true joints of these names alone, for metrics over the joints that several
    sets have in common."""
    kept = np.isin(JOINTS, list(names))
    visible = None if poses.visible is None else poses.visible & kept
    target = np.where(kept[:, None], poses.target, np.nan)
    return replace(poses, target=target, visible=visible)


def read_poses(path: Path) -> Poses:
    """Poses that :meth:`Poses.save` wrote; UserError for a file that is missing, damaged, or whose
    arrays are others."""
    if not path.is_file():
        raise UserError(f"no {path}: give the --save_dir of a demo.py run that has ended")
    stored = read_arrays(path)
    try:
        names = ("character", "environment", "frame")
        frame_ids = list(map(FrameId, *(stored[name].tolist() for name in names)))
        camera = camera_from_dict(parse_json(str(stored["camera"])))
        both, actions = (stored["predicted"], stored["target"]), stored["action"].tolist()
        if not np.isfinite(both[0]).all() or np.isinf(both[1]).any():
            raise ValueError("not all numbers are finite")
        return Poses(*both, actions, frame_ids, camera=camera)
    except (LookupError, TypeError, ValueError, UserError) as error:
        raise UserError(f"{path}: not the poses of an evaluation ({error})") from None
