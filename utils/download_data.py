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

import re
import shutil
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError
from base.files import write_bytes
from base.lock import locked
from dataset.release.archive import ArchiveError, read_archive
from dataset.release.download import PARTIAL_SUFFIX, Downloader, DownloadError
from dataset.release.table import BASE_URL, select_characters
from utils.common.command import command_parser, run_command
from utils.common.cores import for_each

_SHOWN = 5


class Verified:
    """The parts that were found right, by name with size and time of change, which tell that a
    part is still the same; kept in ``.verified.json`` beside them."""

    _schema = TypeAdapter(dict[str, tuple[int, int]])

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".verified.json"
        self._lock = threading.Lock()
        try:
            self._parts = self._schema.validate_json(self._path.read_bytes())
        except (OSError, ValueError):  # as good as none: they are checked again
            self._parts = {}

    def holds(self, path: Path) -> bool:
        return path.is_file() and self._parts.get(path.name) == self._state(path)

    def add(self, paths: list[Path]) -> None:
        with self._lock:
            self._parts |= {path.name: self._state(path) for path in paths}
            write_bytes(self._path, self._schema.dump_json(self._parts, indent=1), True)

    @staticmethod
    def _state(path: Path) -> tuple[int, int]:
        return path.stat().st_size, path.stat().st_mtime_ns


@dataclass(slots=True)
class ArchivePart:
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

    def find_size(self, server: Downloader, verified: Verified) -> None:
        """Ask for the size, but of a part that was found right."""
        try:
            right = verified.holds(self.path)
            self.size = self.bytes_there() if right else server.size(self.url)
        except DownloadError as error:
            self.fault = str(error)

    def adopt_file(self) -> None:
        """Make a short file left by another downloader what this one goes on from."""
        there = self.path.stat().st_size if self.path.is_file() else self.size
        if there > self.size:
            self.fault = f"has {there} bytes on disk, {self.size} are published; delete it"
        elif there < self.size:
            self.path.replace(self.partial)

    def fetch(self, server: Downloader, on_bytes: Callable[[int], object]) -> bool:
        """Download what is missing; returns whether all is there."""
        try:
            if not self.path.is_file():
                server.download(self.url, self.path, self.size, on_bytes)
        except DownloadError as error:
            self.fault = str(error)
        return self.fault is None


@dataclass(slots=True)
class Archive:
    """The parts of one character. They are complete once the stream they are cut from was read to
    its last checksum: a length shows neither a page in place of a part nor two versions in one."""

    parts: list[ArchivePart]
    arrived: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def paths(self) -> list[Path]:
        return [part.path for part in self.parts]

    def fetch(
        self, part: ArchivePart, server: Downloader, verified: Verified, bars: tuple[tqdm, tqdm]
    ) -> None:
        """Download what is missing of a part, and check all once it is the last to arrive."""
        fetched, checked = (bar.update for bar in bars)
        if part.fetch(server, fetched):
            with self.lock:
                self.arrived += 1
                last = self.arrived == len(self.parts)
            if last and self._check(server, fetched, checked):
                verified.add(self.paths)

    def _check(
        self,
        server: Downloader,
        fetched: Callable[[int], object],
        checked: Callable[[int], object],
    ) -> bool:
        """Read the whole stream; parts that are to blame for a fault are fetched again, once."""
        tried: list[ArchivePart] = []
        while True:
            try:
                for _ in read_archive(self.paths, frozenset(), checked, server.stop):
                    pass
                return True
            except ArchiveError as error:
                blamed = [part for part in self.parts if part.path in error.blamed]
                again = [part for part in blamed if part not in tried]
                if not again:
                    blamed[0].fault = f"{error.what}, also when fetched again"
                    return False
                tqdm.write(f"{error.what}; fetching it again", file=sys.stderr)
            for part in again:
                fetched(-part.size)
                part.path.unlink()
                if not part.fetch(server, fetched):
                    return False
            tried += again


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.2f} GB"


def _list(parts: list[ArchivePart]) -> None:
    for part in parts:
        there = part.bytes_there()
        state = f", {there:,} of them on disk" if there else ""
        print(f"{part.url}  {part.fault or f'{part.size:,} bytes{state}'}")
    total = sum(part.size for part in parts)
    print(f"{len(parts)} parts, {total:,} bytes ({_gigabytes(total)})")


def _raise_faults(parts: list[ArchivePart]) -> None:
    faults = [f"{part.path.name}: {part.fault}" for part in parts if part.fault]
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise UserError(
            f"{len(faults)} of {len(parts)} parts failed: {'; '.join(faults[:_SHOWN])}{more}. "
            "Run the same command again: what is complete is kept"
        )


def _download(archives: list[Archive], server: Downloader, verified: Verified, jobs: int) -> None:
    """Fetch and check all that is not known to be right; UserError where the disk is too small."""
    archives = [one for one in archives if not all(map(verified.holds, one.paths))]
    parts = [(archive, part) for archive in archives for part in archive.parts]
    for _, part in parts:
        if part.fault is None:
            part.adopt_file()
    reachable = [(archive, part) for archive, part in parts if part.fault is None]
    total = sum(part.size for _, part in reachable)
    there = sum(part.bytes_there() for _, part in reachable)
    folder = archives[0].paths[0].parent if archives else Path()
    free = shutil.disk_usage(folder).free
    if total - there > free:
        raise UserError(
            f"{folder}: {_gigabytes(total - there)} are still to come, but only "
            f"{_gigabytes(free)} are free; choose some of --sets or --characters, or another disk"
        )
    options = {"total": total, "unit": "B", "unit_scale": True, "dynamic_ncols": True}
    with (
        tqdm(desc="downloading", initial=there, position=0, **options) as fetched,
        tqdm(desc="checking", position=1, **options) as checked,
    ):
        bars = fetched, checked
        for_each(
            reachable,
            lambda pair: pair[0].fetch(pair[1], server, verified, bars),
            jobs,
            server.stop,
        )


def main(argv: list[str] | None = None) -> None:
    shared = "output", "sets", "characters"
    parser = command_parser(__doc__, *shared, jobs={"default": 4, "help": "parts at a time"})
    add = parser.add_argument
    add("--base_url", default=BASE_URL, help="folder to fetch from (default: %(default)s)")
    add("--dry_run", action="store_true", help="list the parts and their bytes, fetch nothing")
    args = parser.parse_args(argv)
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", args.base_url):
        raise UserError(f"--base_url: {args.base_url!r} does not begin like https://example.org/")
    url = args.base_url.rstrip("/")
    archives = [
        Archive([ArchivePart(f"{url}/{name}", args.output / name) for name in character.parts])
        for character in select_characters(args.sets, args.characters)
    ]
    parts = [part for archive in archives for part in archive.parts]
    server, verified = Downloader(threading.Event()), Verified(args.output)
    with tqdm(total=len(parts), desc="asking for sizes", leave=False) as asked:

        def ask(part: ArchivePart) -> None:
            part.find_size(server, verified)
            asked.update()

        for_each(parts, ask, args.jobs, server.stop)
    if args.dry_run:
        _list(parts)
    else:
        with locked(args.output):
            _download(archives, server, verified, args.jobs)
    _raise_faults(parts)
    if not args.dry_run:
        print(f"{len(parts)} parts complete in {args.output}")


if __name__ == "__main__":
    run_command(main)
