"""Which runs are asked for: those of the rows, and those on videos."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from base.errors import UserError
from utils.benchmarking.runs import Run, plan_runs
from utils.benchmarking.spec import SINGLE, Benchmark
from utils.benchmarking.videos import plan_video_runs, video_titles, videos_root


class Plan(NamedTuple):
    """Runs of the rows, and of the rows on videos."""

    rows: list[Run]
    videos: list[Run]


def make_plan(
    benchmark: Benchmark,
    scale: str,
    asked: Sequence[str] | None,
    seeds: Sequence[int],
    root: Path,
    folder: Path,
    gpu: str,
) -> Plan:
    """The runs of the rows asked for, all for None; a row on videos needs its base.

    Raises:
        UserError: for rows that there are none of, and those that cannot be trained.
    """
    videos = benchmark.videos if benchmark.scales[scale].videos else None
    on_videos = list(video_titles(videos)) if videos else []
    asked = [*benchmark.rows, *on_videos] if asked is None else list(asked)
    if unknown := [name for name in asked if name not in (*benchmark.rows, *on_videos)]:
        raise UserError(
            f"--rows {unknown[0]}: there are {', '.join([*benchmark.rows, *on_videos])}"
        )
    chosen = {name for name in asked if name in on_videos}
    rows = {name for name in asked if name in benchmark.rows}
    if chosen:
        rows.add(videos.base)
        chosen.add(SINGLE)
    options = folder, gpu
    ordered = [name for name in benchmark.rows if name in rows]
    runs = plan_runs(benchmark, scale, ordered, sorted(set(seeds)), root, *options)
    bases = [run for run in runs if chosen and run.row == videos.base]
    names = [name for name in on_videos if name in chosen]
    return Plan(runs, plan_video_runs(benchmark, scale, names, bases, videos_root(root), *options))
