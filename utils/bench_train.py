"""Measure the training step beside the reference implementation's, in one run."""

import argparse
import contextlib
import functools
import itertools
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch.utils.flop_counter import FlopCounterMode

from base.files import write_text
from base.set_type import SetType
from dataset.synthetic.generate import generate
from dataset.synthetic.recipe import Recipe
from utils.bench.reference_step import BATCH_SIZE, reference_work
from utils.bench.timing import Contender, OtherProcess, seconds_per_step, wait_for
from utils.command import run_command
from utils.config import Config, load_config
from utils.cores import cpu_count
from utils.defaults import DEFAULT_CONFIG, REPOSITORY
from utils.device import GPU_HELP, fast_bf16, prepare_device
from utils.engine.loop import Trainer
from utils.engine.processes import Processes
from utils.engine.stage import Stage
from utils.networks import Start, stage_network

_EXAMPLES = """examples:
  python utils/bench_train.py                        both stages, about ten minutes on 2 cores
  python utils/bench_train.py --stages train3d --rounds 5
  python utils/bench_train.py --gpu 0 --batch_size_3d 4096
"""

_FRAMES = 96
_ADAM_BYTES = 7 * 4  # reads weight, gradient and two moments, writes weight and moments: float32


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Frames per second of train3d and train2d, loading included, beside the "
        "reference implementation's plain step (batch 16, single precision, its loader), with "
        "the distance from the floor that FLOPs and bytes set.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--gpu", default="0", help=GPU_HELP)
    parser.add_argument(
        "--data_root",
        type=Path,
        default=REPOSITORY / "data" / "bench",
        help="folder with TrainSet and ValSet (default: data/bench, a synthetic set made if it "
        "is not there)",
    )
    parser.add_argument(
        "--stages", nargs="+", choices=("train3d", "train2d"), default=["train3d", "train2d"]
    )
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each (default 3)")
    parser.add_argument(
        "--steps", type=int, default=3, help="steps a measurement of slow steps (default 3)"
    )
    parser.add_argument(
        "--batch_size_3d", type=int, default=512, help="large batch of train3d (default 512)"
    )
    parser.add_argument("--depth", type=int, default=101, help="ResNet of train2d (default 101)")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16", "fp16"))
    parser.add_argument(
        "--threads", type=int, default=cpu_count(), help="computing threads (default: one a core)"
    )
    parser.add_argument("--workers", type=int, default=cpu_count(), help="reading processes")
    parser.add_argument("--output", type=Path, help="write the figures to this JSON file too")
    return parser


def _reference(stage: str, other: OtherProcess, steps: int) -> Contender:
    # Its reading processes are a few batches ahead when they start: more of the short steps show
    # the pace at which they go on.
    steps *= 3 if stage == "train3d" else 1
    measure = functools.partial(other.seconds_per_step, steps)
    return Contender("reference, batch 16, fp32", BATCH_SIZE, measure)


def _engine(
    stage_name: str, config: Config, root: Path, processes: Processes, folder: Path
) -> Trainer:
    network, config = stage_network(stage_name, config, Start())
    stage = Stage(stage_name, network, config, root, processes)
    trainer = Trainer(stage, folder / f"{stage_name}_{stage.settings.batch_size}")
    stage.network.train()
    return trainer


def _epochs(trainer: Trainer) -> Iterator[Any]:
    for epoch in itertools.count():
        trainer.stage.start_epoch(epoch)
        yield from trainer.stage.loader


def _ours(name: str, trainer: Trainer, steps: int, batches: Any = None) -> Contender:
    work = (
        lambda batch: trainer.train_step([batch]),
        batches or functools.partial(_epochs, trainer),
    )
    measure = functools.partial(seconds_per_step, work, trainer.stage.device, steps)
    return Contender(name, trainer.stage.settings.batch_size, measure)


def _median_seconds(work: Callable[[], Any], device: torch.device, repeats: int = 7) -> float:
    times = []
    for _ in range(repeats):
        since = time.perf_counter()
        work()
        wait_for(device)
        times.append(time.perf_counter() - since)
    return statistics.median(times[1:])


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Measured FLOP/s of a large matrix product."""
    side = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    return 2 * side**3 / _median_seconds(lambda: a @ b, device)


def memory_rate(device: torch.device) -> float:
    """Measured bytes per second of a large copy, reading and writing counted."""
    a = torch.empty(2**26, device=device)
    b = torch.ones_like(a)
    return 2 * a.nbytes / _median_seconds(lambda: a.copy_(b), device)


def floor_seconds(trainer: Trainer, batch: Any, rate: float, bandwidth: float) -> tuple[float, int]:
    """Least time of a step, and its FLOPs: the products at the matrix rate, then Adam's traffic."""
    with FlopCounterMode(display=False) as counter:
        trainer.train_step([batch])
    flops = counter.get_total_flops()
    parameters = sum(p.numel() for p in trainer.stage.model.parameters() if p.grad is not None)
    return flops / rate + parameters * _ADAM_BYTES / bandwidth, flops


