"""Networks from configurations and checkpoints: the one place where either becomes a model."""

import sys
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from base.camera import RELEASE_CAMERA
from base.cameras.camera import Camera
from base.errors import UserError
from dataset.transforms import SquareCrop
from model import build, model_class
from model.backbone import load_imagenet, resnet_of
from model.pose_model import PoseModel, TrainingType
from model.state_dict import load_strictly
from utils.common.checkpoint import RESNET, Checkpoint, read_checkpoint
from utils.common.config import Config, parse_config


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

    model: PoseModel
    config: Config
    mean_pose: np.ndarray | None
    path: Path
    camera: Camera


class Start(NamedTuple):
    """The checkpoints a stage starts from, by the names of train.py's options.

    Attributes:
        load_model: of the same stage, to go on from.
        load_2d_model, load_3d_model: of earlier stages.
    """

    load_model: Checkpoint | None = None
    load_2d_model: Checkpoint | None = None
    load_3d_model: Checkpoint | None = None


def load_pose_model(
    path: Path, device: torch.device | str = "cpu", single_frame: bool = False
) -> LoadedModel:
    """The whole network of a finetuned checkpoint, or without its temporal form.

    Raises:
        UserError: for a file that is none, of another stage, or whose weights do not fit.
    """
    checkpoint = read_checkpoint(path)
    whole = model_class(checkpoint.model_kind).training_types["finetune"].parts
    if not set(whole) <= set(checkpoint.parts):
        checkpoint.require("finetune", "--load_model")
    config = config_of(checkpoint)
    parts = list(whole) if single_frame else checkpoint.parts
    model = build(config.model, config.data.input_size, parts)
    load_parts(model, checkpoint, parts)
    model.to(device, memory_format=torch.channels_last).eval()
    return LoadedModel(model, config, checkpoint.mean_pose, checkpoint.path, camera_of(checkpoint))


def config_of(checkpoint: Checkpoint) -> Config:
    """Configuration of a checkpoint; of one of the reference the defaults, with the trunk that its
    weights are of.

    Raises:
        UserError: for weights of no known trunk.
    """
    if checkpoint.config is not None:
        return checkpoint.config
    config = parse_config({}, "defaults")
    if RESNET not in checkpoint.networks:
        return config
    try:
        backbone = resnet_of(checkpoint.networks[RESNET])
    except UserError as error:
        raise UserError(f"{checkpoint.path}: {error}") from None
    return config.overridden({"model": {"backbone": backbone}})


def load_parts(model: PoseModel, checkpoint: Checkpoint, names: list[str]) -> None:
    """Put the weights of some parts of a checkpoint into a model.

    Raises:
        UserError: if they do not fit.
    """
    for name in names:
        key = model.parts[name].key
        what = f"{checkpoint.path}: {key}"
        load_strictly(getattr(model, name), checkpoint.networks[key], what)


def stage_network(name: str, config: Config, start: Start) -> tuple[PoseModel, Config]:
    """The network a stage trains, and the configuration with the architecture it really has.

    Args:
        name: of the training type.
        config: of the run.
        start: the checkpoints to start from.

    Raises:
        UserError: for a training type the kind of model does not have, a checkpoint of another
            stage, kind or picture size, weights that do not fit, or a checkpoint that is missing.
    """
    kind = config.model.kind
    training = training_type(name, config)
    sources: list[tuple[Checkpoint, list[str]]] = []
    options = {option: getattr(start, option) for option in ("load_model", *training.start)}
    for option, checkpoint in options.items():
        if checkpoint is None:
            continue
        checkpoint.require_model(kind, f"--{option}")
        _require_size(checkpoint, config)
        trained, data = camera_of(checkpoint), data_camera(config)
        check_camera(checkpoint.path, kind, trained, data)
        stages = training.start.get(option, (name,))
        if checkpoint.kind not in stages:
            checkpoint.require(stages[0], f"--{option}")
        taken = {part for _, parts in sources for part in parts}
        own = [part for part in checkpoint.parts if part in training.parts and part not in taken]
        sources.append((checkpoint, own))
        if option == "load_model":
            break
    missing = [option for option in training.start if options[option] is None]
    if training.start_required and options["load_model"] is None and missing:
        raise UserError(
            f"{name} of the model of kind '{kind}' starts from trained modules: give "
            f"{' and '.join(f'--{option}' for option in training.start)}, or --load_model to go on "
            f"with a checkpoint of {name}"
        )
    for checkpoint, own in sources:
        config = _with_architecture(config, checkpoint, own)
    model = build(config.model, config.data.input_size, training.parts)
    for checkpoint, own in sources:
        load_parts(model, checkpoint, own)
    loaded = {part for _, own in sources for part in own}
    if config.model.imagenet and "pose2d" in training.parts and "pose2d" not in loaded:
        load_imagenet(model.pose2d, config.model.imagenet)
    model.train_only(training.trained)
    return model, config


