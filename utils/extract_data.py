"""Extract the downloaded parts of the release into TrainSet, ValSet and TestSet.

The parts of a character are read as one stream; nothing is concatenated on disk.  A second
run skips what is complete.

pictures and labels of all parts in a folder:
  python utils/extract_data.py --input downloads --output data/xr_egopose
all six passes (about 1 TB for the whole release):
  python utils/extract_data.py --input downloads --output data/xr_egopose --passes all
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dataset.release.table import PASSES, TRAINING_PASSES
from utils.common.command import command_parser, parse_early, run_command
from utils.common.cores import cpu_count


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    jobs = {"default": min(4, cpu_count()), "help": "characters at a time (default: %(default)s)"}
    parser = command_parser(__doc__, "input", "output", "characters", jobs=jobs)
    add = parser.add_argument
    text = f"what to extract: all, or some of {', '.join(PASSES)} (default: rgba json)"
    every, some = ["all", *PASSES], list(TRAINING_PASSES)
    add("--passes", nargs="+", choices=every, default=some, metavar="PASS", help=text)
    return parser.parse_args(argv)


parse_early(__name__, parse_arguments)

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from base.errors import UserError
from base.files import write_bytes
from base.lock import locked
from dataset.release.archive import Marker, file_sizes, read_archive, skipped_lines
from dataset.release.table import CHARACTERS, find_archives, missing_parts
from utils.common.cores import for_each

#: Lies in a character's folder once everything asked for is there.
_MARKER = ".extracted.json"


def _write(path: Path, content: bytes) -> None:
    with contextlib.suppress(OSError):
        # By content, not by size: an earlier run may have read a damaged part.
        if path.read_bytes() == content:
            return
    write_bytes(path, content, single_writer=True)


def _extract(
    parts: list[Path],
    folder: Path,
    passes: frozenset[str],
    on_bytes: Callable[[int], object],
    stop: threading.Event,
) -> list[str]:
    """Extract some passes of a character's archive into its folder, and compare with it what is
    there already; returns lines that say what was done; UserError for a damaged archive, or a disk
    that is full."""
    skipped: list[str] = []
    files: dict[str, dict[str, int]] = {name: {} for name in sorted(passes)}
    members = read_archive(parts, passes, on_bytes, stop, skipped)
    for environment, pass_name, name, content in members:
        path = f"{environment}/cam_down/{pass_name}/{name}"
        _write(folder / path, content)
        files[pass_name][path] = len(content)
    count = sum(map(len, files.values()))
    if not count:
        raise UserError(
            f"{parts[0]}: holds no file of {', '.join(sorted(passes))} under "
            "CHARACTER/ENVIRONMENT/cam_down" + "".join(f", and {line}" for line in skipped[:1])
        )
    Marker(parts=file_sizes(parts), files=files, skipped=skipped).write(folder / _MARKER)
    return [f"{folder}: {count} files", *skipped_lines(skipped)]


def main(argv: list[str] | None = None) -> None:
    args = parse_arguments(argv)
    archives = find_archives(args.input)
    if absent := [name for name in args.characters or () if name not in archives]:
        raise UserError(f"{args.input}: holds no part of {', '.join(absent)}")
    if not archives:
        raise UserError(
            f"{args.input}: holds no file like {next(iter(CHARACTERS))}.tar.gz.partaa; download "
            "them with utils/download_data.py"
        )
    passes = frozenset(PASSES if "all" in args.passes else args.passes)
    faults: list[str] = []
    plan: dict[Path, list[Path]] = {}  # a character's folder: its parts

    def complete(folder: Path) -> bool:
        return Marker.holds(folder / _MARKER, plan[folder], folder, passes)

    for name in args.characters or archives:
        if name not in CHARACTERS:
            faults.append(f"{name} is no character of the release")
            continue
        folder = args.output / CHARACTERS[name].set_type.folder / name
        plan[folder] = archives[name]
        missing = missing_parts(name, archives[name])
        if missing and not complete(folder):
            faults.append(f"{', '.join(missing)} missing in {plan.pop(folder)[0].parent}")
    for fault in faults:
        print(f"left out: {fault}", file=sys.stderr)
    stop = threading.Event()

    def extract(folder: Path) -> None:
        if complete(folder):
            bar.update(sum(file_sizes(plan[folder]).values()))
            bar.write(f"{folder}: complete already", file=sys.stderr)
            return
        try:
            lines = _extract(plan[folder], folder, passes, bar.update, stop)
            bar.write("\n".join(lines), file=sys.stderr)
        except UserError as error:
            faults.append(str(error))

    total = sum(sum(file_sizes(parts).values()) for parts in plan.values())
    options = {"total": total, "unit": "B", "unit_scale": True, "dynamic_ncols": True}
    with locked(args.output), tqdm(desc="extracting", **options) as bar:
        for_each(plan, extract, args.jobs, stop)
    if faults:
        raise UserError(
            f"{len(faults)} characters are not complete: {'; '.join(faults)}. What was extracted "
            "stays; run the same command again once the parts are right"
        )
    print(f"{len(plan)} characters complete in {args.output}")


if __name__ == "__main__":
    run_command(main)
