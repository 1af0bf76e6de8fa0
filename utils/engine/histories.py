"""What a single-frame model says of every frame of a video set, looked at once and kept."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from tqdm import tqdm

from base.frame import FrameId
from dataset.runs import history_rows, run_lengths
from model.temporal import History
from utils.engine.row_loader import RowLoader


@dataclass(frozen=True, slots=True)
class SeenFrames:
    """N frames of a split in the order of their sequences, each seen V times.

    Attributes:
        tokens: (V, N, 16, D) float16.
        camera3d: (V, N, 16, 3) metres, camera frame, predicted.
        log_scale: (V, N, 16).
        joints3d: (V, N, 16, 3) metres, camera frame, true.
        visible, known: (V, N, 16) bool, whether joints are seen and whether that is known.
        actions: N clip names.
        frame_ids: N identities.
    """

    tokens: torch.Tensor
    camera3d: torch.Tensor
    log_scale: torch.Tensor
    joints3d: torch.Tensor
    visible: torch.Tensor
    known: torch.Tensor
    actions: list[str]
    frame_ids: list[FrameId]

    @classmethod
    def joined(
        cls, tensors: list[list[torch.Tensor]], actions: list[str], frame_ids: list[FrameId]
    ) -> "SeenFrames":
        """From the tensors of batches, each (V, B, …), in any order of frames."""
        order = sorted(range(len(frame_ids)), key=frame_ids.__getitem__)
        whole = [torch.cat(parts, 1)[:, order] for parts in zip(*tensors, strict=True)]
        return cls(*whole, [actions[row] for row in order], [frame_ids[row] for row in order])

    def __len__(self) -> int:
        return len(self.frame_ids)

    def frame_id(self, index: int) -> FrameId:
        """Identity of a frame."""
        return self.frame_ids[index]


class HistoryBatch(NamedTuple):
    """B frames with their histories, on the device.

    Attributes:
        history: what was said of them and of those before.
        joints3d: (B, 16, 3) metres, camera frame, true.
        visible, known: (B, 16) bool.
        rows: (B,) int64 on the CPU, their rows in the set.
    """

    history: History
    joints3d: torch.Tensor
    visible: torch.Tensor
    known: torch.Tensor
    rows: torch.Tensor

    def __len__(self) -> int:
        return len(self.rows)


class HistoryLoader(RowLoader):
    """Batches of frames with their histories; each epoch takes the next look.

    Args:
        seen: the split, on the CPU.
        lags: of the histories.
        device: where the batches go.
        order: batch size and order, see :class:`~utils.engine.row_loader.RowLoader`.

    Attributes:
        complete: share of the frames whose whole history is there.
    """

    dataset: SeenFrames

    def __init__(
        self, seen: SeenFrames, lags: tuple[int, ...], device: torch.device, **order: Any
    ) -> None:
        super().__init__(seen, seen.actions, torch.device("cpu"), **order)
        self._device = device
        places = [((f.character, f.environment), f.number) for f in seen.frame_ids]
        rows, known = history_rows(run_lengths(places), lags)
        self._history, self._known = torch.from_numpy(rows), torch.from_numpy(known)
        self.complete = float(known.all(1).mean())

    def _batch(self, rows: torch.Tensor, placed: torch.Tensor) -> HistoryBatch:
        seen, view = self.dataset, self.epoch % len(self.dataset.tokens)
        history = self._history[placed]

        def put(values: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
            return values[view, at].to(self._device, non_blocking=True)

        return HistoryBatch(
            History(
                put(seen.tokens, history).float(),
                put(seen.camera3d, history),
                put(seen.log_scale, history),
                self._known[placed].to(self._device),
            ),
            put(seen.joints3d, placed),
            put(seen.visible, placed),
            put(seen.known, placed),
            rows,
        )


def progress(total: int, what: str) -> tqdm:
    """Bar of the frames looked at."""
    return tqdm(total=total, desc=what, unit="frame", leave=False, dynamic_ncols=True)
