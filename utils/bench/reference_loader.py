"""The reference implementation's loader, plainly, to measure ours against.

Written from its description: frame by frame on the CPU, whatever the stage, the 1280×800 PNG is
decoded, columns 240 to 1040 are shrunk with anti-aliasing and normalised, the json is parsed and
the target heatmaps are drawn joint by joint in NumPy.
"""

import json
from pathlib import Path

import numpy as np
import torch
from skimage.io import imread
from skimage.transform import resize
from torch import Tensor
from torch.utils.data import Dataset

from base.camera import RELEASE_CAMERA
from base.skeleton import HEATMAP_JOINTS, JOINT_PREFIX, JOINTS, NECK
from dataset.mocap import Mocap

HEATMAP_SIZE = 48
SIGMA = 2.0


def draw_target(joints2d: np.ndarray, input_size: int) -> np.ndarray:
    """Target maps of one frame, joint by joint.

    Args:
        joints2d: (16, 2) pixels of the network's picture.
        input_size: side of that picture, pixels.

    Returns:
        (15, 48, 48) float32.
    """
    stride = input_size / HEATMAP_SIZE
    reach = int(3 * SIGMA)
    maps = np.zeros((len(HEATMAP_JOINTS), HEATMAP_SIZE, HEATMAP_SIZE), np.float32)
    offset = np.arange(-reach, reach + 1)
    patch = np.exp(-(offset[:, None] ** 2 + offset[None] ** 2) / (2 * SIGMA**2))
    for target, joint in zip(maps, HEATMAP_JOINTS, strict=True):
        x, y = joints2d[joint]
        if not (-0.5 <= x < input_size - 0.5 and -0.5 <= y < input_size - 0.5):
            continue
        column, row = int(x / stride + 0.5), int(y / stride + 0.5)
        left, right = max(0, column - reach), min(HEATMAP_SIZE, column + reach + 1)
        top, bottom = max(0, row - reach), min(HEATMAP_SIZE, row + reach + 1)
        target[top:bottom, left:right] = patch[
            top - row + reach : bottom - row + reach, left - column + reach : right - column + reach
        ]
    return maps


class ReferenceFrames(Dataset):
    """Pictures, target maps and poses, read one by one from the extracted layout.

    Args:
        frames: where the files are; nothing else of it is used.
        input_size: side S of the network's picture, pixels.
    """

    def __init__(self, frames: Mocap, input_size: int = 368) -> None:
        self._pictures = [frames.picture_path(number) for number in range(len(frames))]
        self._size = input_size

    def __len__(self) -> int:
        return len(self._pictures)

    @staticmethod
    def _label(picture: Path) -> Path:
        name = picture.name.replace(".rgba.", "_").replace(".png", ".json")
        return picture.parent.parent / "json" / name

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """(3, S, S) picture, (15, 48, 48) maps, (16, 3) metres with the Neck at the origin."""
        path = self._pictures[index]
        picture = imread(path)
        left = (picture.shape[1] - picture.shape[0]) // 2
        square = picture[:, left : left + picture.shape[0], :3]
        shrunk = resize(square, (self._size, self._size), anti_aliasing=True)
        shrunk = ((shrunk - 0.5) / 0.5).transpose(2, 0, 1).astype(np.float32)

        label = json.loads(self._label(path).read_text())
        rows = {joint["name"]: row for row, joint in enumerate(label["joints"])}
        order = [rows[JOINT_PREFIX + name] for name in JOINTS]
        joints2d = np.array(label["pts2d_fisheye"]).T[order]
        joints2d = (joints2d - [left, 0] + 0.5) * (self._size / RELEASE_CAMERA.height) - 0.5
        joints3d = np.array(label["pts3d_fisheye"]).T[order] / 100
        pose = (joints3d - joints3d[NECK]).astype(np.float32)
        return (
            torch.from_numpy(np.ascontiguousarray(shrunk)),
            torch.from_numpy(draw_target(joints2d, self._size)),
            torch.from_numpy(pose),
        )
