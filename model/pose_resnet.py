"""Pictures → heatmaps: a trunk with two transposed convolutions on top.

Source: Xiao, Wu & Wei, "Simple baselines for human pose estimation and tracking", ECCV 2018, with
two upsampling stages instead of three, as in Tome et al., "xR-EgoPose", ICCV 2019.
"""

from torch import Tensor, nn

from base.skeleton import NUM_HEATMAPS
from model.backbone import TRUNK_STRIDE, Trunk

#: Factor by which the head enlarges the trunk's last map.
HEAD_SCALE = 4

_HEAD_CHANNELS = 256
#: Standard deviation of the head's initial weights, as in Simple Baselines.  It makes the first
#: maps nearly empty, which is what almost every cell of a target map is.
_HEAD_STD = 0.001


def _upsample(in_channels: int) -> list[nn.Module]:
    return [
        nn.ConvTranspose2d(in_channels, _HEAD_CHANNELS, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(_HEAD_CHANNELS),
        nn.ReLU(inplace=True),
    ]


class PoseResNet(Trunk):
    """Heatmaps of the joints from a picture.

    Parameters are named as in the reference implementation: torchvision's names in the trunk,
    ``deconv_layers`` and ``final_layer`` in the head.

    Attributes:
        num_heatmaps: J.
    """

    def __init__(self, backbone: str = "resnet101", num_heatmaps: int = NUM_HEATMAPS) -> None:
        super().__init__(backbone)
        self.num_heatmaps = num_heatmaps
        self.deconv_layers = nn.Sequential(
            *_upsample(self.trunk_channels[-1]), *_upsample(_HEAD_CHANNELS)
        )
        self.final_layer = nn.Conv2d(_HEAD_CHANNELS, num_heatmaps, kernel_size=1)
        for layer in (*self.deconv_layers, self.final_layer):
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, std=_HEAD_STD)
        nn.init.zeros_(self.final_layer.bias)

    @staticmethod
    def heatmap_size(input_size: int) -> int:
        """Side of the heatmaps of pictures with side ``input_size``.

        Each of the trunk's five strided layers halves and rounds up, each of the head's two
        doubles: 4 · ⌈S / 32⌉, so 368 → 48 and 192 → 24.
        """
        return HEAD_SCALE * -(-input_size // TRUNK_STRIDE)

    def forward(self, images: Tensor) -> Tensor:
        """Heatmaps of pictures.

        Args:
            images: (B, 3, S, S) RGB, normalised as (x / 255 − 0.5) / 0.5.

        Returns:
            (B, J, h, h) with h = :meth:`heatmap_size` (S); about 1 at a joint and 0 elsewhere once
            trained, not bounded.
        """
        return self.final_layer(self.deconv_layers(self.trunk_maps(images)[-1]))
