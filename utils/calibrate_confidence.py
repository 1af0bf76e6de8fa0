"""Calibrate a model's confidences: heatmap height → probability that the joint is right.

Writes MODEL.confidence.json beside the checkpoint, where inference.py finds it, and draws the
reliability curve.

python utils/calibrate_confidence.py --load_model model_best.tar --data_root data/synthetic
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import matplotlib
import numpy as np
from tqdm import tqdm

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from base.base_dataset import BaseDataset
from base.errors import UserError
from base.files import replacing
from base.set_type import SetType
from dataset import open_split
from dataset.loader import FrameLoader
from utils.common.command import command_parser, run_command
from utils.inference.confidence import confidence_path, fit_confidence, save_confidence
from utils.inference.pose_predictor import PosePredictor
from utils.inference.predictor import load_network

_FOLDS = 5
_CURVE_BINS = 10
#: Fewer joints say too little about how often one is right.
_FEWEST = 100
_GREY, _ORANGE = "#9aa4b2", "#f97316"


def collect(predictor: PosePredictor, dataset: BaseDataset) -> tuple[np.ndarray, np.ndarray]:
    """Heights (F, 16) of heatmaps and errors (F, 16), millimetres in the camera's frame."""
    heights, errors = [], []
    loader = FrameLoader(dataset, batch_size=16)
    for batch in tqdm(loader, unit="batch", dynamic_ncols=True):
        found = predictor(batch.images)
        placed = found.joints3d + found.neck[:, None]
        heights.append(found.confidence)
        errors.append(np.linalg.norm(placed - batch.joints3d.numpy(), axis=-1) * 1000)
    if not heights:
        raise UserError(f"{dataset.set_type.folder}: not one frame could be read")
    return np.concatenate(heights), np.concatenate(errors)


def held_out(heights: np.ndarray, right: np.ndarray, within_mm: float) -> np.ndarray:
    """(F, 16) probabilities, each by a map fitted on other frames (five-fold)."""
    probabilities = np.empty(heights.shape)
    folds = np.arange(len(heights)) * _FOLDS // len(heights)
    for fold in range(_FOLDS):
        rest, part = folds != fold, folds == fold
        fitted = fit_confidence(heights[rest].ravel(), right[rest].ravel(), within_mm, "")
        probabilities[part] = fitted(heights[part])
    return probabilities


def reliability(
    predicted: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Reliability curve: per tenth of the joints, mean predicted, share right, number; and the
    expected calibration error (Naeini et al., AAAI 2015), the mean distance of the two."""
    parts = np.array_split(np.argsort(predicted, kind="stable"), _CURVE_BINS)
    mean = np.array([predicted[part].mean() for part in parts])
    share = np.array([right[part].mean() for part in parts])
    count = np.array([len(part) for part in parts])
    return mean, share, count, float(np.average(np.abs(mean - share), weights=count))


def draw(path: Path, curves: dict[str, np.ndarray], right: np.ndarray, within_mm: float) -> None:
    """Draw the reliability curves of predicted probabilities, name → (N,); ``right`` is (N,)."""
    figure, axes = plt.subplots(figsize=(5.2, 5.4), dpi=150)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--")
    style = {"marker": "o", "markersize": 4, "capsize": 2}
    for (name, predicted), colour in zip(curves.items(), (_GREY, _ORANGE), strict=True):
        mean, share, count, error = reliability(predicted, right)
        spread = 1.96 * np.sqrt(share * (1 - share) / count)
        label = f"{name} (off by {100 * error:.1f} %)"
        axes.errorbar(mean, share, spread, color=colour, label=label, **style)
    within = f"share of joints within {within_mm:g} mm"
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel=within)
    figure.legend(loc="lower center", ncols=2, frameon=False, fontsize=9)
    axes.grid(color="#e5e9f0", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")
    plt.close(figure)


def main(argv: list[str] | None = None) -> None:
    parser = command_parser(__doc__, "gpu", "data_root", load_model={"required": True})
    add = parser.add_argument
    within_help = "error up to which a joint counts as right, in the camera's frame (default: 100)"
    add("--within", type=float, default=100.0, metavar="MM", help=within_help)
    add("--output", type=Path, help="the map (default: beside the checkpoint)")
    add("--curve", type=Path, help="picture of the reliability curve (default: beside the map)")
    args = parser.parse_args(argv)
    if args.within <= 0:
        raise UserError(f"--within {args.within:g}: millimetres above 0")
    network = load_network(args.load_model, args.gpu)
    # The test set stays unseen: what is fitted is fitted on the validation set.
    dataset = open_split(args.data_root, SetType.VAL, view=network.camera)
    heights, errors = collect(network, dataset)
    data = f"{len(heights)} frames of {args.data_root.name}/{SetType.VAL.folder}"
    if heights.size < _FEWEST or len(heights) < _FOLDS:
        raise UserError(f"{data}: {heights.size} joints are too few to calibrate on")
    right = errors <= args.within
    fitted = fit_confidence(heights.ravel(), right.ravel(), args.within, data)
    output = args.output or confidence_path(args.load_model)
    curve = args.curve or output.with_suffix(".png")
    save_confidence(output, fitted)
    own = "the model's own" if network.has_uncertainty else "heatmap height"
    calibrated = held_out(heights, right, args.within).ravel()
    curves, right = {own: heights.ravel(), "calibrated, held out": calibrated}, right.ravel()
    draw(curve, curves, right, args.within)
    print(f"{100 * right.mean():.0f} % of the joints are within {args.within:g} mm.")
    for name, predicted in curves.items():
        print(f"{name}: off by {100 * reliability(predicted, right)[3]:.1f} % on average")
    print(f"{output}\n{curve}")


if __name__ == "__main__":
    run_command(main)
