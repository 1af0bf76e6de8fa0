"""Results that demo.py could have measured, made up from the name of a row and a seed."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from base.skeleton import JOINTS


def characters(errors: Sequence[float]) -> dict[str, Any]:
    """The part of results.json with the MPJPE of each character."""
    found = {}
    for name, error, frames in zip("abc", errors, (10, 30, 20), strict=False):
        cell = {"All": {"mpjpe": error, "frames": frames}}
        found[name] = dict.fromkeys(("full", "upper", "lower"), cell)
    return {"characters": found}


def results(row: str, seed: int, moving: bool = False, sure: bool = False) -> dict[str, Any]:
    """What the benchmark reads of results.json: of videos, of a model that states uncertainty."""
    rng = np.random.default_rng([len(row), *row.encode(), seed])
    errors = rng.uniform(80, 250, 3)
    whole = float(np.average(errors, weights=(10, 30, 20)))

    def near() -> float:
        return float(whole * rng.uniform(0.7, 1.3))

    found = characters(errors) | {
        "full": {"All": {"mpjpe": whole, "pa_mpjpe": near(), "frames": 60}},
        "upper": {"All": {"mpjpe": near(), "frames": 60}},
        "lower": {"All": {"mpjpe": near(), "frames": 60}},
        "joints": {joint: {"mpjpe": near()} for joint in JOINTS},
        "visibility": {kind: {"mpjpe": near()} for kind in ("visible", "hidden")},
        "motion": None,
        "uncertainty": None,
    }
    if moving:
        jitter = {"acceleration_error": near() / 10, "jitter": near() / 9, "jitter_true": 0.9}
        found["motion"] = jitter
    if sure:
        deciles = [{"error": error} for error in np.sort(rng.uniform(10, 300, 10))]
        found["uncertainty"] = {"coverage": rng.uniform(0.8, 0.95), "deciles": deciles}
    return found
