"""The reference implementation's networks, written down once more from their published layout.

Plain functions on state dicts and torchvision's own modules, sharing nothing with ``model``.
"""

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def _batch_norm(name: str, channels: int) -> Shapes:
    keys = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{key}": (channels,) for key in keys} | {f"{name}.num_batches_tracked": ()}


def _random(shapes: Shapes) -> dict[str, Tensor]:
    """Weights that keep the size of what passes through them, and statistics."""
    generator, weights = torch.Generator().manual_seed(0), {}
    for name, shape in shapes.items():
        values = torch.randn(shape, generator=generator)
        if len(shape) > 1:
            weights[name] = values * (2.0 / values[0].numel()) ** 0.5
        elif name.endswith(("running_var", ".weight")):
            # Small in trunks, whose many residual blocks add up.
            weights[name] = 0.2 + 0.2 * values.abs()
        else:
            weights[name] = 0.1 * values if shape else torch.tensor(7)
    return weights


def resnet_state_dict(depth: int) -> dict[str, Tensor]:
    """Random weights in the layout of ``resnet_state_dict``."""
    trunk = getattr(torchvision.models, f"resnet{depth}")(weights=None).state_dict()
    shapes = {name: tuple(value.shape) for name, value in trunk.items()}
    channels = shapes.pop("fc.weight")[1]
    del shapes["fc.bias"]
    for n, wide in ((0, channels), (3, 256)):
        shapes[f"deconv_layers.{n}.weight"] = (wide, 256, 4, 4)
        shapes |= _batch_norm(f"deconv_layers.{n + 1}", 256)
    return _random(shapes | {"final_layer.weight": (15, 256, 1, 1), "final_layer.bias": (15,)})


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


def autoencoder_state_dict() -> dict[str, Tensor]:
    """Random weights in the layout of ``autoencoder_state_dict``, for heatmaps of 48 cells."""
    flat = 512 * 6**2
    sizes = {"fc1": (2048, flat), "fc2": (512, 2048), "fc3": (20, 512)}
    sizes |= {"b1_fc1": (32, 20), "b1_fc2": (32, 32), "b1_fc3": (48, 32)}
    sizes |= {"b2_fc1": (512, 20), "b2_fc2": (2048, 512), "b2_fc3": (flat, 2048)}
    shapes: Shapes = {}
    for name, (first, second) in sizes.items():
        shapes |= {f"{name}.weight": (first, second), f"{name}.bias": (first,)}
    for n, (first, second) in enumerate(((64, 15), (128, 64), (512, 128)), 1):
        shapes |= {f"conv{n}.weight": (first, second, 4, 4), f"conv{n}.bias": (first,)}
        shapes |= _batch_norm(f"bn{n}", first)
        # From the code back to the maps.
        shapes |= {f"b2_deconv{4 - n}.weight": (first, second, 4, 4)}
        shapes |= {f"b2_deconv{4 - n}.bias": (second,)}
    return _random(shapes)


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
