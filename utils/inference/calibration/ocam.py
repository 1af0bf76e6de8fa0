"""The OCamCalib toolbox's calibrations: its text file and the JSON form."""

import math
from typing import Any

from base.cameras.ocam import OCamCamera
from utils.inference.calibration.values import Fault, flat, numbers, picture_size


def _ocam(
    polynomial: list[float],
    centre: tuple[float, float],
    affine: list[float],
    size: tuple[int, int],
    radius: float | None,
) -> OCamCamera:
    """A camera from the toolbox's own quantities.

    Args:
        polynomial: a0, a1, … of the toolbox, z backwards; some tools turn the sign.
        centre: (column, row).
        affine: c, d, e of row = c X + d Y + row0, column = e X + Y + column0.
        size: width, height.
        radius: of the image circle, None for as far as the picture's corners.
    """
    if len(polynomial) < 3:
        raise Fault(f"polynomial of {len(polynomial)} coefficients: 3 or more are needed")
    if polynomial[0] == 0:
        raise Fault("the polynomial's first coefficient must not be zero")
    if len(affine) != 3:
        raise Fault(f"{len(affine)} affine parameters: c, d and e are needed")
    (column, row), (c, d, e) = centre, affine
    if abs(c - d * e) < 1e-6:
        raise Fault("the affine parameters c, d, e are degenerate")
    sign = -1.0 if polynomial[0] < 0 else 1.0
    corners = [math.hypot(x - column, y - row) for x in (0, size[0]) for y in (0, size[1])]
    return OCamCamera(
        cx=column,
        cy=row,
        polynomial=tuple(sign * value for value in polynomial),
        affine=((1.0, e), (d, c)),
        width=size[0],
        height=size[1],
        radius=max(corners) if radius is None else radius,
    )


def read_json(content: dict[str, Any]) -> OCamCamera:
    """Camera of a JSON file's content."""
    for key in ("intrinsic", "size"):
        if key not in content:
            raise Fault(f"the calibration lacks '{key}'")
    matrix = flat(content["intrinsic"], "intrinsic")
    if len(matrix) not in (9, 16):
        raise Fault(f"intrinsic has {len(matrix)} numbers: 3×3 or 4×4 are needed")
    row_length = 4 if len(matrix) == 16 else 3
    radius = content.get("imageCircleRadius")
    return _ocam(
        flat(content["polynomialC2W"], "polynomialC2W"),
        (matrix[2], matrix[row_length + 2]),
        flat(content.get("affine", [1.0, 0.0, 0.0]), "affine"),
        picture_size(content["size"]),
        None if radius is None else numbers([radius], "imageCircleRadius")[0],
    )


def read_text(text: str) -> OCamCamera:
    """Camera of a ``calib_results.txt``."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    names = ("polynomial", "inverse polynomial", "center", "affine parameters", "image size")
    if len(lines) < len(names):
        raise Fault(f"cut off: '{names[len(lines)]}' is missing")
    rows = [numbers(line.split(), name) for line, name in zip(lines, names, strict=False)]
    polynomial = rows[0]
    if len(polynomial) != polynomial[0] + 1:
        raise Fault(f"polynomial: {polynomial[0]:g} coefficients said, {len(polynomial) - 1} here")
    if len(rows[2]) != 2 or len(rows[4]) != 2:
        raise Fault("center and image size are two numbers each")
    (row, column), (height, width) = rows[2], rows[4]
    return _ocam(polynomial[1:], (column, row), rows[3], picture_size([width, height]), None)
