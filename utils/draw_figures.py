"""Draw the figures of an evaluation for a paper or a README, each as PNG and PDF.

  errors_by_action    bars with 95 % intervals beside the mean pose and the paper's figures
  errors_by_joint     the same for each joint
  error_distribution  histogram and cumulative distribution of the frames' errors
  qualitative_grid    eight pictures and 3D views, from a small error to a large one
  heatmap_overlay     the heatmaps predicted for one picture
  training_curves     losses and validation of the runs that led to the model

The training curves of all three stages:
  python utils/draw_figures.py experiments/quickstart/demo --log_dir experiments/quickstart/*/
"""

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from base.errors import UserError
from base.files import make_folder, replacing
from base.headset import load_headset
from base.set_type import SetType
from base.skeleton import HEATMAP_JOINTS, JOINTS
from dataset.transforms import resize_square
from utils.common.command import command_parser, run_command
from utils.common.device import select_device
from utils.common.networks import load_pose_model
from utils.drawing import style
from utils.drawing.frame_painter import DrawnPose, FramePainter
from utils.drawing.skeleton_pen import overlay_heatmaps
from utils.drawing.split_painter import SplitPainter, described, evenly_spaced
from utils.evaluation.mpjpe import ALL
from utils.evaluation.poses import Poses, read_poses
from utils.evaluation.published import PUBLISHED, TABLE_GROUPS
from utils.evaluation.results import read_results
from utils.evaluation.tables import HEADS
from utils.inference.pose_predictor import PosePredictor

_INK, _MUTED, _GRID = map(style.hex_code, (style.INK, style.MUTED, style.GRID))
_MODEL, _TRUTH, _MEAN = map(style.hex_code, (style.PREDICTED, style.TRUTH, style.BASELINE))
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
#: The grid shows frames between these percentiles of the error: neither end is typical.
_GRID_PERCENTILES = (5, 95)
_GRID_FRAMES = 8
#: Tag of a log → steps or epochs and the values there: (2, n).
Curves = dict[str, np.ndarray]
#: The command line, with the results.json of the evaluation.
Run = argparse.Namespace


def _bars(axes: Axes, places: np.ndarray, cells: Sequence[dict], key: str, **options: Any) -> None:
    """Bars of the value ``key`` of each cell, with its interval where there is one."""
    values = np.array([cell[key] for cell in cells])
    ends = np.array([cell.get(f"{key}_interval") or (np.nan, np.nan) for cell in cells])
    lengths = np.clip([values - ends[:, 0], ends[:, 1] - values], 0, None)
    lines = {"elinewidth": 0.9, "capsize": 2, "ecolor": _INK}
    axes.bar(places, values, yerr=lengths, error_kw=lines, **options)


def errors_by_action(results: dict[str, Any]) -> Figure:
    """MPJPE of each action group with its interval, beside the mean pose and the paper's."""
    heads = {g: h for g, h in zip(TABLE_GROUPS, HEADS, strict=True) if g in results["full"]}
    cells = [results["full"][group] for group in heads]
    places = np.arange(len(cells))
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    axes = figure.add_subplot(ylabel="MPJPE, mm")
    _bars(axes, places - 0.2, cells, "mpjpe", color=_MODEL, width=0.38, label="this model")
    if "mpjpe_mean_pose" in results["full"][ALL]:
        options = {"color": _MEAN, "width": 0.38, "label": "mean pose"}
        _bars(axes, places + 0.2, cells, "mpjpe_mean_pose", **options)
    levels = [PUBLISHED[_REFERENCE][group] for group in heads]
    lines = {"color": _INK, "linestyle": (0, (2, 1.5)), "linewidth": 1.0}
    lines["label"] = f"{_REFERENCE}, on its own test set"
    axes.hlines(levels, places - 0.42, places + 0.42, **lines)
    names = [f"{h}\nn = {cell['frames']}" for h, cell in zip(heads.values(), cells, strict=True)]
    axes.set_xticks(places, names, fontsize=7.5)
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def errors_by_joint(results: dict[str, Any]) -> Figure:
    """Mean error of each joint with its interval, left and right side by side."""
    joints = results["joints"]
    middle = [name for name in joints if not name.startswith(("Left", "Right"))]
    pairs = [name.removeprefix("Left") for name in joints if name.startswith("Left")]
    places = np.arange(len(middle) + len(pairs))
    figure = Figure(figsize=(7.2, 2.8), layout="constrained")
    axes = figure.add_subplot(ylabel="error, mm (Neck at the origin)")
    cells = [joints[name] for name in middle]
    _bars(axes, places[: len(middle)], cells, "mpjpe", color=_MUTED, width=0.5)
    for side, shift, hatch in (("Left", -0.2, ""), ("Right", 0.2, "////")):
        cells = [joints[side + name] for name in pairs]
        options = {"color": _MODEL, "hatch": hatch, "edgecolor": "white", "label": side.lower()}
        _bars(axes, places[len(middle) :] + shift, cells, "mpjpe", width=0.38, **options)
    axes.set_xticks(places, [*middle, *pairs], fontsize=7.5)
    axes.legend(loc="upper left", ncols=2)
    return figure


