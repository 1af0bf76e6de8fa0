"""Put evaluations side by side, each with its difference to the first and its 95 % interval.

python utils/compare_results.py runs/baseline/results.json runs/wider/results.json

The lower body, for a paper:
python utils/compare_results.py A/results.json B/results.json --part lower --format latex
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError
from utils.common.command import command_parser, output_file, parse_early, run_command
from utils.evaluation.mpjpe import BODY_PARTS


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    add = parser.add_argument
    add("results", type=Path, nargs="+", help="results.json of demo.py, or their folders")
    add("--part", choices=list(BODY_PARTS), default="full", help="default: full")
    add("--format", choices=("text", "markdown", "latex"), default="text", help="default: text")
    add("--output", type=output_file, help="write the table here too")
    arguments = parser.parse_args(argv)
    read = {(path / name).resolve() for path in arguments.results for name in ("", "results.json")}
    if arguments.output and arguments.output.resolve() in read:
        raise UserError(f"--output {arguments.output}: is read, and would be replaced")
    return arguments


parse_early(__name__, parse_arguments)

from collections.abc import Sequence
from typing import Any

import numpy as np

from base.files import write_text
from utils.evaluation import tables
from utils.evaluation.bootstrap import interval, resampled_means
from utils.evaluation.mpjpe import ALL
from utils.evaluation.results import read_results
from utils.evaluation.tables import HEADS, TABLE_GROUPS, Block, row

Results = dict[str, Any]


def frames_by_character(results: Results) -> dict[str, dict[str, int]]:
    """Character → group → frames; two runs that have the same can be compared in pairs."""
    return {
        name: {group: cell["frames"] for group, cell in parts["full"].items()}
        for name, parts in results["characters"].items()
    }


def measure_of(runs: Sequence[Results]) -> str:
    """The error that runs are compared by: MPJPE, which all have but those of a truth in another
    frame."""
    return "pa_mpjpe" if any(run.get("aligned_only") for run in runs) else "mpjpe"


def difference(
    first: Results, second: Results, part: str, group: str
) -> tuple[float, np.ndarray | None] | None:
    """Error of the second run less the first's on the same frames, mm, and the (2,) ends of its
    95 % interval, None with fewer than two characters; None for an empty group. Each resample draws
    the same characters for both, so that what makes one hard falls out of the difference."""
    key = measure_of([first, second])
    both = [
        [run["characters"][name][part].get(group) for run in (first, second)]
        for name in first["characters"]
    ]
    counts = np.array([a["frames"] if a and b else 0.0 for a, b in both])
    sums = counts * [b[key] - a[key] if a and b else 0.0 for a, b in both]
    if not counts.any():
        return None
    several = np.count_nonzero(counts) > 1
    ends = interval(resampled_means(sums[:, None], counts))[:, 0] if several else None
    return float(sums.sum() / counts.sum()), ends


def _difference_rows(first: Results, second: Results, part: str, groups: Sequence[str]) -> list:
    changes, intervals = [], []
    for group in groups:
        mean, ends = difference(first, second, part, group) or (None, None)
        clear = ends is not None and (ends[0] > 0 or ends[1] < 0)
        changes.append("–" if mean is None else f"{mean:+.1f}{'*' if clear else ''}")
        intervals.append("" if ends is None else f"{ends[0]:+.1f}…{ends[1]:+.1f}")
    rows = [["  difference", *changes], ["  95 % interval", *intervals]]
    return rows if any(intervals) else rows[:1]


def comparison(
    runs: Sequence[Results], names: Sequence[str], part: str, groups: Sequence[str]
) -> tuple[list[Block], list[str]]:
    """Table of the runs, and the notes below it."""
    blocks, notes, key = [], [], measure_of(runs)
    for results, name in zip(runs, names, strict=True):
        errors = {group: cell[key] for group, cell in results[part].items() if key in cell}
        rows = [row(name, errors, groups)]
        if frames_by_character(runs[0]) != frames_by_character(results):
            notes.append(f"{name}: measured on other frames than {names[0]}: no difference.")
        elif runs[0].get("joints_measured") != results.get("joints_measured"):
            notes.append(f"{name}: measured on other joints than {names[0]}: no difference.")
        elif bool(runs[0].get("aligned_only")) != bool(results.get("aligned_only")):
            notes.append(f"{name}: measured in another frame than {names[0]}: no difference.")
        elif results is not runs[0]:
            rows += _difference_rows(runs[0], results, part, groups)
        blocks.append(Block("", rows))
    if len(notes) < len(runs) - 1:
        shown = "no interval, for all frames are of one character, and characters are resampled"
        if len(runs[0]["characters"]) > 1:
            shown = "* where the 95 % interval, characters resampled for both alike, excludes zero"
        notes.append(f"Difference to {names[0]}, negative is better; {shown}.")
    return blocks, notes


def short_names(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of the folders that differ, or of the files where folders are equal."""
    folders = [(path if path.is_dir() else path.parent).resolve() for path in paths]
    ends = folders if len(set(folders)) == len(paths) else [path.resolve() for path in paths]
    lengths = range(1, max(len(path.parts) for path in ends) + 1)
    tries = (["/".join(path.parts[-length:]) for path in ends] for length in lengths)
    return next(names for names in tries if len(set(names)) == len(set(ends)))


def main(argv: list[str] | None = None) -> None:
    arguments = parse_arguments(argv)
    runs = [read_results(path, aligned=True) for path in arguments.results]
    names = short_names(arguments.results)
    there = {ALL}.union(*(results["full"] for results in runs))
    heads = {g: h for g, h in zip(TABLE_GROUPS, HEADS[1:], strict=True) if g in there}
    blocks, notes = comparison(runs, names, arguments.part, list(heads))
    corner = f"{measure_of(runs).upper().replace('_', '-')}, mm, {arguments.part} body"
    write = getattr(tables, f"{arguments.format}_table")
    table = write(blocks, [corner, *heads.values()])
    mark = "% " if arguments.format == "latex" else ""
    text = "\n".join([table.rstrip("\n"), "", *(mark + note for note in notes)]).rstrip("\n")
    print(text)
    if arguments.output:
        write_text(arguments.output, text + "\n")


if __name__ == "__main__":
    run_command(main)
