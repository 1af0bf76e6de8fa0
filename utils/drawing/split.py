"""Pictures of evaluated frames, on the release's pictures, not on the network's small ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from base.actions import action_group
from base.camera import RELEASE_CAMERA
from base.set_type import SetType
from dataset.mocap import Mocap
from dataset.transforms import SquareCrop
from utils.drawing.frame import DrawnPose, FramePainter
from utils.evaluate import FrameResult
from utils.files import replacing

Item = TypeVar("Item")


def evenly_spaced(items: Sequence[Item], count: int) -> list[Item]:
    """``count`` of the items, first and last among them; all where there are fewer."""
    if count >= len(items):
        return list(items)
    rows = np.linspace(0, len(items) - 1, count).round().astype(int)
    return [items[row] for row in rows]


class SplitPainter:
    """Draws results on the 800×800 square of the frame they belong to.

    Args:
        root: folder that holds the splits.
        set_type: the split.
    """

    def __init__(self, root: Path, set_type: SetType) -> None:
        self.dataset = Mocap(root, set_type, SquareCrop(RELEASE_CAMERA.height), report=False)
        self._row = {self.dataset.frame_id(row): row for row in range(len(self.dataset))}
        self._painter = FramePainter()

    def paint(self, result: FrameResult) -> np.ndarray:
        """The picture of one result: (H, W, 3) uint8 RGB.

        Raises:
            BrokenFrameError: if the frame's picture can no longer be read.
        """
        frame = self.dataset[self._row[result.frame_id]]
        group = action_group(result.action)
        action = f"{group}: {result.action}" if group else result.action
        return self._painter.paint(
            frame.image,
            DrawnPose.through_camera(result.predicted, self.dataset.camera),
            DrawnPose.through_camera(result.target, self.dataset.camera),
            title=f"{result.frame_id}   {action}",
            note=f"MPJPE {result.error:.1f} mm",
        )

    def save(self, result: FrameResult, folder: Path) -> Path:
        """Write the picture of a result as CHARACTER_ENVIRONMENT_NUMBER.png; returns its path."""
        path = folder / (str(result.frame_id).replace("/", "_") + ".png")
        with replacing(path) as temporary:
            # The lowest compression: four times as fast, a quarter larger.
            picture = cv2.cvtColor(self.paint(result), cv2.COLOR_RGB2BGR)
            if not cv2.imwrite(str(temporary), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1]):
                raise OSError("the picture could not be written whole")
        return path
