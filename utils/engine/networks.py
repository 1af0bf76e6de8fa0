"""The networks a stage trains: new ones, or those of checkpoints."""

from typing import NamedTuple

from torch import nn

from base.camera import RELEASE_CAMERA, FisheyeCamera
from base.errors import UserError
from dataset.transforms import SquareCrop
from model.ego_pose import EgoPose
from model.ego_transformer import EgoTransformer
from model.joint_transformer import JointTransformer
from model.lifting import LiftingAutoencoder
from model.pose_fpn import PoseFPN
from model.pose_resnet import PoseResNet, load_imagenet
from model.reference_checkpoint import Networks, build_from_state_dicts
from model.resnet_trunk import ResNetTrunk
from utils.checkpoint import Checkpoint
from utils.config import Config
from utils.pose_model import (
    build_pose_model,
    build_pyramid,
    build_transformer,
    camera_of,
    check_camera,
    lifting_options,
    new_temporal,
)

#: The 2D module of each kind of model.
POSE2D: dict[str, type[PoseResNet] | type[PoseFPN]] = {
    "autoencoder": PoseResNet,
    "transformer": PoseFPN,
}


class Start(NamedTuple):
    """What a stage starts from.

    Attributes:
        resume: the checkpoint of the same stage to go on from.
        pose2d, pose3d: checkpoints of train2d and train3d.
    """

    resume: Checkpoint | None = None
    pose2d: Checkpoint | None = None
    pose3d: Checkpoint | None = None


def stage_network(name: str, config: Config, start: Start) -> tuple[nn.Module, Config]:
    """The network a stage trains, and the configuration with the architecture it really has.

    Raises:
        UserError: for a checkpoint of another stage or kind of model, weights that do not fit,
            or one that is missing.
    """
    options = {"--load_model": start.resume}
    if name != "train2d":
        options |= {"--load_2d_model": start.pose2d, "--load_3d_model": start.pose3d}
    for option, checkpoint in options.items():
        if checkpoint is not None:
            checkpoint.require_model(config.model.kind, option)
            _require_size(checkpoint, config)
            kind, trained = checkpoint.model_kind, camera_of(checkpoint)
            check_camera(checkpoint.path, kind, trained, _data_camera(config))
    if start.resume is not None:
        start.resume.require(name, "--load_model")
    if name == "train2d":
        return _pose2d_network(config, start.resume)
    if config.model.kind == "transformer":
        build = _temporal if name == "temporal" else _ego_transformer
        return build(name, config, start)
    if name == "temporal":
        raise UserError(
            "the temporal form is of the project's own model: give --load_3d_model, a checkpoint "
            "of finetune with model.kind 'transformer'"
        )
    if name == "train3d":
        return _lifting_network(config, start.resume)
    return _ego_pose(config, start)


def _pose2d_network(config: Config, resume: Checkpoint | None) -> tuple[ResNetTrunk, Config]:
    if resume is None:
        network = _new_pose2d(config)
    elif config.model.kind == "transformer":
        network = build_pyramid(resume)
    else:
        network = _built(resume).pose2d
    return network, config if resume is None else _with_architecture(config, network, None)


def _new_pose2d(config: Config) -> ResNetTrunk:
    own = config.model.kind == "transformer"
    depth = config.model.depth
    network = PoseFPN(depth, config.model.transformer.channels) if own else PoseResNet(depth)
    if config.model.imagenet:
        load_imagenet(network, config.model.imagenet)
    return network


def untrained_network(config: Config) -> EgoPose | EgoTransformer:
    """The whole network of a configuration with random weights, on the CPU."""
    pose2d = _new_pose2d(config)
    if config.model.kind == "transformer":
        transformer = JointTransformer(**config.model.transformer.model_dump())
        return EgoTransformer(pose2d, transformer, _data_camera(config))
    return EgoPose(pose2d, _lifting_network(config, None)[0], config.data.input_size)


def _lifting_network(
    config: Config, resume: Checkpoint | None
) -> tuple[LiftingAutoencoder, Config]:
    if resume is None:
        size = PoseResNet.heatmap_size(config.data.input_size)
        return LiftingAutoencoder(size, **config.model.lifting.model_dump()), config
    return _built(resume).lifting, _with_architecture(config, None, resume)


def _ego_pose(config: Config, start: Start) -> tuple[EgoPose, Config]:
    """Both networks, from a finetuned checkpoint or from one of each earlier stage."""
    if start.resume is not None:
        network = build_pose_model(start.resume)
        return network, _with_architecture(config, network.pose2d, start.resume)
    first, second = start.pose2d, start.pose3d
    if first is None or second is None:
        raise UserError(
            "finetune starts from two trained modules: give --load_2d_model and "
            "--load_3d_model, or --load_model to go on with a finetuned one"
        )
    first.require("train2d", "--load_2d_model")
    second.require("train3d", "--load_3d_model")
    pose2d, lifting = _built(first).pose2d, _built(second).lifting
    try:
        network = EgoPose(pose2d, lifting, config.data.input_size)
    except ValueError as error:
        raise UserError(f"{first.path} and {second.path} do not fit: {error}") from None
    return network, _with_architecture(config, pose2d, second)


