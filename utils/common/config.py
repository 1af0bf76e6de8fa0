"""The configuration: one typed schema with the reference's recipe as defaults.

Filled from a YAML file and overridden by flags.  An unknown or ill-typed key is an error that names
the key and the nearest known one.
"""

import difflib
import functools
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    BaseModel,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    create_model,
)

from base.errors import UserError
from base.schema import Section
from dataset.augment import Augmentation
from model import KINDS, model_class
from model.backbone import RESNETS
from model.losses import LossWeights


class DataSection(Section):
    """How frames are read."""

    input_size: int = Field(368, ge=32, le=1024)  # side of the network's picture, pixels
    workers: NonNegativeInt | None = None  # reading processes; null: one per core
    memory_gib: NonNegativeFloat = 2.0  # a split that needs at most this is kept decoded in memory
    stall_seconds: PositiveFloat = 60.0  # report a batch that has not come after this long


class HeatmapSection(Section):
    """How target heatmaps are drawn."""

    sigma: PositiveFloat = 2.0  # standard deviation, heatmap cells
    subpixel: bool = True  # False: the reference's maps, see dataset/heatmaps.py


class ModelSection(Section):
    """The network; the options of its kind stand under the name of the kind."""

    kind: str = "autoencoder"
    backbone: str = "resnet101"  # resnet18 … resnet152, or a network of timm
    imagenet: str | None = None  # "download", or a file of weights, to start the trunk from


class StageSection(Section):
    """How one stage is optimised."""

    epochs: PositiveInt = 3
    epoch_frames: PositiveInt | None = None  # null: once through the training set
    batch_size: PositiveInt = 16  # frames per step, over all processes
    accumulate: PositiveInt = 1  # micro-batches each process makes of its share, to save memory
    lr: PositiveFloat = 1e-3
    optimizer: Literal["adam", "adamw"] = "adam"
    weight_decay: NonNegativeFloat = 0.0
    schedule: Literal["step", "cosine", "constant"] = "step"
    step_epochs: PositiveInt = 10  # step schedule: epochs between steps
    step_factor: PositiveFloat = 0.1  # step schedule: factor at each
    warmup_steps: NonNegativeInt = 0  # steps over which lr rises from near zero
    clip_norm: PositiveFloat | None = None  # largest norm of the gradient
    ema_decay: float | None = Field(None, gt=0, lt=1)  # validate and keep averaged weights
    augment: Augmentation = Augmentation()
    #: train3d: largest standard deviation by which the heatmaps it is given are misplaced, as a
    #: share of the picture's side, and the share of them left empty.
    joint_noise: NonNegativeFloat = 0.0
    joint_dropout: float = Field(0.0, ge=0, lt=1)
    reconstruction: Literal["mean", "sum"] = "mean"  # how its squared error is reduced per sample
    #: temporal: differently augmented views of each frame, predicted once and kept in memory;
    #: without augmentation there is one.
    views: PositiveInt = 4


class CheckpointSection(Section):
    """When checkpoints are written, beside the one after each epoch, and which are kept."""

    minutes: PositiveFloat = 15.0  # time between two within an epoch
    keep: PositiveInt | None = 5  # epochs whose checkpoint is kept, beside the best; null: all


class Config(Section):
    """Everything that makes a run what it is."""

    seed: NonNegativeInt = 0
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    tf32: bool = True  # CUDA: round float32 products' inputs to 10 bits
    compile: bool = False  # torch.compile the network: slow first step
    log_every: PositiveInt = 10  # steps between two entries of the log
    checkpoints: CheckpointSection = CheckpointSection()
    data: DataSection = DataSection()
    heatmap: HeatmapSection = HeatmapSection()
    model: ModelSection = ModelSection()
    loss: LossWeights = LossWeights()
    # Then a StageSection for each training type of the kind of model: see _config_class.

    def stage(self, training_type: str) -> StageSection:
        """Section of a training type."""
        return getattr(self, training_type)

    def overridden(self, overrides: dict[str, Any], source: str = "command line") -> "Config":
        """This configuration with nested ``overrides`` in their places; UserError naming ``source``
        and the first wrong key."""
        return parse_config(_merge(self.model_dump(), _upgraded(overrides, source)), source)


