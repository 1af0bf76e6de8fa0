"""Put evaluations side by side, each with its difference to the first and how sure that is."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError
from base.files import write_text
from utils.common.command import run_command
from utils.evaluation.compare import difference, read_results, same_frames
from utils.evaluation.distances import ALL, BODY_PARTS
from utils.evaluation.published import TABLE_GROUPS
from utils.evaluation.tables import HEADS, Block, Row, latex_table, markdown_table, text_table

_EXAMPLES = """examples:
  python utils/compare_results.py runs/baseline/results.json runs/wider/results.json
  the lower body, for a paper:
    python utils/compare_results.py A/results.json B/results.json --part lower --format latex
"""

_FORMATS = {"text": text_table, "markdown": markdown_table, "latex": latex_table}
_NONE = "–"


def _difference_rows(
    first: dict[str, Any], second: dict[str, Any], part: str, groups: Sequence[str]
) -> list[Row]:
    changes, ends = [], []
    for group in groups:
        found = difference(first, second, part, group)
        if found is None:
            changes.append(_NONE)
            ends.append("")
            continue
        mean, bounds = found
        sure = bounds is not None and (bounds[0] > 0 or bounds[1] < 0)
        changes.append(f"{mean:+.1f}{'*' if sure else ''}")
        ends.append("" if bounds is None else f"{bounds[0]:+.1f}…{bounds[1]:+.1f}")
    rows = [Row("  difference", changes)]
    return [*rows, Row("  95 % interval", ends)] if any(ends) else rows


def comparison(
    runs: Sequence[dict[str, Any]], names: Sequence[str], part: str, groups: Sequence[str]
) -> tuple[list[Block], list[str]]:
    """Table of the runs, and what must be said below it."""
    blocks, notes = [], []
    for position, (results, name) in enumerate(zip(runs, names, strict=True)):
        cells = [results[part].get(group, {}).get("mpjpe") for group in groups]
        rows = [Row(name, [_NONE if cell is None else f"{cell:.1f}" for cell in cells])]
        if position:
            if same_frames(runs[0], results):
                rows += _difference_rows(runs[0], results, part, groups)
            else:
                notes.append(f"{name}: measured on other frames than {names[0]}: no difference.")
        blocks.append(Block("", rows))
    if len(runs) > 1 and len(notes) < len(runs) - 1:
        notes.append(
            f"Difference to {names[0]}, negative is better; * where the 95 % interval, characters "
            "resampled for both runs alike, leaves out zero."
        )
    return blocks, notes


def short_names(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths' folders that tell them apart."""
    folders = [(path if path.is_dir() else path.parent).resolve().parts for path in paths]
    for length in range(1, max(map(len, folders)) + 1):
        names = ["/".join(parts[-length:]).replace("//", "/") for parts in folders]
        if len(set(names)) == len(set(folders)):
            break
    if len(set(names)) < len(names):
        names = [f"{name} ({path.name})" for name, path in zip(names, paths, strict=True)]
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "results", type=Path, nargs="+", help="results.json of demo.py, or the folders they lie in"
    )
    parser.add_argument("--names", nargs="+", help="what to call them (default: their folders)")
    parser.add_argument("--part", choices=list(BODY_PARTS), default="full", help="default: full")
    parser.add_argument("--format", choices=list(_FORMATS), default="text", help="default: text")
    parser.add_argument("--output", type=Path, help="write the table here too")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Print the comparison."""
    arguments = _parser().parse_args(argv)
    runs = [read_results(path) for path in arguments.results]
    names = arguments.names or short_names(arguments.results)
    if len(names) != len(runs):
        raise UserError(f"--names: {len(names)} names for {len(runs)} results")
    present = [
        position
        for position, group in enumerate(TABLE_GROUPS)
        if group == ALL or any(group in results["full"] for results in runs)
    ]
    groups = [TABLE_GROUPS[position] for position in present]
    blocks, notes = comparison(runs, names, arguments.part, groups)
    table = _FORMATS[arguments.format](
        blocks, [HEADS[position] for position in present], f"MPJPE, mm, {arguments.part} body"
    )
    mark = "% " if arguments.format == "latex" else ""
    text = "\n".join([table.rstrip("\n"), "", *(mark + note for note in notes)]).rstrip("\n")
    print(text)
    if arguments.output:
        write_text(arguments.output, text + "\n")


if __name__ == "__main__":
    run_command(main)
