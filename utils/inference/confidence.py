"""From what a model says of a joint, the height of its heatmap or its own confidence, to the
probability that the joint is where it is predicted."""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from base.documents import read_document
from base.errors import UserError
from base.files import write_text
from base.schema import Section, read_record


class ConfidenceMap(Section):
    """A rising, piecewise linear map from heights to the probability that a joint is within
    ``within_mm`` of its place in the camera's frame; fitted on so many joints of the set ``data``.
    """

    heights: tuple[float, ...] = Field(min_length=1)
    probabilities: tuple[Annotated[float, Field(ge=0, le=1)], ...]
    within_mm: float = Field(gt=0)
    joints: int = Field(ge=0)
    data: str

    @model_validator(mode="after")
    def _rising(self) -> "ConfidenceMap":
        known = self.heights, self.probabilities
        if len(known[0]) != len(known[1]) or (np.diff(known) < 0).any():
            raise ValueError("as many heights as probabilities are needed, and both must rise")
        return self

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
    heights, probabilities = (np.round(array, 6).tolist() for array in (centres, rising))
    return ConfidenceMap(
        heights=heights,
        probabilities=probabilities,
        within_mm=within_mm,
        joints=len(right),
        data=data,
    )


def confidence_path(model: Path) -> Path:
    """Where the map of ``model_best.tar`` or of an export is: ``model_best.confidence.json``."""
    return model.with_suffix(".confidence.json")


def save_confidence(path: Path, confidence: ConfidenceMap) -> None:
    write_text(path, json.dumps(confidence.model_dump(), indent=1) + "\n")


def load_confidence(path: Path) -> ConfidenceMap:
    """Read a map; UserError for a file that is missing or none."""
    what = f"{path}: not a confidence map of utils/calibrate_confidence.py"
    content = read_document(path, what)
    try:
        return read_record(ConfidenceMap, content)
    except UserError as error:
        raise UserError(f"{what}: {error}") from None
