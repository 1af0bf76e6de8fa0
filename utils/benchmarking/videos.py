"""The runs on videos: a row's networks as they are, and their temporal form on top of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from utils.benchmarking.runs import BEST, Run, digest, set_made, tested
from utils.benchmarking.spec import SINGLE, TEMPORAL, TRAINING_TYPES, Benchmark, Videos, row_config
from utils.config import Config

_LOG_DIR = "Temporal"


def videos_root(root: Path) -> Path:
    """Where the videos of a set are: beside it."""
    return root.with_name(f"{root.name}_videos")


def _config(benchmark: Benchmark, scale_name: str, name: str) -> Config:
    """Configuration that a row on videos is trained with."""
    videos = benchmark.videos
    row = videos.rows[name]
    own = {"model": {TEMPORAL: {}}}
    if row.epochs is not None:
        own[TEMPORAL] = {"epochs": row.epochs}
    base = row_config(benchmark, scale_name, videos.base)
    return base.overridden(own).overridden(row.changes, f"row {name}")


def plan_video_runs(
    benchmark: Benchmark,
    scale_name: str,
    names: Sequence[str],
    bases: Sequence[Run],
    root: Path,
    folder: Path,
    gpu: str,
) -> list[Run]:
    """The runs on videos, seed by seed: the base as it is, then what is trained on top of it.

    Args:
        benchmark: what it consists of.
        scale_name: the scale; one with videos, where there are names.
        names: rows on videos; none for none.
        bases: runs of the row that they start from.
        root: the videos.
        folder: where the runs of the scale are kept.
        gpu: the device, as ``--gpu``.

    Raises:
        UserError: for a wrong configuration.
    """
    if not names:
        return []
    videos = benchmark.videos
    scale = benchmark.scales[scale_name]
    made = set_made(videos, scale.videos, scale.picture_size)
    configs = {name: _config(benchmark, scale_name, name) for name in names if name != SINGLE}
    common = ["--gpu", gpu, "--data_root", str(root)]
    runs = []
    for base in bases:
        place = folder / SINGLE / f"seed_{base.seed}"
        about: dict[str, Any] = {"base": base.identity, "set": made}
        testing = tested(base.best, place, common)
        runs.append(
            Run(SINGLE, base.seed, place, None, [], testing, base.best, {}, None, digest(about))
        )
        for name, config in configs.items():
            place = folder / name / f"seed_{base.seed}"
            stage = place / _LOG_DIR
            best = stage / BEST
            training = [
                *("--training_type", TEMPORAL, *common),
                *("--config", str(folder / name / "config.yml"), "--seed", str(base.seed)),
                *("--load_3d_model", str(base.best)),
                *("--log_dir", str(stage), "--resume"),
            ]
            testing = tested(best, place, common)
            settings = config.model_dump(exclude_defaults=True, exclude={*TRAINING_TYPES})
            identity = digest(about | {"config": settings})
            runs.append(
                Run(name, base.seed, place, config, training, testing, best, {}, None, identity)
            )
    return runs


def video_titles(videos: Videos) -> dict[str, str]:
    """Row → its title, in the order of the table."""
    return {SINGLE: videos.title} | {name: row.title for name, row in videos.rows.items()}
