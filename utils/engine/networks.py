"""The networks a stage trains: new ones, or those of checkpoints."""

from base.errors import UserError
from model.ego_pose import EgoPose
from model.lifting import LiftingAutoencoder
from model.pose_resnet import PoseResNet, load_imagenet
from model.reference_checkpoint import Networks, build_from_state_dicts
from utils.checkpoint import Checkpoint, build_ego_pose, lifting_options
from utils.config import Config


def pose2d_network(config: Config, resume: Checkpoint | None) -> tuple[PoseResNet, Config]:
    """The heatmap network, and the configuration with the depth it really has.

    Raises:
        UserError: for a checkpoint of another stage or weights that do not fit.
    """
    if resume is None:
        network = PoseResNet(config.model.depth)
        if config.model.imagenet:
            load_imagenet(network, config.model.imagenet)
        return network, config
    resume.require("train2d", "--load_model")
    network = _built(resume, config).pose2d
    return network, _with_architecture(config, network, None)


def lifting_network(config: Config, resume: Checkpoint | None) -> tuple[LiftingAutoencoder, Config]:
    """The lifting network, and its configuration.

    Raises:
        UserError: for a checkpoint of another stage or weights that do not fit.
    """
    if resume is None:
        size = PoseResNet.heatmap_size(config.data.input_size)
        return LiftingAutoencoder(size, **config.model.lifting.model_dump()), config
    resume.require("train3d", "--load_model")
    return _built(resume, config).lifting, _with_architecture(config, None, resume)


def finetune_networks(
    config: Config,
    resume: Checkpoint | None,
    modules: tuple[Checkpoint, Checkpoint] | None,
) -> tuple[EgoPose, Config]:
    """Both networks, from a finetuned checkpoint or from one of each earlier stage.

    Raises:
        UserError: for a checkpoint of another stage, weights that do not fit, or two modules that
            do not fit each other.
    """
    if resume is not None:
        resume.require("finetune", "--load_model")
        network = build_ego_pose(resume)
        return network, _with_architecture(config, network.pose2d, resume)
    first, second = modules
    first.require("train2d", "--load_2d_model")
    second.require("train3d", "--load_3d_model")
    pose2d = _built(first, config).pose2d
    lifting = _built(second, config).lifting
    try:
        network = EgoPose(pose2d, lifting, config.data.input_size)
    except ValueError as error:
        raise UserError(f"{first.path} and {second.path} do not fit: {error}") from None
    return network, _with_architecture(config, pose2d, second)


def _built(checkpoint: Checkpoint, config: Config) -> Networks:
    trained = checkpoint.config.data.input_size if checkpoint.config else 368
    if trained != config.data.input_size:
        raise UserError(
            f"{checkpoint.path}: trained on pictures of {trained} pixels, the configuration says "
            f"{config.data.input_size}: set data.input_size to the same"
        )
    try:
        return build_from_state_dicts(
            checkpoint.resnet, checkpoint.autoencoder, trained, lifting_options(checkpoint.config)
        )
    except (UserError, ValueError) as error:
        raise UserError(f"{checkpoint.path}: {error}") from None


def _with_architecture(
    config: Config, pose2d: PoseResNet | None, lifting_from: Checkpoint | None
) -> Config:
    """The configuration with the architecture that the weights really have."""
    model = config.model.model_dump()
    if pose2d is not None:
        model["depth"] = pose2d.depth
        model["imagenet"] = None
    if lifting_from is not None and lifting_from.config is not None:
        model["lifting"] = lifting_from.config.model.lifting.model_dump()
    elif lifting_from is not None:
        model["lifting"] = Config().model.lifting.model_dump()
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
    if checkpoint.autoencoder is not None:
        differing += [
            f"model.lifting.{name} {value}, not {getattr(wanted.lifting, name)}"
            for name, value in own.lifting.model_dump().items()
            if value != getattr(wanted.lifting, name)
        ]
    if differing:
        raise UserError(
            f"{checkpoint.path}: of another architecture than the configuration asks for: "
            f"{'; '.join(differing)}; give the configuration it was trained with, or leave out "
            "--config"
        )
