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

from base.camera import RELEASE_CAMERA, FisheyeCamera
from base.errors import UserError
from dataset.transforms import SquareCrop
from model.ego_pose import EgoPose
from model.ego_transformer import EgoTransformer
from model.joint_transformer import JointTransformer
from model.pose_fpn import PoseFPN
from model.reference_checkpoint import build_from_state_dicts
from model.state_dict import depth_of, load_strictly
from model.temporal import TemporalTransformer
from utils.config import Config, TemporalSection, parse_config
from utils.files import replacing

_RESNET, _AUTOENCODER = "resnet_state_dict", "autoencoder_state_dict"
_TRANSFORMER, _TEMPORAL = "transformer_state_dict", "temporal_state_dict"
_WEIGHTS = (_RESNET, _AUTOENCODER, _TRANSFORMER, _TEMPORAL)
#: Beginning of names that only the pyramid of the project's own model has.
_PYRAMID = "laterals."
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
        resnet, autoencoder, transformer, temporal: weights, None where the file has none.
        optimizer: state of the optimiser.
        training, config, mean_pose: None in the reference's files; ``mean_pose`` is (16, 3)
            float64 metres, Neck at the origin, mean of the training set.
        camera: of the square pictures it was trained on, None where the file does not say.
    """

    path: Path
    resnet: dict[str, torch.Tensor] | None
    autoencoder: dict[str, torch.Tensor] | None
    transformer: dict[str, torch.Tensor] | None
    temporal: dict[str, torch.Tensor] | None
    optimizer: dict[str, Any] | None
    training: TrainingState | None
    config: Config | None
    mean_pose: np.ndarray | None
    camera: FisheyeCamera | None

    @property
    def model_kind(self) -> str:
        """Which model the weights are of: ``model.kind`` of the configuration."""
        own = self.transformer is not None or any(
            name.removeprefix("module.").startswith(_PYRAMID) for name in self.resnet or ()
        )
        return "transformer" if own else "autoencoder"

    @property
    def kind(self) -> str:
        """The stage whose weights these are."""
        if self.transformer is not None:
            return self.training.stage if self.training else "finetune"
        if self.resnet is None:
            return "train3d"
        return "train2d" if self.autoencoder is None else "finetune"

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


def newest_checkpoint(folder: Path) -> Path | None:
    """The furthest trained checkpoint of a folder, if there is any."""
    return next(iter(list_checkpoints(folder)), None)


def newest_whole_checkpoint(folder: Path) -> "Checkpoint | None":
    """The furthest trained checkpoint that can be read to its last byte; None if there is none.

    Says on standard error which damaged ones it passes over.

    Raises:
        UserError: if there are some and all are damaged.
    """
    paths = list_checkpoints(folder)
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
    if not isinstance(content, dict) or not (_RESNET in content or _AUTOENCODER in content):
        raise UserError(f"{path}: not a checkpoint of this project: it has no {_RESNET}")
    weights = {key: content.get(key) for key in _WEIGHTS}
    for key, value in weights.items():
        if value is not None and not isinstance(value, dict):
            raise UserError(f"{path}: {key} is no dict of weights")
    config, training, mean_pose = (content.get(k) for k in ("config", "training", "mean_pose"))
    camera = content.get("camera")
    return Checkpoint(
        path=path,
        resnet=weights[_RESNET],
        autoencoder=weights[_AUTOENCODER],
        transformer=weights[_TRANSFORMER],
        temporal=weights[_TEMPORAL],
        optimizer=content.get("optimizer_state_dict"),
        training=TrainingState(**training) if training else None,
        config=parse_config(config, str(path)) if config else None,
        mean_pose=None if mean_pose is None else mean_pose.numpy(),
        camera=FisheyeCamera(**camera | {"k": tuple(camera["k"])}) if camera else None,
    )


def lifting_options(config: Config | None) -> dict[str, Any]:
    """Options of the lifting network that a checkpoint's weights were trained with."""
    return {} if config is None else config.model.lifting.model_dump()


@dataclass(slots=True)
class LoadedModel:
    """A model ready to use.

    Attributes:
        model: in evaluation mode, on the device.
        config: of the run that made it; the defaults for a checkpoint of the reference.
        mean_pose: (16, 3) float64 metres, Neck at the origin, mean of its training set, or None.
        path: the checkpoint.
        camera: of the square pictures it was trained on.
    """

    model: EgoPose | EgoTransformer
    config: Config
    mean_pose: np.ndarray | None
    path: Path
    camera: FisheyeCamera


