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
    radius: float | None = None,
) -> OCamCamera:
    """A camera from the toolbox's quantities: a0, a1, … (z backwards; some tools turn the sign);
    (column, row); c, d, e of row = c X + d Y + row0, column = e X + Y + column0; (width, height);
    and the radius of the image circle, None for as far as the picture's corners."""
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
    if radius is None:
        radius = max(math.hypot(x - column, y - row) for x in (0, size[0]) for y in (0, size[1]))
    polynomial = [sign * value for value in polynomial]
    return OCamCamera(column, row, tuple(polynomial), ((1.0, e), (d, c)), *size, radius)


def read_json(content: dict[str, Any]) -> OCamCamera:
    """Camera of a JSON file's content."""
    for key in ("intrinsic", "size"):
        if key not in content:
            raise Fault(f"the calibration lacks '{key}'")
    matrix = flat(content["intrinsic"], "intrinsic")
    if len(matrix) not in (9, 16):
        raise Fault(f"intrinsic has {len(matrix)} numbers: 3×3 or 4×4 are needed")
    radius = content.get("imageCircleRadius")
    return _ocam(
        flat(content["polynomialC2W"], "polynomialC2W"),
        (matrix[2], matrix[math.isqrt(len(matrix)) + 2]),
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
    (count, *polynomial), _, centre, affine, size = rows
    if len(polynomial) != count:
        raise Fault(f"polynomial: {count:g} coefficients announced, {len(polynomial)} here")
    if len(centre) != 2 or len(size) != 2:
        raise Fault("center and image size are two numbers each")
    # Rows before columns.
    return _ocam(polynomial, (centre[1], centre[0]), affine, picture_size(size[::-1]))
