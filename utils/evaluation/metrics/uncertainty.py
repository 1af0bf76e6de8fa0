"""Whether a model's uncertainty means something: coverage, and error by uncertainty."""

from typing import Any

import numpy as np

from utils.evaluation.distances import MILLIMETRES, distances
from utils.evaluation.poses import Poses

DECILES = 10


def uncertainty_report(errors: np.ndarray, radii: np.ndarray) -> dict[str, Any]:
    """Compare errors with the radii of 90 % regions.

    Args:
        errors: (N, 16) millimetres in the camera's frame.
        radii: (N, 16) metres.

    Returns:
        "coverage" (share of the joints inside), "deciles" (the joints in ten equal parts by rising
        radius: "radius" and "error", mean millimetres, and "coverage") and "monotonic" (whether
        the error rises from each decile to the next).
    """
    radii = np.asarray(radii, np.float64).ravel() * MILLIMETRES
    errors = np.asarray(errors, np.float64).ravel()
    inside = errors <= radii
    parts = np.array_split(np.argsort(radii, kind="stable"), min(DECILES, len(radii)))
    deciles = [
        {
            "radius": float(radii[part].mean()),
            "error": float(errors[part].mean()),
            "coverage": float(inside[part].mean()),
        }
        for part in parts
    ]
    rising = np.diff([decile["error"] for decile in deciles]) > 0
    return {
        "coverage": float(inside.mean()),
        "deciles": deciles,
        "monotonic": bool(rising.all()),
    }


def uncertainty(poses: Poses) -> dict[str, Any] | None:
    """See :func:`uncertainty_report`; None for a model that gives no uncertainty."""
    if poses.uncertainty is None:
        return None
    return uncertainty_report(distances(poses.predicted, poses.target), poses.uncertainty)
