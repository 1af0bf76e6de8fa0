"""Frames per second of the synthetic set: full resolution, half, and labels alone, by workers.

python utils/bench_synthetic.py
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError
from base.set_type import SetType
from dataset.synthetic.generate import Recipe, generate
from utils.command import run_command


def frames_per_second(recipe: Recipe, frames: int, labels: int, workers: int) -> float:
    """Speed between a short and a long set, so that starting the workers does not count."""
    seconds, made = [], []
    for share in (0.25, 1.0):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            counts = {SetType.TRAIN: int(frames * share), SetType.VAL: 0, SetType.TEST: 0}
            label_frames = int(labels * share)
            made.append(
                generate(
                    Path(folder) / "set", recipe, counts, label_frames, workers, progress=False
                )
            )
            seconds.append(time.perf_counter() - start)
    return (made[1] - made[0]) / (seconds[1] - seconds[0])


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cores = os.cpu_count() or 1
    parser.add_argument("--frames", type=int, default=160, help="pictures of a run (default 160)")
    parser.add_argument("--labels", type=int, default=8000, help="label frames (default 8000)")
    parser.add_argument(
        "--workers", type=int, nargs="+", default=sorted({1, cores}), help="(default 1 and all)"
    )
    options = parser.parse_args(argv)
    if options.frames < 64 or options.labels < 2000 or min(options.workers) < 1:
        raise UserError("--frames of 64, --labels of 2000 and --workers of 1 at least")
    print(f"{cores} CPU cores; frames a second, pictures and labels written to disk")
    print(f"{'':<34}" + "".join(f"{count:>4} workers" for count in options.workers))
    for name, step, frames, labels in (
        ("1280x800, a ray per pixel", 1, options.frames, 0),
        ("1280x800, --ray_step 2", 2, options.frames, 0),
        ("labels alone", 1, 0, options.labels),
    ):
        recipe = Recipe(seed=0, frames_per_character=8, ray_step=step)
        speeds = [frames_per_second(recipe, frames, labels, workers) for workers in options.workers]
        print(f"{name:<34}" + "".join(f"{speed:>12.1f}" for speed in speeds), flush=True)


if __name__ == "__main__":
    run_command(main)