def _stage_config(arguments: Any, stage: str, **settings: Any) -> Config:
    overrides = {
        "precision": arguments.precision,
        "model": {"backbone": f"resnet{arguments.depth}"},
        # Read from disk, as a set of the release's size is.
        "data": {"workers": arguments.workers, "memory_gib": 0},
        stage: settings,
    }
    return load_config(DEFAULT_CONFIG, overrides)


def _contenders(
    stage: str, arguments: Any, processes: Processes, other: OtherProcess, folder: Path
) -> tuple[list[Contender], Trainer]:
    """Reference first; the trainer of batch 16 for the floor."""
    root = arguments.data_root
    engine = functools.partial(_engine, stage, root=root, processes=processes, folder=folder)
    trainer = engine(_stage_config(arguments, stage, batch_size=BATCH_SIZE))
    if stage == "train2d":
        kept = next(iter(_epochs(trainer)))
        rest = [
            _ours("ours, batch 16", trainer, arguments.steps),
            _ours(
                "ours, batch 16, no loading",
                trainer,
                arguments.steps,
                lambda: itertools.repeat(kept),
            ),
        ]
    else:
        large = engine(_stage_config(arguments, stage, batch_size=arguments.batch_size_3d))
        rest = [
            _ours("ours, batch 16", trainer, 5 * arguments.steps),
            _ours(f"ours, batch {arguments.batch_size_3d}", large, arguments.steps),
        ]
    return [_reference(stage, other, arguments.steps), *rest], trainer


def bench_stage(
    stage: str, arguments: Any, processes: Processes, other: OtherProcess
) -> dict[str, Any]:
    """Measure one stage, the reference in the ``other`` process; prints its table."""
    device = processes.device
    with tempfile.TemporaryDirectory() as folder:
        contenders, trainer = _contenders(stage, arguments, processes, other, Path(folder))
        for number in range(arguments.rounds):
            print(f"{stage}: round {number + 1} of {arguments.rounds}", file=sys.stderr)
            for contender in contenders:
                contender.measure()
        half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(arguments.precision)
        if arguments.precision == "auto" and fast_bf16(device):
            half = torch.bfloat16
        rate, bandwidth = matrix_rate(device, half or torch.float32), memory_rate(device)
        floor, flops = floor_seconds(trainer, next(iter(_epochs(trainer))), rate, bandwidth)
    reference = contenders[0]
    print(f"\n{stage}\n| step | ms | frames/s | × reference |\n|---|---|---|---|")
    for contender in contenders:
        print(
            f"| {contender.name} | {1000 * contender.seconds:.0f} | {contender.rate:.0f} "
            f"| {contender.rate / reference.rate:.1f} |"
        )
    ours = contenders[1]
    print(
        f"floor at batch 16: {1000 * floor:.0f} ms ({flops / 1e9:.0f} GFLOP at {rate / 1e9:.0f} "
        f"GFLOP/s of products, Adam's bytes at {bandwidth / 1e9:.0f} GB/s): "
        f"ours takes {ours.seconds / floor:.1f} × that"
    )
    if stage == "train2d":
        share = ours.seconds / contenders[2].seconds - 1
        print(f"loading adds {100 * share:.1f} % to the step without it")
    return {
        "steps": [
            {"name": c.name, "batch_size": c.batch_size, "seconds": c.times} for c in contenders
        ],
        "floor_seconds": floor,
        "flops": flops,
        "matrix_flops_per_second": rate,
        "memory_bytes_per_second": bandwidth,
    }


def main(argv: list[str] | None = None) -> None:
    """Command line of the benchmark."""
    arguments = _parser().parse_args(argv)
    torch.set_num_threads(arguments.threads)
    with Processes(arguments.gpu) as processes, contextlib.ExitStack() as stack:
        # Before anything is set up that makes ours faster.
        others = {
            stage: stack.enter_context(
                OtherProcess(
                    reference_work,
                    {
                        "stage": stage,
                        "depth": arguments.depth,
                        "data_root": arguments.data_root,
                        "device": processes.device,
                        "workers": arguments.workers,
                        "threads": arguments.threads,
                    },
                )
            )
            for stage in arguments.stages
        }
        prepare_device(processes.device, arguments.precision, tf32=True)
        if not (arguments.data_root / SetType.TRAIN.folder).is_dir():
            print(f"making {_FRAMES} synthetic frames in {arguments.data_root}", file=sys.stderr)
            generate(
                arguments.data_root,
                Recipe(0, 24, 2),
                {SetType.TRAIN: _FRAMES, SetType.VAL: 4, SetType.TEST: 0},
                label_frames=max(4 * arguments.batch_size_3d, 2048),
                workers=cpu_count(),
            )
        where = (
            torch.cuda.get_device_name(processes.device)
            if processes.device.type == "cuda"
            else f"{cpu_count()} CPU cores, {arguments.threads} threads"
        )
        print(f"{where}, torch {torch.__version__}, Python {platform.python_version()}")
        figures = {}
        for stage in arguments.stages:
            figures[stage] = bench_stage(stage, arguments, processes, others[stage])
    if arguments.output:
        write_text(arguments.output, json.dumps({"device": where, **figures}, indent=1) + "\n")


if __name__ == "__main__":
    run_command(main)
