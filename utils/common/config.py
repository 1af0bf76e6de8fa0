"""The configuration: one typed schema with the reference's recipe as defaults.

Filled from a YAML file, which may extend another, then overridden by flags and ``--set``.
``train.py --print_config`` prints every key with its description below.
"""

import functools
import json
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ValidationError, create_model

from base.documents import parse_yaml, read_document
from base.errors import UserError, shown
from base.schema import Section, first_fault, keys, option
from dataset.augment import Augmentation
from model import KINDS, model_class
from model.losses import LossWeights
from utils.common.paths import config_path


def _backbone(default: str) -> Any:
    about = "resnet18 … resnet152, or a network of timm (timm:NAME)"
    # None of timm's "hf-hub:…" and folders: a checkpoint's configuration fetches nothing.
    return option(default, about, max_length=80, pattern=r"^(timm:)?\w+(\.\w+)?$")


class DataSection(Section):
    """How frames are read."""

    input_size: int = option(368, "side of the network's picture, pixels", ge=32, le=1024)
    workers: int | None = option(None, "reading processes; null: one per core", ge=0, le=1024)
    memory_gib: float = option(2.0, "a split that needs at most this is kept in memory", ge=0)
    cache_gb: float = option(
        20.0, "of remote shards, kept on the local disk by all processes", gt=0
    )


class HeatmapSection(Section):
    """How target heatmaps are drawn."""

    sigma: float = option(2.0, "standard deviation, heatmap cells", ge=0.1, le=100)
    subpixel: bool = option(True, "false: the reference's maps, see dataset/heatmaps.py")


class ModelSection(Section):
    """The network; the options of its kind stand under the name of the kind."""

    kind: str = option("autoencoder", f"kind of model: {', '.join(KINDS)}")
    backbone: str = _backbone("resnet101")
    imagenet: str | None = option(None, "ImageNet weights to start from: download, package, FILE")


class StageSection(Section):
    """How one stage is optimised."""

    epochs: int = option(3, "number of epochs", ge=1)
    epoch_frames: int | None = option(
        None, "frames per epoch, through one shuffled order after another; null: all", ge=1
    )
    batch_size: int = option(16, "frames per step, over all processes", ge=1)
    accumulate: int = option(1, "parts of each process's share of a batch, to save memory", ge=1)
    lr: float = option(1e-3, "learning rate", gt=0)
    optimizer: Literal["adam", "adamw"] = option("adam", "fused where the device has it")
    weight_decay: float = option(0.0, "of the optimiser", ge=0)
    schedule: Literal["step", "cosine", "constant"] = option("step", "of lr, after the warm-up")
    step_epochs: int = option(10, "step schedule: epochs between steps", ge=1)
    step_factor: float = option(0.1, "step schedule: factor at each step", gt=0)
    warmup_steps: int = option(0, "steps in which lr rises linearly from near zero", ge=0)
    clip_norm: float | None = option(None, "largest norm of the gradient", gt=0)
    ema_decay: float | None = option(
        None, "validate and keep the moving average of the weights", gt=0, lt=1
    )
    augment: Augmentation = Augmentation()
    joint_noise: float = option(
        0.0, "train3d: displacement of joints in the input, up to this share of the side", ge=0
    )
    joint_dropout: float = option(0.0, "train3d: share of input heatmaps left empty", ge=0, lt=1)
    reconstruction: Literal["mean", "sum"] = option("mean", "its reduction over a sample's cells")
    views: int = option(4, "temporal: augmented copies of each frame, an epoch each in turn", ge=1)


class CheckpointSection(Section):
    """When checkpoints are written, beside the one after each epoch, and which are kept."""

    minutes: float = option(15.0, "time between two within an epoch", gt=0)
    keep: int | None = option(2, "epochs whose checkpoint is kept beside the best; null: all", ge=1)


class Config(Section):
    """Everything that makes a run what it is."""

    seed: int = option(0, "random seed", ge=0)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = option(
        "auto", "auto: bf16 if the device computes it in hardware, otherwise fp32"
    )
    tf32: bool = option(True, "CUDA: round float32 products' inputs to 10 bits")
    compile: bool = option(False, "torch.compile the network: slow first step")
    log_every: int = option(10, "steps between two entries of the log", ge=1)
    checkpoints: CheckpointSection = CheckpointSection()
    data: DataSection = DataSection()
    heatmap: HeatmapSection = HeatmapSection()
    model: ModelSection = ModelSection()
    loss: LossWeights = LossWeights()
    # Then a StageSection for each training type of the kind of model: see _config_class.

    def stage(self, training_type: str) -> StageSection:
        """Section of a training type."""
        return getattr(self, training_type)

    def overridden(self, overrides: dict[str, Any]) -> "Config":
        """This configuration with nested ``overrides`` in their places; UserError naming the first
        wrong key."""
        return parse_config(self.model_dump(), "configuration", overrides)


