"""Checkpoints: written whole or not at all, read safely, refused with a clear line.

A checkpoint is the reference implementation's dict (``resnet_state_dict`` and/or
``autoencoder_state_dict``, ``optimizer_state_dict``, ``scheduler``) with four keys more that make
it complete: ``config``, ``training``, ``mean_pose`` and ``camera``.  Those of the reference lack
the four and load as well.  The project's own model has ``transformer_state_dict`` in the place of
``autoencoder_state_dict``; both parts are in it from train3d on, and its temporal form has
``temporal_state_dict`` as well.

Weights that another script saved, bare, under a key of its own, or with the prefixes of
DataParallel, ``torch.compile`` or Lightning, are found by names that only these networks have.
"""

import dataclasses
import os
import re
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from base.cameras import camera_from_dict
from base.cameras.camera import Camera
from base.errors import UserError
from base.files import replacing
from base.skeleton import NUM_JOINTS
from model import KINDS, model_class
from model.weight_file import read_weight_file
from utils.common.config import Config, parse_config

#: Key of the 2D module's weights; other parts have their own, see model.pose_model.Part.
RESNET = "resnet_state_dict"
_STATE_DICT = "_state_dict"
_OPTIMIZER = "optimizer_state_dict"
#: What ``torch.compile`` puts before the names of what it has compiled, wherever that is.
_COMPILED = "_orig_mod."
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
    camera: Camera | None

    @property
    def model_kind(self) -> str:
        """``model.kind`` of the configuration; of a file without one, the first that has all of its
        parts."""
        if self.config is not None:
            return self.config.model.kind
        keys = {kind: {part.key for part in model_class(kind).parts.values()} for kind in KINDS}
        return next(
            (kind for kind in KINDS if self.networks.keys() <= keys[kind]), next(iter(KINDS))
        )

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
            found = read_checkpoint(path)
            _check_sums(path)
            return found
        except UserError as error:
            print(f"passed over: {error}", file=sys.stderr)
    if paths:
        raise UserError(
            f"{folder}: none of its {len(paths)} checkpoints can be read; "
            "remove them, or start anew with another --log_dir"
        )
    return None


def _check_sums(path: Path) -> None:
    """Compare a file's content with its check sums, which torch.load does not.

    Raises:
        UserError: if they differ.
    """
    if not zipfile.is_zipfile(path):
        return  # before PyTorch 1.6 there were none
    with zipfile.ZipFile(path) as archive:
        try:
            damaged = archive.testzip()
        except (zipfile.BadZipFile, OSError, EOFError):
            damaged = "its directory"
    if damaged is not None:
        raise UserError(f"{path}: damaged (check sum of {damaged})")


def read_content(path: Path) -> dict[str, Any]:
    """Content of a checkpoint, its networks under the keys of the layout.

    Only tensors and plain values are unpickled.

    Raises:
        UserError: for a file that is missing, no checkpoint, or holds no weights of ours.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(
            f"no checkpoint at {path}: train one with 'python train.py --training_type …'"
        )
    content = read_weight_file(path)
    if not isinstance(content, Mapping):
        raise UserError(f"{path}: not a checkpoint: it holds a {type(content).__name__}")
    signatures = _signatures()
    own = {key: content[key] for key in _network_keys(content)}
    for key, value in own.items():
        weights = _tensors(value)
        if not weights:
            raise UserError(f"{path}: {key} is no dict of weights")
        prefix = next(iter(_prefixes(weights, signatures.get(key, ""))), "")
        # What is beside them keeps its name, and is refused as unexpected.
        own[key] = {name.removeprefix(prefix): weight for name, weight in weights.items()}
    return {**content, **own} if own else _foreign(path, {"": content, **content})


def _network_keys(content: Mapping[str, Any]) -> list[str]:
    return [
        key
        for key, value in content.items()
        if str(key).endswith(_STATE_DICT) and key != _OPTIMIZER and value is not None
    ]


def _signatures() -> dict[str, str]:
    """Key of each part of each kind of model → the end of a name that only its weights have."""
    parts = (part for kind in KINDS for part in model_class(kind).parts.values())
    return {part.key: part.signature for part in parts if part.signature}


def _tensors(values: Any) -> dict[str, torch.Tensor]:
    """The weights of a state dict, without what ``torch.compile`` puts into their names."""
    if not isinstance(values, Mapping):
        return {}
    return {
        name.replace(_COMPILED, ""): value
        for name, value in values.items()
        if isinstance(name, str) and isinstance(value, torch.Tensor)
    }


def _prefixes(weights: Mapping[str, torch.Tensor], signature: str) -> list[str]:
    """What stands before the names of each network with that signature, "" or "something."; of a
    part without one, what stands before all names."""
    if not signature:
        return ["module."] if all(name.startswith("module.") for name in weights) else []
    found = (name.removesuffix(signature) for name in weights if name.endswith(signature))
    return [prefix for prefix in found if not prefix or prefix.endswith(".")]


def _foreign(path: Path, content: Mapping[str, Any]) -> dict[str, dict[str, torch.Tensor]]:
    """The networks of ours in a file of another script, by the keys of the layout.

    Raises:
        UserError: where one of them is there twice, or none.
    """
    networks, places = {}, {}
    for name, value in content.items():
        weights = _tensors(value)
        for key, signature in _signatures().items():
            for prefix in _prefixes(weights, signature):
                place = f"{name} {prefix}{signature}".strip()
                if key in networks:
                    raise UserError(
                        f"{path}: which weights are meant? {places[key]} and {place} are both "
                        "there: save those to use in a file of their own"
                    )
                places[key] = place
                networks[key] = {
                    weight.removeprefix(prefix): tensor
                    for weight, tensor in weights.items()
                    if weight.startswith(prefix)
                }
    if not networks:
        names = list(filter(None, map(str, content)))
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        raise UserError(
            f"{path}: not a checkpoint of this project: it has no {RESNET}, and none of its "
            f"networks' weights under other names ({shown or 'it is empty'})"
        )
    return networks


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of ours, of the reference implementation, or of another script.

    Raises:
        UserError: as :func:`read_content`, and for a file whose other parts are not ours.
    """
    path = Path(path)
    content = read_content(path)
    config, training, mean_pose, camera = (
        content.get(key) for key in ("config", "training", "mean_pose", "camera")
    )
    try:
        if mean_pose is not None:
            mean_pose = np.asarray(mean_pose, np.float64).reshape(NUM_JOINTS, 3)
        return Checkpoint(
            path=path,
            networks={key: content[key] for key in _network_keys(content)},
            optimizer=content.get(_OPTIMIZER),
            training=TrainingState(**training) if training else None,
            config=parse_config(dict(config), str(path)) if config else None,
            mean_pose=mean_pose,
            camera=camera_from_dict(camera) if camera else None,
        )
    except (TypeError, ValueError, KeyError, AttributeError):
        raise UserError(
            f"{path}: its config, training, mean_pose or camera is not as train.py writes it"
        ) from None
