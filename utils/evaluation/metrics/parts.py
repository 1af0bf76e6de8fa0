"""The official protocol: errors by part of the body and action group, and of each character."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from utils.evaluation.bootstrap import figures
from utils.evaluation.distances import BODY_PARTS, by_part, joint_errors
from utils.evaluation.poses import Poses, group_rows


def errors_by_part(poses: Poses) -> dict[str, Any]:
    """Part → group → each of :attr:`Poses.part_errors` in millimetres, and "frames".

    A frame's error is the mean over the joints, Neck included; a group's is the mean over its
    frames, All's the mean over all frames, those of unknown clips too.
    """
    names, (_, characters) = list(poses.part_errors), poses.characters
    report: dict[str, Any] = {part: {} for part in BODY_PARTS}
    for group, rows in poses.groups.items():
        for column, part in enumerate(BODY_PARTS):
            values = np.stack([errors[:, column] for errors in poses.part_errors.values()], 1)
            cell = figures(names, values, rows[:, None], characters)
            report[part][group] = cell | {"frames": int(rows.sum())}
    return report


def errors_of_characters(poses: Poses) -> dict[str, Any]:
    """Character → part → group → MPJPE and frames: what a paired comparison resamples."""
    names, characters = poses.characters
    report: dict[str, Any] = {name: {part: {} for part in BODY_PARTS} for name in names}
    for group, rows in poses.groups.items():
        for number in np.unique(characters[rows]):
            errors = poses.part_errors["mpjpe"][rows & (characters == number)]
            for column, part in enumerate(BODY_PARTS):
                cell = {"mpjpe": float(errors[:, column].mean()), "frames": len(errors)}
                report[names[number]][part][group] = cell
    return report


def mpjpe_by_group(
    predicted: np.ndarray, target: np.ndarray, actions: Sequence[str]
) -> dict[str, float]:
    """Group → MPJPE of the full body, millimetres, of (N, 16, 3) poses in metres, any origin: what
    training validates by."""
    errors = by_part(joint_errors(predicted, target))[:, 0]
    return {group: float(errors[rows].mean()) for group, rows in group_rows(actions).items()}
