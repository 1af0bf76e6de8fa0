"""Progress of a run: a bar, TensorBoard, log.jsonl with the same figures, and a check of losses."""

import contextlib
import json
import math
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from base.errors import UserError
from base.files import write_text
from base.frame import FrameId
from utils.training.distributed import Processes


def memory_gib(device: torch.device) -> float:
    """Peak memory in GiB: of the device, or of this process on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    if device.type == "mps":
        return torch.mps.driver_allocated_memory() / 2**30
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


class LossMonitor:
    """Collects the losses of steps and checks them now and then: reading one waits for the device.
    The frames of a loss that is not finite are listed in ``log_dir``."""

    def __init__(self, processes: Processes, log_dir: Path) -> None:
        self._processes, self._log_dir = processes, log_dir
        #: Unchecked steps: number, loss terms (scalars on the device), frames.
        self.steps: list[tuple[int, dict[str, torch.Tensor], list[FrameId]]] = []

    def check(self) -> dict[str, float] | None:
        """Check all steps since the last check, in all processes together: UserError if a loss is
        not finite.  Term → value in the last step, mean over all processes, and their "total"; None
        if there was no step."""
        if not self.steps:
            return None
        rows = [torch.stack(list(terms.values())) for _, terms, _ in self.steps]
        table = self._processes.mean(torch.stack(rows).float()).cpu().tolist()
        for (step, terms, frames), row in zip(self.steps, table, strict=True):
            losses = dict(zip(terms, row, strict=True))
            if not all(map(math.isfinite, row)):
                self._refuse(step, losses, frames)
        self.steps = []
        return losses | {"total": math.fsum(row)}

    def _refuse(self, step: int, losses: dict[str, float], frames: list[FrameId]) -> None:
        names = self._processes.gathered(list(map(str, frames)))
        path = self._log_dir / f"nonfinite_step_{step}.json"
        if self._processes.main:
            texts = {name: str(value) for name, value in losses.items()}
            record = {"step": step, "losses": texts, "frames": names}
            write_text(path, json.dumps(record, indent=1) + "\n")
        parts = ", ".join(f"{name} {value:g}" for name, value in losses.items())
        raise UserError(
            f"the loss is not finite at step {step} ({parts}); its {len(names)} frames are "
            f"listed in {path}, the last checkpoint is kept. Lower the learning rate or set "
            "clip_norm in the configuration"
        )


class RunLog(contextlib.AbstractContextManager["RunLog"]):
    """Bar, TensorBoard and ``log.jsonl`` of a run of ``total`` steps, ``step`` of them done: later
    entries are removed, for that part of the run is done again.  Without ``enabled``, in all
    processes but the main one, nothing is written; UserError where that is not possible."""

    def __init__(
        self, log_dir: Path, name: str, step: int, total: int, enabled: bool = True
    ) -> None:
        position = {"total": total, "initial": step, "desc": name, "unit": "step"}
        self.bar = tqdm(**position, dynamic_ncols=True, disable=not enabled)
        self._path, self._writer = log_dir / "log.jsonl", None
        if enabled:
            with self._writing():
                self._remove_entries(step)
                self._writer = SummaryWriter(str(log_dir), purge_step=step + 1 if step else None)

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        self.bar.close()
        if self._writer is not None:
            # On a full disk the end of the log fails as well; what failed first is reported.
            reported = contextlib.suppress(UserError) if failed else contextlib.nullcontext()
            with reported, self._writing():
                self._writer.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what a full or read-only disk does into one clear line."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"{self._path.parent}: logs cannot be written ({reason})") from None

    def _remove_entries(self, step: int) -> None:
        """Take out what was written after ``step``."""
        kept = []
        for line in self._path.read_text("utf-8").splitlines() if self._path.is_file() else ():
            with contextlib.suppress(ValueError):  # a kill may have cut off the last line
                kept += [line + "\n"] if json.loads(line)["step"] <= step else []
        write_text(self._path, "".join(kept))

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
        with self._writing(), self._path.open("a", encoding="utf-8") as file:
            for name, value in scalars.items():
                self._writer.add_scalar(name, value, position)
            file.write(json.dumps(record) + "\n")
