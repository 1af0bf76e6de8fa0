"""Download the xR-EgoPose release (216 parts; research use only, see the release's own licence).
Broken connections are resumed where they broke, sizes are checked, and a second run fetches only
what is missing.

everything, four parts at a time; run it again after any interruption:
  python utils/download_data.py --output downloads
what the parts are and how much there is to fetch, fetching nothing:
  python utils/download_data.py --output downloads --dry_run
the validation set and one character of the training set:
  python utils/download_data.py --output downloads --characters male_008_a_a female_002_f_s

next: python utils/pack_data.py --input downloads --output data/packed   (ready to train on)
  or: python utils/extract_data.py --input downloads --output data/xr_egopose
"""

import shutil
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError
from base.files import make_folder
from dataset.release.download import PARTIAL_SUFFIX, Downloader, DownloadError
from dataset.release.table import BASE_URL, select_characters
from utils.common.command import command_parser, run_command
from utils.common.cores import for_each

#: A gzip file starts with these; an error page sent with status 200 does not.
_GZIP_MAGIC = b"\x1f\x8b"
_SHOWN = 5


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

    def adopt_file(self) -> None:
        """Make a short file left by another downloader what this one goes on from."""
        there = self.path.stat().st_size if self.path.is_file() else self.size
        if there > self.size:
            self.fault = f"has {there} bytes on disk, {self.size} are published; delete it"
        elif there < self.size:
            self.path.replace(self.partial)

    def fetch(self, server: Downloader, on_bytes: Callable[[int], object]) -> None:
        """Download what is missing; the first part of an archive must be gzip."""
        if self.path.is_file():
            return
        server.download(self.url, self.path, self.size, on_bytes)
        with self.path.open("rb") as file:
            start = file.read(2)
        if self.path.suffix == ".partaa" and start != _GZIP_MAGIC:
            self.path.unlink()
            raise DownloadError("what the server sent is no gzip archive")


def _for_each(
    parts: list[ArchivePart],
    work: Callable[[ArchivePart], None],
    jobs: int,
    server: Downloader,
    bar: tqdm,
) -> None:
    """Work on several parts at a time; why one cannot be downloaded is kept as its fault."""

    def run(part: ArchivePart) -> None:
        try:
            work(part)
        except DownloadError as error:
            part.fault = str(error)

    with bar:
        for_each(parts, run, jobs, server.stop)


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


def main(argv: list[str] | None = None) -> None:
    shared = "output", "sets", "characters"
    parser = command_parser(__doc__, *shared, jobs={"default": 4, "help": "parts at a time"})
    add = parser.add_argument
    add("--base_url", default=BASE_URL, help="folder to fetch from (default: %(default)s)")
    add("--dry_run", action="store_true", help="list the parts and their bytes, fetch nothing")
    args = parser.parse_args(argv)
    names = [name for one in select_characters(args.sets, args.characters) for name in one.parts]
    parts = [
        ArchivePart(f"{args.base_url.rstrip('/')}/{name}", args.output / name) for name in names
    ]
    server = Downloader(threading.Event())
    asking = tqdm(total=len(parts), desc="asking for sizes", leave=False)

    def ask(part: ArchivePart) -> None:
        part.size = server.size(part.url)
        asking.update()

    _for_each(parts, ask, args.jobs, server, asking)
    if args.dry_run:
        _list(parts)
        _raise_faults(parts)
        return
    make_folder(args.output)
    for part in parts:
        if part.fault is None:
            part.adopt_file()
    reachable = [part for part in parts if part.fault is None]
    total = sum(part.size for part in reachable)
    there = sum(part.bytes_there() for part in reachable)
    free = shutil.disk_usage(args.output).free
    if total - there > free:
        raise UserError(
            f"{args.output}: {_gigabytes(total - there)} are still to come, but only "
            f"{_gigabytes(free)} are free; choose some of --sets or --characters, or another disk"
        )
    options = {"unit": "B", "unit_scale": True, "dynamic_ncols": True}
    bar = tqdm(total=total, initial=there, desc="downloading", **options)
    _for_each(reachable, lambda p: p.fetch(server, bar.update), args.jobs, server, bar)
    _raise_faults(parts)
    print(f"{len(parts)} parts complete in {args.output}")


if __name__ == "__main__":
    run_command(main)
