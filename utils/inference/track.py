"""The last frames of a sequence, kept for a model with a temporal form."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dataset.runs import Place, history_rows, run_lengths


class Track:
    """Predictions for the last frames; their number does not grow with the sequence.

    One sequence after the other may come through it, frame by frame or in batches: a history never
    reaches into another sequence or over a gap in the numbers.

    Args:
        lags: how many frames the frames of a history lie before the newest, rising from 0.
    """

    def __init__(self, lags: Sequence[int]) -> None:
        self._lags = tuple(lags)
        self._places: list[Place] = []
        self._memory: tuple[Tensor, ...] | None = None

    def history(self, memory: tuple[Tensor, ...], places: Sequence[Place]) -> tuple[Tensor, ...]:
        """Histories of the next B frames, which join those that are kept.

        Args:
            memory: (B, …) each, see :meth:`model.pose_model.PoseModel.memory`.
            places: B sequences and numbers.

        Returns:
            The same gathered to (B, K, …), then (B, K) bool: which frames are there.
        """
        count = len(places)
        if self._memory is not None:
            memory = tuple(torch.cat(both) for both in zip(self._memory, memory, strict=True))
        places = [*self._places, *places]
        rows, known = (
            torch.from_numpy(values[-count:]).to(memory[0].device)
            for values in history_rows(run_lengths(places), self._lags)
        )
        kept = min(len(places), self._lags[-1])
        self._places = places[len(places) - kept :]
        self._memory = tuple(part[len(part) - kept :] for part in memory)
        return (*(part[rows] for part in memory), known)
