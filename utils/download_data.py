"""Download the release: all parts of all characters, or of some, going on where it stopped."""

import argparse
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import requests
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError
from base.files import make_folder
from base.set_type import SetType
from dataset.release.download import PARTIAL_SUFFIX, DownloadError, Retries, download, remote_size
from dataset.release.table import BASE_URL, Character, select_characters
from utils.common.command import run_command

_EXAMPLES = """examples:
  everything, four parts at a time; run it again after any interruption:
    python utils/download_data.py --output downloads
  what the parts are and how much there is to fetch, fetching nothing:
    python utils/download_data.py --output downloads --dry_run
  the validation set and one character of the training set:
    python utils/download_data.py --output downloads --characters male_008_a_a female_002_f_s

next: python utils/pack_data.py --input downloads --output data/packed   (ready to train on)
  or: python utils/extract_data.py --input downloads --output data/xr_egopose
"""

#: A gzip file starts with these; an error page sent with status 200 does not.
_GZIP_MAGIC = b"\x1f\x8b"
_FIRST_WAIT = 2.0
_SHOWN = 5


@dataclass(slots=True)
class Part:
    """One part to fetch.

    Attributes:
        name: file name.
        url: where it is published.
        path: where it goes.
        first: whether the archive's stream starts with it.
        size: bytes as the server states them, or None where that could not be learnt.
        fault: why it cannot be had.
    """

    name: str
    url: str
    path: Path
    first: bool
    size: int | None = None
    fault: str | None = None

    @property
    def partial(self) -> Path:
        """Where its bytes are kept until all are there."""
        return self.path.with_name(self.name + PARTIAL_SUFFIX)

    def bytes_there(self) -> int:
        """Bytes already on disk."""
        for path in (self.path, self.partial):
            if path.is_file():
                return path.stat().st_size
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=(
            "Download the xR-EgoPose release (216 parts; research use only, see the release's own "
            "licence). Broken connections are resumed where they broke, sizes are checked, and a "
            "second run fetches only what is missing."
        ),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--output", type=Path, required=True, help="folder the parts go to")
    parser.add_argument(
        "--sets",
        nargs="+",
        choices=[set_type.value for set_type in SetType],
        help="only characters of these sets (default: all)",
    )
    parser.add_argument("--characters", nargs="+", metavar="NAME", help="only these characters")
    parser.add_argument(
        "--base_url", default=BASE_URL, help="folder to fetch from (default: %(default)s)"
    )
    parser.add_argument("--jobs", type=int, default=4, help="parts at a time (default 4)")
    parser.add_argument(
        "--retries",
        type=int,
        default=8,
        help="attempts without a new byte before a part is given up (default 8)",
    )
    parser.add_argument(
        "--dry_run", action="store_true", help="list the parts and their bytes, fetch nothing"
    )
    return parser


def _parts(characters: list[Character], output: Path, base_url: str) -> list[Part]:
    return [
        Part(name, f"{base_url.rstrip('/')}/{name}", output / name, first=position == 0)
        for character in characters
        for position, name in enumerate(character.parts)
    ]


def _learn_sizes(parts: list[Part], jobs: int, retries: Retries) -> None:
    def learn(part: Part) -> None:
        try:
            with requests.Session() as session:
                part.size = remote_size(session, part.url, retries)
        except DownloadError as error:
            part.fault = str(error)

    with ThreadPoolExecutor(jobs) as pool:
        for _ in tqdm(
            pool.map(learn, parts), total=len(parts), desc="asking for sizes", leave=False
        ):
            pass


def _take_up(part: Part) -> None:
    """Make a file left by another downloader what this one goes on from."""
    there = part.path.stat().st_size if part.path.is_file() else None
    if there is None or there == part.size:
        return
    if there > part.size:
        part.fault = f"has {there} bytes on disk, {part.size} are published; delete it"
    else:
        part.path.replace(part.partial)


def _fetch(part: Part, retries: Retries, bar: tqdm) -> None:
    if part.path.is_file():
        return
    try:
        with requests.Session() as session:
            download(session, part.url, part.path, part.size, retries, bar.update)
        if part.first:
            with part.path.open("rb") as file:
                start = file.read(2)
            if start != _GZIP_MAGIC:
                part.path.unlink()
                part.fault = "what the server sent is no gzip archive"
    except DownloadError as error:
        part.fault = str(error)


def _fetch_all(parts: list[Part], jobs: int, retries: Retries) -> None:
    total = sum(part.size for part in parts)
    there = sum(part.bytes_there() for part in parts)
    with (
        tqdm(
            total=total, initial=there, desc="downloading", unit="B", unit_scale=True,
            dynamic_ncols=True,
        ) as bar,
        ThreadPoolExecutor(jobs) as pool,
    ):  # fmt: skip
        futures = [pool.submit(_fetch, part, retries, bar) for part in parts]
        try:
            for future in futures:
                future.result()
        except BaseException:
            retries.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _check_room(parts: list[Part], output: Path) -> None:
    missing = sum(part.size - part.bytes_there() for part in parts)
    free = shutil.disk_usage(output).free
    if missing > free:
        raise UserError(
            f"{output}: {_gigabytes(missing)} are still to come, but only {_gigabytes(free)} are "
            "free; choose some of --sets or --characters, or another disk"
        )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.2f} GB"


def _list(parts: list[Part]) -> None:
    for part in parts:
        told = part.fault or f"{part.size:,} bytes"
        if not part.fault and part.path.is_file():
            told += ", on disk"
        elif not part.fault and part.partial.is_file():
            told += f", {part.bytes_there():,} of them on disk"
        print(f"{part.url}  {told}")
    total = sum(part.size or 0 for part in parts)
    print(f"{len(parts)} parts, {total:,} bytes ({_gigabytes(total)})")


def _raise_faults(parts: list[Part]) -> None:
    faults = [f"{part.name}: {part.fault}" for part in parts if part.fault]
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise UserError(
            f"{len(faults)} of {len(parts)} parts failed: {'; '.join(faults[:_SHOWN])}{more}. "
            "Run the same command again: what is complete is kept"
        )


def main(argv: list[str] | None = None) -> None:
    """Command line of the download."""
    args = _parser().parse_args(argv)
    if args.jobs < 1 or args.retries < 1:
        raise UserError("--jobs and --retries must be at least 1")
    characters = select_characters(args.sets, args.characters)
    parts = _parts(characters, args.output, args.base_url)
    retries = Retries(args.retries, _FIRST_WAIT, threading.Event())
    _learn_sizes(parts, args.jobs, retries)
    if args.dry_run:
        _list(parts)
        _raise_faults(parts)
        return
    make_folder(args.output)
    reachable = [part for part in parts if part.fault is None]
    for part in reachable:
        _take_up(part)
    reachable = [part for part in reachable if part.fault is None]
    _check_room(reachable, args.output)
    _fetch_all(reachable, args.jobs, retries)
    _raise_faults(parts)
    print(f"{len(parts)} parts complete in {args.output}")


if __name__ == "__main__":
    run_command(main)
