"""Frames per second of the rows' networks, all in one run, taking turns."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from utils.benchmarking.machine import machine
from utils.benchmarking.runs import Run
from utils.inference.predictor import load_network

CPU_BATCHES = (1, 8)
GPU_BATCHES = (1, 8, 64)


def _contender(run: Run, device: str, batch: int) -> Callable[[], None]:
    network = load_network(run.best, device)
    size = network.input_size
    pictures = np.random.default_rng(0).integers(0, 255, (batch, size, size, 3), np.uint8)
    images = torch.from_numpy(pictures)

    def work() -> None:
        network(images)

    return work


def measure(
    runs: Sequence[Run], gpu: str, rounds: int, cpu_batches: Sequence[int] = CPU_BATCHES
) -> dict[str, Any]:
    """Frames per second from pictures in memory to poses, as inference.py runs the network.

    Every network answers one batch in each round, so that what else the machine does meets all
    alike; the median over the rounds counts.

    Args:
        runs: one of each row.
        gpu: device to measure beside the CPU, as ``--gpu``; without CUDA the CPU alone.
        rounds: of each size of batch.
        cpu_batches: sizes of batch on the CPU.

    Returns:
        ``machine``, ``rounds`` and ``rows``: row → "cpu_1", "cuda_8", … → frames per second.
    """
    sizes = [("cpu", batch) for batch in cpu_batches]
    if torch.cuda.is_available() and gpu != "cpu":
        sizes += [(gpu, batch) for batch in GPU_BATCHES]
    rates: dict[str, dict[str, float]] = {run.row: {} for run in runs}
    with tqdm(total=len(sizes) * rounds, desc="frames per second", unit="round") as bar:
        for device, batch in sizes:
            works = {run.row: _contender(run, device, batch) for run in runs}
            times: dict[str, list[float]] = {run.row: [] for run in runs}
            for _ in range(2):
                for work in works.values():
                    work()
            for _ in range(rounds):
                for name, work in works.items():
                    # The result is on the CPU when it is there: nothing is left to wait for.
                    since = time.perf_counter()
                    work()
                    times[name].append(time.perf_counter() - since)
                bar.update()
            kind = "cpu" if device == "cpu" else "cuda"
            for name, taken in times.items():
                rates[name][f"{kind}_{batch}"] = batch / statistics.median(taken)
    return {
        "machine": machine("cpu"),
        "gpu": machine(gpu) if len(sizes) > len(cpu_batches) else None,
        "rounds": rounds,
        "rows": rates,
    }
