"""Draw the networks as architecture_{2d,3d,own}.png, each size that of a forward pass."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.common.command import command_parser, parse_early, run_command


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    output = {"required": False, "default": Path("doc"), "help": "folder (default: doc)"}
    parser = command_parser(__doc__, output=output)
    return parser.parse_args(argv)


parse_early(__name__, parse_arguments)

import math
from itertools import pairwise

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from base.files import make_folder, replacing
from base.release_camera import RELEASE_SQUARE
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from model.joint_transformer import JointTransformer
from model.lifting import LiftingAutoencoder
from model.pose_fpn import PoseFPN
from model.pose_resnet import PoseResNet
from utils.drawing.frame_painter import DrawnPose, FramePainter
from utils.drawing.skeleton_pen import overlay_heatmaps
from utils.drawing.style import INK, MUTED, PREDICTED, hex_code

#: Only what predicts the pose is orange, and nothing blue: these are the hues of poses.
_SLATE, _TEAL, _ORANGE, _VIOLET = hex_code(MUTED), "#35a79c", hex_code(PREDICTED[0]), "#8a70c9"
_LIGHT = "#e3dcf2"
_KINDS = {"Conv2d": "conv", "ConvTranspose2d": "deconv", "Linear": "linear", "MaxPool2d": "stem"}
_WHITE = {"facecolor": "white", "linewidth": 0, "pad": 0.8}
_TEXT = {"ha": "center", "va": "center", "fontsize": 8.5, "color": hex_code(INK), "zorder": 4}
_ARROW = {"arrowstyle": "-|>", "color": hex_code(MUTED), "shrinkA": 2, "shrinkB": 2}


def layer_shapes(network: nn.Module, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Output shape, without the batch, of each layer of a network on "meta", fed ``shape``."""
    outputs = {}
    for name, module in network.named_modules():
        module.register_forward_hook(lambda *call, name=name: outputs.update({name: call[-1]}))
    network(torch.zeros((1, *shape), device="meta"))
    return {name: tuple(x.shape[1:]) for name, x in outputs.items() if torch.is_tensor(x)}


def images(cells: int) -> dict[str, np.ndarray]:
    """What goes through the networks, as images; heatmaps have ``cells`` × ``cells``."""
    body = JointTransformer().typical.detach().double().numpy()
    pose = DrawnPose.through_camera(body, RELEASE_SQUARE.resized(640, 640))
    maps = draw_heatmaps(torch.tensor(pose.joints2d[None]), 640, HeatmapShape(cells, 1.5))[0]
    x, y = np.mgrid[-320:320, -320:320, :3][:2]
    lens = np.where(np.hypot(x, y) < 307, 150, 16).astype(np.uint8)
    painter, drawn = FramePainter(220), [(pose, PREDICTED)]
    images = {"picture": painter.picture(lens, drawn), "joints": painter.view(drawn)}
    shown = overlay_heatmaps(np.zeros((cells, cells, 3), np.uint8), maps.numpy())
    return images | dict.fromkeys(("heatmaps", "reconstruction"), shown)


def draw(path: Path, size: tuple, net: nn.Module, shapes: dict, rows: list, texts: list) -> None:
    """Write a diagram of a network whose things have ``shapes``; all places are inches. ``rows``
    are (y, left edge or None for below the first name, colour, names), linked by arrows; what has a
    place keeps it. ``texts`` are (x, y, text, colour or None for what is no title)."""
    figure = Figure(size, dpi=200)
    plane = figure.add_axes((0, 0, 1, 1), xlim=(0, size[0]), ylim=(0, size[1]), autoscale_on=False)
    plane.set_axis_off()
    layers, boxes, pictures = dict(net.named_modules()), {}, images(shapes["heatmaps"][-1])
    for y, left, colour, names in rows:
        for name in (name for name in names.split() if name not in boxes):
            shape, layer, text = shapes[name], layers.get(name), "×".join(map(str, shapes[name]))
            if name in pictures:
                ratio = pictures[name].shape[1] / pictures[name].shape[0]
                width, height, text = 1.1 * ratio, 1.1, f"{name}\n{text}"
            elif len(shape) == 3:
                width, height = 0.045 * math.log2(shape[0]), 0.135 * math.sqrt(shape[1])
                text = f"{shape[1]}×{shape[2]}\n{shape[0]} ch"
            else:
                width, height = (0.12, 0.115 * math.log2(shape[0])) if len(shape) == 1 else (1.6, 2)
            x = boxes[names.split()[0]][0] if left is None else left + width / 2
            low, high = y - height / 2, y + height / 2
            boxes[name] = (x, y, *plane.bar(x, height, width, low, color=colour))
            if name in pictures:
                span = (x - width / 2, x + width / 2, low, high)
                plane.imshow(pictures[name], extent=span, aspect="auto", zorder=2)
            kind = _KINDS.get(type(layer).__name__, "")
            kind = f"{len(layer)} blocks" if name[:5] == "layer" else kind
            plane.text(x, low - 0.03, text, **_TEXT | {"va": "top", "bbox": _WHITE})
            plane.text(x, high + 0.06, kind, **_TEXT | {"va": "bottom", "color": hex_code(MUTED)})
            left = x + width / 2 + 0.4
        for (*start, patch), (*_, target) in pairwise(boxes[name] for name in names.split()):
            box = target.get_bbox()
            end = np.clip(start, box.min + 0.15 * box.size, box.max - 0.15 * box.size)
            plane.annotate("", end, start, arrowprops=_ARROW | {"patchA": patch, "patchB": target})
    for x, y, text, colour in texts:
        title = {"fontsize": 10, "fontweight": "bold", "color": colour} if colour else {}
        plane.text(x, y, text, **_TEXT | title)
    with replacing(path) as temporary:
        figure.savefig(temporary)
    print(path)


