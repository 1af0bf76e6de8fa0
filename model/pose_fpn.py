"""Pictures → heatmaps and the features around them: a trunk with a light feature pyramid.

Source: Lin et al., "Feature pyramid networks for object detection", CVPR 2017.  At the same
picture and trunk its head costs a third of the two transposed convolutions of
:class:`~model.pose_resnet.PoseResNet`, and keeps what they throw away: features at three strides.
"""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from base.skeleton import NUM_HEATMAPS
from model.backbone import Trunk
from model.pose_resnet import HEAD_STD


class Pyramid(NamedTuple):
    """Of B pictures of side S: heatmaps (B, 15, ⌈S/8⌉, ⌈S/8⌉), about 1 at a joint once trained, not
    bounded, and features (B, C, ⌈S/n⌉, ⌈S/n⌉) at strides n = 8, 16 and 32."""

    heatmaps: Tensor
    stride8: Tensor
    stride16: Tensor
    stride32: Tensor


def _block(in_channels: int, out_channels: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class PoseFPN(Trunk):
    """Heatmaps of the joints from a picture, and a pyramid of features with C channels."""

    def __init__(self, backbone: str = "resnet18", channels: int = 96) -> None:
        super().__init__(backbone)
        self.laterals = nn.ModuleList(_block(wide, channels, 1) for wide in self.trunk_channels[1:])
        self.merges = nn.ModuleList(_block(channels, channels, 3) for _ in range(2))
        self.final_layer = nn.Conv2d(channels, NUM_HEATMAPS, kernel_size=1)
        nn.init.normal_(self.final_layer.weight, std=HEAD_STD)
        nn.init.zeros_(self.final_layer.bias)

    @staticmethod
    def heatmap_size(input_size: int) -> int:
        """Side of the heatmaps of pictures of side S: ⌈S / 8⌉."""
        return -(-input_size // 8)

    def pyramid(self, images: Tensor) -> Pyramid:
        """Heatmaps and features of (B, 3, S, S) RGB, normalised as (x / 255 − 0.5) / 0.5."""
        maps = self.trunk_maps(images)
        fine, middle, coarse = (layer(m) for layer, m in zip(self.laterals, maps[1:], strict=True))
        middle = self.merges[0](middle + F.interpolate(coarse, size=middle.shape[-2:]))
        fine = self.merges[1](fine + F.interpolate(middle, size=fine.shape[-2:]))
        return Pyramid(self.final_layer(fine), fine, middle, coarse)

    def forward(self, images: Tensor) -> Tensor:
        """The heatmaps alone."""
        return self.pyramid(images).heatmaps