def training_type(name: str, config: Config) -> TrainingType:
    """A training type of the kind of model of a configuration.

    Raises:
        UserError: if it has none of that name.
    """
    kind = config.model.kind
    types = model_class(kind).training_types
    if name not in types:
        raise UserError(
            f"--training_type {name}: the model of kind '{kind}' has {', '.join(types)}; choose "
            "another with --config, or give --load_3d_model, a checkpoint of a kind that has it"
        )
    return types[name]


def _with_architecture(config: Config, checkpoint: Checkpoint, parts: list[str]) -> Config:
    """The configuration with the architecture that the weights of some parts really have."""
    own = config_of(checkpoint).model
    model = {"imagenet": None, "backbone": own.backbone} if "pose2d" in parts else {}
    options = getattr(own, own.kind).model_dump()
    names = [name for part in parts for name in model_class(own.kind).parts[part].options]
    model[own.kind] = {name: options[name] for name in names}
    return config.overridden({"model": model})


def refuse_other_architecture(asked: Config, checkpoint: Checkpoint | None) -> None:
    """Check that a checkpoint of ours was trained with the networks a configuration asks for.

    Files of the reference do not say what they hold; theirs is read off the weights.

    Raises:
        UserError: naming what differs.
    """
    if checkpoint is None or checkpoint.config is None:
        return
    kind, own, wanted = asked.model.kind, checkpoint.config.model, asked.model
    differing = []
    if "pose2d" in checkpoint.parts and own.backbone != wanted.backbone:
        differing.append(f"model.backbone {own.backbone}, not {wanted.backbone}")
    names = {name for part in checkpoint.parts for name in model_class(kind).parts[part].options}
    has, needs = getattr(own, kind), getattr(wanted, kind)
    differing += [
        f"model.{kind}.{name} {getattr(has, name)}, not {getattr(needs, name)}"
        for name in type(has).model_fields
        if name in names and getattr(has, name) != getattr(needs, name)
    ]
    if differing:
        raise UserError(
            f"{checkpoint.path}: of another architecture than the configuration asks for: "
            f"{'; '.join(differing)}; give the configuration it was trained with, or leave out "
            "--config"
        )


def _require_size(checkpoint: Checkpoint, config: Config) -> None:
    trained = config_of(checkpoint).data.input_size
    if trained != config.data.input_size:
        raise UserError(
            f"{checkpoint.path}: trained on pictures of {trained} pixels, the configuration says "
            f"{config.data.input_size}: set data.input_size to the same"
        )


def data_camera(config: Config) -> Camera:
    """Camera of the network's square pictures of the release."""
    return SquareCrop(config.data.input_size).camera(RELEASE_CAMERA)


def camera_of(checkpoint: Checkpoint) -> Camera:
    """Camera of the square pictures that a checkpoint was trained on: the release's, cropped and
    resized, where it does not say."""
    return checkpoint.camera or data_camera(config_of(checkpoint))


def check_camera(path: Path, kind: str, trained: Camera, camera: Camera) -> None:
    """Refuse data of another camera than a model was trained with, unless it takes any.

    Args:
        path: the checkpoint.
        kind: of its model.
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
    if not model_class(kind).takes_rays:
        raise UserError(
            f"{difference}: this kind of model knows one camera only; use inference.py "
            "--camera, which re-renders pictures as the training camera would see them"
        )
    print(f"{difference}, whose rays the model is given", file=sys.stderr)


def _same_camera(one: Camera, other: Camera) -> bool:
    numbers = [np.hstack([np.ravel(value) for value in astuple(camera)]) for camera in (one, other)]
    # What rounding in a file may change is far below a thousandth of a pixel.
    return type(one) is type(other) and np.allclose(*numbers, rtol=0, atol=1e-3)
