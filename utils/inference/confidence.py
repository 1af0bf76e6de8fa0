"""From the height of a heatmap to the probability that the joint is where it is said to be."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from base.errors import UserError
from base.files import write_text

#: Beside a checkpoint ``model_best.tar``: ``model_best.confidence.json``.
SUFFIX = ".confidence.json"


@dataclass(frozen=True, slots=True)
class ConfidenceMap:
    """A rising, piecewise linear map.

    Attributes:
        heights: (K,) heights of heatmaps, rising.
        probabilities: (K,) share of joints of that height that are within ``within_mm``.
        within_mm: millimetres, in the camera's frame, that count as right.
        joints: how many joints it was fitted on.
        data: on which set.
    """

    heights: tuple[float, ...]
    probabilities: tuple[float, ...]
    within_mm: float
    joints: int
    data: str

    def __call__(self, heights: np.ndarray) -> np.ndarray:
        """Probabilities of any array of heights, float32."""
        return np.interp(heights, self.heights, self.probabilities).astype(np.float32)

    def describe(self) -> str:
        """What the numbers mean, for ``poses.json``."""
        return (
            f"probability that the joint is within {self.within_mm:g} mm of its true place in the "
            f"camera's frame, calibrated on {self.joints} joints of {self.data}"
        )


def isotonic(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The rising sequence nearest to ``values`` in the weighted least-squares sense.

    Pool adjacent violators: Ayer et al., "An empirical distribution function for sampling with
    incomplete information", Annals of Mathematical Statistics, 1955.

    Args:
        values, weights: (N,).

    Returns:
        (N,).
    """
    pools: list[list[float]] = []
    for value, weight in zip(values, weights, strict=True):
        pools.append([float(value), float(weight), 1])
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (low, low_weight, low_count), (high, high_weight, high_count) = pools[-2:]
            total = low_weight + high_weight
            mean = (low * low_weight + high * high_weight) / total
            pools[-2:] = [[mean, total, low_count + high_count]]
    return np.concatenate([np.full(int(count), mean) for mean, _, count in pools])


def fit_confidence(
    heights: np.ndarray, right: np.ndarray, within_mm: float, data: str, bins: int = 20
) -> ConfidenceMap:
    """Fit the map.

    Joints are sorted by height into bins of equal number; the share that is right rises from bin to
    bin as near to what was counted as can be.  A bin counts one right and one wrong joint more than
    it has, so that none says 0 or 1 for certain (Laplace's rule of succession).

    Args:
        heights: (N,) heights of heatmaps.
        right: (N,) bool, whether the joint was within ``within_mm``.
        within_mm: millimetres.
        data: the set, for the record.
        bins: at most; fewer where that leaves less than 25 joints in one.
    """
    order = np.argsort(heights)
    parts = np.array_split(order, max(1, min(bins, len(order) // 25)))
    centres = np.array([heights[part].mean() for part in parts])
    shares = np.array([(right[part].sum() + 1) / (len(part) + 2) for part in parts])
    rising = isotonic(shares, np.array([len(part) for part in parts], float))
    # Equal centres, as of heatmaps that are all empty, would leave the map undefined between them.
    centres = np.maximum.accumulate(centres + 1e-9 * np.arange(len(centres)))
    return ConfidenceMap(
        tuple(np.round(centres, 6).tolist()),
        tuple(np.round(rising, 6).tolist()),
        within_mm,
        len(heights),
        data,
    )


def confidence_path(model: Path) -> Path:
    """Where the map of a checkpoint or an export is."""
    return model.with_suffix(SUFFIX)


def save_confidence(path: Path, confidence: ConfidenceMap) -> None:
    """Write a map, whole or not at all."""
    write_text(path, json.dumps(asdict(confidence), indent=1) + "\n")


def load_confidence(path: Path) -> ConfidenceMap:
    """Read a map.

    Raises:
        UserError: for a file that is missing or none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        heights = np.asarray(content["heights"], float)
        probabilities = np.asarray(content["probabilities"], float)
        if heights.shape != probabilities.shape or heights.ndim != 1 or not len(heights):
            raise ValueError("as many heights as probabilities are needed")
        if (np.diff(heights) < 0).any() or (np.diff(probabilities) < 0).any():
            raise ValueError("heights and probabilities must rise")
        return ConfidenceMap(
            tuple(heights.tolist()),
            tuple(probabilities.tolist()),
            float(content["within_mm"]),
            int(content["joints"]),
            str(content["data"]),
        )
    except OSError as error:
        raise UserError(
            f"{path}: {error.strerror}; utils/calibrate_confidence.py makes it"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a confidence map ({error})") from None
