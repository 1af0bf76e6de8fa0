"""The record that carries one frame from any source to everything downstream."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, order=True)
class FrameId:
    """Identity of a frame: which character, in which environment, which frame number."""

    character: str
    environment: str
    number: int

    def __str__(self) -> str:
        return f"{self.character}/{self.environment}/{self.number:06d}"


@dataclass(slots=True)
class Frame:
    """One frame, the same whatever it was read from.

    Attributes:
        image: (H, W, 3) uint8 RGB picture, or None where only labels are read.
        joints2d: (16, 2) float32 pixels of ``image`` (x right, y down, pixel centres at integers).
        joints3d: (16, 3) float32 metres, camera frame (x right in the picture, y down in the
            picture, z along the optical axis).
        visible: (16,) bool, inside the picture and, where the labels know, not occluded.
        action: clip name as the label has it.
        frame_id: identity.
    """

    image: np.ndarray | None
    joints2d: np.ndarray
    joints3d: np.ndarray
    visible: np.ndarray
    action: str
    frame_id: FrameId
