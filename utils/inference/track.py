"""The last frames of a sequence, kept for a model with a temporal version."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dataset.runs import Place, history_rows, run_lengths


class Track:
    """Predictions for the last frames, as many as a history needs.

    Sequences pass one after the other, frame by frame or in batches: a history never reaches into
    another sequence or over a gap in the numbers.  ``lags`` are the ages of a history's frames,
    rising from 0.
    """

    def __init__(self, lags: Sequence[int]) -> None:
        self._lags = tuple(lags)
        self._places: list[Place] = []
        self._memory: tuple[Tensor, ...] = ()

    def history(self, memory: tuple[Tensor, ...], places: Sequence[Place]) -> tuple[Tensor, ...]:
        """Histories of the next B frames, which are then kept.

        ``memory`` is (B, …) each, see :meth:`model.pose_model.PoseModel.memory`; the result the
        same gathered to (B, K, …), then (B, K) bool: which frames are there.
        """
        count = len(places)
        if self._memory:
            memory = tuple(torch.cat(both) for both in zip(self._memory, memory, strict=True))
        places = [*self._places, *places]
        rows, known = (
            torch.from_numpy(values[-count:]).to(memory[0].device)
            for values in history_rows(run_lengths(places), self._lags)
        )
        start = max(0, len(places) - self._lags[-1])
        self._places, self._memory = places[start:], tuple(part[start:] for part in memory)
        return (*(part[rows] for part in memory), known)
