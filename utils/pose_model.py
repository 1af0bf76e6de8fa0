"""From a checkpoint to the network it holds, and the camera that network knows."""

import sys
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
from utils.checkpoint import RESNET, TEMPORAL, TRANSFORMER, Checkpoint, read_checkpoint
from utils.config import Config, TemporalSection


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
        load_strictly(network, checkpoint.resnet, RESNET)
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
        load_strictly(network, checkpoint.transformer, TRANSFORMER)
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
        load_strictly(network, checkpoint.temporal, TEMPORAL)
    except UserError as error:
        raise UserError(f"{checkpoint.path}: {error}") from None
    return network
