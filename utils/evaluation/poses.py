"""Poses of an evaluation with their labels: in memory, as arrays on disk, as a line a frame."""

import csv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from base.actions import ACTION_GROUPS, action_group
from base.errors import UserError
from base.files import replacing
from base.frame import FrameId
from base.skeleton import NUM_JOINTS
from utils.evaluation.distances import (
    ALL,
    BODY_PARTS,
    PART_ERRORS,
    by_part,
    check_poses,
    joint_errors,
)

_STORED = ("predicted", "target", "action", "character", "environment", "frame")


@dataclass(slots=True)
class FrameResult:
    """One frame after evaluation.

    Attributes:
        frame_id: identity.
        action: clip name.
        errors: millimetres, in the order of :func:`frame_error_names`; the first is the MPJPE.
        predicted: (16, 3) float32 metres, camera frame: the pose where its joints are seen.
        target: (16, 3) float32 metres, camera frame.
    """

    frame_id: FrameId
    action: str
    errors: tuple[float, ...]
    predicted: np.ndarray
    target: np.ndarray

    @property
    def mpjpe(self) -> float:
        """MPJPE of the full body, millimetres."""
        return self.errors[0]


def frame_error_names() -> list[str]:
    """Names of :attr:`FrameResult.errors`."""
    kinds = (*PART_ERRORS, "mpjpe_mean_pose")
    return [name if part == "full" else f"{name}_{part}" for name in kinds for part in BODY_PARTS]


def group_rows(actions: Sequence[str]) -> dict[str, np.ndarray]:
    """Action group → (N,) bool, its frames; "All" first, no empty group."""
    groups = np.array([action_group(action) or "" for action in actions])
    rows = {ALL: np.ones(len(groups), bool)} | {name: groups == name for name in ACTION_GROUPS}
    return {name: mask for name, mask in rows.items() if mask.any()}


@dataclass
class Poses:
    """Predicted and true poses of N frames.

    Attributes:
        predicted, target: (N, 16, 3) metres, camera frame.
        actions: N clip names.
        frame_ids: N identities.
        visible: (N, 16) bool, None where the labels do not say.
        uncertainty: (N, 16) metres, radius around each predicted joint that holds the true one in
            90 % of the cases by the model's own estimate; None if it gives none.
        mean_pose: (16, 3) metres, any origin: the baseline to measure on the same frames, or None.

    Raises:
        ValueError: for poses, actions and identities that do not match.
    """

    predicted: np.ndarray
    target: np.ndarray
    actions: list[str]
    frame_ids: list[FrameId]
    visible: np.ndarray | None = None
    uncertainty: np.ndarray | None = None
    mean_pose: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_poses(self.predicted, self.target)
        counts = len(self.predicted), len(self.actions), len(self.frame_ids)
        if len(set(counts)) > 1:
            raise ValueError("{} poses, but {} actions and {} identities".format(*counts))

    @cached_property
    def joint_errors(self) -> np.ndarray:
        """(N, 16) millimetres, Neck at the origin."""
        return joint_errors(self.predicted, self.target)

    @cached_property
    def part_errors(self) -> dict[str, np.ndarray]:
        """Name → (N, 3) millimetres of the full, upper and lower body: the :data:`PART_ERRORS`,
        and "mpjpe_mean_pose" where there is a mean pose."""
        errors = {
            name: by_part(measure(self.predicted, self.target))
            for name, measure in PART_ERRORS.items()
        }
        if self.mean_pose is not None:
            baseline = np.broadcast_to(self.mean_pose, self.target.shape)
            errors["mpjpe_mean_pose"] = by_part(joint_errors(baseline, self.target))
        return errors

    @cached_property
    def groups(self) -> dict[str, np.ndarray]:
        """See :func:`group_rows`."""
        return group_rows(self.actions)

    @cached_property
    def characters(self) -> tuple[list[str], np.ndarray]:
        """Names of the C characters, and (N,) which of them each frame shows."""
        names, rows = np.unique([f.character for f in self.frame_ids], return_inverse=True)
        return names.tolist(), rows

    def frames(self) -> list[FrameResult]:
        """One by one; needs :attr:`mean_pose`."""
        errors = np.concatenate(list(self.part_errors.values()), 1).tolist()
        rows = zip(
            self.frame_ids, self.actions, map(tuple, errors), self.predicted, self.target,
            strict=True,
        )  # fmt: skip
        return [FrameResult(*row) for row in rows]

    def save(self, path: Path) -> None:
        """Write the arrays for :func:`read_poses`, and for others to compute with."""
        own = {} if self.uncertainty is None else {"uncertainty": self.uncertainty}
        with replacing(path) as temporary:
            np.savez_compressed(
                temporary,
                **own,
                predicted=self.predicted,
                target=self.target,
                action=np.array(self.actions),
                character=np.array([frame_id.character for frame_id in self.frame_ids]),
                environment=np.array([frame_id.environment for frame_id in self.frame_ids]),
                frame=np.array([frame_id.number for frame_id in self.frame_ids]),
            )


def read_poses(path: Path) -> Poses:
    """Poses that an evaluation saved.

    Raises:
        UserError: for a file that is missing, damaged, or whose arrays do not belong together.
    """
    if not path.is_file():
        raise UserError(f"no {path}: give the --save_dir of a demo.py run that has ended")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in _STORED}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not the poses of an evaluation, or damaged ({error})") from None
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) != 1:
        listed = ", ".join(f"{count} {name}" for name, count in lengths.items())
        raise UserError(f"{path}: its arrays differ in length ({listed})")
    shape = (lengths["frame"], NUM_JOINTS, 3)
    if arrays["predicted"].shape != shape or arrays["target"].shape != shape:
        raise UserError(f"{path}: its poses are not (N, {NUM_JOINTS}, 3)")
    identities = (arrays[name].tolist() for name in ("character", "environment", "frame"))
    return Poses(
        arrays["predicted"],
        arrays["target"],
        arrays["action"].tolist(),
        [FrameId(*identity) for identity in zip(*identities, strict=True)],
    )


def write_frames_csv(path: Path, frames: Sequence[FrameResult]) -> None:
    """One line a frame: identity, action, group (empty if unknown), errors in millimetres."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["character", "environment", "frame", "action", "group", *frame_error_names()]
        )
        for frame in frames:
            identity = frame.frame_id
            writer.writerow(
                [
                    *(identity.character, identity.environment, identity.number, frame.action),
                    action_group(frame.action) or "",
                    *(f"{error:.4f}" for error in frame.errors),
                ]
            )
