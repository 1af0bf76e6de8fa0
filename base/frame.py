"""The record that carries one frame from any source to everything downstream."""

from dataclasses import dataclass

import numpy as np

from base.schema import Text


@dataclass(frozen=True, slots=True, order=True)
class FrameId:
    """Identity of a frame: which character, in which environment, which frame number."""

    character: Text
    environment: Text
    number: int

    def __str__(self) -> str:
        return f"{self.character}/{self.environment}/{self.number:06d}"


@dataclass(slots=True)
class Frame:
    """One frame, the same whatever it was read from: its label is of 16 joints."""

    image: np.ndarray | None  # (H, W, 3) uint8 RGB, or None where only labels are read
    joints2d: np.ndarray  # (16, 2) float32 pixels (x right, y down, pixel centres at integers)
    #: (16, 3) float32 metres, camera frame (x right in the picture, y down in it, z forward); a
    #: joint that is not labelled is NaN here and in 2D, and not visible.
    joints3d: np.ndarray
    #: (16,) bool, inside the picture and, where the labels know, not occluded.
    visible: np.ndarray
    action: str  # clip name as the label has it
    frame_id: FrameId
