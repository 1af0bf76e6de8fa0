"""Train and test every row of a benchmark on one set with one budget, and write its tables.

    python utils/benchmark.py small
    python utils/benchmark.py small --rows transformer --seeds 0
    python utils/benchmark.py small --rows --page doc/benchmark.md   (the tables alone)

Makes the set if it is missing, verifies its checksum, trains and evaluates the rows without
results, seed by seed, then writes the tables.  If interrupted, rerun the same command to continue.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.common.command import (
    command_parser,
    output_folder,
    parse_early,
    run_command,
    whole_number,
)
from utils.common.paths import CONFIGS, config_path


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    about = "default: experiments/benchmark/NAME"
    output = {"required": False, "type": output_folder, "help": about}
    parser = command_parser(__doc__, "gpu", output=output)
    add = parser.add_argument
    kind = partial(config_path, among=CONFIGS / "benchmark")
    add("name", type=kind, help="YAML file, or one of experiments/configs/benchmark")
    text = "rows to train and evaluate (default: all; none if no name follows)"
    add("--rows", nargs="*", help=text)
    add("--seeds", type=whole_number(0), nargs="+", default=[0, 1, 2], help="default: 0 1 2")
    text = "also insert the tables between the markers of this Markdown page"
    add("--page", type=Path, help=text)
    return parser.parse_args(argv)


parse_early(__name__, parse_arguments)

import json
import re
import signal
import time
from typing import Any

import numpy as np

from base.errors import UserError
from base.files import write_text
from base.set_type import SetType
from dataset import open_split
from model import build
from utils.benchmarking import launch, machine, read
from utils.benchmarking.checksum import differences, set_checksum
from utils.benchmarking.page import page_text
from utils.benchmarking.plan import Benchmark, load_benchmark
from utils.common.paths import REPOSITORY
from utils.evaluation.metrics import measure
from utils.evaluation.poses import Poses

RESULTS = "test/results.json"


def checked_set(benchmark: Benchmark, root: Path, frozen: Path) -> dict[str, Any]:
    """Make the set in ``root``, or what is missing of it; its checksum, which has to be that in the
    file ``frozen`` (written with the first set), else UserError."""
    size = benchmark.picture_size
    flags = ["--pack", "--pack_size", size, "--resume", *benchmark.make.split()]
    launch("utils/make_synthetic.py", "--output", root, *flags)
    found = set_checksum(root, size)
    if not frozen.is_file():
        write_text(frozen, json.dumps(found, indent=1) + "\n")
    expected = read(frozen)
    if different := differences(expected, found):
        raise UserError(
            f"{root} is not the set of {frozen} ({'; '.join(different[:3])}): delete it to make it "
            "anew, or copy the benchmark's file to a folder of your own for a checksum of your own"
        )
    return expected


def evaluate_mean_pose(root: Path, path: Path) -> int:
    """Write results of TrainSet's mean pose as the answer to each frame; the size of TrainSet."""
    training = open_split(root, SetType.TRAIN, 32, pictures=False).annotations()
    test = open_split(root, SetType.TEST, 32)  # any size: no picture is read
    labels, ids = test.annotations(), [test.frame_id(row) for row in range(len(test))]
    predicted = np.broadcast_to(training.mean_pose(), labels.joints3d.shape)
    poses = Poses(predicted, labels.joints3d, labels.actions, ids, labels.visible)
    write_text(path, json.dumps(measure(poses)))
    return len(training)


def carry_out(benchmark: Benchmark, place: Path, root: Path, gpu: str, checksum: dict) -> None:
    """Train and test the row and seed of a folder ROW/seed_N, going on where it was stopped.
    run.json keeps what is in no log: set, machine, parameters, frames seen and seconds."""
    row, commands = benchmark.rows[place.parent.name], benchmark.commands(place, root, gpu)
    record = {"set": checksum, "machine": machine(gpu)} | read(place / "run.json")
    if differences(checksum, record["set"]):
        raise UserError(f"{place} was made on another set: delete it")
    if (place / RESULTS).is_file():
        return
    since = time.monotonic() - record.get("training_seconds", 0.0)
    try:
        if row.training:
            config = benchmark.config(place.parent.name)
            weights = build(config.model, config.data.input_size).parameters()
            record |= {"parameters": sum(w.numel() for w in weights)} | row.frames_seen(config)
            launch(*commands[0])
        elif not commands:
            record["labels"] = evaluate_mean_pose(root, place / RESULTS)
    finally:
        record["training_seconds"] = time.monotonic() - since if row.training else 0
        write_text(place / "run.json", json.dumps(record, indent=1) + "\n")
    for command in commands[-1:]:
        launch(*command, quiet=True)


def between_marks(page: Path, name: str, content: str) -> str:
    """Text of a page with ``content`` between its marks of a benchmark; UserError for none."""
    begin, end = (f"<!-- benchmark {name}: {mark} -->" for mark in ("begin", "end"))
    text = page.read_text("utf-8", "replace") if page.is_file() else ""
    marked = re.compile(f"(?<={begin}).*(?={end})", re.DOTALL)
    if not marked.search(text):
        raise UserError(f"--page {page}: has no lines '{begin}' and '{end}' to write between")
    return marked.sub(lambda _: f"\n\n{content}\n\n", text)


def main(argv: list[str] | None = None) -> None:
    options = parse_arguments(argv)
    benchmark, name = load_benchmark(options.name), options.name.stem
    rows = list(benchmark.rows) if options.rows is None else options.rows
    if unknown := set(rows) - benchmark.rows.keys():
        raise UserError(f"--rows {min(unknown)}: there are {', '.join(benchmark.rows)}")
    if options.page:
        between_marks(options.page, name, "")
    folder = (options.output or REPOSITORY / "experiments" / "benchmark" / name).resolve()
    root, frozen = REPOSITORY / benchmark.data, options.name.with_name(benchmark.checksum)
    checksum = checked_set(benchmark, root, frozen) if rows else read(frozen)
    for place in [folder / row / f"seed_{seed}" for seed in options.seeds for row in rows]:
        carry_out(benchmark, place, root, options.gpu, checksum)
    found = {row: sorted((folder / row).glob(f"seed_*/{RESULTS}")) for row in benchmark.rows}
    finished = {row: [path.parents[1] for path in paths] for row, paths in found.items() if paths}
    if not finished:
        raise UserError(f"{folder}: no run is finished yet, so there is no table")
    text = page_text(benchmark, name, checksum, finished)
    write_text(folder / "table.md", text)
    print(f"\n{text}\nTables: {folder / 'table.md'}")
    if options.page:
        write_text(options.page, between_marks(options.page, name, text.strip()))


if __name__ == "__main__":
    # As Ctrl-C, so that training ends too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    run_command(main)
