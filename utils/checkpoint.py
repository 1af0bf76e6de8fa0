"""Checkpoints: written whole or not at all, read safely, refused with a clear line.

A checkpoint is the reference implementation's dict (``resnet_state_dict`` and/or
``autoencoder_state_dict``, ``optimizer_state_dict``, ``scheduler``) with four keys more that make
it complete: ``config``, ``training``, ``mean_pose`` and ``camera``.  Those of the reference lack
the four and load as well.  The project's own model has ``transformer_state_dict`` in the place of
``autoencoder_state_dict``; both parts are in it from train3d on, and its temporal form has
``temporal_state_dict`` as well.
"""

import dataclasses
import os
import pickle
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from base.camera import FisheyeCamera
from base.errors import UserError
from base.files import replacing
from model import model_class
from model.state_dict import is_state_dict, strip_prefix
from utils.config import Config, parse_config

#: Key of the 2D module's weights; other parts have their own, see model.pose_model.Part.
RESNET = "resnet_state_dict"
_STATE_DICT = "_state_dict"
_OPTIMIZER = "optimizer_state_dict"
#: What belongs to the run that wrote a checkpoint, and not to weights made of it.
OF_THE_RUN = (_OPTIMIZER, "scheduler", "training", "made_by")
#: Name of the best on ValSet.
BEST = "model_best.tar"
_NUMBERED = re.compile(r"checkpoint_(\d+)(?:_step_(\d+))?\.tar")


@dataclass(slots=True)
class TrainingState:
    """How far a run is, and what it needs beside weights and optimiser to go on exactly.

    Attributes:
        stage: train2d, train3d, finetune or temporal.
        epoch: epochs completed.
        best_epoch, best_value: the best validation so far; 0 and infinity before the first.
        step: steps done of the epoch after those.
        random: states of the random number generators, None at the start of an epoch.
        scaler: state of the loss scaler (fp16).
        weights: the weights being trained, under the layout's keys, where those stored in their
            usual place are the moving average.
        ema_updates: steps in the moving average.
    """

    stage: str
    epoch: int
    best_epoch: int
    best_value: float
    step: int = 0
    random: dict[str, torch.Tensor] | None = None
    scaler: dict[str, Any] | None = None
    weights: dict[str, dict[str, torch.Tensor]] | None = None
    ema_updates: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For storing; the tensors are not copied."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


@dataclass(slots=True)
class Checkpoint:
    """What a checkpoint file holds.

    Attributes:
        path: where it was read from.
        networks: weights of the parts it holds, by the keys of the layout.
        optimizer: state of the optimiser.
        training, config, mean_pose: None in the reference's files; ``mean_pose`` is (16, 3)
            float64 metres, Neck at the origin, mean of the training set.
        camera: of the square pictures it was trained on, None where the file does not say.
    """

    path: Path
    networks: dict[str, dict[str, torch.Tensor]]
    optimizer: dict[str, Any] | None
    training: TrainingState | None
    config: Config | None
    mean_pose: np.ndarray | None
    camera: FisheyeCamera | None

    @property
    def model_kind(self) -> str:
        """``model.kind`` of the configuration; files of the reference hold the paper's model."""
        return self.config.model.kind if self.config else "autoencoder"

    @property
    def parts(self) -> list[str]:
        """Names of the parts of the model that the file holds."""
        parts = model_class(self.model_kind).parts.items()
        return [name for name, part in parts if part.key in self.networks]

    @property
    def kind(self) -> str:
        """The stage whose weights these are."""
        if self.training is not None:
            return self.training.stage
        types = model_class(self.model_kind).training_types.items()
        held = [name for name, training in types if set(training.parts) == set(self.parts)]
        # Where two stages hold the same parts, the last one is the whole model's.
        return held[-1] if held else "no stage"

    def require_model(self, kind: str, option: str) -> None:
        """Refuse the weights of another model.

        Raises:
            UserError: if ``model.kind`` is not ``kind``; ``option`` is the flag that named it.
        """
        if self.model_kind != kind:
            raise UserError(
                f"{option} {self.path}: weights of the model of kind '{self.model_kind}', but the "
                f"configuration's model.kind is '{kind}': give weights of that kind, or the "
                "configuration they were trained with"
            )

    def require(self, kind: str, option: str) -> None:
        """Refuse a checkpoint of another stage.

        Raises:
            UserError: if this is not of stage ``kind``; ``option`` is the flag that named it.
        """
        if self.kind != kind:
            raise UserError(
                f"{option} {self.path}: a checkpoint of {self.kind}, but one of {kind} is needed"
            )


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint; a kill or a full disk leaves the file that was there before.

    Raises:
        UserError: where it cannot be written.
    """
    with replacing(path) as temporary:
        try:
            torch.save(content, temporary)
        except RuntimeError as error:  # torch's writer reports a full disk like this
            raise OSError(f"writing failed: {str(error).splitlines()[0]}") from error
        # A power cut after the renaming must not find the new name with nothing in it.
        with temporary.open("rb") as file:
            os.fsync(file.fileno())


def checkpoint_name(epoch: int, step: int = 0) -> str:
    """Name of a checkpoint after ``epoch`` whole epochs and ``step`` steps of the next."""
    return f"checkpoint_{epoch}_step_{step}.tar" if step else f"checkpoint_{epoch}.tar"


def checkpoint_position(path: Path) -> tuple[int, int] | None:
    """(epochs, steps of the next) that a checkpoint's name stands for; None for another file."""
    match = _NUMBERED.fullmatch(path.name)
    return (int(match[1]), int(match[2] or 0)) if match else None


