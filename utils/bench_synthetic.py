"""Frames per second of the synthetic set: tree, shards and labels alone, by workers.

python utils/bench_synthetic.py
python utils/bench_synthetic.py --memory 50 400 --workers 2
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError
from base.set_type import SetType
from dataset.shards import PackOptions
from dataset.synthetic.generate import generate, pack_options
from dataset.synthetic.recipe import DEFAULT_STRIDE, Recipe
from utils.command import run_command
from utils.cores import cpu_count

_FRAMES_PER_CHARACTER = 8
#: Name, rays cast for one of so many pixels each way, side of shards or None for a tree.
_WAYS = (
    ("tree, 1280x800", 1, None),
    ("tree, 1280x800, --ray_step 2", 2, None),
    ("shards, 368x368 (--pack)", 2, PackOptions().size),
)


def frames_per_second(
    recipe: Recipe, frames: int, labels: int, workers: int, size: int | None
) -> float:
    """Speed between a short and a long set, so that starting the workers does not count."""
    seconds, made = [], []
    pack = size and pack_options(size, recipe.stride)
    for share in (0.25, 1.0):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            counts = {SetType.TRAIN: int(frames * share), SetType.VAL: 0, SetType.TEST: 0}
            label_frames = int(labels * share)
            root = Path(folder) / "set"
            made.append(
                generate(root, recipe, counts, label_frames, workers, progress=False, pack=pack)
            )
            seconds.append(time.perf_counter() - start)
    return (made[1] - made[0]) / (seconds[1] - seconds[0])


def peak_memory(frames: int, workers: int, *options: str) -> float:
    """Peak resident memory in MiB of the largest process of ``make_synthetic.py``."""
    script = Path(__file__).resolve().parent / "make_synthetic.py"
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                *(sys.executable, script, "--output", f"{folder}/set", "--train", str(frames)),
                *("--val", "0", "--test", "0", "--workers", str(workers), *options),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        told = process.stderr.read()
        # Of the process and of those that it has waited for, which are its workers.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UserError(f"make_synthetic.py failed: {told.decode().strip()[-300:]}")
    return used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def _print_memory(counts: list[int], workers: list[int]) -> None:
    print("peak memory of the largest process, MiB, by frames")
    print(f"{'':<42}" + "".join(f"{count:>8}" for count in counts))
    for name, step, size in _WAYS:
        for number in workers:
            options = ["--ray_step", str(step), *(["--pack"] if size else [])]
            peaks = [peak_memory(count, number, *options) for count in counts]
            row = f"{name}, {number} workers"
            print(f"{row:<42}" + "".join(f"{peak:>8.0f}" for peak in peaks), flush=True)


def _print_speeds(frames: int, labels: int, workers: list[int]) -> None:
    print(f"{cpu_count()} CPU cores; frames a second, pictures and labels written to disk")
    print(f"{'':<34}" + "".join(f"{count:>4} workers" for count in workers))
    for name, step, size, pictures, alone in (
        *((*way, frames, 0) for way in _WAYS),
        ("labels alone", 1, None, 0, labels),
    ):
        recipe = Recipe(0, _FRAMES_PER_CHARACTER, step, DEFAULT_STRIDE)
        speeds = [frames_per_second(recipe, pictures, alone, count, size) for count in workers]
        print(f"{name:<34}" + "".join(f"{speed:>12.1f}" for speed in speeds), flush=True)


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cores = cpu_count()
    parser.add_argument("--frames", type=int, default=160, help="pictures of a run (default 160)")
    parser.add_argument("--labels", type=int, default=8000, help="label frames (default 8000)")
    parser.add_argument(
        "--workers",
        type=int,
        nargs="+",
        default=sorted({1, 2, cores}),
        help="(default 1, 2 and all cores)",
    )
    parser.add_argument(
        "--memory",
        type=int,
        nargs="+",
        metavar="FRAMES",
        help="measure memory instead, in sets of so many frames",
    )
    options = parser.parse_args(argv)
    if min(options.workers) < 1 or min(options.memory or [1]) < 1:
        raise UserError("--workers and --memory of 1 at least")
    if options.memory:
        _print_memory(options.memory, options.workers)
        return
    if options.frames < 64 or options.labels < 2000:
        raise UserError("--frames of 64 and --labels of 2000 at least")
    _print_speeds(options.frames, options.labels, options.workers)


if __name__ == "__main__":
    run_command(main)
