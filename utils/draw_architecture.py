"""Draw the networks with the sizes they really have.

    python utils/draw_architecture.py --output doc

writes architecture_2d.png, architecture_3d.png and architecture_own.png.  Every size comes from a
forward pass on the networks themselves, so the drawings cannot drift from the code.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon
from torch import nn

from base.camera import RELEASE_CAMERA
from base.skeleton import HEATMAP_JOINTS, LIMBS, NECK, NUM_JOINTS
from model.joint_transformer import JointTransformer
from model.lifting import LiftingAutoencoder
from model.pose_fpn import PoseFPN
from model.pose_resnet import PoseResNet
from utils.command import run_command
from utils.files import make_folder, replacing

_INK = "#22303c"
_MUTED = "#6b7b88"
_BLUE, _TEAL, _ORANGE, _VIOLET, _GREY = "#4c8fd6", "#35a79c", "#f28e2b", "#8a70c9", "#c3ccd4"
_DPI = 200

#: The paper's networks.
_DEPTH, _INPUT_SIZE = 101, 368
#: The project's own, as experiments/configs/transformer.yml has it.
_OWN_DEPTH, _OWN_INPUT_SIZE = 18, 160

Point = tuple[float, float]

#: A standing person, camera axes of the headset, (16, 3) metres: only to fill the drawn picture,
#: maps and pose with something that looks like the real ones.
_X = [0, 0, 0.17, 0.33, 0.26, -0.17, -0.4, -0.5, 0.1, 0.13, 0.14, 0.15, -0.1, -0.14, -0.17, -0.19]
_Y = [-14, -20, -15, 6, 26, -15, -4, 16, -16, -6, -17, -2, -16, -4, -17, -2]
_Z = [0.2, 0.03, 0.25, 0.46, 0.36, 0.25, 0.42, 0.54, *(0.76, 1.16, 1.55, 1.62) * 2]
_BODY = np.stack([_X, np.divide(_Y, 100), _Z], 1)


def layer_shapes(network: nn.Module, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Output shape, without the batch, of every named layer in a forward pass.

    Args:
        network: on any device; nothing is computed if it is on "meta".
        shape: of the network's input, without the batch.
    """
    shapes: dict[str, tuple[int, ...]] = {}

    def remember(name: str) -> Callable:
        def hook(module: nn.Module, arguments: tuple, output: object) -> None:
            if isinstance(output, torch.Tensor):
                shapes[name] = tuple(output.shape[1:])

        return hook

    for name, module in network.named_modules():
        module.register_forward_hook(remember(name))
    network(torch.zeros((1, *shape), device=next(network.parameters()).device))
    return shapes


@dataclass
class Block:
    """A feature map or a vector at its place in the drawing: centre and sides of its front in
    inches, and the depth of its slanted sides."""

    x: float
    y: float
    width: float
    height: float
    depth: float

    def __post_init__(self) -> None:
        self.left = self.x - self.width / 2
        self.right = self.x + self.width / 2 + self.depth
        self.top = self.y + self.height / 2 + self.depth
        self.bottom = self.y - self.height / 2


def _shade(colour: str, factor: float) -> tuple[float, float, float]:
    """A colour mixed with white (factor > 0) or black (factor < 0)."""
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    return tuple(rgb + (1 - rgb) * factor if factor > 0 else rgb * (1 + factor))


def _size_text(shape: Sequence[int]) -> str:
    return "×".join(str(side) for side in shape)


def _below(axes: Axes, x: float, y: float, text: str) -> None:
    style = {"ha": "center", "va": "top", "fontsize": 8.5, "linespacing": 1.25}
    axes.text(x, y - 0.07, text, color=_INK, **style)


def _above(axes: Axes, x: float, y: float, text: str) -> None:
    style = {"ha": "center", "va": "bottom", "fontsize": 8.5, "linespacing": 1.25}
    axes.text(x, y + 0.07, text, color=_MUTED, **style)


