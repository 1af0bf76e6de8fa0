"""Hand-made poses for tests of drawing, metrics and reports."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from base.frame import FrameId
from utils.evaluation.poses import Poses


def evaluated(
    predicted: np.ndarray,
    target: np.ndarray,
    numbers: Sequence[int] | None = None,
    actions: Sequence[str] | None = None,
    characters: str | None = None,
    **more: Any,
) -> Poses:
    """Poses of an evaluation: by default consecutive frames of one walking character, "a"."""
    count = len(target)
    numbers, characters = numbers or range(count), characters or "a" * count
    ids = [FrameId(*who) for who in zip(characters, ["env_001"] * count, numbers, strict=True)]
    return Poses(predicted, target, list(actions or ["walking"] * count), ids, **more)


def standing() -> np.ndarray:
    """(16, 3) metres, camera frame: arms out and forward, so that no joint hides another."""
    x = [0, 0, 0.2, 0.4, 0.55, -0.2, -0.4, -0.55, 0.1, 0.14, 0.17, 0.2, -0.1, -0.14, -0.17, -0.2]
    y = [-15, -20, -12, 5, 30, -12, 5, 30, *(-16, 4, -12, 8) * 2]
    z = [0.25, 0.05, 0.28, 0.5, 0.5, 0.28, 0.5, 0.5, *(0.8, 1.15, 1.5, 1.55) * 2]
    return np.stack([x, np.divide(y, 100), z], 1)