def _ego_transformer(name: str, config: Config, start: Start) -> tuple[EgoTransformer, Config]:
    """The project's own model, whole: train3d leaves its 2D module as it is."""
    resume, first, second = start
    if resume is not None:
        network = build_pose_model(resume)
        config = _with_architecture(config, network.pose2d, resume)
    else:
        if name == "train3d" and first is None:
            raise UserError(
                "train3d of this model reads pictures through a trained 2D module: give "
                "--load_2d_model, or train everything at once with --training_type finetune"
            )
        if first is not None:
            first.require("train2d", "--load_2d_model")
        if second is not None:
            second.require("train3d", "--load_3d_model")
        # A checkpoint of train3d holds the 2D module it was trained on.
        source = first or second
        pose2d = _new_pose2d(config) if source is None else build_pyramid(source)
        if source is not None:
            config = _with_architecture(config, pose2d, second)
        transformer = (
            JointTransformer(**config.model.transformer.model_dump())
            if second is None
            else build_transformer(second)
        )
        network = EgoTransformer(pose2d, transformer, _data_camera(config))
    network.use_camera(_data_camera(config))
    if name == "train3d":
        network.freeze_pose2d()
    return network, config


def _temporal(name: str, config: Config, start: Start) -> tuple[EgoTransformer, Config]:
    """The temporal form, beside the trained single-frame model that it looks back with."""
    source = start.resume or start.pose3d
    if source is None:
        raise UserError(
            f"{name} starts from a trained single-frame model: give --load_3d_model, a checkpoint "
            "of finetune"
        )
    if start.resume is None and source.kind not in ("train3d", "finetune"):
        source.require("finetune", "--load_3d_model")
    network = build_pose_model(source)
    config = _with_architecture(config, network.pose2d, source)
    if network.temporal is None:
        network.temporal = new_temporal(config)
    network.use_camera(_data_camera(config))
    return network, config


def _data_camera(config: Config) -> FisheyeCamera:
    return SquareCrop(config.data.input_size).camera(RELEASE_CAMERA)


def _require_size(checkpoint: Checkpoint, config: Config) -> None:
    trained = checkpoint.config.data.input_size if checkpoint.config else 368
    if trained != config.data.input_size:
        raise UserError(
            f"{checkpoint.path}: trained on pictures of {trained} pixels, the configuration says "
            f"{config.data.input_size}: set data.input_size to the same"
        )


def _built(checkpoint: Checkpoint) -> Networks:
    config = checkpoint.config or Config()
    try:
        return build_from_state_dicts(
            checkpoint.resnet,
            checkpoint.autoencoder,
            config.data.input_size,
            lifting_options(checkpoint.config),
        )
    except (UserError, ValueError) as error:
        raise UserError(f"{checkpoint.path}: {error}") from None


def _with_architecture(
    config: Config, pose2d: ResNetTrunk | None, pose3d_from: Checkpoint | None
) -> Config:
    """The configuration with the architecture that the weights really have."""
    model = config.model.model_dump()
    if pose2d is not None:
        model["depth"] = pose2d.depth
        model["imagenet"] = None
    if pose3d_from is not None:
        own = (pose3d_from.config or Config()).model
        for part in ("lifting", "transformer"):
            model[part] = getattr(own, part).model_dump()
        if pose3d_from.temporal is not None:
            model["temporal"] = own.temporal.model_dump()
    return config.overridden({"model": model})


def refuse_other_architecture(asked: Config, checkpoint: Checkpoint | None) -> None:
    """Check that a checkpoint of ours was trained with the networks a configuration asks for.

    Files of the reference do not say what they hold; theirs is read off the weights.

    Raises:
        UserError: naming what differs.
    """
    if checkpoint is None or checkpoint.config is None:
        return
    own, wanted = checkpoint.config.model, asked.model
    differing = []
    if checkpoint.resnet is not None and own.depth != wanted.depth:
        differing.append(f"model.depth {own.depth}, not {wanted.depth}")
    parts = []
    if checkpoint.autoencoder is not None:
        parts.append("lifting")
    if checkpoint.model_kind == "transformer":
        parts.append("transformer")
    if checkpoint.temporal is not None and wanted.temporal is not None:
        parts.append("temporal")
    differing += [
        f"model.{part}.{name} {value}, not {getattr(getattr(wanted, part), name)}"
        for part in parts
        for name, value in getattr(own, part).model_dump().items()
        if value != getattr(getattr(wanted, part), name)
    ]
    if differing:
        raise UserError(
            f"{checkpoint.path}: of another architecture than the configuration asks for: "
            f"{'; '.join(differing)}; give the configuration it was trained with, or leave out "
            "--config"
        )