def error_distribution(errors: np.ndarray, baseline: np.ndarray | None) -> Figure:
    """How the MPJPE (N,) of frames is distributed, beside that of the mean pose where there is one,
    millimetres."""
    figure = Figure(figsize=(7.2, 2.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    top = max(errors.max(), 0 if baseline is None else np.percentile(baseline, 99))
    bins = np.linspace(0, top, min(60, max(10, int(np.sqrt(len(errors)) * 2))))
    shown = ((baseline, _MEAN, "mean pose"), (errors, _MODEL, "this model"))
    for values, colour, label in shown[baseline is None :]:
        left.hist(values, bins, color=colour, alpha=0.9, label=label)
        right.ecdf(values, color=colour, linewidth=1.7)
    for percent in (50, 95):
        at = float(np.percentile(errors, percent))
        right.plot([at, at, 0], [0, percent / 100, percent / 100], color=_MUTED, linewidth=0.8)
        text, beside = f"{percent} %: {at:.0f} mm", {"textcoords": "offset points"}
        right.annotate(text, (at, percent / 100), (5, -11), **beside, fontsize=8)
    left.set(xlabel="MPJPE of a frame, mm", ylabel="frames", xlim=(0, top))
    left.legend()
    right.set(xlabel="MPJPE, mm", ylabel="share of frames below", xlim=(0, top), ylim=(0, 1.02))
    right.grid(axis="x")
    return figure


def qualitative_grid(cells: Sequence[tuple[np.ndarray, DrawnPose, DrawnPose, str]]) -> Figure:
    """Four frames a row: the picture with predicted and true skeleton, the 3D view below it.
    ``cells``: picture (S, S, 3) uint8 RGB, predicted pose, true pose, caption."""
    columns, rows = min(4, len(cells)), -(-len(cells) // 4)
    figure = Figure(figsize=(1.8 * columns, 3.8 * rows + 0.3), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.0, hspace=0.0)
    painter = FramePainter()
    for number, (image, predicted, truth, caption) in enumerate(cells, 1):
        poses = [(truth, style.TRUTH), (predicted, style.PREDICTED)]
        axes = figure.add_subplot(rows, columns, number)
        axes.imshow(np.vstack([painter.picture(image, poses), painter.view(poses)]))
        axes.set_title(caption, fontsize=7.5, pad=3)
        axes.axis("off")
    handles = [Line2D([], [], marker="o", color=_MODEL, label="predicted")]
    handles.append(Line2D([], [], marker="o", color=_TRUTH, label="truth"))
    for label, face in (("left: filled", _MUTED), ("right: hollow", "white")):
        handles.append(Line2D([], [], marker="o", color=_MUTED, mfc=face, ls="", label=label))
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def heatmap_overlay(image: np.ndarray, heatmaps: np.ndarray) -> Figure:
    """The network's picture (S, S, 3) uint8 RGB, its heatmaps (15, h, h) over it in one colour
    each, and the four of the lowest peaks alone."""
    figure = Figure(figsize=(7.2, 2.85), layout="constrained")
    axes = figure.subplot_mosaic([[*"ppaa01"], [*"ppaa23"]])
    shown = {"p": ("picture", image)}
    shown["a"] = f"{len(heatmaps)} heatmaps", overlay_heatmaps(image, heatmaps)
    peaks = heatmaps.max((1, 2))
    for place, row in zip("0123", np.argsort(peaks), strict=False):
        title = f"{JOINTS[HEATMAP_JOINTS[row]]}, peak {peaks[row]:.2f}"
        alone = np.where(np.arange(len(peaks))[:, None, None] == row, heatmaps, 0)
        shown[place] = title, overlay_heatmaps(image, alone)
    for place, (title, picture) in shown.items():
        axes[place].imshow(picture)
        axes[place].set_title(title, fontsize=8 if place in "pa" else 6.5, pad=3)
        axes[place].axis("off")
    return figure


def read_curves(log_dir: Path) -> Curves:
    """Scalars of a run by their tag, of a resumed run the later value where steps meet; none for a
    folder that holds no log."""
    if not any(log_dir.glob("events.out.tfevents.*")):
        return {}
    events = EventAccumulator(str(log_dir), size_guidance={"scalars": 0})
    events.Reload()
    curves = {}
    for tag in events.Tags()["scalars"]:
        values = {event.step: event.value for event in events.Scalars(tag)}
        curves[tag] = np.array(sorted(values.items())).T
    return curves


def training_curves(runs: dict[str, Curves]) -> Figure:
    """Loss over steps and validation over epochs, a row a run: name → :func:`read_curves`."""
    figure = Figure(figsize=(7.2, 2.2 * len(runs)), layout="constrained")
    grid = figure.subplots(len(runs), 2, squeeze=False)
    for (left, right), (name, curves) in zip(grid, runs.items(), strict=True):
        left.set(title=name, xlabel="step", ylabel="loss")
        right.set(title="ValSet", xlabel="epoch")
        if "loss/total" in curves:
            steps, losses = curves["loss/total"]
            # Running mean over a twentieth of the run; a line through one point would not be seen.
            width, count = max(1, len(losses) // 20), np.arange(1, len(losses) + 1)
            means = np.convolve(losses, np.ones(width))[: len(losses)] / np.minimum(width, count)
            left.plot(steps, losses, color=_MUTED, linewidth=0.6, alpha=0.5)
            left.plot(steps, means, "-o" if len(steps) < 5 else "-", color=_TRUTH)
            if 0 < 20 * losses.min() < losses.max():
                left.set_yscale("log")
        else:
            # The loop logs every tenth step.
            left.text(0.5, 0.5, "too short to have logged a loss", ha="center")
        tags = [tag for tag in curves if tag.startswith("validation/")]
        for tag, colour in zip(tags, cycle((_TRUTH, _MODEL, _MUTED)), strict=False):
            epochs, values = curves[tag]
            label = tag.removeprefix("validation/")
            right.plot(epochs, values, "o-", color=colour, markersize=3, lw=1.4, label=label)
            right.plot(epochs[values.argmin()], values.min(), "o", color=colour, markersize=7)
        right.set_ylim(0, None)
        right.xaxis.get_major_locator().set_params(integer=True)
        right.legend()
    return figure


def _distribution(run: Run) -> Figure:
    path = run.folder / "frames.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["mpjpe"], row.get("mpjpe_mean_pose")) for row in csv.DictReader(file)]
        errors, baseline = np.array(rows, np.float64).T
        return error_distribution(errors, None if np.isnan(baseline).all() else baseline)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except (KeyError, ValueError, TypeError):
        raise UserError(f"{path}: not the frames.csv of a demo.py run") from None


def _poses_and_painter(run: Run) -> tuple[Poses, SplitPainter]:
    poses = read_poses(run.folder / "poses.npz")
    headset = run.results.get("headset")
    how = poses.camera, headset and load_headset(headset)
    return poses, SplitPainter(run.data_root, SetType(run.results["data"]), *how)


def _grid(run: Run) -> Figure:
    poses, painter = _poses_and_painter(run)
    errors = poses.mpjpe
    low, high = np.percentile(errors, _GRID_PERCENTILES)
    ranked = [row for row in np.argsort(errors, kind="stable") if low <= errors[row] <= high]
    cells = []
    for row in evenly_spaced(ranked, _GRID_FRAMES):
        caption = f"{described(poses.actions[row]).partition(':')[0]}, {errors[row]:.0f} mm"
        cells.append((painter.image(poses.frame_ids[row]), *painter.drawn(poses, row), caption))
    return qualitative_grid(cells)


def _heatmaps(run: Run) -> Figure:
    poses, painter = _poses_and_painter(run)
    device = select_device(run.gpu)
    model = load_pose_model(run.model, device).model
    side = model.input_size
    predictor = PosePredictor(model, device, "fp32", painter.dataset.camera.resized(side, side))
    median = np.argsort(poses.mpjpe, kind="stable")[len(poses.actions) // 2]
    image = resize_square(painter.image(poses.frame_ids[median]), side)
    with torch.inference_mode():
        output = predictor.forward(torch.from_numpy(image)[None])
    return heatmap_overlay(image, output.heatmaps[0].float().cpu().numpy())


def _curves(run: Run) -> Figure:
    runs = {folder.resolve().name: read_curves(folder) for folder in run.log_dirs}
    if not any(runs.values()):
        folders = ", ".join(map(str, run.log_dirs))
        raise UserError(f"no TensorBoard log of a training in {folders}: give --log_dir")
    return training_curves({name: curves for name, curves in runs.items() if curves})


_FIGURES: dict[str, Callable[[Run], Figure]] = {
    "errors_by_action": lambda run: errors_by_action(run.results),
    "errors_by_joint": lambda run: errors_by_joint(run.results),
    "error_distribution": _distribution,
    "qualitative_grid": _grid,
    "heatmap_overlay": _heatmaps,
    "training_curves": _curves,
}


def main(argv: list[str] | None = None) -> None:
    there = {"help": "where the model is now (default: where demo.py found it)"}
    parser = command_parser(__doc__, "gpu", load_model=there)
    add = parser.add_argument
    add("folder", type=Path, help="--save_dir of a demo.py run")
    add("--output", type=Path, help="folder (default: figures/ in that of the run)")
    add("--data_root", type=Path, help="where the set is now (default: where demo.py found it)")
    add(
        "--log_dir",
        type=Path,
        nargs="+",
        help="log folders of its training (default: beside the model)",
    )
    run = parser.parse_args(argv)
    if not run.folder.is_dir():
        raise UserError(f"{run.folder}: no folder; give the --save_dir of a demo.py run")
    run.results = read_results(run.folder)
    run.data_root = run.data_root or Path(run.results["data_root"])
    run.model = run.load_model or Path(run.results["model"])
    # A checkpoint is in LOG_DIR/checkpoints.
    run.log_dirs = run.log_dir or [run.model.parent.parent]
    output = make_folder(run.output or run.folder / "figures")
    for name, draw in _FIGURES.items():
        try:
            with matplotlib.rc_context(_STYLE):
                figure = draw(run)
                # Dates would make every run's file another one.
                for kind, dated in (("png", "Software"), ("pdf", "CreationDate")):
                    with replacing(output / f"{name}.{kind}") as temporary:
                        figure.savefig(temporary, dpi=300, metadata={dated: None})
            print(f"{output.as_posix()}/{name}.png and .pdf")
        except UserError as error:
            print(f"left out {name}: {error}", file=sys.stderr)


if __name__ == "__main__":
    run_command(main)
