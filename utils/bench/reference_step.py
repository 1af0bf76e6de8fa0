"""The reference implementation's training step, plainly, to measure ours against.

Written from its description: one picture decoded, cropped and shrunk per frame whatever the stage,
target heatmaps drawn joint by joint in NumPy, batches of 16 in single precision, Adam.  Networks
are ours, which have its layers.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from base.camera import RELEASE_CAMERA
from base.skeleton import HEATMAP_JOINTS, JOINT_PREFIX, JOINTS, LIMBS, NECK
from dataset.mocap import Mocap

BATCH_SIZE = 16
INPUT_SIZE = 368
HEATMAP_SIZE = 48
SIGMA = 2.0


def draw_target(joints2d: np.ndarray) -> np.ndarray:
    """Target maps of one frame, joint by joint.

    Args:
        joints2d: (16, 2) pixels of the 368-pixel picture.

    Returns:
        (15, 48, 48) float32.
    """
    stride = INPUT_SIZE / HEATMAP_SIZE
    reach = int(3 * SIGMA)
    maps = np.zeros((len(HEATMAP_JOINTS), HEATMAP_SIZE, HEATMAP_SIZE), np.float32)
    offset = np.arange(-reach, reach + 1)
    patch = np.exp(-(offset[:, None] ** 2 + offset[None] ** 2) / (2 * SIGMA**2))
    for target, joint in zip(maps, HEATMAP_JOINTS, strict=True):
        x, y = joints2d[joint]
        if not (-0.5 <= x < INPUT_SIZE - 0.5 and -0.5 <= y < INPUT_SIZE - 0.5):
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
        frames: where the files are.
    """

    def __init__(self, frames: Mocap) -> None:
        self._pictures = [frames.picture_path(number) for number in range(len(frames))]

    def __len__(self) -> int:
        return len(self._pictures)

    @staticmethod
    def _label(picture: Path) -> Path:
        name = picture.name.replace(".rgba.", "_").replace(".png", ".json")
        return picture.parent.parent / "json" / name

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """(3, 368, 368) picture, (15, 48, 48) maps, (16, 3) metres with the Neck at the origin."""
        path = self._pictures[index]
        picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        left = (picture.shape[1] - picture.shape[0]) // 2
        square = picture[:, left : left + picture.shape[0]].astype(np.float64) / 255
        # Anti-aliasing as image libraries do it: a blur by half of what is lost, then sampling.
        scale = square.shape[0] / INPUT_SIZE
        square = cv2.GaussianBlur(square, (0, 0), (scale - 1) / 2)
        shrunk = cv2.resize(square, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_LINEAR)
        shrunk = ((shrunk - 0.5) / 0.5).transpose(2, 0, 1).astype(np.float32)

        label = json.loads(self._label(path).read_text())
        rows = {joint["name"]: row for row, joint in enumerate(label["joints"])}
        order = [rows[JOINT_PREFIX + name] for name in JOINTS]
        joints2d = np.array(label["pts2d_fisheye"]).T[order]
        joints2d = (joints2d - [left, 0] + 0.5) * (INPUT_SIZE / RELEASE_CAMERA.height) - 0.5
        joints3d = np.array(label["pts3d_fisheye"]).T[order] / 100
        pose = (joints3d - joints3d[NECK]).astype(np.float32)
        return (
            torch.from_numpy(np.ascontiguousarray(shrunk)),
            torch.from_numpy(draw_target(joints2d)),
            torch.from_numpy(pose),
        )


def loss2d(network: nn.Module, picture: Tensor, maps: Tensor, pose: Tensor) -> Tensor:
    """Loss of train2d: mean squared error of the maps."""
    return ((network(picture) - maps) ** 2).mean()


def loss3d(network: nn.Module, picture: Tensor, maps: Tensor, pose: Tensor) -> Tensor:
    """Loss of train3d, limb by limb."""
    predicted, rebuilt = network(maps)
    loss = 0.001 * ((rebuilt - maps) ** 2).mean()
    loss = loss + 0.1 * (predicted - pose).pow(2).sum(2).sqrt().mean()
    cosine, distance = 0.0, 0.0
    for parent, child in LIMBS:
        limb = predicted[:, child] - predicted[:, parent]
        true = pose[:, child] - pose[:, parent]
        length = limb.pow(2).sum(1).sqrt() * true.pow(2).sum(1).sqrt()
        cosine = cosine + ((limb * true).sum(1) / length).mean()
        distance = distance + (limb - true).pow(2).sum(1).sqrt().mean()
    return loss - 0.01 * cosine + 0.5 * distance
