"""Pictures → heatmaps: a ResNet trunk with two transposed convolutions on top.

Source: Xiao, Wu & Wei, "Simple baselines for human pose estimation and tracking", ECCV 2018, with
two upsampling stages instead of three, as in Tome et al., "xR-EgoPose", ICCV 2019.
"""

import http.client
from pathlib import Path

from torch import Tensor, nn
from torchvision import models

from base.errors import UserError
from base.skeleton import NUM_HEATMAPS
from model.resnet_trunk import TRUNK_PARTS, TRUNK_STRIDE, ResNetTrunk
from model.state_dict import depth_of, is_state_dict, load_strictly, strip_prefix
from model.weight_file import read_weight_file

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


class PoseResNet(ResNetTrunk):
    """Heatmaps of the joints from a picture.

    Parameters are named as in the reference implementation: torchvision's names in the trunk,
    ``deconv_layers`` and ``final_layer`` in the head.

    Attributes:
        depth: 18, 34, 50, 101 or 152.
        num_heatmaps: J.
        feature_channels: channels of :meth:`features`, 512 or 2048.
    """

    def __init__(self, depth: int = 101, num_heatmaps: int = NUM_HEATMAPS) -> None:
        super().__init__(depth)
        self.num_heatmaps = num_heatmaps
        self.deconv_layers = nn.Sequential(
            *_upsample(self.feature_channels), *_upsample(_HEAD_CHANNELS)
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

    def features(self, images: Tensor) -> Tensor:
        """The trunk's last feature map.

        Args:
            images: (B, 3, S, S) RGB, normalised as (x / 255 − 0.5) / 0.5.

        Returns:
            (B, feature_channels, ⌈S/32⌉, ⌈S/32⌉).
        """
        return self.trunk_maps(images).stride32

    def heatmaps(self, features: Tensor) -> Tensor:
        """The head alone: (B, feature_channels, s, s) → (B, J, 4 s, 4 s)."""
        return self.final_layer(self.deconv_layers(features))

    def forward(self, images: Tensor) -> Tensor:
        """Heatmaps of pictures.

        Args:
            images: (B, 3, S, S) RGB, normalised as (x / 255 − 0.5) / 0.5.

        Returns:
            (B, J, h, h) with h = :meth:`heatmap_size` (S); about 1 at a joint and 0 elsewhere once
            trained, not bounded.
        """
        return self.heatmaps(self.features(images))


def _read_file(path: Path) -> dict[str, Tensor]:
    what = f"ImageNet weights {path}"
    remedy = "give a torchvision state dict of the same depth, or 'download'"
    try:
        content = read_weight_file(path)
    except UserError as error:
        raise UserError(f"ImageNet weights {error}; {remedy}") from None
    if not is_state_dict(content):
        raise UserError(f"{what}: not a state dict (names to tensors); {remedy}")
    return content


def _download(depth: int) -> dict[str, Tensor]:
    # The first set of weights is the one the field's pose networks, the reference among them,
    # start from.
    weights = models.get_model_weights(f"resnet{depth}").IMAGENET1K_V1
    try:
        return weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
    # Hash mismatches are RuntimeErrors; everything between here and the server is the others.
    except (OSError, RuntimeError, http.client.HTTPException) as error:
        reason = str(getattr(error, "reason", None) or error).splitlines()[:1]
        raise UserError(
            f"ImageNet weights of ResNet-{depth} could not be downloaded "
            f"({''.join(reason) or type(error).__name__}): fetch {weights.url} elsewhere and give "
            "its path, or start from random weights"
        ) from None


def load_imagenet(model: ResNetTrunk, source: str | Path) -> None:
    """Start the trunk from ImageNet weights; the head keeps its own.

    Args:
        model: the network to fill.
        source: "download" for torchvision's own weights (kept in torch's cache), or the path of a
            torchvision ResNet state dict of the same depth.

    Raises:
        UserError: if the weights are unreachable, unreadable or of another network; the model is
            unchanged then.
    """
    if str(source) == "download":
        what, state_dict = f"ImageNet weights of ResNet-{model.depth}", _download(model.depth)
    else:
        what, state_dict = f"ImageNet weights {source}", strip_prefix(_read_file(Path(source)))
    state_dict = {name: value for name, value in state_dict.items() if not name.startswith("fc.")}
    try:
        depth = depth_of(state_dict)
    except UserError as error:
        raise UserError(f"{what}: {error}") from None
    if depth != model.depth:
        raise UserError(
            f"{what}: of a ResNet-{depth}, the network is a ResNet-{model.depth}; "
            "give weights of that depth, or change the depth"
        )
    own_head = {
        name: value
        for name, value in model.state_dict().items()
        if not name.startswith(TRUNK_PARTS)
    }
    load_strictly(model, state_dict | own_head, what)
