"""A checkpoint as an object that takes pictures of any size and returns poses in their pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch

from base.base_transform import BaseTransform
from dataset.pictures import read_picture
from dataset.transforms import SquareCrop
from utils.checkpoint import load_pose_model
from utils.device import select_device
from utils.predict import PosePredictor

#: Sizes of pictures whose transforms are kept ready.
_KEPT_SIZES = 32


@dataclass(frozen=True, slots=True)
class Pose:
    """The pose of one picture.

    Attributes:
        joints3d: (16, 3) float32 metres, camera axes (x right in the picture, y down in it, z
            along the optical axis), Neck at the origin; order of :data:`base.skeleton.JOINTS`.
        joints2d: (16, 2) float32 pixels of the picture that was given; the Head, which has no
            heatmap, is projected from the 3D pose.
        confidence: (16,) float32 in [0, 1], height of each joint's heatmap.
        neck: (3,) float32 metres: where the Neck is in the camera frame; ``joints3d + neck`` is
            the pose before the camera.
    """

    joints3d: np.ndarray
    joints2d: np.ndarray
    confidence: np.ndarray
    neck: np.ndarray


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture on its way through the network.

    Attributes:
        square: (S, S, 3) uint8 RGB, what the network is shown.
        view: how the square came out of the picture.
    """

    square: np.ndarray
    view: BaseTransform


def as_rgb(picture: np.ndarray) -> np.ndarray:
    """A picture of 1, 3 or 4 channels as three.

    Args:
        picture: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) uint8; RGB where there is colour.

    Returns:
        (H, W, 3) uint8 RGB, sharing memory where nothing had to change.

    Raises:
        ValueError: for another shape or type.
    """
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or 0 in picture.shape:
        raise ValueError(f"a picture is (H, W[, C]) uint8, not {picture.shape} {picture.dtype}")
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    if channels == 1:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    if channels not in (3, 4):
        raise ValueError(f"a picture has 1, 3 or 4 channels, not {channels}")
    return picture[..., :3]


class EgoPosePredictor:
    """Pictures in, 3D poses out.  Calls from several threads do not disturb each other.

    Args:
        checkpoint: a finetuned checkpoint, of this project or of the reference implementation.
        gpu: as ``--gpu``: a CUDA device number, "cpu", "mps".
        precision: "auto", "fp32" or "bf16".

    Attributes:
        checkpoint: its path.
        input_size: side S of the network's picture, pixels.

    Raises:
        UserError: for a checkpoint that is none or of another stage, a device that is not there.
    """

    def __init__(
        self, checkpoint: str | Path, gpu: str | int = "0", precision: str = "auto"
    ) -> None:
        device = select_device(str(gpu))
        loaded = load_pose_model(Path(checkpoint), device)
        self.checkpoint = loaded.path
        self.input_size = loaded.model.input_size
        self._network = PosePredictor(loaded.model, device, precision)
        self._view_of_size = lru_cache(_KEPT_SIZES)(self._make_view)

    def _make_view(self, width: int, height: int) -> BaseTransform:
        return SquareCrop(self.input_size, width, height)

    def prepare(self, picture: np.ndarray) -> Prepared:
        """What the network is shown of a (H, W[, C]) uint8 picture.  Cheap to run in a thread."""
        picture = as_rgb(picture)
        view = self._view_of_size(picture.shape[1], picture.shape[0])
        return Prepared(view.image(picture), view)

    def poses(self, prepared: Sequence[Prepared]) -> list[Pose]:
        """Poses of prepared pictures, in one batch."""
        squares = torch.from_numpy(np.stack([item.square for item in prepared]))
        found = self._network(squares)
        return [
            Pose(joints3d, item.view.points_back(joints2d), confidence, neck)
            for item, joints3d, joints2d, confidence, neck in zip(prepared, *found, strict=True)
        ]

    def batch(self, pictures: Sequence[np.ndarray | str | Path]) -> list[Pose]:
        """Poses of several pictures, see :meth:`__call__`; they may differ in size."""
        if not pictures:
            return []
        return self.poses(
            [
                self.prepare(item if isinstance(item, np.ndarray) else read_picture(Path(item)))
                for item in pictures
            ]
        )

    def __call__(self, picture: np.ndarray | str | Path) -> Pose:
        """Pose of one picture: (H, W[, C]) uint8, RGB where there is colour, or its path.

        Raises:
            BrokenFrameError: for a file that is no picture.
            ValueError: for an array that is none.
        """
        return self.batch([picture])[0]
