"""What a single-frame model says of every frame of a video set, looked at once and kept."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from tqdm import tqdm

from base.frame import FrameId
from dataset.order import BatchOrder, Division
from dataset.runs import history_rows, run_lengths
from model.temporal import History


class SeenFrames(NamedTuple):
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


class _Listed:
    """What the loop asks of a dataset."""

    def __init__(self, frame_ids: list[FrameId]) -> None:
        self._frame_ids = frame_ids

    def __len__(self) -> int:
        return len(self._frame_ids)

    def frame_id(self, row: int) -> FrameId:
        """Identity of a frame."""
        return self._frame_ids[row]


class HistoryLoader:
    """Batches of frames with their histories, drawn by index.

    Args:
        seen: the split.
        lags: of the histories.
        batch_size: frames a batch, over all processes and micro-batches.
        device: where to.
        shuffle: draw a new order each epoch and leave out an incomplete last batch.
        seed: seed of the order.
        division: the part of each batch that is ours.

    Attributes:
        epoch: set it before each pass over shuffled data; each epoch takes the next look.
        start: first step of the next pass, to go on within an epoch.
        workers: reading processes, none.
    """

    workers = 0

    def __init__(
        self,
        seen: SeenFrames,
        lags: tuple[int, ...],
        batch_size: int,
        device: torch.device,
        shuffle: bool = False,
        seed: int = 0,
        division: Division | None = None,
    ) -> None:
        self.dataset = _Listed(seen.frame_ids)
        self.epoch = 0
        self.start = 0
        self.seen = seen
        self._device = device
        places = [((f.character, f.environment), f.number) for f in seen.frame_ids]
        rows, known = history_rows(run_lengths(places), lags)
        self._rows, self._known = torch.from_numpy(rows), torch.from_numpy(known)
        #: Share of the frames whose whole history is there.
        self.complete = float(known.all(1).mean())
        self._order = BatchOrder(
            len(rows), batch_size, shuffle, seed, drop_last=shuffle, division=division
        )

    def __len__(self) -> int:
        return self._order.steps

    def __iter__(self) -> Iterator[HistoryBatch]:
        self._order.epoch, self._order.start = self.epoch, self.start
        order = self._order.permutation()
        for part in self._order.slices():
            if part.start < part.stop:
                yield self.batch(order[part])

    def batch(self, rows: torch.Tensor) -> HistoryBatch:
        """The frames of (B,) rows."""
        seen, view = self.seen, self.epoch % len(self.seen.tokens)
        history = self._rows[rows]

        def put(values: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
            return values[view, at].to(self._device, non_blocking=True)

        return HistoryBatch(
            History(
                put(seen.tokens, history).float(),
                put(seen.camera3d, history),
                put(seen.log_scale, history),
                self._known[rows].to(self._device),
            ),
            put(seen.joints3d, rows),
            put(seen.visible, rows),
            put(seen.known, rows),
            rows,
        )


def progress(total: int, what: str) -> tqdm:
    """Bar of the frames looked at."""
    return tqdm(total=total, desc=what, unit="frame", leave=False, dynamic_ncols=True)