def main(argv: list[str] | None = None) -> None:
    options = parse_arguments(argv)
    folder = make_folder(options.output)
    with torch.device("meta"):
        resnet, lifting, fpn = PoseResNet(), LiftingAutoencoder(48), PoseFPN()
    decoder = JointTransformer()

    shapes = layer_shapes(resnet, (3, 368, 368)) | {"picture": (3, 368, 368)}
    maps = shapes["heatmaps"] = shapes["final_layer"]
    rows = [(1.3, 0.1, _SLATE, "picture maxpool layer1 layer2 layer3 layer4")]
    rows += [(1.3, 6.05, _TEAL, "layer4 deconv_layers.0 deconv_layers.3 heatmaps")]
    texts = [(3.6, 2.5, "ResNet-101", _SLATE), (6.7, 2.5, "upsampling head", _TEAL)]
    draw(folder / "architecture_2d.png", (8.9, 2.7), resnet, shapes, rows, texts)

    shapes = layer_shapes(lifting, maps) | {"b2_fc3": lifting.code_map, "joints": (16, 3)}
    shapes |= {"heatmaps": maps, "reconstruction": shapes["b2_deconv3"]}
    rows = [(2, 0.1, _SLATE, "heatmaps conv1 conv2 conv3 fc1 fc2"), (2, 4.9, _VIOLET, "fc2 fc3")]
    rows += [(3, 5.5, _ORANGE, "fc3 b1_fc1 b1_fc2 b1_fc3 joints")]
    rows += [(1, 5.5, _TEAL, "fc3 b2_fc1 b2_fc2 b2_fc3 b2_deconv1 b2_deconv2 reconstruction")]
    texts = [(2.3, 2.8, "encoder", _SLATE), (4.95, 2.65, "code", _VIOLET)]
    texts += [(6.0, 3.75, "pose branch", _ORANGE), (7.2, 1.75, "heatmap branch", _TEAL)]
    draw(folder / "architecture_3d.png", (9.9, 4), lifting, shapes, rows, texts)

    shapes = layer_shapes(fpn, (3, 160, 160)) | {"picture": (3, 160, 160), "joints": (16, 3)}
    shapes |= {"heatmaps": shapes["final_layer"], "tokens": decoder.joints.shape}
    rows = [(3, 0.1, _SLATE, "picture layer1 layer2 layer3 layer4")]
    rows += [(1.1, None, _TEAL, "layer4 laterals.2"), (1.1, None, _TEAL, "layer3 merges.0")]
    rows += [(1.1, None, _TEAL, "layer2 merges.1"), (1.7, 5.3, _LIGHT, "laterals.2 tokens joints")]
    rows += [(1.1, 0.4, _TEAL, "laterals.2 merges.0 merges.1 heatmaps")]
    layer = "self-attention\nbetween joints\n\ncross-attention to\nthe stride-16 map\n\nMLP"
    token = "a token per joint:\nfeatures, ray,\nheatmap spread"
    texts = [(6.1, 2.95, f"transformer, {len(decoder.layers)} layers", _VIOLET)]
    texts += [(6.1, 1.7, layer, None), (4.7, 1.6, token, None)]
    texts += [(2.6, 3.85, "ResNet-18", _SLATE), (3.1, 0.15, "feature pyramid", _TEAL)]
    draw(folder / "architecture_own.png", (8.6, 4), fpn, shapes, rows, texts)


if __name__ == "__main__":
    run_command(main)
