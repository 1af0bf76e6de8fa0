"""The reference implementation's networks, written down once more from their published layout.

Plain functions on state dicts and torchvision's own modules, sharing nothing with ``model``.
"""

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

_HEAD = {
    "deconv_layers.0.weight": (None, 256, 4, 4),
    "deconv_layers.3.weight": (256, 256, 4, 4),
    "final_layer.weight": (15, 256, 1, 1),
    "final_layer.bias": (15,),
}


def _noise(shape: tuple[int, ...], fan_in: int, generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator) * (2.0 / fan_in) ** 0.5


def _batch_norm(channels: int, generator: torch.Generator) -> dict[str, Tensor]:
    return {
        "weight": 0.5 + torch.rand(channels, generator=generator),
        "bias": 0.1 * torch.randn(channels, generator=generator),
        "running_mean": 0.1 * torch.randn(channels, generator=generator),
        "running_var": 0.5 + torch.rand(channels, generator=generator),
        "num_batches_tracked": torch.tensor(7),
    }


def resnet_state_dict(depth: int, seed: int = 0) -> dict[str, Tensor]:
    """Random weights in the layout of ``resnet_state_dict``."""
    generator = torch.Generator().manual_seed(seed)
    trunk = getattr(torchvision.models, f"resnet{depth}")(weights=None)
    channels = trunk.fc.in_features
    state_dict = {}
    for name, module in trunk.named_modules():
        if isinstance(module, nn.Conv2d):
            weight = module.weight
            state_dict[f"{name}.weight"] = _noise(weight.shape, weight[0].numel(), generator)
        elif isinstance(module, nn.BatchNorm2d):
            for key, value in _batch_norm(module.num_features, generator).items():
                state_dict[f"{name}.{key}"] = value
            if name.endswith("bn3") or (depth < 50 and name.endswith("bn2")):
                # Keeps the sum over many residual blocks in range.
                state_dict[f"{name}.weight"] *= 0.2
    for name, shape in _HEAD.items():
        shape = (channels, *shape[1:]) if shape[0] is None else shape
        fan_in = 4 * shape[0] if name.startswith("deconv") else 256
        state_dict[name] = _noise(shape, fan_in, generator)
    for index in (1, 4):
        for key, value in _batch_norm(256, generator).items():
            state_dict[f"deconv_layers.{index}.{key}"] = value
    return state_dict


def resnet_forward(state_dict: dict[str, Tensor], depth: int, images: Tensor) -> Tensor:
    """Heatmaps of normalised pictures in evaluation mode."""
    net = getattr(torchvision.models, f"resnet{depth}")(weights=None).eval()
    trunk = {name: value for name, value in state_dict.items() if name in net.state_dict()}
    missing, unexpected = net.load_state_dict(trunk, strict=False)
    assert set(missing) == {"fc.weight", "fc.bias"} and not unexpected
    x = net.maxpool(net.relu(net.bn1(net.conv1(images))))
    for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
        x = layer(x)
    for deconv, norm in ((0, 1), (3, 4)):
        x = F.conv_transpose2d(x, state_dict[f"deconv_layers.{deconv}.weight"], None, 2, 1)
        keys = ("running_mean", "running_var", "weight", "bias")
        x = F.relu(F.batch_norm(x, *(state_dict[f"deconv_layers.{norm}.{key}"] for key in keys)))
    return F.conv2d(x, state_dict["final_layer.weight"], state_dict["final_layer.bias"])


def autoencoder_state_dict(seed: int = 0, coded_size: int = 6) -> dict[str, Tensor]:
    """Random weights in the layout of ``autoencoder_state_dict``."""
    generator = torch.Generator().manual_seed(seed)
    flat = 512 * coded_size**2
    state_dict = {}
    shapes = {
        "conv1": (64, 15, 4, 4),
        "conv2": (128, 64, 4, 4),
        "conv3": (512, 128, 4, 4),
        "fc1": (2048, flat),
        "fc2": (512, 2048),
        "fc3": (20, 512),
        "b1_fc1": (32, 20),
        "b1_fc2": (32, 32),
        "b1_fc3": (48, 32),
        "b2_fc1": (512, 20),
        "b2_fc2": (2048, 512),
        "b2_fc3": (flat, 2048),
        "b2_deconv1": (512, 128, 4, 4),
        "b2_deconv2": (128, 64, 4, 4),
        "b2_deconv3": (64, 15, 4, 4),
    }
    for name, shape in shapes.items():
        deconv = "deconv" in name
        fan_in = 4 * shape[0] if deconv else torch.Size(shape[1:]).numel()
        state_dict[f"{name}.weight"] = _noise(shape, fan_in, generator)
        bias = torch.randn(shape[1] if deconv else shape[0], generator=generator)
        state_dict[f"{name}.bias"] = 0.1 * bias
    for name, channels in (("bn1", 64), ("bn2", 128), ("bn3", 512)):
        for key, value in _batch_norm(channels, generator).items():
            state_dict[f"{name}.{key}"] = value
    return state_dict


def autoencoder_forward(state_dict: dict[str, Tensor], heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """Pose (B, 16, 3) and rebuilt heatmaps (B, 15, h, h)."""

    def p(name: str) -> tuple[Tensor, Tensor]:
        return state_dict[f"{name}.weight"], state_dict[f"{name}.bias"]

    x = heatmaps
    for name in ("conv1", "conv2", "conv3"):
        x = F.leaky_relu(F.conv2d(x, *p(name), stride=2, padding=1), 0.2)
    coded_size = x.shape[-1]
    x = x.reshape(len(x), -1)
    x = F.leaky_relu(F.linear(x, *p("fc1")), 0.2)
    x = F.leaky_relu(F.linear(x, *p("fc2")), 0.2)
    code = F.linear(x, *p("fc3"))

    pose = F.linear(F.linear(F.linear(code, *p("b1_fc1")), *p("b1_fc2")), *p("b1_fc3"))

    x = code
    for name in ("b2_fc1", "b2_fc2", "b2_fc3"):
        x = F.leaky_relu(F.linear(x, *p(name)), 0.2)
    x = x.reshape(-1, 512, coded_size, coded_size)
    x = F.relu(F.conv_transpose2d(x, *p("b2_deconv1"), stride=2, padding=1))
    x = F.relu(F.conv_transpose2d(x, *p("b2_deconv2"), stride=2, padding=1))
    x = F.conv_transpose2d(x, *p("b2_deconv3"), stride=2, padding=1)
    return pose.reshape(-1, 16, 3), x
