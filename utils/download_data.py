"""Download the xR-EgoPose release (216 parts; research use only, see the release's own licence).
Broken connections are resumed where they broke, each character is checked to its last checksum, and
a second run fetches only what is missing or wrong.

everything, four parts at a time; run it again after any interruption:
  python utils/download_data.py --output downloads
what the parts are and how much there is to fetch, fetching nothing:
  python utils/download_data.py --output downloads --dry_run
the validation set and one character of the training set:
  python utils/download_data.py --output downloads --characters male_008_a_a female_002_f_s

next: python utils/pack_data.py --input downloads --output data/packed   (ready to train on)
  or: python utils/extract_data.py --input downloads --output data/xr_egopose
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dataset.release.table import BASE_URL
from utils.common.command import command_parser, parse_early, run_command


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    shared = "output", "sets", "characters"
    jobs = {"default": 4, "help": "parts at a time (default: %(default)s)"}
    parser = command_parser(__doc__, *shared, jobs=jobs)
    add = parser.add_argument
    add("--base_url", default=BASE_URL, help="folder to fetch from (default: %(default)s)")
    add("--dry_run", action="store_true", help="list the parts and their bytes, fetch nothing")
    return parser.parse_args(argv)


parse_early(__name__, parse_arguments)

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tqdm import tqdm

from base.errors import UserError
from base.files import write_bytes
from base.lock import locked
from dataset.release.archive import ArchiveError, read_archive
from dataset.release.download import PARTIAL_SUFFIX, Downloader, DownloadError
from dataset.release.table import select_characters
from utils.common.cores import for_each

_SHOWN = 5


@dataclass(slots=True)
class Part:
    url: str
    path: Path
    size: int = 0  # as the server states it
    fault: str | None = None  # why it cannot be had

    @property
    def partial(self) -> Path:
        """Where its bytes are kept until all are there."""
        return self.path.with_name(self.path.name + PARTIAL_SUFFIX)

    def bytes_there(self) -> int:
        found = (path.stat().st_size for path in (self.path, self.partial) if path.is_file())
        return next(found, 0)

    def find_size(self, server: Downloader) -> None:
        """Ask for the size; a short file of another downloader becomes what ours goes on from."""
        try:
            self.size = server.size(self.url)
        except DownloadError as error:
            self.fault = str(error)
            return
        if self.path.is_file() and (there := self.path.stat().st_size) > self.size:
            self.fault = f"has {there} bytes on disk, {self.size} are published; delete it"

    def fetch(self, server: Downloader, on_bytes: Callable[[int], object]) -> None:
        """Download what is missing."""
        if self.path.is_file() and self.path.stat().st_size < self.size:
            self.path.replace(self.partial)
        try:
            if not self.path.is_file():
                server.download(self.url, self.path, self.size, on_bytes)
        except DownloadError as error:
            self.fault = str(error)


@dataclass(slots=True)
class Archive:
    """The parts of one character. They are complete once the stream they are cut from was read to
    its last checksum: a length shows neither a page in place of a part nor two versions in one."""

    parts: list[Part]
    marker: Path  # what the parts were when all was right

    def _state(self) -> bytes:
        """Sizes and times of change, which tell that the parts are still the same."""
        found = [(part.path.name, part.path.stat()) for part in self.parts]
        return "".join(f"{name} {s.st_size} {s.st_mtime_ns}\n" for name, s in found).encode()

    def is_right(self) -> bool:
        """Whether an earlier run has checked it."""
        try:
            return self.marker.read_bytes() == self._state()
        except OSError:
            return False

    def check(self, server: Downloader, bar: tqdm) -> None:
        """Read the whole stream; parts that are to blame for a fault are fetched again, once."""
        tried: list[Part] = []
        while not any(part.fault for part in self.parts):
            try:
                paths = [part.path for part in self.parts]
                list(read_archive(paths, frozenset(), bar.update, server.stop))
                write_bytes(self.marker, self._state(), single_writer=True)
                return
            except ArchiveError as error:
                blamed = [part for part in self.parts if part.path in error.blamed]
                again = [part for part in blamed if part not in tried]
                if not again:
                    blamed[0].fault = f"{error.what}, also when fetched again"
                    return
                bar.write(f"{error.what}; fetching it again", file=sys.stderr)
            for part in again:
                part.path.unlink()
                part.fetch(server, lambda count: None)
            tried += again


def _download(archives: list[Archive], folder: Path, server: Downloader, jobs: int) -> None:
    """Fetch, then check; UserError where the disk is too small."""
    parts = [part for archive in archives for part in archive.parts if part.fault is None]
    total, there = sum(part.size for part in parts), sum(part.bytes_there() for part in parts)
    free = shutil.disk_usage(folder).free
    if total - there > free:
        raise UserError(
            f"{folder}: {(total - there) / 1e9:,.2f} GB are still to come, but only "
            f"{free / 1e9:,.2f} GB are free; choose some of --sets or --characters, or another disk"
        )
    options = {"total": total, "unit": "B", "unit_scale": True, "dynamic_ncols": True}
    with tqdm(desc="downloading", initial=there, **options) as bar:
        for_each(parts, lambda part: part.fetch(server, bar.update), jobs, server.stop)
    with tqdm(desc="checking", **options) as bar:
        for_each(archives, lambda archive: archive.check(server, bar), jobs, server.stop)


def main(argv: list[str] | None = None) -> None:
    args = parse_arguments(argv)
    url, folder = args.base_url.rstrip("/"), args.output
    archives = [
        Archive(
            [Part(f"{url}/{name}", folder / name) for name in character.parts],
            folder / f".{character.name}.checked",
        )
        for character in select_characters(args.sets, args.characters)
    ]
    parts = [part for archive in archives for part in archive.parts]
    left = [archive for archive in archives if not archive.is_right()]
    for part in parts:
        part.size = part.bytes_there()
    server = Downloader(threading.Event())
    unknown = [part for archive in left for part in archive.parts]
    for_each(unknown, lambda part: part.find_size(server), args.jobs, server.stop)
    if args.dry_run:
        for part in parts:
            there = part.bytes_there()
            state = f", {there:,} of them on disk" if there else ""
            print(f"{part.url}  {part.fault or f'{part.size:,} bytes{state}'}")
        total = sum(part.size for part in parts)
        print(f"{len(parts)} parts, {total:,} bytes ({total / 1e9:,.2f} GB)")
    else:
        with locked(folder):
            _download(left, folder, server, args.jobs)
    if faults := [f"{part.path.name}: {part.fault}" for part in parts if part.fault]:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise UserError(
            f"{len(faults)} of {len(parts)} parts failed: {'; '.join(faults[:_SHOWN])}{more}. "
            "Run the same command again: what is complete is kept"
        )
    if not args.dry_run:
        print(f"{len(parts)} parts complete in {folder}")


if __name__ == "__main__":
    run_command(main)
