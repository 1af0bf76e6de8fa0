"""Batches: frames stacked, still uint8, and the step that makes them the network's input."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from base.frame import Frame, FrameId


@dataclass(slots=True)
class Batch:
    """B frames."""

    images: torch.Tensor | None  # (B, S, S, 3) uint8 RGB, or None where only labels were read
    joints2d: torch.Tensor  # (B, 16, 2) float32 pixels of the pictures
    joints3d: torch.Tensor  # (B, 16, 3) float32 metres, camera frame
    visible: torch.Tensor  # (B, 16) bool
    actions: list[str]  # clip names
    frame_ids: list[FrameId]

    def __len__(self) -> int:
        return len(self.actions)

    def pin_memory(self) -> "Batch":
        """Called by the loader where copies to the device are to overlap with work on it."""
        if self.images is not None:
            self.images = self.images.pin_memory()
        return self

    def share_memory(self) -> None:
        """Move the tensors to where another process can read them; RuntimeError without room."""
        for tensor in (self.images, self.joints2d, self.joints3d, self.visible):
            if tensor is not None:
                tensor.share_memory_()


def collate(frames: Sequence[Frame]) -> Batch:
    """Stack frames into a batch."""

    def stacked(name: str) -> torch.Tensor:
        return torch.from_numpy(np.stack([getattr(frame, name) for frame in frames]))

    return Batch(
        None if frames[0].image is None else stacked("image"),
        *(stacked(name) for name in ("joints2d", "joints3d", "visible")),
        actions=[frame.action for frame in frames],
        frame_ids=[frame.frame_id for frame in frames],
    )


def to_input(images: torch.Tensor, device: torch.device | str = "cpu") -> torch.Tensor:
    """(B, S, S, 3) uint8 RGB pictures as the network takes them.

    The copy to the device is of bytes; the result is (B, 3, S, S) float32 in [-1, 1], that is
    (x/255 - 0.5) / 0.5, channels-last in memory.
    """
    images = images.to(device, non_blocking=True)
    return images.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)
