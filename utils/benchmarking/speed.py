"""Frames per second of networks, all in one run, taking turns."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from model import build
from utils.benchmarking.machine import machine
from utils.benchmarking.runs import Run
from utils.benchmarking.spec import Benchmark, row_config
from utils.config import Config
from utils.device import select_device
from utils.inference.predictor import load_network, ready_network
from utils.predict import PosePredictor

CPU_BATCHES = (1, 8)
GPU_BATCHES = (1, 8, 64)


def trained(run: Run) -> Callable[[str], PosePredictor]:
    """How to load a run's best network onto a device."""
    return lambda gpu: load_network(run.best, gpu)


def untrained(config: Config) -> Callable[[str], PosePredictor]:
    """How to make a configuration's network, with random weights, on a device."""

    def make(gpu: str) -> PosePredictor:
        device = select_device(gpu)
        model = build(config.model, config.data.input_size).to(
            device, memory_format=torch.channels_last
        )
        return ready_network(model.eval(), device)

    return make


def _contender(network: PosePredictor, batch: int) -> Callable[[], None]:
    size = network.input_size
    pictures = np.random.default_rng(0).integers(0, 255, (batch, size, size, 3), np.uint8)
    images = torch.from_numpy(pictures)

    def work() -> None:
        network(images)

    return work


def measure(
    networks: dict[str, Callable[[str], PosePredictor]],
    gpu: str,
    rounds: int,
    cpu_batches: Sequence[int] = CPU_BATCHES,
) -> dict[str, Any]:
    """Frames per second from pictures in memory to poses, as inference.py runs the network.

    Every network answers one batch in each round, so that what else the machine does meets all
    alike; the median over the rounds counts.

    Args:
        networks: row → how to get its network on a device.
        gpu: device to measure beside the CPU, as ``--gpu``; without CUDA the CPU alone.
        rounds: of each size of batch.
        cpu_batches: sizes of batch on the CPU.

    Returns:
        ``machine``, ``rounds`` and ``rows``: row → "cpu_1", "cuda_8", … → frames per second.
    """
    sizes = [("cpu", batch) for batch in cpu_batches]
    if torch.cuda.is_available() and gpu != "cpu":
        sizes += [(gpu, batch) for batch in GPU_BATCHES]
    rates: dict[str, dict[str, float]] = {row: {} for row in networks}
    with tqdm(total=len(sizes) * rounds, desc="frames per second", unit="round") as bar:
        for device, batch in sizes:
            works = {row: _contender(load(device), batch) for row, load in networks.items()}
            times: dict[str, list[float]] = {row: [] for row in networks}
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


def measure_full_size(
    benchmark: Benchmark, scale_name: str, rows: Sequence[str], gpu: str, rounds: int
) -> dict[str, Any] | None:
    """Parameters and frames per second of the rows' networks at the benchmark's largest scale.

    Neither needs a trained network, so what a scaled-down row costs in earnest can be said on any
    machine.

    Returns:
        As :func:`measure`, with ``scale`` and ``parameters`` (row → number); None where
        ``scale_name`` is that scale.
    """
    largest = max(benchmark.scales, key=lambda name: benchmark.scales[name].picture_size)
    if scale_name == largest:
        return None
    configs = {row: row_config(benchmark, largest, row) for row in rows}
    parameters = {
        row: sum(
            weights.numel() for weights in build(config.model, config.data.input_size).parameters()
        )
        for row, config in configs.items()
    }
    found = measure({row: untrained(config) for row, config in configs.items()}, gpu, rounds)
    return found | {"scale": largest, "parameters": parameters}
