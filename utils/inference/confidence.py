"""From the height of a heatmap to the probability that the joint is where it is predicted."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from base.errors import UserError
from base.files import write_text


@dataclass(frozen=True, slots=True)
class ConfidenceMap:
    """A rising, piecewise linear map from heights to the probability that a joint is within
    ``within_mm`` of its place in the camera's frame; fitted on so many joints of the set ``data``.
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


def fit_confidence(
    heights: np.ndarray, right: np.ndarray, within_mm: float, data: str
) -> ConfidenceMap:
    """Fit the map to heights (N,) and whether each joint was within ``within_mm``, (N,) bool.
    Joints are sorted by height into at most 20 bins of equal number, at least 25 in each; the map
    is the isotonic regression of their shares of right joints. One right and one wrong joint are
    added to each bin, so that none is 0 or 1 (Laplace's rule of succession)."""
    # Here, for it takes a third of a second that only fitting needs.
    from scipy.optimize import isotonic_regression

    order = np.argsort(heights)
    parts = np.array_split(order, max(1, min(20, len(order) // 25)))
    centres = np.array([heights[part].mean() for part in parts])
    shares = np.array([(right[part].sum() + 1) / (len(part) + 2) for part in parts])
    rising = isotonic_regression(shares, weights=[len(part) for part in parts]).x
    # Equal centres, as of heatmaps that are all empty, would leave the map undefined between them.
    centres = np.maximum.accumulate(centres + 1e-9 * np.arange(len(centres)))
    values = (tuple(np.round(array, 6).tolist()) for array in (centres, rising))
    return ConfidenceMap(*values, within_mm, len(heights), data)


def confidence_path(model: Path) -> Path:
    """Where the map of ``model_best.tar`` or of an export is: ``model_best.confidence.json``."""
    return model.with_suffix(".confidence.json")


def save_confidence(path: Path, confidence: ConfidenceMap) -> None:
    write_text(path, json.dumps(asdict(confidence), indent=1) + "\n")


def load_confidence(path: Path) -> ConfidenceMap:
    """Read a map; UserError for a file that is missing or none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        points = np.array([content["heights"], content["probabilities"]], float)
        rising = points.ndim == 2 and points.size and (np.diff(points) >= 0).all()
        if not rising or not (np.abs(points) < 1e6).all():
            raise ValueError("as many heights as probabilities are needed, both rising")
        within, joints = float(content["within_mm"]), int(content["joints"])
        return ConfidenceMap(*map(tuple, points.tolist()), within, joints, str(content["data"]))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; run utils/calibrate_confidence.py") from None
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
        raise UserError(f"{path}: not a confidence map ({error})") from None
