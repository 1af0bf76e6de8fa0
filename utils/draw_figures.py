"""Draw the figures of an evaluation for a paper or a README, each as PNG and PDF.

  errors_by_action    bars with 95 % intervals beside the mean pose and the paper's figures
  errors_by_joint     the same for each joint
  error_distribution  histogram and cumulative distribution of the frames' errors
  qualitative_grid    eight pictures and 3D views, from a small error to a large one
  heatmap_overlay     the heatmaps predicted for one picture
  training_curves     losses and validation of the runs that led to the model

All of them, or some, the curves being those of all three stages:
  python utils/draw_figures.py experiments/quickstart/demo
  python utils/draw_figures.py experiments/quickstart/demo --output paper/figures \\
      --only errors_by_action training_curves --log_dir experiments/quickstart/*/
"""

import argparse
import csv
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure

from base.errors import UserError
from base.files import make_folder
from base.set_type import SetType
from dataset.batch import to_input
from dataset.transforms import SquareCrop
from utils.common.command import run_command
from utils.common.device import GPU_HELP, select_device
from utils.common.networks import load_pose_model
from utils.common.pretrained import model_path
from utils.drawing import figures
from utils.drawing.choice import evenly_spaced
from utils.drawing.frame import DrawnPose
from utils.drawing.split import SplitPainter, described
from utils.evaluation.compare import read_results
from utils.evaluation.distances import joint_errors
from utils.evaluation.poses import Poses, read_poses

#: Frames of the grid lie between these percentiles of the error: neither end is typical.
_GRID_PERCENTILES = (5, 95)
_GRID_FRAMES = 8

Run = argparse.Namespace


def _poses(run: Run) -> tuple[Poses, np.ndarray, SplitPainter]:
    """Poses of all frames, the MPJPE (N,) of each in millimetres, and their pictures."""
    poses = read_poses(run.folder / "poses.npz")
    errors = joint_errors(poses.predicted, poses.target).mean(1)
    return poses, errors, SplitPainter(run.data_root, SetType(run.results["data"]))


def _distribution(run: Run) -> Figure:
    path = run.folder / "frames.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["mpjpe"], row["mpjpe_mean_pose"]) for row in csv.DictReader(file)]
        return figures.error_distribution(*np.array(rows, np.float64).T)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except (KeyError, ValueError, TypeError):
        raise UserError(f"{path}: not the frames.csv of a demo.py run") from None


def _grid(run: Run) -> Figure:
    poses, errors, painter = _poses(run)
    low, high = np.percentile(errors, _GRID_PERCENTILES)
    ranked = [row for row in np.argsort(errors, kind="stable") if low <= errors[row] <= high]
    cells = []
    for row in evenly_spaced(ranked, _GRID_FRAMES):
        action = described(poses.actions[row]).partition(":")[0]
        cells.append(
            (
                painter.image(poses.frame_ids[row]),
                DrawnPose.through_camera(poses.predicted[row], painter.dataset.camera),
                DrawnPose.through_camera(poses.target[row], painter.dataset.camera),
                f"{action}, {errors[row]:.0f} mm",
            )
        )
    return figures.qualitative_grid(cells)


def _heatmaps(run: Run) -> Figure:
    poses, errors, painter = _poses(run)
    device = select_device(run.gpu)
    model = load_pose_model(run.model, device).model
    median = int(np.argsort(errors, kind="stable")[len(errors) // 2])
    square = painter.image(poses.frame_ids[median])
    image = SquareCrop(model.input_size, *square.shape[:2]).image(square)
    with torch.inference_mode():
        output = model(to_input(torch.from_numpy(image)[None], device))
    return figures.heatmap_overlay(image, output.heatmaps[0].float().cpu().numpy())


def _curves(run: Run) -> Figure:
    runs = {folder.resolve().name: figures.read_curves(folder) for folder in run.log_dirs}
    if not any(runs.values()):
        folders = ", ".join(map(str, run.log_dirs))
        raise UserError(f"no TensorBoard log of a training in {folders}: give --log_dir")
    return figures.training_curves({name: curves for name, curves in runs.items() if curves})


_FIGURES = {
    "errors_by_action": lambda run: figures.errors_by_action(run.results),
    "errors_by_joint": lambda run: figures.errors_by_joint(run.results),
    "error_distribution": _distribution,
    "qualitative_grid": _grid,
    "heatmap_overlay": _heatmaps,
    "training_curves": _curves,
}


def main(argv: list[str] | None = None) -> None:
    """Draw what was asked for, or all for which there is data."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("folder", type=Path, help="--save_dir of a demo.py run")
    add("--output", type=Path, help="folder (default: figures/ in that of the run)")
    add("--only", nargs="+", choices=_FIGURES, metavar="FIGURE", help="draw these")
    add("--data_root", type=Path, help="where the set is now (default: where demo.py found it)")
    add("--load_model", type=model_path, help="where the model is now, likewise")
    add("--log_dir", type=Path, nargs="+", help="log folders of its training, likewise")
    add("--gpu", default="0", help=GPU_HELP)
    run = parser.parse_args(argv)
    if not run.folder.is_dir():
        raise UserError(f"{run.folder}: no folder; give the --save_dir of a demo.py run")
    run.results = read_results(run.folder)
    run.data_root = run.data_root or Path(run.results["data_root"])
    run.model = run.load_model or Path(run.results["model"])
    # A checkpoint lies in LOG_DIR/checkpoints.
    run.log_dirs = run.log_dir or [run.model.parent.parent]
    output = make_folder(run.output or run.folder / "figures")
    with matplotlib.rc_context(figures.FIGURE_STYLE):
        for name in run.only or _FIGURES:
            try:
                figures.save_figure(_FIGURES[name](run), output, name)
                print(f"{output.as_posix()}/{name}.png and .pdf")
            except UserError as error:
                if run.only:
                    raise UserError(f"{name}: {error}") from None
                print(f"left out {name}: {error}", file=sys.stderr)


if __name__ == "__main__":
    run_command(main)
