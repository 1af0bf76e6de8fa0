"""Draw the figures of an evaluation for a paper or a README: charts as PNG and PDF, pictures JPEG.

errors_by_action    bars with 95 % intervals beside the mean pose and the paper's figures
errors_by_joint     bars for each joint, left and right
error_distribution  histogram and cumulative distribution of the frames' errors
median_frame        input, poses over it and in 3D, of the frame with the median error
qualitative_grid    eight of these, from a small error to a large one
sequence            an animation (GIF) of the first frames of a video
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.remote import root_path
from utils.common.command import command_parser, parse_early, run_command


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    add = parser.add_argument
    add("folder", type=Path, help="--save_dir of a demo.py run")
    add("--output", type=Path, help="folder (default: figures/ in that of the run)")
    add(
        "--data_root", type=root_path, help="where the set is now (default: where demo.py found it)"
    )
    return parser.parse_args(argv)


parse_early(__name__, parse_arguments)

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cv2
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from base.errors import UserError
from base.files import replacing
from base.headset import load_headset
from base.run_folder import RunFolder
from base.set_type import SetType
from utils.drawing import style
from utils.drawing.frame_painter import DrawnPose, FramePainter, draw_legend, draw_sheet
from utils.drawing.split_painter import FRAME_RATE, SplitPainter, described, evenly_spaced
from utils.drawing.write import save_picture
from utils.evaluation.poses import Poses, read_poses
from utils.evaluation.results import read_results
from utils.evaluation.tables import HEADS, PUBLISHED, TABLE_GROUPS, why_unpublished

_INK, _MUTED, _GRID, _MEAN, _MODEL, _LEFT, _RIGHT = map(
    style.hex_code, (style.INK, style.MUTED, style.GRID, style.BASELINE, *style.PREDICTED)
)
#: matplotlib's settings.  Text stays text in the PDF, so that it can be searched and edited.
_STYLE = {
    **dict.fromkeys(("axes.labelcolor", "text.color", "xtick.color", "ytick.color"), _INK),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
    **{"axes.grid": True, "axes.grid.axis": "y", "axes.axisbelow": True, "grid.linewidth": 0.6},
    **{"grid.color": _GRID, "axes.edgecolor": _MUTED, "font.size": 9, "legend.fontsize": 8},
    "pdf.fonttype": 42,
}
#: The published method that the paper's own protocol is known by.
_REFERENCE = "xR-EgoPose, dual branch (2019)"
#: The grid shows so many frames between these percentiles of the error: neither end is typical.
_GRID_FRAMES, _GRID_PERCENTILES = 8, (5, 95)
#: The animation: frames of the video, frames to one of its pictures, height of these.
_SEQUENCE, _EVERY, _SEQUENCE_SIDE = 75, 3, 320
#: A frame: picture (S, S, 3) uint8 RGB, predicted pose, true pose, caption.
Cell = tuple[np.ndarray, DrawnPose, DrawnPose, str]
Run = argparse.Namespace  # the command line, with the results.json of the evaluation


def _bars(axes: Axes, places: np.ndarray, cells: Sequence[dict], key: str, **options: Any) -> None:
    """Bars of the value ``key`` of each cell, with its interval where there is one."""
    values = np.array([cell.get(key, np.nan) for cell in cells])
    ends = np.array([cell.get(f"{key}_interval") or (np.nan, np.nan) for cell in cells])
    lengths = np.clip([values - ends[:, 0], ends[:, 1] - values], 0, None)
    lines = {"elinewidth": 0.9, "capsize": 2, "ecolor": _INK}
    axes.bar(places, values, yerr=lengths, error_kw=lines, **{"width": 0.38} | options)


def errors_by_action(results: dict[str, Any]) -> Figure:
    """MPJPE, or PA-MPJPE where only that can be had, of each action group with its interval, beside
    the mean pose and, under the release's headset, the paper's."""
    measure = _measure(results)
    heads = {g: h for g, h in zip(TABLE_GROUPS, HEADS[1:], strict=True) if g in results["full"]}
    cells = [results["full"][group] for group in heads]
    places = np.arange(len(cells))
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    axes = figure.add_subplot(ylabel=f"{measure}, mm")
    key = measure.lower().replace("-", "_")
    _bars(axes, places - 0.2, cells, key, color=_MODEL, label="this model")
    if "mpjpe_mean_pose" in cells[0]:  # known where there is a training set
        _bars(axes, places + 0.2, cells, "mpjpe_mean_pose", color=_MEAN, label="mean pose")
    if not why_unpublished(results):
        levels = [PUBLISHED[_REFERENCE][group] for group in heads]
        lines = {"color": _INK, "linestyle": (0, (2, 1.5)), "linewidth": 1.0}
        label = f"{_REFERENCE}, on its own test set"
        axes.hlines(levels, places - 0.42, places + 0.42, label=label, **lines)
    names = [f"{head}\nn = {results['full'][group]['frames']}" for group, head in heads.items()]
    axes.set_xticks(places, names, fontsize=7.5)
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def errors_by_joint(results: dict[str, Any]) -> Figure:
    """Mean error of each joint that was measured with its interval, left and right side by side;
    UserError where only errors after alignment could be had."""
    if reason := results.get("aligned_only"):
        raise UserError(f"only errors after alignment ({reason})")
    joints = {name: cell for name, cell in results["joints"].items() if "mpjpe" in cell}
    middle = [name for name in joints if not name.startswith(("Left", "Right"))]
    sided = [name.removeprefix("Left").removeprefix("Right") for name in joints]
    pairs = [name for name in dict.fromkeys(sided) if name not in middle]
    places = np.arange(len(middle) + len(pairs))
    figure = Figure(figsize=(7.2, 2.8), layout="constrained")
    axes = figure.add_subplot(ylabel="error, mm (Neck at the origin)")
    cells = [joints[name] for name in middle]
    _bars(axes, places[: len(middle)], cells, "mpjpe", color=_MODEL, width=0.5)
    for side, shift, colour in (("Left", -0.2, _LEFT), ("Right", 0.2, _RIGHT)):
        cells, label = [joints.get(side + name, {}) for name in pairs], side.lower()
        _bars(axes, places[len(middle) :] + shift, cells, "mpjpe", color=colour, label=label)
    axes.set_xticks(places, [*middle, *pairs], fontsize=7.5)
    axes.legend(loc="upper left", ncols=2)
    return figure


def error_distribution(errors: np.ndarray, measure: str = "MPJPE") -> Figure:
    """Histogram and cumulative distribution of the errors (N,) of frames, millimetres."""
    figure = Figure(figsize=(7.2, 2.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    bins = np.linspace(0, errors.max(), min(60, max(10, int(np.sqrt(len(errors)) * 2))))
    left.hist(errors, bins, color=_MODEL)
    right.ecdf(errors, color=_MODEL, linewidth=1.7)
    for share in (0.5, 0.95):
        at = float(np.quantile(errors, share))
        right.plot([at, at, 0], [0, share, share], color=_MUTED, linewidth=0.8)
        how = {"xytext": (5, -11), "textcoords": "offset points", "fontsize": 8}
        right.annotate(f"{100 * share:.0f} %: {at:.0f} mm", (at, share), **how)
    left.yaxis.set_major_locator(MaxNLocator(integer=True))
    left.set(xlabel=f"{measure} of a frame, mm", ylabel="frames", xlim=(0, None))
    right.set(xlabel=f"{measure}, mm", ylabel="share of frames below")
    right.set(xlim=(0, None), ylim=(0, 1.02))
    right.grid(axis="x")
    return figure


def median_frame(image: np.ndarray, predicted: DrawnPose, truth: DrawnPose) -> np.ndarray:
    """The input, the poses over it and both in 3D, side by side; a legend below."""
    painter = FramePainter(room=0)
    gap = np.full((painter.side, 8, 3), 255, np.uint8)
    shown = painter.picture(image, []), gap, painter.panels(image, predicted, truth)
    return np.vstack([sheet := np.hstack(shown), draw_legend(sheet.shape[1], 1.5)])


def qualitative_grid(cells: Sequence[Cell]) -> np.ndarray:
    """Two frames a row: picture with both skeletons, and 3D view beside it; a legend below."""
    painter, frames = FramePainter(), []
    for *frame, caption in cells:
        panels = painter.panels(*frame)
        frames.append(np.vstack([painter.caption(panels.shape[1], caption), panels]))
    return np.vstack([sheet := draw_sheet(frames, 2), draw_legend(sheet.shape[1], 1.5)])


def _measure(results: dict[str, Any]) -> str:
    """The error of a frame that was measured."""
    return "PA-MPJPE" if results.get("aligned_only") else "MPJPE"


def _poses(run: Run) -> Poses:
    """Of the evaluation, as it measured them."""
    return replace(read_poses(run.poses), aligned_only=run.results.get("aligned_only"))


def _cells(run: Run, choose: Callable[[Poses], Sequence[int]]) -> list[Cell]:
    """The frames of the rows that are chosen."""
    poses, headset = _poses(run), run.results.get("headset")
    how = poses.camera, headset and load_headset(headset), 1, run.results.get("format")
    painter = SplitPainter(run.data_root, SetType(run.results["data"]), *how)
    cells, placed = [], poses.in_place()
    for row in choose(poses):
        caption = f"{described(poses.actions[row]).partition(':')[0]}, {poses.mpjpe[row]:.0f} mm"
        cells.append((painter.image(poses.frame_ids[row]), *painter.drawn(placed, row), caption))
    return cells


def _median(poses: Poses) -> list[int]:
    """The frame with the median error, of an even number the larger of the two in the middle."""
    row = int(np.argsort(poses.mpjpe, kind="stable")[len(poses.actions) // 2])
    measure = "PA-MPJPE" if poses.aligned_only else "MPJPE"
    print(f"median frame: {poses.frame_ids[row]}, {measure} {poses.mpjpe[row]:.1f} mm")
    return [row]


def _spread(poses: Poses) -> list[int]:
    """Frames from a small error to a large one."""
    low, high = np.percentile(poses.mpjpe, _GRID_PERCENTILES)
    ranked = np.argsort(poses.mpjpe, kind="stable")
    return evenly_spaced([row for row in ranked if low <= poses.mpjpe[row] <= high], _GRID_FRAMES)


def _video(poses: Poses) -> list[int]:
    """Every so many frames of the video that the set begins with."""
    numbers = [frame.number for frame in poses.frame_ids[:_SEQUENCE]]
    length = next((k for k in range(1, len(numbers)) if numbers[k] != numbers[0] + k), len(numbers))
    if length <= _EVERY:
        raise UserError("the frames do not follow each other, as in a video")
    return list(range(0, length, _EVERY))


_FIGURES: dict[str, Callable[[Run], Figure | np.ndarray | list[np.ndarray]]] = {
    "errors_by_action": lambda run: errors_by_action(run.results),
    "errors_by_joint": lambda run: errors_by_joint(run.results),
    "error_distribution": lambda run: error_distribution(_poses(run).mpjpe, _measure(run.results)),
    "median_frame": lambda run: median_frame(*_cells(run, _median)[0][:3]),
    "qualitative_grid": lambda run: qualitative_grid(_cells(run, _spread)),
    "sequence": lambda run: [
        FramePainter(_SEQUENCE_SIDE).panels(*cell[:3]) for cell in _cells(run, _video)
    ],
}


def save_animation(path: Path, pictures: Sequence[np.ndarray]) -> None:
    """Write pictures (H, W, 3) uint8 RGB as an endless GIF, all in the colours of the first."""
    images = [*map(Image.fromarray, pictures)]
    palette = images[0].quantize(96, Image.Quantize.MAXCOVERAGE)
    first, *rest = (image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images)
    with replacing(path) as temporary:
        how = {"save_all": True, "append_images": rest, "loop": 0, "format": "GIF"}
        first.save(temporary, duration=1000 * _EVERY // FRAME_RATE, **how)


def _save(path: Path, figure: Figure | np.ndarray | list[np.ndarray]) -> str:
    """Write a figure under a path without suffix; returns the suffixes that it got."""
    if isinstance(figure, list):
        save_animation(path.with_suffix(".gif"), figure)
        return ".gif"
    if isinstance(figure, np.ndarray):
        save_picture(path.with_suffix(".jpg"), figure, (cv2.IMWRITE_JPEG_QUALITY, 85))
        return ".jpg"
    # Dates would make every run's file another one.
    for kind, dated in (("png", "Software"), ("pdf", "CreationDate")):
        with replacing(path.with_suffix(f".{kind}")) as temporary:
            figure.savefig(temporary, dpi=300, metadata={dated: None})
    return ".png and .pdf"


def main(argv: list[str] | None = None) -> None:
    run = parse_arguments(argv)
    if not run.folder.is_dir():
        raise UserError(f"{run.folder}: no folder; give the --save_dir of a demo.py run")
    run.results, run.poses = read_results(run.folder, aligned=True), run.folder / "poses.npz"
    run.data_root = run.data_root or root_path(run.results["data_root"])
    output = run.output or run.folder / "figures"
    reads = [run.folder] if run.output else ()
    with RunFolder(run.output or run.folder, run.output is None, reads) as folder:
        new = folder.new / output.relative_to(folder.path)
        for name, draw in _FIGURES.items():
            try:
                with matplotlib.rc_context(_STYLE):
                    kinds = _save(new / name, draw(run))
                print(f"{output.as_posix()}/{name}{kinds}")
            except UserError as error:
                print(f"left out {name}: {error}", file=sys.stderr)
        folder.keep()


if __name__ == "__main__":
    run_command(main)
