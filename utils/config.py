"""The configuration: one typed schema with the reference's recipe as defaults.

Filled from a YAML file and overridden by flags.  An unknown or ill-typed key is an error that names
the key and the nearest known one.
"""

import dataclasses
import difflib
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)

from base.errors import UserError
from dataset.augment import Augmentation
from model.losses import LossWeights


class Section(BaseModel):
    """A part of the configuration; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


def _section_of(name: str, defaults: type) -> type[Section]:
    """A section with the fields of a dataclass, so that its defaults stand in one place."""
    fields = {
        field.name: (field.type if isinstance(field.type, type) else Any, field.default)
        for field in dataclasses.fields(defaults)
    }
    return create_model(name, __base__=Section, **fields)


LossSection = _section_of("LossSection", LossWeights)
AugmentSection = _section_of("AugmentSection", Augmentation)


class DataSection(Section):
    """How frames are read."""

    input_size: int = Field(368, ge=32, le=1024, description="side of the network's picture, px")
    workers: int | None = Field(None, ge=0, description="reading processes; null: one per core")
    memory_gib: float = Field(
        2.0, ge=0, description="keep decoded pictures in memory when a split needs at most this"
    )
    stall_seconds: float = Field(
        60.0, gt=0, description="report a batch that has not come after this long"
    )


class HeatmapSection(Section):
    """How target heatmaps are drawn."""

    sigma: float = Field(2.0, gt=0, description="standard deviation, heatmap cells")
    subpixel: bool = Field(True, description="False: the reference's rounding to whole cells")


class LiftingSection(Section):
    """The dual-branch autoencoder; the defaults are the reference's."""

    latent: int = Field(20, ge=1)
    batch_norm: bool = False
    pose_activation: bool = False
    pose_hidden: int | None = Field(None, ge=1)


class TransformerSection(Section):
    """The project's own model."""

    channels: int = Field(96, ge=8, description="of the feature pyramid")
    dim: int = Field(192, ge=8, description="width of the joints' tokens")
    layers: int = Field(3, ge=1)
    heads: int = Field(6, ge=1, description="attention heads, a divisor of dim")
    dropout: float = Field(0.0, ge=0, lt=1, description="of the attention, in training")
    sampled: bool = Field(True, description="False: tokens do without the features at the joints")
    whole_map: bool = Field(True, description="False: tokens do without the coarse feature map")

    @model_validator(mode="after")
    def _divides(self) -> "TransformerSection":
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} is no multiple of heads {self.heads}")
        return self


class TemporalSection(Section):
    """The temporal form of the project's own model: past frames of a video are looked at too."""

    lags: list[int] = Field(
        [0, 1, 2, 3, 4, 6, 8, 12],
        description="how many frames each one that is looked at lies before the newest, from 0 up",
    )
    dim: int = Field(128, ge=8, description="width of its tokens")
    layers: int = Field(2, ge=1)
    heads: int = Field(4, ge=1, description="attention heads, a divisor of dim")
    dropout: float = Field(0.0, ge=0, lt=1, description="of the attention, in training")

    @field_validator("lags")
    @classmethod
    def _rise_from_0(cls, lags: list[int]) -> list[int]:
        if lags[:1] != [0] or any(b <= a for a, b in pairwise(lags)):
            raise ValueError("must rise from 0")
        return lags

    @model_validator(mode="after")
    def _divides(self) -> "TemporalSection":
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} is no multiple of heads {self.heads}")
        return self


class ModelSection(Section):
    """The networks."""

    kind: Literal["autoencoder", "transformer"] = Field(
        "autoencoder", description="the paper's lifting network, or the project's own"
    )
    depth: Literal[18, 34, 50, 101, 152] = 101
    imagenet: str | None = Field(
        None, description="'download', or a file of torchvision weights, to start the trunk from"
    )
    lifting: LiftingSection = LiftingSection()
    transformer: TransformerSection = TransformerSection()
    temporal: TemporalSection | None = Field(
        None, description="transformer only: its temporal form, trained by the stage temporal"
    )

    @model_validator(mode="before")
    @classmethod
    def _small_trunk(cls, content: Any) -> Any:
        if isinstance(content, dict) and content.get("kind") == "transformer":
            return {"depth": 18} | content
        return content