@functools.cache
def _config_class(kind: str) -> type[Config]:
    """The schema with the options and the training types of a kind of model."""
    found = model_class(kind)
    options = {
        "kind": (Literal[kind], kind),
        "backbone": (str, found.default_backbone),
        kind: (found.Options, found.Options()),
    }
    model = create_model("ModelSection", __base__=ModelSection, **options)
    stages = {
        name: (StageSection, StageSection(**training.defaults))
        for name, training in found.training_types.items()
    }
    return create_model("Config", __base__=Config, model=(model, model()), **stages)


def _known_keys(section: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in section.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _known_keys(field.annotation, f"{prefix}{name}.")
    return keys


def _explain(error: ValidationError, schema: type[Config], source: str) -> str:
    """First fault of a configuration in one line."""
    fault = error.errors()[0]
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        reason = fault["msg"].removeprefix("Value error, ")
        return f"{source}: {key}: {reason}, not {fault['input']!r}"
    nearest = difflib.get_close_matches(key, _known_keys(schema), 1, 0.4)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
    return f"{source}: unknown key '{key}'{hint}"


def _upgraded(content: dict[str, Any], source: str) -> dict[str, Any]:
    """Nested values with the old names of keys replaced by today's."""
    content = dict(content)
    for section, old, new in (
        ("model", "lifting", "autoencoder"),
        ("model", "depth", "backbone"),
        ("loss", "earlier", "aux"),
    ):
        values = content.get(section)
        if isinstance(values, dict) and old in values:
            value = values[old]
            if old == "depth":
                value = f"resnet{value}"
                if value not in RESNETS:
                    raise UserError(f"{source}: model.depth: must be of {', '.join(RESNETS)}")
            content[section] = {new: value} | {k: v for k, v in values.items() if k != old}
    model = content.get("model")
    if isinstance(model, dict) and "temporal" in model:
        kept = {key: value for key, value in model.items() if key != "temporal"}
        content["model"] = _merge(kept, {"transformer": {"temporal": model["temporal"] or {}}})
    return content


def parse_config(content: dict[str, Any], source: str) -> Config:
    """Check a nested dict against the schema. What belongs to another kind of model than
    ``model.kind`` is left out; UserError naming ``source`` and the first wrong key."""
    content = _upgraded(content, source)
    model = content.get("model", {})
    kind = model.get("kind", "autoencoder") if isinstance(model, dict) else "autoencoder"
    try:
        types = model_class(kind).training_types
    except UserError as error:
        raise UserError(f"{source}: {error}") from None
    if isinstance(model, dict):
        content["model"] = {k: v for k, v in model.items() if k == kind or k not in KINDS}
    foreign = {name for other in KINDS for name in model_class(other).training_types}
    content = {k: v for k, v in content.items() if k in types or k not in foreign}
    for name, training in types.items():
        if isinstance(content.get(name), dict):
            content[name] = {**training.defaults, **content[name]}
    schema = _config_class(kind)
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise UserError(_explain(error, schema, source)) from None


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and key in merged:
            # What should be a section and is none stays, to be refused by its name.
            value = _merge(merged[key], value) if isinstance(merged[key], dict) else merged[key]
        merged[key] = value
    return merged


def load_config(path: Path, overrides: dict[str, Any] | None = None) -> Config:
    """Configuration of a YAML file; nested ``overrides`` take precedence, an empty file gives the
    defaults; UserError for a file that is missing, no YAML, or against the schema."""
    source = f"configuration {path}"
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise UserError(f"{source}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{source}: not valid YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(content, dict):
        raise UserError(f"{source}: not a mapping of keys to values")
    return parse_config(_merge(content, overrides or {}), source)


def dump_config(config: Config) -> str:
    """The resolved configuration as YAML."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False)
