"""Networks from configurations and checkpoints: the one place where either becomes a model."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from base.cameras import same_camera
from base.cameras.camera import Camera
from base.errors import UserError
from model import build, model_class
from model.backbone import load_imagenet
from model.pose_model import PoseModel, TrainingType
from model.weight_file import load_strictly
from utils.common.checkpoint import Checkpoint, read_checkpoint
from utils.common.config import Config


class Start(NamedTuple):
    """The checkpoints a stage starts from, by the names of train.py's options: one of the same
    stage to go on from, or those of earlier stages."""

    load_model: Checkpoint | None = None
    load_2d_model: Checkpoint | None = None
    load_3d_model: Checkpoint | None = None

    @property
    def view(self) -> Camera | None:
        """The network's view that their weights are used to; UserError where they differ."""
        given = [one for one in self if one is not None]
        for one in given[1:]:
            if not same_camera(given[0].camera, one.camera):
                raise UserError(
                    f"{given[0].path} and {one.path}: trained with different cameras of the "
                    "network's view: start both from the same"
                )
        return given[0].camera if given else None


def load_pose_model(
    path: Path, device: torch.device | str = "cpu", single_frame: bool = False
) -> Checkpoint:
    """A finetuned checkpoint with its whole network, ``single_frame`` without its temporal version;
    UserError for a file that is none, of another stage, or whose weights do not fit."""
    checkpoint = read_checkpoint(path)
    config = checkpoint.config
    whole = model_class(config.model.kind).training_types["finetune"].parts
    if not set(whole) <= set(checkpoint.parts):
        _require_stage(checkpoint, "load_model", ("finetune",))
    parts = list(whole) if single_frame else checkpoint.parts
    model = build(config.model, config.data.input_size, parts)
    load_parts(model, checkpoint, parts)
    model.subpixel = config.heatmap.subpixel
    model.to(device, memory_format=torch.channels_last).eval()
    return replace(checkpoint, model=model, networks={}, optimizer=None)


def load_parts(model: PoseModel, checkpoint: Checkpoint, names: list[str]) -> None:
    """Put the weights of some parts of a checkpoint into a model; UserError if they do not fit."""
    for name in names:
        key = model.parts[name].key
        load_strictly(getattr(model, name), checkpoint.networks[key], f"{checkpoint.path}: {key}")


def stage_network(name: str, config: Config, start: Start) -> tuple[PoseModel, Config]:
    """The network a stage trains, and the configuration with the architecture it really has;
    UserError for a training type the kind of model does not have, a checkpoint of another stage,
    kind or picture size, weights that do not fit, or a checkpoint that is missing."""
    training = training_type(name, config)
    options = training.start if start.load_model is None else {"load_model": (name,)}
    given = [option for option in options if getattr(start, option) is not None]
    sources: dict[str, Checkpoint] = {}  # of each part
    for option in given:
        checkpoint = getattr(start, option)
        _check_start(checkpoint, option, options[option], config)
        parts = [p for p in checkpoint.parts if p in training.parts and p not in sources]
        sources |= dict.fromkeys(parts, checkpoint)
        settings = _architecture(checkpoint.config, parts)
        if "pose2d" in parts:
            settings["imagenet"] = None
        config = config.overridden({"model": settings})
    if training.start_required and len(given) < len(options):
        raise UserError(
            f"{name} of the model of kind '{config.model.kind}' starts from trained modules: give "
            f"{' and '.join(f'--{option}' for option in training.start)}, or --load_model"
        )
    model = build(config.model, config.data.input_size, training.parts)
    for part, checkpoint in sources.items():
        load_parts(model, checkpoint, [part])
    if config.model.imagenet and "pose2d" in training.parts:
        load_imagenet(model.pose2d, config.model.imagenet)
    model.subpixel = config.heatmap.subpixel
    model.train_only(training.trained)
    return model, config


def training_type(name: str, config: Config) -> TrainingType:
    """A training type of a configuration's kind of model; UserError if there is none."""
    kind = config.model.kind
    types = model_class(kind).training_types
    if name not in types:
        raise UserError(
            f"--training_type {name}: the model of kind '{kind}' has {', '.join(types)}; choose "
            "another with --config, or give a checkpoint of a kind that has it"
        )
    return types[name]


def _check_start(
    checkpoint: Checkpoint, option: str, stages: tuple[str, ...], config: Config
) -> None:
    """Refuse a checkpoint that a stage with this configuration cannot start from."""
    own = checkpoint.config
    for key, has, needs in (
        ("model.kind", own.model.kind, config.model.kind),
        ("data.input_size", own.data.input_size, config.data.input_size),
    ):
        if has != needs:
            raise UserError(
                f"--{option} {checkpoint.path}: trained with {key} '{has}', but the configuration "
                f"says '{needs}': give weights of that, or the configuration they were trained with"
            )
    _require_stage(checkpoint, option, stages)


def _require_stage(checkpoint: Checkpoint, option: str, stages: tuple[str, ...]) -> None:
    if checkpoint.stage not in stages:
        raise UserError(
            f"--{option} {checkpoint.path}: a checkpoint of {checkpoint.stage}, but one of "
            f"{stages[0]} is needed"
        )


def _architecture(config: Config, parts: list[str]) -> dict[str, Any]:
    """The settings below ``model`` that decide the architecture of some parts."""
    kind = config.model.kind
    options = getattr(config.model, kind).model_dump()
    names = [name for part in parts for name in model_class(kind).parts[part].options]
    backbone = {"backbone": config.model.backbone} if "pose2d" in parts else {}
    return {**backbone, kind: {name: options[name] for name in names}}


def refuse_other_architecture(asked: Config, checkpoint: Checkpoint | None) -> None:
    """UserError, naming what differs, where a checkpoint of ours was trained with other networks
    than a configuration asks for; those of other files are read off the weights."""
    if checkpoint is None or not checkpoint.has_config:
        return

    def flat(config: Config) -> dict[str, Any]:
        found, kind = _architecture(config, checkpoint.parts), asked.model.kind
        return found | {f"{kind}.{name}": value for name, value in found.pop(kind).items()}

    has, needs = flat(checkpoint.config), flat(asked)
    differing = [f"model.{k} {has[k]}, not {needs[k]}" for k in has if has[k] != needs[k]]
    if differing:
        raise UserError(
            f"{checkpoint.path}: of another architecture than the configuration asks for: "
            f"{'; '.join(differing)}; give the configuration it was trained with, or leave out "
            "--config"
        )
