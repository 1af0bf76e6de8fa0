"""Pictures → heatmaps: a trunk with two transposed convolutions on top.

Source: Xiao, Wu & Wei, "Simple baselines for human pose estimation and tracking", ECCV 2018, with
two upsampling stages instead of three, as in Tome et al., "xR-EgoPose", ICCV 2019.
"""

from torch import Tensor, nn

from base.skeleton import NUM_HEATMAPS
from model.backbone import TRUNK_STRIDE, Trunk

_WIDE = 256  # channels of the head
#: Standard deviation of the head's initial weights, as in Simple Baselines: the first maps are
#: nearly empty, which is what almost every cell of a target map is.
HEAD_STD = 0.001


class PoseResNet(Trunk):
    """Heatmaps of the joints from a picture, with the reference implementation's names."""

    def __init__(self, backbone: str = "resnet101") -> None:
        super().__init__(backbone)
        layers = []
        for channels in (self.trunk_channels[-1], _WIDE):
            layers.append(nn.ConvTranspose2d(channels, _WIDE, 4, stride=2, padding=1, bias=False))
            layers += [nn.BatchNorm2d(_WIDE), nn.ReLU(inplace=True)]
        self.deconv_layers = nn.Sequential(*layers)
        self.final_layer = nn.Conv2d(_WIDE, NUM_HEATMAPS, kernel_size=1)
        for layer in (*self.deconv_layers[::3], self.final_layer):
            nn.init.normal_(layer.weight, std=HEAD_STD)
        nn.init.zeros_(self.final_layer.bias)

    @staticmethod
    def heatmap_size(input_size: int) -> int:
        """Side of the heatmaps of pictures of side S: 4 · ⌈S / 32⌉, so 368 → 48 and 192 → 24."""
        return 4 * -(-input_size // TRUNK_STRIDE)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) RGB, normalised as (x / 255 − 0.5) / 0.5 → (B, 15, h, h), about 1 at a joint
        and 0 elsewhere once trained, not bounded."""
        return self.final_layer(self.deconv_layers(self.trunk_maps(images)[-1]))
