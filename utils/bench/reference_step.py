"""The reference implementation's losses, plainly, to measure our training step against.

Batches of 16 in single precision and Adam go with them; the networks are ours, which have its
layers.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler

from base.set_type import SetType
from base.skeleton import LIMBS
from dataset.mocap import Mocap
from model.lifting import LiftingAutoencoder
from model.pose_resnet import PoseResNet
from utils.bench.reference_loader import ReferenceFrames
from utils.bench.timing import Work

BATCH_SIZE = 16
_RELEASE_FRAMES = 252_000


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


def reference_work(
    stage: str, depth: int, data_root: Path, device: torch.device, workers: int, **_: Any
) -> Work:
    """The reference's training of train2d or train3d, loading included.

    Args:
        stage: train2d or train3d.
        depth: ResNet of train2d.
        data_root: folder that holds TrainSet.
        device: where to train.
        workers: reading processes.
    """
    network = PoseResNet(f"resnet{depth}") if stage == "train2d" else LiftingAutoencoder()
    network.to(device).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss = {"train2d": loss2d, "train3d": loss3d}[stage]
    frames = ReferenceFrames(Mocap(data_root, SetType.TRAIN, report=False))

    def step(batch: Any) -> None:
        optimizer.zero_grad()
        loss(network, *(tensor.to(device) for tensor in batch)).backward()
        optimizer.step()

    def batches() -> Iterator[Any]:
        # One epoch as long as the release's: a small set's would start its processes anew each
        # few steps.
        sampler = RandomSampler(frames, replacement=True, num_samples=_RELEASE_FRAMES)
        return iter(DataLoader(frames, BATCH_SIZE, sampler=sampler, num_workers=workers))

    return step, batches