def _title(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    axes.text(x, y, text, fontsize=10, fontweight="bold", color=colour, ha="center", va="center")


def _rounded(axes: Axes, corner: Point, width: float, height: float, colour: str) -> FancyBboxPatch:
    box = FancyBboxPatch(
        corner, width, height, "round,pad=0,rounding_size=0.05", facecolor=colour, linewidth=0
    )
    return axes.add_patch(box)


def draw_block(
    axes: Axes, x: float, y: float, shape: tuple[int, ...], colour: str, above: str
) -> Block:
    """Draw a feature map (C, h, w) as a box, a vector (n,) as a bar; its size goes below it."""
    if len(shape) == 3:
        side = 0.135 * math.sqrt(shape[1])
        block = Block(x, y, 0.042 * math.log2(shape[0]), side, 0.18 * side)
        size = f"{_size_text(shape[1:])}\n{shape[0]} ch"
        left, bottom, d = block.left, block.bottom, block.depth
        right, top = left + block.width, bottom + block.height
        for corners, factor in (
            ([(left, top), (right, top), (right + d, top + d), (left + d, top + d)], 0.35),
            ([(right, bottom), (right + d, bottom + d), (right + d, top + d), (right, top)], -0.18),
            ([(left, bottom), (right, bottom), (right, top), (left, top)], 0.0),
        ):
            style = {"edgecolor": "white", "linewidth": 0.8, "joinstyle": "round"}
            axes.add_patch(Polygon(corners, facecolor=_shade(colour, factor), **style))
    else:
        block = Block(x, y, 0.12, 0.115 * math.log2(shape[0]), 0.0)
        size = f"{shape[0]}"
        _rounded(axes, (block.left, block.bottom), block.width, block.height, colour)
    middle = (block.left + block.right) / 2
    _below(axes, middle, block.bottom, size)
    _above(axes, middle, block.top, above)
    return block


def arrow(axes: Axes, start: Point, end: Point, bend: float = 0.0) -> None:
    """An arrow between two points."""
    style = {"arrowstyle": "-|>", "mutation_scale": 8, "linewidth": 1.1, "color": _MUTED}
    curve = f"arc3,rad={bend}"
    axes.add_patch(
        FancyArrowPatch(start, end, connectionstyle=curve, shrinkA=2, shrinkB=2, **style)
    )


def join(axes: Axes, left: Block, right: Block) -> None:
    """An arrow from one block to the next."""
    arrow(axes, (left.right, left.y), (right.left, right.y))


def _body_in_square() -> np.ndarray:
    """(16, 2) places of the body's joints in the picture's central square, in [0, 1]."""
    side = RELEASE_CAMERA.height
    left = (RELEASE_CAMERA.width - side) / 2
    return (RELEASE_CAMERA.project(_BODY) + 0.5 - [left, 0]) / side


def _limbs(axes: Axes, points: np.ndarray, joints: Sequence[int], colour: str) -> None:
    for limb in LIMBS:
        if set(limb) <= set(joints):
            axes.plot(*points[list(limb)].T, color=colour, linewidth=1.7, zorder=5)
    axes.plot(*points[list(joints)].T, "o", color=colour, markersize=2.8, zorder=6)


def draw_picture(axes: Axes, x: float, y: float, side: float, text: str) -> None:
    """The fisheye picture: a bright disc in a black square, a body seen from above in it."""
    _rounded(axes, (x - side / 2, y - side / 2), side, side, "#10161b")
    axes.add_patch(Circle((x, y), 0.48 * side, facecolor="#93a3ae", edgecolor="none"))
    points = (_body_in_square() - 0.5) * [side, -side] + [x, y]
    _limbs(axes, points, HEATMAP_JOINTS, "#ffffff")
    _below(axes, x, y - side / 2, text)


def draw_heatmaps(axes: Axes, x: float, y: float, side: float, text: str, cells: int) -> None:
    """The heatmaps of the body, all in one map."""
    centres = _body_in_square()[list(HEATMAP_JOINTS)] * cells - 0.5
    columns, rows = ((np.arange(cells) - centres[:, axis, None]) ** 2 for axis in (0, 1))
    maps = np.exp(-(rows[:, :, None] + columns[:, None, :]) / 4.5)
    left, bottom = x - side / 2, y - side / 2
    image = axes.imshow(
        maps.max(0), extent=(left, left + side, bottom, bottom + side), cmap="magma", zorder=2
    )
    image.set_clip_path(_rounded(axes, (left, bottom), side, side, "none"))
    _below(axes, x, bottom, text)


def draw_pose(axes: Axes, x: float, y: float, height: float, text: str) -> None:
    """The body as a stick figure, from the front and a little from the side."""
    body = _BODY - _BODY[NECK]
    turn = math.radians(25)
    # Facing us, so the wearer's left, which is positive x, is on our right.
    points = np.stack([body[:, 0] * math.cos(turn) + body[:, 1] * math.sin(turn), -body[:, 2]], 1)
    points *= height / np.ptp(points[:, 1])
    points += [x, y] - (points.max(0) + points.min(0)) / 2
    _limbs(axes, points, range(NUM_JOINTS), _ORANGE)
    _below(axes, x, points[:, 1].min(), text)


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    # Fixed limits: pictures drawn into the axes would move them otherwise.
    axes.set(xlim=(0, width), ylim=(0, height), aspect="equal", autoscale_on=False)
    axes.axis("off")
    return figure, axes


def draw_2d(depth: int, input_size: int) -> Figure:
    """Pictures → heatmaps."""
    with torch.device("meta"):
        network = PoseResNet(f"resnet{depth}")
    shapes = layer_shapes(network, (3, input_size, input_size))
    width, height = 9.0, 2.75
    figure, axes = _canvas(width, height)
    middle = 1.2
    draw_picture(axes, 0.68, middle, 1.16, f"picture\n{_size_text((3, input_size, input_size))}")
    kind = "bottleneck" if hasattr(network.layer1[0], "conv3") else "basic"
    layers = [("maxpool", "7×7 conv,\npool", _GREY)]
    for name in ("layer1", "layer2", "layer3", "layer4"):
        layers.append((name, f"{len(getattr(network, name))} blocks", _BLUE))
    for name in ("deconv_layers.2", "deconv_layers.5"):
        layers.append((name, "deconv 4×4", _TEAL))
    places = (1.77, 2.71, 3.62, 4.42, 5.17, 5.99, 6.87)
    blocks = [
        draw_block(axes, x, middle, shapes[name], colour, above)
        for x, (name, above, colour) in zip(places, layers, strict=True)
    ]
    arrow(axes, (1.26, middle), (blocks[0].left, middle))
    for left, right in pairwise(blocks):
        join(axes, left, right)
    maps, x = shapes["final_layer"], 8.32
    draw_heatmaps(axes, x, middle, 1.16, f"heatmaps\n{_size_text(maps)}", maps[-1])
    _above(axes, x, middle + 0.58, "conv 1×1")
    arrow(axes, (blocks[-1].right, middle), (x - 0.58, middle))
    _title(axes, 3.98, 2.55, f"ResNet-{depth} ({kind} blocks)", _BLUE)
    _title(axes, 6.55, 2.55, "upsampling head", _TEAL)
    return figure


def draw_3d(heatmap_size: int) -> Figure:
    """Heatmaps → pose and heatmaps again."""
    with torch.device("meta"):
        network = LiftingAutoencoder(heatmap_size)
    maps = (network.num_heatmaps, heatmap_size, heatmap_size)
    shapes = layer_shapes(network, maps)
    width, height = 9.0, 3.75
    figure, axes = _canvas(width, height)
    middle, upper, lower = 1.95, 2.8, 0.98
    draw_heatmaps(axes, 0.62, middle, 0.95, f"heatmaps\n{_size_text(maps)}", heatmap_size)
    encoder = [
        ("conv1", 1.50, "conv"),
        ("conv2", 2.20, "conv"),
        ("conv3", 2.87, "conv"),
        ("fc1", 3.48, "linear"),
        ("fc2", 4.00, "linear"),
    ]
    blocks = [draw_block(axes, x, middle, shapes[name], _BLUE, kind) for name, x, kind in encoder]
    arrow(axes, (1.10, middle), (blocks[0].left, middle))
    code = draw_block(axes, 4.52, middle, shapes["fc3"], _VIOLET, "code")
    for left, right in pairwise([*blocks, code]):
        join(axes, left, right)

    pose = [
        draw_block(axes, x, upper, shapes[name], _ORANGE, "linear")
        for name, x in (("b1_fc1", 5.30), ("b1_fc2", 5.85), ("b1_fc3", 6.40))
    ]
    rebuilt = [
        draw_block(axes, x, lower, shape, _TEAL, kind)
        for shape, x, kind in (
            (shapes["b2_fc1"], 5.15, "linear"),
            (shapes["b2_fc2"], 5.63, "linear"),
            (network.code_map, 6.19, "linear"),
            (shapes["b2_deconv1"], 6.83, "deconv"),
            (shapes["b2_deconv2"], 7.49, "deconv"),
        )
    ]
    for branch, bend in ((pose, -0.25), (rebuilt, 0.25)):
        arrow(axes, (code.right, middle), (branch[0].left, branch[0].y), bend)
        for left, right in pairwise(branch):
            join(axes, left, right)
    draw_pose(axes, 7.45, upper + 0.06, 1.2, "16 joints, metres")
    arrow(axes, (pose[-1].right, upper), (7.0, upper))
    text = f"rebuilt heatmaps\n{_size_text(shapes['b2_deconv3'])}"
    draw_heatmaps(axes, 8.42, lower, 0.95, text, heatmap_size)
    arrow(axes, (rebuilt[-1].right, lower), (8.42 - 0.475, lower))
    _title(axes, 2.75, 3.0, "encoder", _BLUE)
    _title(axes, 5.85, 3.58, "pose branch", _ORANGE)
    _title(axes, 6.83, 1.86, "heatmap branch", _TEAL)
    return figure


def draw_own(depth: int, input_size: int) -> Figure:
    """Pictures → heatmaps → tokens of the joints → pose: the project's own model."""
    with torch.device("meta"):
        network, transformer = PoseFPN(f"resnet{depth}"), JointTransformer()
    shapes = layer_shapes(network, (3, input_size, input_size))
    width, height = 9.0, 3.9
    figure, axes = _canvas(width, height)
    upper, lower = 2.75, 1.05
    draw_picture(axes, 0.62, upper, 1.05, f"picture\n{_size_text((3, input_size, input_size))}")
    names = ("layer1", "layer2", "layer3", "layer4")
    trunk = [
        draw_block(axes, x, upper, shapes[name], _BLUE, f"{len(getattr(network, name))} blocks")
        for name, x in zip(names, (1.6, 2.4, 3.1, 3.72), strict=True)
    ]
    arrow(axes, (1.16, upper), (trunk[0].left, upper))
    for left, right in pairwise(trunk):
        join(axes, left, right)
    # The pyramid lies below the map that each level is made of; it is merged from the right.
    levels = [
        draw_block(axes, x, lower, shapes[name], _TEAL, "")
        for name, x in (("merges.1", 2.4), ("merges.0", 3.1), ("laterals.2", 3.72))
    ]
    for above, level in zip(trunk[1:], levels, strict=True):
        x = (level.left + level.right) / 2
        arrow(axes, (x, above.bottom - 0.42), (x, level.top + 0.02))
    for left, right in pairwise(levels):
        arrow(axes, (right.left, lower), (left.right, lower))
    maps = shapes["final_layer"]
    draw_heatmaps(axes, 1.25, lower, 0.85, f"heatmaps\n{_size_text(maps)}", maps[-1])
    arrow(axes, (levels[0].left, lower), (1.25 + 0.425, lower))

    count, dim = transformer.joints.shape
    left, bottom, wide, tall = 5.35, 1.0, 1.75, 2.1
    _rounded(axes, (left, bottom), wide, tall, _shade(_VIOLET, 0.75))
    rows = [
        ("joints look at\neach other", 0.80),
        ("and at the whole\nstride-16 map", 0.5),
        ("then each\nfor itself", 0.2),
    ]
    for text, share in rows:
        place = left + wide / 2, bottom + share * tall
        style = {"ha": "center", "va": "center", "fontsize": 8.5, "linespacing": 1.2}
        axes.text(*place, text, color=_INK, **style)
    layers = len(transformer.layers)
    _below(axes, left + wide / 2, bottom, f"{layers} layers, {count} tokens of {dim}")
    style = {"ha": "center", "va": "center", "fontsize": 8.5, "linespacing": 1.25, "color": _INK}
    axes.text(4.6, 2.35, "a token a joint:\nfeatures there,\nits ray,\nhow sharp", **style)
    arrow(axes, (4.12, 1.75), (left, 1.75))
    arrow(axes, (levels[-1].right, lower + 0.08), (4.62, 1.68), 0.2)
    numbers = "16 joints, metres,\nin the camera's frame,\neach with an uncertainty"
    draw_pose(axes, 8.1, 2.3, 1.7, numbers)
    arrow(axes, (left + wide, 2.05), (7.45, 2.05))
    _title(axes, 2.6, 3.7, f"ResNet-{depth}", _BLUE)
    _title(axes, 3.1, 0.13, "feature pyramid", _TEAL)
    _title(axes, left + wide / 2, 3.35, "transformer", _VIOLET)
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the drawings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("doc"), help="folder (default: doc)")
    options = parser.parse_args(arguments)
    folder = make_folder(options.output)
    figures = {
        "architecture_2d.png": draw_2d(_DEPTH, _INPUT_SIZE),
        "architecture_3d.png": draw_3d(PoseResNet.heatmap_size(_INPUT_SIZE)),
        "architecture_own.png": draw_own(_OWN_DEPTH, _OWN_INPUT_SIZE),
    }
    for name, figure in figures.items():
        with replacing(folder / name) as temporary:
            figure.savefig(temporary, dpi=_DPI)
        print(folder / name)


if __name__ == "__main__":
    run_command(main)
