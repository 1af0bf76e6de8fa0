"""Train and test every row of the benchmark on one set with one budget, and write the table.

Without further flags: makes the set, trains each row with three seeds, tests it, measures frames
per second of all, and writes table.md, table.json and frames.jpg to experiments/benchmark/SCALE.
Stopped, the same command goes on: what is finished is not done again.  doc/benchmark.md explains
the rows and holds the tables.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from base.errors import UserError
from base.files import write_text
from utils.benchmarking.figures import all_figures
from utils.benchmarking.frames import check_set
from utils.benchmarking.launch import Launcher, launch, only_one
from utils.benchmarking.machine import machine
from utils.benchmarking.page import check_page, write_page
from utils.benchmarking.picture import draw_frames
from utils.benchmarking.plan import make_plan
from utils.benchmarking.runs import Run, write_configs
from utils.benchmarking.spec import BENCHMARK, MEAN, SINGLE, Benchmark, load_benchmark
from utils.benchmarking.speed import measure, measure_full_size, trained
from utils.benchmarking.table import document
from utils.benchmarking.videos import video_titles, videos_root
from utils.benchmarking.work import carry_out_all, check_runs
from utils.command import run_command
from utils.defaults import REPOSITORY
from utils.device import GPU_HELP

_EXAMPLES = """examples:
  everything that this machine is meant for (small without a CUDA device, full with one):
    python utils/benchmark.py
  one row, one seed:
    python utils/benchmark.py --scale small --rows transformer --seeds 0
  what would be run, command by command:
    python utils/benchmark.py --scale full --dry_run
  rewrite the tables of the page from what is finished:
    python utils/benchmark.py --scale small --rows --page doc/benchmark.md
  what each part of the project's own model is worth (doc/ablation.md), one seed:
    python utils/benchmark.py --benchmark experiments/configs/benchmark/ablation.yml \\
        --scale small --seeds 0
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--scale", help="which of the benchmark's scales (default: full with CUDA, else small)"
    )
    parser.add_argument(
        "--rows", nargs="*", help="rows to train and test (default: all); none for the table alone"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="default: 0 1 2")
    parser.add_argument("--gpu", default="0", help=GPU_HELP)
    parser.add_argument(
        "--benchmark",
        type=Path,
        default=BENCHMARK,
        help="what it consists of (default: the file "
        "of this repository, experiments/configs/benchmark/benchmark.yml)",
    )
    parser.add_argument(
        "--data_root",
        type=Path,
        help="where the set is, or is made (default: data/benchmark/SCALE)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        help="folder of runs and tables (default: experiments/NAME/SCALE, NAME that of the "
        "--benchmark file without .yml)",
    )
    parser.add_argument(
        "--page",
        type=Path,
        help="rewrite the scale's tables in this page too, and the picture beside it",
    )
    parser.add_argument(
        "--rounds", type=int, default=15, help="measurements of frames per second (default: 15)"
    )
    parser.add_argument("--freeze", action="store_true", help="write the checksum of the set down")
    parser.add_argument(
        "--any_set", action="store_true", help="go on with a set that is not the one written down"
    )
    parser.add_argument(
        "--dry_run", action="store_true", help="print the commands of the runs that are left"
    )
    return parser


def _from_repository(flag: str) -> str:
    """A flag as it is given in the repository."""
    return flag.replace(f"{REPOSITORY}/", "")


def print_commands(runs: Sequence[Run]) -> None:
    """Print the commands of the runs that are left, to be given in the repository."""
    for run in runs:
        if run.seed is None or run.finished:
            continue
        print(f"# {run.name}")
        for script, flags in (("train.py", run.training), ("demo.py", run.testing)):
            if not flags:
                continue
            print("python", script, *map(_from_repository, flags))


def measured_speed(
    benchmark: Benchmark, scale: str, runs: Sequence[Run], folder: Path, gpu: str, rounds: int
) -> dict[str, Any] | None:
    """Frames per second of the first finished run of each row, and of the networks at full size;
    measured anew where a row is new."""
    first: dict[str, Run] = {}
    for run in runs:
        if run.seed is not None and run.finished:
            first.setdefault(run.row, run)
    if not first:
        return None
    path = folder / "speed.json"
    of = {name: run.identity for name, run in first.items()}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {}
    if kept.get("of") == of and kept.get("machine") == machine("cpu"):
        return kept
    found = measure({name: trained(run) for name, run in first.items()}, gpu, rounds)
    full_size = measure_full_size(benchmark, scale, list(first), gpu, max(1, rounds // 3))
    found |= {"of": of, "full_size": full_size}
    write_text(path, json.dumps(found, indent=1) + "\n")
    return found


def main(argv: list[str] | None = None, launcher: Launcher = launch) -> None:
    """Command line of the benchmark; ``launcher`` runs the commands of the rows."""
    arguments = _parser().parse_args(argv)
    benchmark = load_benchmark(arguments.benchmark)
    cuda = torch.cuda.is_available() and arguments.gpu != "cpu"
    scale = arguments.scale or ("full" if cuda else "small")
    if scale not in benchmark.scales:
        raise UserError(f"--scale {scale}: there are {', '.join(benchmark.scales)}")
    if arguments.rounds < 1 or min(arguments.seeds) < 0:
        raise UserError("--rounds must be at least 1, --seeds not negative")
    # As a user may type it: relative to where the command is given, not to the repository.
    root = (arguments.data_root or REPOSITORY / "data" / "benchmark" / scale).resolve()
    name = arguments.benchmark.stem
    folder = (arguments.output or REPOSITORY / "experiments" / name / scale).resolve()
    if arguments.page:
        check_page(arguments.page, scale)
    plan = make_plan(benchmark, scale, arguments.rows, arguments.seeds, root, folder, arguments.gpu)
    if arguments.dry_run:
        # The commands name these, and are to work.
        write_configs([*plan.rows, *plan.videos])
        print_commands([*plan.rows, *plan.videos])
        return
    with only_one(folder):
        known = carry_out_all(
            benchmark, scale, plan, root, arguments.gpu, partial(_check, arguments, scale), launcher
        )
        write_tables(benchmark, scale, root, folder, arguments, known)


def _command(file: Path, scale: str) -> str:
    """What makes the tables anew, for their heading."""
    file = file.resolve()
    of = "" if file == BENCHMARK else f" --benchmark {_from_repository(str(file))}"
    return f"python utils/benchmark.py{of} --scale {scale}"


def _check(arguments: argparse.Namespace, scale: str, kind: str, root: Path) -> str:
    written = arguments.benchmark.with_name(f"{kind}_{scale}.json")
    return check_set(written, root, arguments.freeze, arguments.any_set)


def write_tables(
    benchmark: Benchmark,
    scale: str,
    root: Path,
    folder: Path,
    arguments: argparse.Namespace,
    known: dict[str, str],
) -> None:
    """Tables and picture of all that is finished in a folder, whichever rows were asked for."""
    seeds = sorted(
        {int(path.name.removeprefix("seed_")) for path in folder.glob("*/seed_*")}
        | set(arguments.seeds)
    )
    # Without the videos, what there is of rows on them may be what a dry run wrote.
    watched = benchmark.videos is not None and "videos" in known
    on_videos = list(video_titles(benchmark.videos)) if watched else []
    there = [name for name in (*benchmark.rows, *on_videos) if (folder / name).is_dir()]
    runs, videos = make_plan(benchmark, scale, there, seeds, root, folder, arguments.gpu)
    check_runs(runs, root)
    if videos:
        check_runs(videos, videos_root(root))
    figures = all_figures(list(benchmark.rows), benchmark.reference, runs)
    if not figures:
        raise UserError(f"{folder}: no run is finished yet, so there is no table")
    speed = measured_speed(benchmark, scale, runs, folder, arguments.gpu, arguments.rounds)
    summary = {
        "scale": scale,
        "command": _command(arguments.benchmark, scale),
        "set": known["set"],
        "trained_on": ", ".join(sorted({row["machine"] for row in figures.values()})),
        "rows": figures,
        "speed": speed,
    }
    if moving := all_figures(on_videos, SINGLE, videos, paired=True):
        summary["videos"] = {"set": known["videos"], "rows": moving}
    text = document(benchmark, summary)
    write_text(folder / "table.json", json.dumps(summary, indent=1, allow_nan=False) + "\n")
    write_text(folder / "table.md", text)
    print(f"\n{text}\nTables: {folder / 'table.md'}, table.json beside it")
    chosen = [
        next((run for run in runs if run.row == name and run.finished), None)
        for name in benchmark.picture
        if name != MEAN
    ]
    columns = [(benchmark.rows[run.row].title, run) for run in chosen if run is not None]
    if columns:
        draw_frames(folder / "frames.jpg", root, columns)
        print(f"Picture: {folder / 'frames.jpg'}")
    if arguments.page:
        picture = ""
        if columns:
            beside = arguments.page.with_name(f"benchmark_{scale}.jpg")
            draw_frames(beside, root, columns)
            titles = ", ".join(title for title, _ in columns)
            picture = f"\n![Ten random test frames: {titles}]({beside.name})\n"
        write_page(arguments.page, scale, text + picture)
        print(f"Page:    {arguments.page}")


if __name__ == "__main__":
    run_command(main)