def list_checkpoints(folder: Path) -> list[Path]:
    """The numbered checkpoints of a folder, the furthest trained first."""
    found = [path for path in folder.glob("*.tar") if checkpoint_position(path)]
    return sorted(found, key=checkpoint_position, reverse=True)


def newest_whole_checkpoint(folder: Path) -> "Checkpoint | None":
    """The furthest trained checkpoint that can be read to its last byte, the best where no numbered
    one can; None if there is none.

    Says on standard error which damaged ones it passes over.

    Raises:
        UserError: if there are some and all are damaged.
    """
    paths = [*list_checkpoints(folder), *folder.glob(BEST)]
    for path in paths:
        try:
            _check_sums(path)
            return read_checkpoint(path)
        except UserError as error:
            print(f"passed over: {error}", file=sys.stderr)
    if paths:
        raise UserError(
            f"{folder}: none of its {len(paths)} checkpoints can be read; "
            "remove them, or start anew with another --log_dir"
        )
    return None


def _check_sums(path: Path) -> None:
    """Compare a file's content with its check sums, which torch.load does not."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise UserError(f"{path}: damaged ({error})") from None
    if damaged is not None:
        raise UserError(f"{path}: damaged (check sum of {damaged})")


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of ours or of the reference implementation.

    Only tensors and plain values are unpickled.

    Raises:
        UserError: for a file that is missing, no checkpoint, or holds no weights of ours.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(
            f"no checkpoint at {path}: train one with 'python train.py --training_type …'"
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError, KeyError) as error:
        reason = str(error).strip().splitlines()
        raise UserError(
            f"{path}: not a checkpoint, or a damaged one ({reason[0] if reason else 'empty'})"
        ) from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: not a checkpoint of this project: it has no {RESNET}")
    weights = {
        key: value
        for key, value in content.items()
        if str(key).endswith(_STATE_DICT) and key != _OPTIMIZER and value is not None
    }
    if not weights:
        raise UserError(f"{path}: not a checkpoint of this project: it has no {RESNET}")
    for key, value in weights.items():
        if not is_state_dict(value):
            raise UserError(f"{path}: {key} is no dict of weights")
    config, training, mean_pose = (content.get(k) for k in ("config", "training", "mean_pose"))
    camera = content.get("camera")
    return Checkpoint(
        path=path,
        networks={key: strip_prefix(value) for key, value in weights.items()},
        optimizer=content.get(_OPTIMIZER),
        training=TrainingState(**training) if training else None,
        config=parse_config(config, str(path)) if config else None,
        mean_pose=None if mean_pose is None else mean_pose.numpy(),
        camera=FisheyeCamera(**camera | {"k": tuple(camera["k"])}) if camera else None,
    )
