"""What an evaluation leaves for others to compute with: errors as CSV, poses as arrays."""

import csv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.actions import action_group
from base.errors import UserError
from base.files import replacing
from base.frame import FrameId
from base.skeleton import NUM_JOINTS
from utils.evaluate import FrameResult, frame_error_names


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


@dataclass(slots=True)
class SavedPoses:
    """Poses of an evaluation.

    Attributes:
        predicted, target: (N, 16, 3) float32 metres, camera frame.
        actions: N clip names.
        frame_ids: N identities.
    """

    predicted: np.ndarray
    target: np.ndarray
    actions: list[str]
    frame_ids: list[FrameId]


def write_poses(path: Path, frames: Sequence[FrameResult]) -> None:
    """Predicted and true poses of all frames as arrays, read back by :func:`read_poses`."""
    own = {}
    if frames[0].uncertainty is not None:
        own["uncertainty"] = np.stack([frame.uncertainty for frame in frames]).astype(np.float32)
    with replacing(path) as temporary:
        np.savez_compressed(
            temporary,
            **own,
            predicted=np.stack([frame.predicted for frame in frames]).astype(np.float32),
            target=np.stack([frame.target for frame in frames]).astype(np.float32),
            action=np.array([frame.action for frame in frames]),
            character=np.array([frame.frame_id.character for frame in frames]),
            environment=np.array([frame.frame_id.environment for frame in frames]),
            frame=np.array([frame.frame_id.number for frame in frames]),
        )


def read_poses(path: Path) -> SavedPoses:
    """Poses that an evaluation saved.

    Raises:
        UserError: for a file that is missing, damaged, or whose arrays do not belong together.
    """
    if not path.is_file():
        raise UserError(f"no {path}: give the --save_dir of a demo.py run that has ended")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {
                name: stored[name]
                for name in ("predicted", "target", "action", "character", "environment", "frame")
            }
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not the poses of an evaluation, or damaged ({error})") from None
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) != 1:
        listed = ", ".join(f"{count} {name}" for name, count in lengths.items())
        raise UserError(f"{path}: its arrays differ in length ({listed})")
    shape = (lengths["frame"], NUM_JOINTS, 3)
    if arrays["predicted"].shape != shape or arrays["target"].shape != shape:
        raise UserError(f"{path}: its poses are not (N, {NUM_JOINTS}, 3)")
    return SavedPoses(
        predicted=arrays["predicted"],
        target=arrays["target"],
        actions=[str(action) for action in arrays["action"]],
        frame_ids=[
            FrameId(str(character), str(environment), int(number))
            for character, environment, number in zip(
                arrays["character"], arrays["environment"], arrays["frame"], strict=True
            )
        ],
    )
