"""Numbers out of calibration files, and what is wrong with them."""

from collections.abc import Iterable
from typing import Any

import numpy as np


class Fault(Exception):
    """What is wrong with a file, without its name."""


def numbers(values: Iterable[Any], what: str) -> list[float]:
    """Values as floats; ``what`` names them in the fault."""
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError):
        raise Fault(f"{what}: not all numbers") from None


def flat(value: Any, what: str) -> list[float]:
    """A matrix, nested, as OpenCV and ROS write it, as one list."""
    if isinstance(value, dict):
        value = value.get("data")
    try:
        return np.asarray(value, np.float64).ravel().tolist()
    except (TypeError, ValueError):
        raise Fault(f"{what}: not a matrix of numbers") from None


def picture_size(value: Any) -> tuple[int, int]:
    """Width and height, pixels."""
    sides = flat(value, "picture size")
    if len(sides) != 2 or min(sides) < 1 or not all(side.is_integer() for side in sides):
        raise Fault(f"picture size {sides}: a width and a height in pixels are needed")
    return int(sides[0]), int(sides[1])
