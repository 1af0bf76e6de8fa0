"""Proof that losses are finite, sought now and then: looking at a loss waits for the device."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from base.errors import UserError
from base.files import write_text
from base.frame import FrameId
from utils.training.distributed import Processes


class _Done(NamedTuple):
    """A step whose loss has not been checked yet."""

    step: int
    terms: dict[str, torch.Tensor]
    frames: list[Callable[[], list[FrameId]]]


class LossWatch:
    """Keeps the losses of steps until they are checked.

    Args:
        processes: over which losses are averaged.
        log_dir: where the frames of a loss that is not finite are listed.
    """

    def __init__(self, processes: Processes, log_dir: Path) -> None:
        self._processes = processes
        self._log_dir = log_dir
        self._unseen: list[_Done] = []

    def add(
        self,
        step: int,
        terms: dict[str, torch.Tensor],
        frames: list[Callable[[], list[FrameId]]],
    ) -> None:
        """Keep a step's loss terms, scalars on the device, and ways to name its frames."""
        self._unseen.append(_Done(step, terms, frames))

    @property
    def waiting(self) -> bool:
        """Whether there are losses that have not been checked."""
        return bool(self._unseen)

    def check(self) -> dict[str, float] | None:
        """Losses of the last step, means over all processes, and proof that all since the last
        check are finite.

        Returns:
            Term → value, and "total"; None if there was no step since the last check.

        Raises:
            UserError: if one is not finite; its frames are in a file then.
        """
        if not self._unseen:
            return None
        names = list(self._unseen[0].terms)
        table = torch.stack(
            [torch.stack([done.terms[name] for name in names]) for done in self._unseen]
        )
        table = self._processes.mean(table.float()).cpu()
        finite = torch.isfinite(table).all(1)
        if not finite.all():
            row = int(finite.logical_not().nonzero()[0])
            self._refuse(self._unseen[row], dict(zip(names, table[row].tolist(), strict=True)))
        self._unseen = []
        losses = dict(zip(names, table[-1].tolist(), strict=True))
        return losses | {"total": math.fsum(losses.values())}

    def _refuse(self, done: _Done, terms: dict[str, float]) -> None:
        ours = [str(frame_id) for part in done.frames for frame_id in part()]
        frames = self._processes.gathered(ours)
        path = self._log_dir / f"nonfinite_step_{done.step}.json"
        if self._processes.main:
            record = {
                "step": done.step,
                "losses": {name: str(value) for name, value in terms.items()},
                "frames": frames,
            }
            write_text(path, json.dumps(record, indent=1) + "\n")
        parts = ", ".join(f"{name} {value:g}" for name, value in terms.items())
        raise UserError(
            f"the loss is not finite at step {done.step} ({parts}); its {len(frames)} frames are "
            f"listed in {path}, the last checkpoint is kept. Lower the learning rate or set "
            "clip_norm in the configuration"
        )
