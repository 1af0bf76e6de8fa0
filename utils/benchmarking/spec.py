"""What the benchmark consists of, read from a YAML file and checked."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from base.errors import UserError
from utils.config import Config, Section, load_config, parse_config
from utils.defaults import CONFIGS

BENCHMARK = CONFIGS / "benchmark" / "benchmark.yml"
#: Row that is not trained.
MEAN = "mean"
#: The base of the rows on videos, as it is.
SINGLE = "single"
#: Stages that see pictures, of which the budget counts.
#: Stages of a row's single-frame model, one after the other, and the one of its temporal form.
TRAINING_TYPES, TEMPORAL = ("train2d", "train3d", "finetune"), "temporal"
PICTURE_STAGES = ("train2d", "finetune")

#: Rounding to whole batches may move what a row sees by this share of the budget.
BUDGET_TOLERANCE = 0.02


class Sizes(Section):
    """Frames of each split."""

    train: int = Field(ge=1)
    val: int = Field(ge=1)
    test: int = Field(ge=1)


class Scale(Sizes):
    """Sizes of the benchmark."""

    meant_for: str
    picture_size: int = Field(ge=32, le=800)
    budget: int = Field(ge=1, description="pictures a row sees in training")
    videos: Sizes | None = Field(None, description="frames of the videos for the temporal form")


class Row(Section):
    """What is trained and tested; the mean pose has a title only."""

    title: str
    config: str | None = None
    epochs: dict[str, int] = Field(default_factory=dict)
    shares: dict[str, float] = Field(default_factory=dict)
    changes: dict[str, dict[str, Any]] = Field(default_factory=dict)
    notes: dict[str, str] = Field(default_factory=dict)

    @property
    def training_type(self) -> str:
        """What ``train.py`` is asked for."""
        return "all" if len(self.epochs) > 1 else next(iter(self.epochs))


class VideoRow(Section):
    """What is trained on videos, on top of a row's networks."""

    title: str
    epochs: int | None = Field(
        None, ge=1, description="of the stage temporal, where not those of the configuration"
    )
    changes: dict[str, Any] = Field(default_factory=dict)


class Videos(Section):
    """The temporal form against the single frames that it starts from, on videos."""

    base: str = Field(description="row whose networks are started from, each with its own seed")
    title: str = Field(description="of those networks as they are")
    seed: int = Field(ge=0)
    make_synthetic: list[str] = Field(default_factory=list)
    rows: dict[str, VideoRow]


class Benchmark(Section):
    """The whole of it."""

    seed: int = Field(ge=0)
    make_synthetic: list[str] = Field(default_factory=list)
    scales: dict[str, Scale]
    reference: str
    picture: list[str] = Field(default_factory=list)
    rows: dict[str, Row]
    videos: Videos | None = None


def load_benchmark(path: Path = BENCHMARK) -> Benchmark:
    """Read and check a benchmark's file.

    Raises:
        UserError: for one that cannot be read, is against the schema, or whose rows do not see the
            same number of pictures.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        benchmark = Benchmark.model_validate(content)
    except OSError as error:
        raise UserError(f"benchmark {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"benchmark {path}: not YAML ({str(error).splitlines()[0]})") from None
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"])) or "content"
        raise UserError(f"benchmark {path}: {key}: {fault['msg']}") from None
    for name, row in benchmark.rows.items():
        if name != MEAN:
            _check_row(path, name, row)
    videos = benchmark.videos
    for name in (benchmark.reference, *benchmark.picture, *([videos.base] if videos else [])):
        if name not in benchmark.rows:
            raise UserError(f"benchmark {path}: there is no row {name}")
    if videos and (twice := set(videos.rows) & {*benchmark.rows, SINGLE}):
        raise UserError(f"benchmark {path}: videos: the name {min(twice)} is taken")
    return benchmark


def _check_row(path: Path, name: str, row: Row) -> None:
    where = f"benchmark {path}: row {name}"
    if row.config is None:
        raise UserError(f"{where}: no config")
    if set(row.epochs) not in (set(TRAINING_TYPES), {"finetune"}):
        raise UserError(
            f"{where}: epochs are those of {', '.join(TRAINING_TYPES)}, or of finetune alone"
        )
    pictures = {stage for stage in row.epochs if stage in PICTURE_STAGES}
    if set(row.shares) != pictures or min(row.epochs.values()) < 1:
        raise UserError(
            f"{where}: each stage that sees pictures needs a share and at least one epoch"
        )
    if abs(sum(row.shares.values()) - 1) > 1e-9 or min(row.shares.values()) <= 0:
        raise UserError(
            f"{where}: its shares add up to {sum(row.shares.values()):g}, not 1: all rows see the "
            "same number of pictures"
        )


def row_config(benchmark: Benchmark, scale_name: str, name: str) -> Config:
    """Configuration that a row is trained with at a scale; its seed is given on the command line.

    Raises:
        UserError: for a configuration that is not there or wrong, pictures larger than the set's,
            and a budget that whole batches cannot keep.
    """
    row, scale = benchmark.rows[name], benchmark.scales[scale_name]
    named = CONFIGS / f"{row.config}.yml"
    config = load_config(
        named if named.is_file() else Path(row.config), row.changes.get(scale_name, {})
    )
    if config.data.input_size > scale.picture_size:
        raise UserError(
            f"row {name}: pictures of {config.data.input_size} px, but the set of scale "
            f"{scale_name} has {scale.picture_size}"
        )
    content = config.model_dump()
    content["checkpoints"]["keep"] = 1
    for stage, epochs in row.epochs.items():
        content[stage]["epochs"] = epochs
        if stage in row.shares:
            batch = content[stage]["batch_size"]
            steps = round(scale.budget * row.shares[stage] / epochs / batch)
            content[stage]["epoch_frames"] = max(1, steps) * batch
    config = parse_config(content, f"row {name}")
    seen = pictures_planned(row, config)
    if abs(seen - scale.budget) > BUDGET_TOLERANCE * scale.budget:
        raise UserError(
            f"row {name}: whole batches make {seen} pictures of a budget of {scale.budget} at "
            f"scale {scale_name}: change the budget, its epochs or its shares"
        )
    return config


def pictures_planned(row: Row, config: Config) -> int:
    """Pictures that a row sees in training."""
    return sum(row.epochs[stage] * config.stage(stage).epoch_frames for stage in row.shares)
