"""What watches a run: losses that are not finite, and batches that do not come."""

import contextlib
import json
import math
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tqdm import tqdm

from base.errors import UserError
from base.files import write_text
from base.frame import FrameId
from utils.training.distributed import Processes


class LossMonitor:
    """Collects the losses of steps and checks them now and then: reading one waits for the device.
    The frames of a loss that is not finite are listed in ``log_dir``."""

    def __init__(self, processes: Processes, log_dir: Path) -> None:
        self._processes = processes
        self._log_dir = log_dir
        self._unchecked: list[tuple[int, dict[str, torch.Tensor], list[FrameId]]] = []

    def add(self, step: int, terms: dict[str, torch.Tensor], frames: list[FrameId]) -> None:
        """Collect a step's loss terms, scalars on the device, and its frames."""
        self._unchecked.append((step, terms, frames))

    def check(self) -> dict[str, float] | None:
        """Check all steps since the last check, in all processes together: UserError if a loss is
        not finite.  Term → value in the last step, mean over all processes, and their "total"; None
        if there was no step."""
        if not self._unchecked:
            return None
        names = list(self._unchecked[0][1])
        rows = [torch.stack([terms[name] for name in names]) for _, terms, _ in self._unchecked]
        table = self._processes.mean(torch.stack(rows).float()).cpu()
        for (step, _, frames), row in zip(self._unchecked, table.tolist(), strict=True):
            losses = dict(zip(names, row, strict=True))
            if not all(map(math.isfinite, row)):
                self._refuse(step, losses, frames)
        self._unchecked = []
        return losses | {"total": math.fsum(losses.values())}

    def _refuse(self, step: int, terms: dict[str, float], frames: list[FrameId]) -> None:
        names = self._processes.gathered(list(map(str, frames)))
        path = self._log_dir / f"nonfinite_step_{step}.json"
        if self._processes.main:
            losses = {name: str(value) for name, value in terms.items()}
            record = {"step": step, "losses": losses, "frames": names}
            write_text(path, json.dumps(record, indent=1) + "\n")
        parts = ", ".join(f"{name} {value:g}" for name, value in terms.items())
        raise UserError(
            f"the loss is not finite at step {step} ({parts}); its {len(names)} frames are "
            f"listed in {path}, the last checkpoint is kept. Lower the learning rate or set "
            "clip_norm in the configuration"
        )


@contextlib.contextmanager
def report_stalls(limit: float, workers: int) -> Iterator[None]:
    """Print a line each time a batch has been waited for another ``limit`` seconds; ``workers``,
    the number of reading processes, is for the advice."""
    arrived, since = threading.Event(), time.monotonic()

    def watch() -> None:
        while not arrived.wait(limit):
            tqdm.write(
                f"waiting for a batch for {time.monotonic() - since:.0f} s: {workers} reading "
                "processes (--workers); is the disk or the network behind it slow or gone?",
                file=sys.stderr,
            )

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        arrived.set()
        thread.join()
