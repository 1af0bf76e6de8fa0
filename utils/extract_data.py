"""Extract the downloaded parts of the release into TrainSet, ValSet and TestSet.

The parts of a character are read as one stream; nothing is concatenated on disk.  A second
run skips what is complete.

pictures and labels of all parts in a folder:
  python utils/extract_data.py --input downloads --output data/xr_egopose
all six passes (about 1 TB for the whole release):
  python utils/extract_data.py --input downloads --output data/xr_egopose --passes all

then look for faults:  python utils/check_data.py --data_root data/xr_egopose
To train without extracting at all, see utils/pack_data.py.
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
from dataclasses import dataclass

from tqdm import tqdm

from base.errors import UserError
from base.files import write_bytes
from base.lock import locked
from dataset.release.archive import Marker, file_sizes, read_archive, skipped_lines
from dataset.release.table import CHARACTERS, find_archives, missing_parts
from utils.common.cores import for_each

#: Lies in a character's folder once everything asked for is there.
_MARKER = ".extracted.json"


@dataclass(slots=True)
class Extraction:
    """One character's archive, the folder it goes to, and which passes of it."""

    name: str
    parts: list[Path]
    folder: Path
    passes: frozenset[str]

    def size(self) -> int:
        return sum(file_sizes(self.parts).values())

    def missing(self) -> str:
        """Names of the parts that are missing; empty where all are there."""
        return ", ".join(missing_parts(self.name, self.parts))

    def complete(self) -> bool:
        """Whether an earlier run has finished it."""
        return Marker.holds(self.folder / _MARKER, self.parts, self.folder, self.passes)

    def run(self, on_bytes: Callable[[int], object], stop: threading.Event) -> list[str]:
        """Extract, and compare with the archive what is on disk already; returns lines that say
        what was done; UserError for a damaged archive, or a disk that is full."""
        skipped: list[str] = []
        files: dict[str, dict[str, int]] = {name: {} for name in sorted(self.passes)}
        for environment, pass_name, name, content in read_archive(
            self.parts, self.passes, on_bytes, stop, skipped
        ):
            path = f"{environment}/cam_down/{pass_name}/{name}"
            _write(self.folder / path, content)
            files[pass_name][path] = len(content)
        count = sum(map(len, files.values()))
        if not count:
            raise UserError(
                f"{self.parts[0]}: holds no file of {', '.join(sorted(self.passes))} under "
                "CHARACTER/ENVIRONMENT/cam_down" + "".join(f", and {line}" for line in skipped[:1])
            )
        marker = Marker(parts=file_sizes(self.parts), files=files, skipped=skipped)
        marker.write(self.folder / _MARKER)
        return [f"{self.folder}: {count} files", *skipped_lines(skipped)]


def _write(path: Path, content: bytes) -> None:
    with contextlib.suppress(OSError):
        # By content, not by size: an earlier run may have read a damaged part.
        if path.read_bytes() == content:
            return
    write_bytes(path, content, single_writer=True)


def _plan(args: argparse.Namespace) -> tuple[list[Extraction], list[str]]:
    """What there is to extract, and what keeps some characters from it."""
    archives = find_archives(args.input)
    if args.characters:
        absent = [name for name in args.characters if name not in archives]
        if absent:
            raise UserError(f"{args.input}: holds no part of {', '.join(absent)}")
        archives = {name: archives[name] for name in archives if name in args.characters}
    if not archives:
        raise UserError(
            f"{args.input}: holds no file like {next(iter(CHARACTERS))}.tar.gz.partaa; download "
            "them with utils/download_data.py"
        )
    passes = frozenset(PASSES if "all" in args.passes else args.passes)
    plan, faults = [], []
    for name, parts in archives.items():
        if name not in CHARACTERS:
            faults.append(f"{name} is no character of the release")
            continue
        folder = args.output / CHARACTERS[name].set_type.folder / name
        extraction = Extraction(name, parts, folder, passes)
        if extraction.missing() and not extraction.complete():
            faults.append(f"{extraction.missing()} missing in {parts[0].parent}")
        else:
            plan.append(extraction)
    return plan, faults


def _extract_all(plan: list[Extraction], jobs: int) -> list[str]:
    """Extract several characters at a time; returns what went wrong."""
    stop = threading.Event()
    faults: list[str] = []

    def extract(extraction: Extraction) -> None:
        if extraction.complete():
            bar.update(extraction.size())
            lines = [f"{extraction.folder}: complete already"]
        else:
            try:
                lines = extraction.run(bar.update, stop)
            except UserError as error:
                faults.append(str(error))
                return
        bar.write("\n".join(lines), file=sys.stderr)

    total = sum(extraction.size() for extraction in plan)
    with tqdm(total=total, desc="extracting", unit="B", unit_scale=True, dynamic_ncols=True) as bar:
        for_each(plan, extract, jobs, stop)
    return faults


def main(argv: list[str] | None = None) -> None:
    args = parse_arguments(argv)
    plan, faults = _plan(args)
    for fault in faults:
        print(f"left out: {fault}", file=sys.stderr)
    with locked(args.output):
        faults += _extract_all(plan, args.jobs)
    if faults:
        raise UserError(
            f"{len(faults)} characters are not complete: {'; '.join(faults)}. What was extracted "
            "stays; run the same command again once the parts are right"
        )
    print(f"{len(plan)} characters complete in {args.output}")


if __name__ == "__main__":
    run_command(main)