def check_camera(
    path: Path, model_kind: str, trained: FisheyeCamera, camera: FisheyeCamera
) -> None:
    """Refuse data of another camera than a model was trained with.

    The project's own model takes the camera as an input, and is only said to run with another.

    Args:
        path: the checkpoint.
        model_kind: of its model.
        trained: camera of the square pictures it was trained on.
        camera: of the data's square pictures.

    Raises:
        UserError: for a model that knows one camera, and data of another.
    """
    if _same_camera(trained, camera):
        return
    difference = (
        f"{path}: trained with a camera of fx {trained.fx:.2f}, cx {trained.cx:.2f} at "
        f"{trained.width} pixels, the data's has fx {camera.fx:.2f}, cx {camera.cx:.2f} at "
        f"{camera.width}"
    )
    if model_kind != "transformer":
        raise UserError(
            f"{difference}: this kind of model knows one camera only; use inference.py "
            "--camera, which re-renders pictures as the training camera would see them"
        )
    print(f"{difference}, whose rays the model is given", file=sys.stderr)


def _same_camera(one: FisheyeCamera, other: FisheyeCamera) -> bool:
    def numbers(camera: FisheyeCamera) -> list[float]:
        sides = camera.width, camera.height
        return [camera.fx, camera.fy, camera.cx, camera.cy, *camera.k, *sides]

    # What rounding in a file may change is far below a thousandth of a pixel.
    return np.allclose(numbers(one), numbers(other), rtol=0, atol=1e-3)


def load_pose_model(path: Path, device: torch.device | str = "cpu") -> LoadedModel:
    """The whole network of a finetuned checkpoint.

    Raises:
        UserError: for a file that is none, of another stage, or whose weights do not fit.
    """
    checkpoint = read_checkpoint(path)
    # From train3d on the project's own model is whole.
    if checkpoint.transformer is None or checkpoint.resnet is None:
        checkpoint.require("finetune", "--load_model")
    model = build_pose_model(checkpoint)
    model.to(device, memory_format=torch.channels_last).eval()
    return LoadedModel(
        model,
        checkpoint.config or Config(),
        checkpoint.mean_pose,
        checkpoint.path,
        camera_of(checkpoint),
    )


def camera_of(checkpoint: Checkpoint) -> FisheyeCamera:
    """Camera of the square pictures that a checkpoint was trained on: the release's, cropped and
    resized, where it does not say."""
    config = checkpoint.config or Config()
    return checkpoint.camera or SquareCrop(config.data.input_size).camera(RELEASE_CAMERA)


def build_pose_model(checkpoint: Checkpoint) -> EgoPose | EgoTransformer:
    """The network of a finetuned checkpoint, on the CPU, in training mode.

    Raises:
        UserError: if its weights do not fit.
    """
    if checkpoint.model_kind == "transformer":
        parts = build_pyramid(checkpoint), build_transformer(checkpoint)
        model = EgoTransformer(*parts, camera_of(checkpoint))
        if checkpoint.temporal is not None:
            model.temporal = build_temporal(checkpoint)
        return model
    config = checkpoint.config or Config()
    try:
        networks = build_from_state_dicts(
            checkpoint.resnet,
            checkpoint.autoencoder,
            config.data.input_size,
            lifting_options(checkpoint.config),
        )
        return EgoPose(networks.pose2d, networks.lifting, config.data.input_size)
    except (UserError, ValueError) as error:
        raise UserError(f"{checkpoint.path}: {error}") from None


def build_pyramid(checkpoint: Checkpoint) -> PoseFPN:
    """The 2D module of a checkpoint of the project's own model.

    Raises:
        UserError: if its weights do not fit.
    """
    config = checkpoint.config or Config()
    try:
        network = PoseFPN(depth_of(checkpoint.resnet), config.model.transformer.channels)
        load_strictly(network, checkpoint.resnet, _RESNET)
    except UserError as error:
        raise UserError(f"{checkpoint.path}: {error}") from None
    return network


def build_transformer(checkpoint: Checkpoint) -> JointTransformer:
    """The 3D module of a checkpoint of the project's own model.

    Raises:
        UserError: if its weights do not fit.
    """
    config = checkpoint.config or Config()
    network = JointTransformer(**config.model.transformer.model_dump())
    try:
        load_strictly(network, checkpoint.transformer, _TRANSFORMER)
    except UserError as error:
        raise UserError(f"{checkpoint.path}: {error}") from None
    return network


def new_temporal(config: Config) -> TemporalTransformer:
    """An untrained temporal form for the model of a configuration."""
    own = (config.model.temporal or TemporalSection()).model_dump()
    return TemporalTransformer(config.model.transformer.dim, **own)


def build_temporal(checkpoint: Checkpoint) -> TemporalTransformer:
    """The temporal form of a checkpoint of the project's own model.

    Raises:
        UserError: if its weights do not fit.
    """
    network = new_temporal(checkpoint.config or Config())
    try:
        load_strictly(network, checkpoint.temporal, _TEMPORAL)
    except UserError as error:
        raise UserError(f"{checkpoint.path}: {error}") from None
    return network
