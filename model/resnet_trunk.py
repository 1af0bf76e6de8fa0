"""The ResNet trunk that every network of the project begins with."""

from typing import NamedTuple

from torch import Tensor, nn
from torchvision import models

from model.state_dict import RESNETS

#: Factor by which the trunk's five strided layers shrink a picture.
TRUNK_STRIDE = 32
#: Beginnings of the names of the trunk's weights.
TRUNK_PARTS = ("conv1.", "bn1.", "layer1.", "layer2.", "layer3.", "layer4.")


class TrunkMaps(NamedTuple):
    """Feature maps of the trunk; each strided layer halves the side and rounds up.

    Attributes:
        stride4, stride8, stride16, stride32: (B, C, ⌈S/n⌉, ⌈S/n⌉) with C = 64, 128, 256, 512 for
            basic blocks (ResNet-18 and -34), four times that for bottlenecks.
    """

    stride4: Tensor
    stride8: Tensor
    stride16: Tensor
    stride32: Tensor


class ResNetTrunk(nn.Module):
    """A ResNet without its pool and classifier; weights have torchvision's names.

    Attributes:
        depth: 18, 34, 50, 101 or 152.
        feature_channels: channels of the last map, 512 or 2048.
    """

    def __init__(self, depth: int) -> None:
        """Build the trunk with random weights.

        Raises:
            ValueError: for a depth there is no ResNet of.
        """
        super().__init__()
        if depth not in RESNETS:
            known = ", ".join(str(known) for known in RESNETS)
            raise ValueError(f"depth {depth}: there are ResNets of depth {known}")
        self.depth = depth
        trunk = models.get_model(f"resnet{depth}", weights=None)
        self.feature_channels: int = trunk.fc.in_features
        self.conv1 = trunk.conv1
        self.bn1 = trunk.bn1
        self.relu = trunk.relu
        self.maxpool = trunk.maxpool
        self.layer1 = trunk.layer1
        self.layer2 = trunk.layer2
        self.layer3 = trunk.layer3
        self.layer4 = trunk.layer4

    def trunk_maps(self, images: Tensor) -> TrunkMaps:
        """Feature maps of (B, 3, S, S) RGB pictures, normalised as (x / 255 − 0.5) / 0.5."""
        stride4 = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(images)))))
        stride8 = self.layer2(stride4)
        stride16 = self.layer3(stride8)
        return TrunkMaps(stride4, stride8, stride16, self.layer4(stride16))
