"""Calibrate a model's confidences: what it says of a joint → probability that the joint is right.

That is the height of its heatmap or, of a model that predicts its uncertainty, its own confidence.

Writes MODEL.confidence.json beside the checkpoint, where inference.py finds it, and says how well
the confidences fit before and after.

python utils/calibrate_confidence.py --load_model model_best.tar --data_root data/synthetic
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.common.command import command_parser, number, output_file, parse_early, run_command


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = command_parser(__doc__, "gpu", "data_root", "format", load_model={"required": True})
    add = parser.add_argument
    within_help = "error up to which a joint counts as right, in the camera's frame (default: 100)"
    add("--within", type=number(1, 2000), default=100.0, metavar="MM", help=within_help)
    add("--output", type=output_file, help="the map (default: beside the checkpoint)")
    return parser.parse_args(argv)


parse_early(__name__, parse_arguments)

import numpy as np
from tqdm import tqdm

from base.base_dataset import BaseDataset
from base.errors import UserError
from base.set_type import SetType
from dataset import open_split
from dataset.loader import FrameLoader
from utils.inference.confidence import confidence_path, fit_confidence, save_confidence
from utils.inference.predictor import load_network
from utils.inference.square_predictor import SquarePredictor

_FOLDS, _BINS = 5, 10
#: Fewer joints say too little about how often one is right.
_FEWEST = 100


def collect(predictor: SquarePredictor, dataset: BaseDataset) -> tuple[np.ndarray, np.ndarray]:
    """Heights (F, 16) of heatmaps and errors (F, 16), millimetres in the camera's frame, NaN for
    joints that are not labelled."""
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
    """(F, 16) probabilities, each by a map fitted on other frames (five-fold); ``right`` is NaN
    for joints that are not labelled."""
    probabilities = np.empty(heights.shape)
    folds = np.arange(len(heights)) * _FOLDS // len(heights)
    for fold in range(_FOLDS):
        rest, part = (folds != fold)[:, None] & ~np.isnan(right), folds == fold
        fitted = fit_confidence(heights[rest], right[rest], within_mm, "")
        probabilities[part] = fitted(heights[part])
    return probabilities


def calibration_error(predicted: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error (Naeini et al., AAAI 2015) of probabilities (N,) of joints being
    right (N,): the mean distance of mean probability and share right, over tenths of the joints."""
    parts = np.array_split(np.argsort(predicted, kind="stable"), _BINS)
    off = [abs(predicted[part].mean() - right[part].mean()) for part in parts]
    return float(np.average(off, weights=[len(part) for part in parts]))


def main(argv: list[str] | None = None) -> None:
    args = parse_arguments(argv)
    network = load_network(args.load_model, args.gpu)
    # The test set stays unseen: what is fitted is fitted on the validation set.
    how = {"view": network.camera, "format": args.format}
    dataset = open_split(args.data_root, SetType.VAL, **how)
    heights, errors = collect(network, dataset)
    data = f"{len(heights)} frames of {args.data_root.name}/{SetType.VAL.folder}"
    known = ~np.isnan(errors)
    if known.sum() < _FEWEST or len(heights) < _FOLDS:
        raise UserError(f"{data}: {known.sum()} joints are too few to calibrate on")
    right = np.where(known, errors <= args.within, np.nan)
    fitted = fit_confidence(heights[known], right[known], args.within, data)
    output = args.output or confidence_path(args.load_model)
    save_confidence(output, fitted)
    own = "the model's own" if network.has_uncertainty else "heatmap height"
    calibrated = held_out(heights, right, args.within)[known]
    print(f"{100 * right[known].mean():.0f} % of the joints are within {args.within:g} mm.")
    for name, predicted in ((own, heights[known]), ("calibrated, held out", calibrated)):
        error = calibration_error(predicted, right[known])
        print(f"{name}: off by {100 * error:.1f} % on average")
    print(output)


if __name__ == "__main__":
    run_command(main)
