"""Seconds a training step takes, measured here or in a process of its own."""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import torch

#: How to do a step, and where batches come from, anew for each measurement.
Work = tuple[Callable[[Any], None], Callable[[], Iterator[Any]]]


def wait_for(device: torch.device) -> None:
    """Let the device finish what it was asked to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_per_step(work: Work, device: torch.device, steps: int) -> float:
    """Mean time of ``steps`` steps, fetching their batches included, after one to warm up."""
    step, open_batches = work
    batches = open_batches()
    step(next(batches))
    wait_for(device)
    since = time.perf_counter()
    for _ in range(steps):
        step(next(batches))
        wait_for(device)
    return (time.perf_counter() - since) / steps


class Contender:
    """Something to measure, in rounds.

    Attributes:
        name: what the table calls it.
        batch_size: frames of a step.
        times: seconds a step, one for each round.
    """

    def __init__(self, name: str, batch_size: int, measure: Callable[[], float]) -> None:
        self.name = name
        self.batch_size = batch_size
        self.times: list[float] = []
        self._measure = measure

    def measure(self) -> None:
        """One round."""
        self.times.append(self._measure())

    @property
    def seconds(self) -> float:
        """Median step."""
        return statistics.median(self.times)

    @property
    def rate(self) -> float:
        """Frames per second."""
        return self.batch_size / self.seconds


def _serve(connection: Connection, build: Callable[..., Work], options: dict[str, Any]) -> None:
    torch.set_num_threads(options["threads"])
    work = None
    for steps in iter(connection.recv, None):
        if work is None:
            work = build(**options)
        connection.send(seconds_per_step(work, options["device"], steps))


class OtherProcess:
    """Measures work in a process of its own, that what this one sets up does not reach it.

    The process starts with the environment as it is now; leaving the context ends it.

    Args:
        build: makes the work from ``options``; a function of a module.
        options: its arguments; ``device`` and ``threads`` are among them.
    """

    def __init__(self, build: Callable[..., Work], options: dict[str, Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        # Not a daemon: it has reading processes of its own.
        self._process = context.Process(target=_serve, args=(other, build, options))
        self._process.start()
        other.close()

    def seconds_per_step(self, steps: int) -> float:
        """As :func:`seconds_per_step`.

        Raises:
            EOFError: if the process ended, having said why.
        """
        self._connection.send(steps)
        return self._connection.recv()

    def __enter__(self) -> "OtherProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            self._connection.send(None)
        self._process.join()
