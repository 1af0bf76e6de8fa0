"""Progress of a run: a bar, TensorBoard, and log.jsonl with the same figures."""

import contextlib
import json
import resource
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from base.errors import UserError
from base.files import write_text


def memory_gib(device: torch.device) -> float:
    """Peak memory in GiB: of the device, or of this process on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    if device.type == "mps":
        return torch.mps.driver_allocated_memory() / 2**30
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def _truncate_log(path: Path, step: int) -> None:
    """Take out of a log what was written after ``step``, which is about to be done again."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):  # a kill may have cut off the last line
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
    write_text(path, "".join(kept))


class RunLog(contextlib.AbstractContextManager["RunLog"]):
    """Bar, TensorBoard and ``log.jsonl`` of a run of ``total`` steps, ``step`` of them done: later
    entries are removed, for that part of the run is done again.  Without ``enabled``, in all
    processes but the main one, nothing is written; UserError where that is not possible."""

    def __init__(
        self, log_dir: Path, name: str, step: int, total: int, enabled: bool = True
    ) -> None:
        position = {"total": total, "initial": step, "desc": name, "unit": "step"}
        self.bar = tqdm(**position, dynamic_ncols=True, disable=not enabled)
        self._writer = self._file = None
        self._folder = log_dir
        self._thread_hook = threading.excepthook
        if enabled:
            threading.excepthook = self._on_thread_error
            with self._writing():
                _truncate_log(log_dir / "log.jsonl", step)
                self._file = (log_dir / "log.jsonl").open("a", encoding="utf-8")
                self._writer = SummaryWriter(str(log_dir), purge_step=step + 1 if step else None)

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        self.bar.close()
        if self._writer is None:
            return
        # On a full disk the end of the log fails as well; what failed first is what is reported.
        reported = contextlib.suppress(UserError) if failed else contextlib.nullcontext()
        try:
            with reported, self._writing():
                self._writer.close()
                self._file.close()
        finally:
            threading.excepthook = self._thread_hook

    def _on_thread_error(self, raised: threading.ExceptHookArgs) -> None:
        # TensorBoard writes in a thread and hands what went wrong there to the next call; the
        # thread's own traceback on the screen would bury the line that this becomes.
        if not issubclass(raised.exc_type, OSError):
            self._thread_hook(raised)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what a full or read-only disk does into one clear line."""
        try:
            yield
        except OSError as error:
            raise UserError(
                f"{self._folder}: logs cannot be written ({error.strerror or error})"
            ) from None

    def print(self, line: str) -> None:
        """Print a line above the bar."""
        if self._writer is not None:
            tqdm.write(line)

    def training(self, epoch: int, step: int, losses: dict[str, float], **figures: float) -> None:
        """Figures of training after ``step`` steps; ``losses`` has each term and "total"."""
        self.bar.set_postfix_str(
            f"loss {losses['total']:.4f}, {figures['frames_per_second']:.0f} frames/s"
        )
        scalars = {f"loss/{name}": value for name, value in losses.items()} | figures
        record = {"step": step, "kind": "training", "epoch": epoch, "loss": losses, **figures}
        self._write(scalars, step, record)

    def validation(
        self, epoch: int, step: int, figures: dict[str, float], by_action: dict[str, float]
    ) -> None:
        """Figures on ValSet after ``epoch`` epochs, that is ``step`` steps."""
        scalars = {f"validation/{name}": value for name, value in figures.items()}
        scalars |= {f"validation_mpjpe_mm/{group}": mm for group, mm in by_action.items()}
        record = {"step": step, "kind": "validation", "epoch": epoch, **figures}
        # TensorBoard shows these over epochs, so that runs with other batch sizes compare.
        self._write(scalars, epoch, record | {"mpjpe_mm_by_action": by_action})

    def image(self, name: str, image: np.ndarray, epoch: int) -> None:
        """A (H, W, 3) uint8 RGB picture for TensorBoard."""
        if self._writer is not None:
            with self._writing():
                self._writer.add_image(name, image, epoch, dataformats="HWC")

    def _write(self, scalars: dict[str, float], position: int, record: dict[str, Any]) -> None:
        if self._writer is None:
            return
        with self._writing():
            for name, value in scalars.items():
                self._writer.add_scalar(name, value, position)
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()
