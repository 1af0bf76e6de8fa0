"""Frames per second of every way to load data, beside a plain reference loader in the same run."""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError
from base.set_type import SetType
from dataset.batch import to_input
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from dataset.index import SplitIndex, write_cache
from dataset.listing import list_split
from dataset.loader import FrameLoader
from dataset.mocap import open_split
from dataset.packed import is_packed
from dataset.pictures import decode_jpegs
from dataset.release import CHARACTERS
from utils import pack_data
from utils.bench.reference_loader import ReferenceFrames
from utils.command import run_command
from utils.cores import cpu_count
from utils.engine.data import LabelLoader

_EXAMPLES = """example:
  python utils/make_synthetic.py --output data/bench --train 200 --val 0 --test 0 --ray_step 2
  python utils/bench_data.py --data_root data/bench
"""

_HEATMAP = HeatmapShape(48)

#: One pass over labels is too short to be timed.
_LABEL_PASSES = 100

#: Frames of the tree whose second opening is timed: about those of TrainSet.
_MANY = 250_000


@dataclass(slots=True)
class Way:
    """One way to load.

    Attributes:
        name: shown in the table.
        run: one pass; returns how many frames it has seen.
        rates: frames per second of each measured pass.
    """

    name: str
    run: Callable[[], int]
    rates: list[float]

    def measure(self) -> None:
        """Time one pass."""
        start = time.perf_counter()
        frames = self.run()
        self.rates.append(frames / (time.perf_counter() - start))

    @property
    def rate(self) -> float:
        """Median frames per second."""
        return statistics.median(self.rates)


def _count(loader: FrameLoader | LabelLoader) -> int:
    loader.epoch += 1
    return sum(len(batch) for batch in loader)


def _with_targets(loader: FrameLoader, size: int) -> int:
    frames = 0
    loader.epoch += 1
    for batch in loader:
        to_input(batch.images)
        draw_heatmaps(batch.joints2d, size, _HEATMAP)
        frames += len(batch)
    return frames


def _ways(tree: Path, packed: Path, args: argparse.Namespace) -> list[Way]:
    size, batch, workers = args.size, args.batch_size, args.workers
    mocap, shards = open_split(tree, SetType.TRAIN, size), open_split(packed, SetType.TRAIN, size)

    def loader(data: Dataset) -> FrameLoader:
        return FrameLoader(data, batch, workers=workers, shuffle=True)

    plain = DataLoader(
        ReferenceFrames(mocap, size),
        batch_size=batch,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    labels = open_split(packed, SetType.TRAIN, size, pictures=False)
    annotations = LabelLoader(labels, torch.device("cpu"), batch_size=batch, shuffle=True)
    loaders = loader(mocap), loader(shards)
    ways = [
        Way("reference loader", lambda: sum(len(item[0]) for item in plain), []),
        Way("tree", lambda: _count(loaders[0]), []),
        Way("tree, input and targets made too", lambda: _with_targets(loaders[0], size), []),
        Way("shards", lambda: _count(loaders[1]), []),
        Way("shards, input and targets made too", lambda: _with_targets(loaders[1], size), []),
        Way("annotations", lambda: sum(_count(annotations) for _ in range(_LABEL_PASSES)), []),
    ]
    if torch.cuda.is_available():

        def on_device() -> int:
            for start in range(0, len(shards), batch):
                rows = range(start, min(start + batch, len(shards)))
                decode_jpegs([shards.picture_data(i) for i in rows], "cuda")
            torch.cuda.synchronize()
            return len(shards)

        ways.append(Way("shards, decoded on the CUDA device", on_device, []))
    return ways


def second_start(frames: int, rounds: int) -> float:
    """Seconds that opening a tree takes when its index is cached already, the median.

    The tree has the release's 63 folders, its files are empty and the index is made up.

    Args:
        frames: how many the tree has.
        rounds: how often to open it.
    """
    names = [(name, e) for name in CHARACTERS for e in (1, 2, 3)][:63]
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for row in range(frames):
            (name, environment), number = names[row % len(names)], row // len(names)
            camera = root / SetType.TRAIN.folder / name / f"env_{environment:03d}" / "cam_down"
            for file in (f"rgba/{name}.rgba.{number:06d}.png", f"json/{name}_{number:06d}.json"):
                if number == 0:
                    (camera / file).parent.mkdir(parents=True)
                (camera / file).touch()
        listing = list_split(root, SetType.TRAIN)
        folders = listing.camera_folders()
        index = SplitIndex(
            folders=list(listing.folders),
            folder=np.repeat(np.arange(len(folders)), [len(item.pictures) for item in folders]),
            number=np.array([number for item in folders for number in item.pictures]),
            picture=np.array([n.encode() for item in folders for n in item.pictures.values()]),
            joints2d=np.full((frames, 16, 2), 400, np.float32),
            joints3d=np.ones((frames, 16, 3), np.float32),
            visible=np.ones((frames, 16), bool),
            action=(np.arange(frames) % 70).astype(np.int32),
            actions=[f"clip_{i}" for i in range(70)],
            faults=[],
        )
        write_cache(root / SetType.TRAIN.folder, index, listing.signature)
        for _ in range(rounds):
            start = time.perf_counter()
            opened = len(open_split(root, SetType.TRAIN, 368))
            seconds.append(time.perf_counter() - start)
    if opened != frames:
        raise RuntimeError(f"{opened} frames opened of {frames}")
    return statistics.median(seconds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=(
            "Measure how fast frames arrive from a tree, from shards, and as annotations alone, "
            "against a plain reference loader. Passes take turns; the table shows medians."
        ),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data_root", type=Path, required=True, help="an extracted or synthetic tree"
    )
    parser.add_argument("--size", type=int, default=368, help="network's picture (default 368)")
    parser.add_argument("--batch_size", type=int, default=16, help="default 16")
    parser.add_argument("--rounds", type=int, default=5, help="measured passes (default 5)")
    parser.add_argument(
        "--workers",
        type=int,
        default=cpu_count(),
        help="reading processes of every loader (default: one per core, here %(default)s)",
    )
    return parser


def main(argv: list[str] | None = None) -> None:
    """Command line of the benchmark."""
    args = _parser().parse_args(argv)
    if is_packed(args.data_root):
        raise UserError(f"{args.data_root} is packed: give the tree, it is packed in passing")
    if args.rounds < 1 or args.workers < 0:
        raise UserError("--rounds must be at least 1, --workers not negative")
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "packed"
        pack_data.main(
            ["--input", str(args.data_root), "--output", str(packed), "--size", str(args.size)]
        )
        ways = _ways(args.data_root, packed, args)
        for way in ways:
            way.run()  # starts the workers and fills the disk cache
        for _ in range(args.rounds):
            for way in ways:
                way.measure()
    reference = ways[0].rate
    print(f"\n{args.workers} workers, batches of {args.batch_size}, {args.size}×{args.size} pixels")
    print(f"{'':<38}{'frames/s':>12}{'ratio':>10}")
    for way in ways:
        print(f"{way.name:<38}{way.rate:>12,.1f}{way.rate / reference:>9,.1f}×")
    seconds = second_start(_MANY, args.rounds)
    print(f"opening a tree of {_MANY:,} frames the second time: {seconds:.2f} s")


if __name__ == "__main__":
    run_command(main)