@functools.cache
def _config_class(kind: str) -> type[Config]:
    """The schema with the options and the training types of a kind of model."""
    found = model_class(kind)
    options = {
        "kind": (Literal[kind], ModelSection.model_fields["kind"]),
        "backbone": (str, _backbone(found.default_backbone)),
        kind: (found.Options, found.Options()),
    }
    model = create_model("ModelSection", __base__=ModelSection, **options)
    stages = {
        name: (StageSection, StageSection(**training.defaults))
        for name, training in found.training_types.items()
    }
    return create_model("Config", __base__=Config, model=(model, model()), **stages)


def _leaves(section: type[BaseModel], prefix: str = "") -> dict[str, dict[str, Any]]:
    """Dotted name of each setting → its JSON schema."""
    found = {}
    for name, schema in section.model_json_schema()["properties"].items():
        kind = section.model_fields[name].annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= _leaves(kind, f"{prefix}{name}.")
        else:
            found[prefix + name] = schema
    return found


def _type(schema: dict[str, Any]) -> str:
    """Type and bounds in a JSON schema, in words."""
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if values := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return " | ".join(map(str, values))
    signs = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
    bounds = (f" {sign} {schema[name]:g}" for name, sign in signs.items() if name in schema)
    return schema["type"] + ",".join(bounds)


def describe_config(config: Config) -> str:
    """A line for each setting: ``key=value`` as for ``--set``, its type, and what it does."""
    lines = []
    for name, schema in _leaves(type(config)).items():
        value = json.dumps(functools.reduce(getattr, name.split("."), config))
        setting = f"{name}={value}"
        lines.append(f"{setting:<43}  {_type(schema):<27}  {schema.get('description', '')}")
    return "\n".join(lines)


def parse_setting(text: str) -> dict[str, Any]:
    """What ``--set`` means: KEY=VALUE with a dotted key and a YAML value, as a nested dict."""
    key, equals, value = text.partition("=")
    try:
        [found] = parse_yaml(value) if equals else []
    except (UserError, ValueError):
        raise UserError(f"--set {text}: not KEY=VALUE, such as loss.pose=0.5") from None
    for part in reversed(key.split(".")):
        found = {part: found}
    return found


def parse_config(
    content: dict[str, Any], source: str, overrides: dict[str, Any] | None = None
) -> Config:
    """The configuration of nested values, over which those of the command line take precedence;
    UserError naming ``source`` and the first wrong key.  What belongs to another kind of model than
    ``model.kind`` is left out."""
    source += ", with the command line" if overrides else ""
    content = merge(content, overrides or {})
    model, data, kind = content.get("model"), content.get("data"), "autoencoder"
    if isinstance(model, dict):
        kind = model.get("kind", kind)
        content["model"] = {k: v for k, v in model.items() if k == kind or k not in KINDS}
    if isinstance(data, dict):  # a setting that is gone, of which checkpoints know
        content["data"] = {k: v for k, v in data.items() if k != "stall_seconds"}
    try:
        types = model_class(kind).training_types
    except UserError as error:
        raise UserError(f"{source}: {error}") from None
    foreign = {name for other in KINDS for name in model_class(other).training_types} - {*types}
    content = {k: v for k, v in content.items() if k not in foreign}
    for name, training in types.items():
        if isinstance(content.get(name), dict):
            content[name] = {**training.defaults, **content[name]}
    schema = _config_class(kind)
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{source}: {first_fault(error, keys(schema))}") from None


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Nested ``base`` with the values of ``over`` in their places."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def _read(path: Path, extending: tuple[Path, ...] = ()) -> dict[str, Any]:
    """A file's settings, over those of the file that its key ``extends`` names, if any."""
    source = f"configuration {path}"
    if path.resolve() in extending:
        raise UserError(f"{source}: it extends itself")
    content = read_document(path, source) or {}
    if not isinstance(content, dict):
        raise UserError(f"{source}: not a mapping of keys to values")
    base = content.pop("extends", None)
    if base is None:
        return content
    if not isinstance(base, str) or not base.isprintable():
        raise UserError(f"{source}: extends: must be one configuration, not {shown(base)}")
    return merge(_read(config_path(base, path.parent), (*extending, path.resolve())), content)


def load_config(path: Path, overrides: dict[str, Any] | None = None) -> Config:
    """Configuration of a YAML file; nested ``overrides`` take precedence, an empty file gives the
    defaults; UserError for a file that is missing, no YAML, or against the schema."""
    given = {key: value for key, value in (overrides or {}).items() if value != {}}
    return parse_config(_read(path), f"configuration {path}", given)


def dump_config(config: Config) -> str:
    """The resolved configuration as YAML."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False)
