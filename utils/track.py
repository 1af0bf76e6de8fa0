"""The last frames of a sequence, kept for a model that looks back."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dataset.runs import Place, history_rows, run_lengths
from model.temporal import History


class Track:
    """What was said of the last frames; their number does not grow with the sequence.

    One sequence after the other may come through it, frame by frame or in batches: a history never
    reaches into another sequence or over a gap in the numbers.

    Args:
        lags: how many frames the frames of a history lie before the newest, rising from 0.
    """

    def __init__(self, lags: Sequence[int]) -> None:
        self._lags = tuple(lags)
        self._places: list[Place] = []
        self._said: tuple[Tensor, ...] | None = None

    def history(
        self, tokens: Tensor, camera3d: Tensor, log_scale: Tensor, places: Sequence[Place]
    ) -> History:
        """Histories of the next B frames, which join those that are kept.

        Args:
            tokens: (B, 16, D).
            camera3d: (B, 16, 3) metres, camera frame.
            log_scale: (B, 16).
            places: B sequences and numbers.
        """
        said = tokens, camera3d, log_scale
        if self._said is not None:
            said = tuple(torch.cat(both) for both in zip(self._said, said, strict=True))
        places = [*self._places, *places]
        rows, known = history_rows(run_lengths(places), self._lags)
        count = len(tokens)
        rows, known = (
            torch.from_numpy(values[-count:]).to(tokens.device) for values in (rows, known)
        )
        history = History(*(part[rows] for part in said), known)
        kept = min(len(places), self._lags[-1])
        self._places = places[len(places) - kept :]
        self._said = tuple(part[len(part) - kept :] for part in said)
        return history