class StageSection(Section):
    """How one stage is optimised."""

    epochs: int = Field(3, ge=1)
    epoch_frames: int | None = Field(
        None, ge=1, description="frames of an epoch; null: once through the training set"
    )
    batch_size: int = Field(16, ge=1, description="frames a step, over all processes")
    accumulate: int = Field(
        1, ge=1, description="micro-batches each process makes of its share, to save memory"
    )
    lr: float = Field(1e-3, gt=0)
    optimizer: Literal["adam", "adamw"] = "adam"
    weight_decay: float = Field(0.0, ge=0)
    schedule: Literal["step", "cosine", "constant"] = "step"
    step_epochs: int = Field(10, ge=1, description="step schedule: epochs between steps")
    step_factor: float = Field(0.1, gt=0, description="step schedule: factor at each")
    warmup_steps: int = Field(0, ge=0, description="steps over which lr rises from near zero")
    clip_norm: float | None = Field(None, gt=0, description="largest norm of the gradient")
    ema_decay: float | None = Field(
        None, gt=0, lt=1, description="validate and keep a moving average of the weights"
    )
    augment: AugmentSection = AugmentSection()
    joint_noise: float = Field(
        0.0,
        ge=0,
        description="train3d: largest standard deviation by which the heatmaps it is given are "
        "misplaced, as a share of the picture's side",
    )
    joint_dropout: float = Field(
        0.0, ge=0, lt=1, description="train3d: share of the heatmaps it is given left empty"
    )
    reconstruction: Literal["mean", "sum"] = Field(
        "mean", description="reduce the squared reconstruction error per sample like this"
    )


class TemporalStageSection(StageSection):
    """How the temporal form is optimised: on what the trained single-frame model says of videos."""

    epochs: int = Field(10, ge=1)
    batch_size: int = Field(64, ge=1, description="frames a step, each with its history")
    optimizer: Literal["adam", "adamw"] = "adamw"
    weight_decay: float = Field(1e-4, ge=0)
    schedule: Literal["step", "cosine", "constant"] = "cosine"
    warmup_steps: int = Field(50, ge=0)
    clip_norm: float | None = Field(5.0, gt=0)
    views: int = Field(
        4,
        ge=1,
        description="differently augmented looks at each frame, taken once and kept in memory; "
        "without augmentation there is one, whatever is said here",
    )


class CheckpointSection(Section):
    """When checkpoints are written, beside the one after each epoch, and which are kept."""

    minutes: float = Field(15.0, gt=0, description="time between two within an epoch")
    keep: int | None = Field(
        5, ge=1, description="epochs whose checkpoint is kept, beside the best; null: all"
    )


class Config(Section):
    """Everything that makes a run what it is."""

    seed: int = Field(0, ge=0)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    tf32: bool = Field(True, description="CUDA: round float32 products' inputs to 10 bits")
    compile: bool = Field(False, description="torch.compile the network: slow first step")
    log_every: int = Field(10, ge=1, description="steps between two entries of the log")
    checkpoints: CheckpointSection = CheckpointSection()
    data: DataSection = DataSection()
    heatmap: HeatmapSection = HeatmapSection()
    model: ModelSection = ModelSection()
    loss: LossSection = LossSection()
    train2d: StageSection = StageSection()
    train3d: StageSection = StageSection()
    finetune: StageSection = StageSection(reconstruction="sum")
    temporal: TemporalStageSection = TemporalStageSection()

    def stage(self, training_type: str) -> StageSection:
        """Section of a training type."""
        return getattr(self, training_type)

    def overridden(self, overrides: dict[str, Any], source: str = "command line") -> "Config":
        """This configuration with nested ``overrides`` in their places.

        Raises:
            UserError: naming ``source`` and the first wrong key.
        """
        return parse_config(_merge(self.model_dump(), overrides), source)


def _known_keys(section: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in section.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _known_keys(field.annotation, f"{prefix}{name}.")
    return keys


def _explain(error: ValidationError, source: str) -> str:
    """First fault of a configuration in one line."""
    fault = error.errors()[0]
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"{source}: {key}: {fault['msg']}, not {fault['input']!r}"
    known = _known_keys(Config)
    nearest = difflib.get_close_matches(key, known, 1, 0.4)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
    return f"{source}: unknown key '{key}'{hint}"


def parse_config(content: dict[str, Any], source: str) -> Config:
    """Check a nested dict against the schema.

    Raises:
        UserError: naming ``source`` and the first wrong key.
    """
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise UserError(_explain(error, source)) from None


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both_nested = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both_nested else value
    return merged


def load_config(path: Path, overrides: dict[str, Any] | None = None) -> Config:
    """Configuration of a YAML file.

    Args:
        path: the file; an empty one gives the defaults.
        overrides: nested values that take precedence.

    Raises:
        UserError: for a file that is missing, no YAML, or against the schema.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise UserError(f"configuration {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise UserError(f"configuration {path}: not valid YAML ({first})") from None
    if not isinstance(content, dict):
        raise UserError(f"configuration {path}: not a mapping of keys to values")
    return parse_config(_merge(content, overrides or {}), f"configuration {path}")


def dump_config(config: Config) -> str:
    """The resolved configuration as YAML."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True)
