"""Draw the figures of an evaluation for a paper or a README, each as PNG and PDF."""

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from matplotlib.figure import Figure

from base.errors import UserError
from base.set_type import SetType
from dataset.batch import to_input
from dataset.transforms import SquareCrop
from utils.box import model_path
from utils.command import run_command
from utils.compare_results import read_results
from utils.device import GPU_HELP, select_device
from utils.drawing.choice import evenly_spaced
from utils.drawing.split import SplitPainter, described
from utils.export import SavedPoses, read_poses
from utils.figures.curves import read_curves, training_curves
from utils.figures.errors import error_distribution, errors_by_action, errors_by_joint
from utils.figures.poses import Cell, heatmap_overlay, qualitative_grid
from utils.figures.style import figure_style, save_figure
from utils.files import make_folder
from utils.metrics import joint_errors
from utils.networks import load_pose_model

_EXAMPLES = """figures:
  errors_by_action    bars with 95 % intervals beside the mean pose and the paper's figures
  errors_by_joint     the same for each joint
  error_distribution  histogram and cumulative share of the frames' errors
  qualitative_grid    pictures and 3D views, from a small error to a large one
  heatmap_overlay     what the network sees in one picture
  training_curves     losses and validation of the runs that led to the model

examples:
  python utils/draw_figures.py experiments/quickstart/demo
  some of them, somewhere else:
  python utils/draw_figures.py out --only errors_by_action qualitative_grid --output paper/figures
  curves of all three stages:
  python utils/draw_figures.py experiments/quickstart/demo --log_dir experiments/quickstart/*/
"""

#: Frames of the grid lie between these percentiles of the error: neither end is typical.
_GRID_PERCENTILES = (5, 95)


class Evaluation:
    """What a run of demo.py left, and where its data, model and logs are.

    Raises:
        UserError: for a folder that holds no complete run.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.folder: Path = arguments.results
        self.results = read_results(self.folder)
        self.data_root = arguments.data_root or Path(self.results["data_root"])
        self.model = arguments.load_model or Path(self.results["model"])
        # A checkpoint lies in LOG_DIR/checkpoints.
        self.log_dirs: list[Path] = arguments.log_dir or [self.model.parent.parent]
        self.gpu: str = arguments.gpu
        self.grid_frames: int = arguments.frames

    def painter(self) -> SplitPainter:
        """Pictures of the set."""
        return SplitPainter(self.data_root, SetType(self.results["data"]))

    def poses(self) -> tuple[SavedPoses, np.ndarray]:
        """Poses of all frames, and the MPJPE (N,) of each."""
        poses = read_poses(self.folder / "poses.npz")
        return poses, joint_errors(poses.predicted, poses.target).mean(1)


def _distribution(run: Evaluation) -> Figure:
    path = run.folder / "frames.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        errors = np.array([float(row["mpjpe"]) for row in rows])
        baseline = np.array([float(row["mpjpe_mean_pose"]) for row in rows])
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except (KeyError, ValueError, TypeError):
        raise UserError(f"{path}: not the frames.csv of a demo.py run") from None
    return error_distribution(errors, baseline)


def _grid(run: Evaluation) -> Figure:
    poses, errors = run.poses()
    low, high = np.percentile(errors, _GRID_PERCENTILES)
    ranked = [row for row in np.argsort(errors, kind="stable") if low <= errors[row] <= high]
    painter = run.painter()
    cells = [
        Cell(
            image=painter.image(poses.frame_ids[row]),
            predicted=poses.predicted[row],
            target=poses.target[row],
            caption=f"{described(poses.actions[row]).partition(':')[0]}, {errors[row]:.0f} mm",
        )
        for row in evenly_spaced(ranked, run.grid_frames)
    ]
    return qualitative_grid(cells, painter.dataset.camera)


def _heatmaps(run: Evaluation) -> Figure:
    poses, errors = run.poses()
    device = select_device(run.gpu)
    model = load_pose_model(run.model, device).model
    frame = poses.frame_ids[int(np.argsort(errors, kind="stable")[len(errors) // 2])]
    square = run.painter().image(frame)
    image = SquareCrop(model.input_size, *square.shape[:2]).image(square)
    with torch.inference_mode():
        output = model(to_input(torch.from_numpy(image)[None], device))
    return heatmap_overlay(image, output.heatmaps[0].float().cpu().numpy())


def _curves(run: Evaluation) -> Figure:
    runs = {folder.resolve().name: read_curves(folder) for folder in run.log_dirs}
    runs = {name: curves for name, curves in runs.items() if curves}
    if not runs:
        looked = ", ".join(map(str, run.log_dirs))
        raise UserError(f"no TensorBoard log of a training in {looked}: give --log_dir")
    return training_curves(runs)


_FIGURES: dict[str, Callable[[Evaluation], Figure]] = {
    "errors_by_action": lambda run: errors_by_action(run.results),
    "errors_by_joint": lambda run: errors_by_joint(run.results),
    "error_distribution": _distribution,
    "qualitative_grid": _grid,
    "heatmap_overlay": _heatmaps,
    "training_curves": _curves,
}


def draw(run: Evaluation, names: list[str], folder: Path, optional: bool) -> Iterator[Any]:
    """Draw figures one by one; yields (name, paths), or (name, reason) of one left out.

    Args:
        run: the evaluation.
        names: of the figures.
        folder: where they go.
        optional: leave out a figure whose data, model or logs are not there any more.

    Raises:
        UserError: for such a figure, if it is not optional.
    """
    with figure_style():
        for name in names:
            try:
                figure = _FIGURES[name](run)
            except UserError as error:
                if not optional:
                    raise UserError(f"{name}: {error}") from None
                yield name, str(error)
                continue
            yield name, save_figure(figure, folder, name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("results", type=Path, help="--save_dir of a demo.py run")
    parser.add_argument("--output", type=Path, help="folder (default: figures/ in that of the run)")
    parser.add_argument(
        "--only", nargs="+", choices=list(_FIGURES), metavar="FIGURE", help="draw these"
    )
    parser.add_argument(
        "--frames", type=int, default=8, help="frames of the qualitative grid (default: 8)"
    )
    moved = parser.add_argument_group("where things are now, if not where demo.py found them")
    moved.add_argument("--data_root", type=Path, help="folder of TrainSet, ValSet and TestSet")
    moved.add_argument(
        "--load_model", type=model_path, help="checkpoint of the evaluated model, or 'box'"
    )
    moved.add_argument("--log_dir", type=Path, nargs="+", help="log folders of its training")
    moved.add_argument("--gpu", default="0", help=GPU_HELP)
    return parser


def main(argv: list[str] | None = None) -> None:
    """Draw what was asked for, or all for which there is data."""
    arguments = _parser().parse_args(argv)
    if not arguments.results.is_dir():
        raise UserError(f"{arguments.results}: no folder; give the --save_dir of a demo.py run")
    if arguments.frames < 1:
        raise UserError(f"--frames {arguments.frames}: must be at least 1")
    run = Evaluation(arguments)
    folder = make_folder(arguments.output or arguments.results / "figures")
    names = arguments.only or list(_FIGURES)
    for name, outcome in draw(run, names, folder, optional=arguments.only is None):
        if isinstance(outcome, str):
            print(f"left out {name}: {outcome}", file=sys.stderr)
        else:
            print(outcome[0].with_suffix("").as_posix() + "{.png,.pdf}")


if __name__ == "__main__":
    run_command(main)
