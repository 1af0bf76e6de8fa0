"""The runs on videos: a row's networks as they are, and their temporal form on top of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from base.errors import UserError
from utils.benchmarking.runs import BEST, Run, digest, tested
from utils.benchmarking.spec import SINGLE, Benchmark, Videos, row_config
from utils.config import Config, dump_config
from utils.engine.stages import TEMPORAL, TRAINING_TYPES
from utils.files import write_text

_LOG_DIR = "Temporal"


def videos_root(root: Path) -> Path:
    """Where the videos of a set are: beside it."""
    return root.with_name(f"{root.name}_videos")


def video_config(benchmark: Benchmark, scale_name: str, name: str) -> Config:
    """Configuration that a row on videos is trained with.

    Raises:
        UserError: for one that is wrong.
    """
    videos = benchmark.videos
    row = videos.rows[name]
    own = {"model": {TEMPORAL: {}}, TEMPORAL: {"epochs": row.epochs}}
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
        scale_name: the scale.
        names: rows on videos; none for none.
        bases: runs of the row that they start from.
        root: the videos.
        folder: where the runs of the scale are kept.
        gpu: the device, as ``--gpu``.

    Raises:
        UserError: for a scale without videos, and a wrong configuration.
    """
    if not names:
        return []
    videos = benchmark.videos
    sizes = benchmark.scales[scale_name].videos
    if sizes is None:
        raise UserError(f"scale {scale_name} has no videos, which {', '.join(names)} needs")
    made = {"seed": videos.seed, "make_synthetic": videos.make_synthetic} | sizes.model_dump()
    made["picture_size"] = benchmark.scales[scale_name].picture_size
    configs = {name: video_config(benchmark, scale_name, name) for name in names if name != SINGLE}
    common = ["--gpu", gpu, "--data_root", str(root)]
    runs = []
    for base in bases:
        place = folder / SINGLE / f"seed_{base.seed}"
        about: dict[str, Any] = {"base": base.identity, "set": made}
        testing = tested(base.best, place, common)
        runs.append(Run(SINGLE, base.seed, place, [], testing, base.best, {}, None, digest(about)))
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
            runs.append(Run(name, base.seed, place, training, testing, best, {}, None, identity))
    return runs


def write_video_configs(benchmark: Benchmark, scale_name: str, runs: Sequence[Run]) -> None:
    """Write down the configuration of each row on videos, where its commands look for it."""
    for run in {run.row: run for run in runs if run.training}.values():
        text = dump_config(video_config(benchmark, scale_name, run.row))
        write_text(run.folder.parent / "config.yml", text)


def video_titles(videos: Videos) -> dict[str, str]:
    """Row → its title, in the order of the table."""
    return {SINGLE: videos.title} | {name: row.title for name, row in videos.rows.items()}
