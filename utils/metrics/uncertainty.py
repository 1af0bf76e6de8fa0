"""Whether a model's uncertainty means something: coverage, and errors by how sure it was."""

from typing import Any

import numpy as np

from utils.metrics.errors import MILLIMETRES

DECILES = 10


def uncertainty_report(errors: np.ndarray, radii: np.ndarray) -> dict[str, Any]:
    """Compare errors with the radii said to hold them in 90 % of the cases.

    Args:
        errors: (F, 16) millimetres in the camera's frame.
        radii: (F, 16) metres.

    Returns:
        "coverage" (share of the joints inside), "deciles" (the joints in ten equal parts by rising
        radius: "radius" and "error", mean millimetres, and "coverage") and "monotonic" (whether
        the error rises from each tenth to the next).
    """
    radii = np.asarray(radii, np.float64).ravel() * MILLIMETRES
    errors = np.asarray(errors, np.float64).ravel()
    inside = errors <= radii
    parts = [
        part for part in np.array_split(np.argsort(radii, kind="stable"), DECILES) if len(part)
    ]
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
