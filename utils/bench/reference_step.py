"""The reference implementation's losses, plainly, to measure our training step against.

Batches of 16 in single precision and Adam go with them; the networks are ours, which have its
layers.
"""

from torch import Tensor, nn

from base.skeleton import LIMBS

BATCH_SIZE = 16


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
