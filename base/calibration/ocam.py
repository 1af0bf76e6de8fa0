"""Scaramuzza's omnidirectional polynomial: the OCamCalib toolbox's text, the JSON files of the
egocentric data sets, EventEgo3D and py-OCamCalib."""

import math
from collections.abc import Sequence
from typing import Any

from base.calibration.values import Reader, number, numbers, picture_size, size_in, with_keys
from base.cameras.ocam import OCamCamera
from base.errors import UserError


def _camera(
    polynomial: list[float],
    centre: Sequence[float],
    affine: Sequence[float],
    size: tuple[int, int],
    radius: float | None = None,
) -> OCamCamera:
    """A camera from a0, a1, …, which is z ahead or, as in the toolbox, behind: ahead, a0 is above
    zero; (column, row); c, d, e: row = c X + d Y + row0, column = e X + Y + column0, X down and Y
    right, or the matrix from the sensor (x right, y down) to pixels; (width, height) or (0, 0); the
    radius of the image circle, None for as far as the picture's corners."""
    if len(polynomial) < 3 or polynomial[0] == 0:
        raise UserError("the polynomial needs 3 or more coefficients, the first of them not zero")
    if len(affine) == 3:
        c, d, e = affine
        affine = 1.0, e, d, c
    xx, xy, yx, yy = affine
    sign = -1.0 if polynomial[0] < 0 else 1.0
    radius = corner_distance(*centre, *size) if radius is None else radius
    terms = tuple(sign * term for term in polynomial)
    return OCamCamera(*centre, terms, ((xx, xy), (yx, yy)), *size, radius)


def corner_distance(column: float, row: float, width: int, height: int) -> float:
    """How far from the centre the furthest corner is, pixels."""
    return max(math.hypot(x - column, y - row) for x in (0, width) for y in (0, height))


def _read_text(text: str) -> OCamCamera:
    """The toolbox's calib_results.txt, which states rows before columns."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    names = ("polynomial", "inverse polynomial", "center", "affine parameters", "image size")
    if len(lines) < len(names):
        raise UserError(f"cut off: '{names[len(lines)]}' is missing")
    counts = ((), (), (2,), (3,), (2,))
    rows = [numbers(*given, *count) for *given, count in zip(lines, names, counts, strict=False)]
    (count, *polynomial), _, (row, column), affine, (height, width) = rows
    if len(polynomial) != count:
        raise UserError(f"polynomial: {count:g} coefficients announced, {len(polynomial)} here")
    return _camera(polynomial, (column, row), affine, picture_size(width, height))


def _read_json(content: dict[str, Any]) -> OCamCamera:
    """The files of SceneEgo, UnrealEgo and their relatives: "polynomialC2W"."""
    if "size" not in content or not content.keys() & {"image_center", "intrinsic"}:
        raise UserError("the calibration lacks 'size', or 'intrinsic' or 'image_center'")
    if "image_center" in content:  # column, row
        centre = numbers(content["image_center"], "image_center", 2)
    else:
        matrix = numbers(content["intrinsic"], "intrinsic", 9, 16)
        centre = matrix[2], matrix[math.isqrt(len(matrix)) + 2]
    # EgoWholeMocap's file has its own c, d, e beside the "affine" of the file it was made from.
    names = [content[key] for key in "cde"] if set("cde") <= content.keys() else None
    affine = numbers(names or content.get("affine", [1.0, 0.0, 0.0]), "affine", 3)
    polynomial = numbers(content["polynomialC2W"], "polynomialC2W")
    size = picture_size(*numbers(content["size"], "size"))
    radius = content.get("imageCircleRadius")
    radius = None if radius is None else number(radius, "imageCircleRadius")
    return _camera(polynomial, centre, affine, size, radius)


def _read_eventego(content: dict[str, Any]) -> OCamCamera:
    """EventEgo3D's intrinsics.json: the polynomial is z ahead."""
    centre = numbers([content["xc"], content["yc"]], "xc, yc")
    affine = numbers([content.get("c", 1), content.get("d", 0), content.get("e", 0)], "c, d, e")
    return _camera(numbers(content["pol"], "pol"), centre, affine, size_in(content))


def _read_py_ocamcalib(content: dict[str, Any]) -> OCamCamera:
    """Its axes are the picture's (column first: modelling/camera.py, ``cam2world``)."""
    matrix = numbers(content["stretch_matrix"], "stretch_matrix", 4)
    polynomial = numbers(content["taylor_coefficient"], "taylor_coefficient")
    centre = numbers(content["distortion_center"], "distortion_center", 2)
    return _camera(polynomial, centre, matrix, (0, 0))


def _find_text(document: Any) -> dict[str, Any]:
    found = isinstance(document, str) and document.startswith("#polynomial")
    return {"": document} if found else {}


_PY_OCAMCALIB = with_keys("taylor_coefficient", "distortion_center", "stretch_matrix")
READERS = (
    Reader("OCamCalib", _find_text, _read_text),
    Reader("OCamCalib", with_keys("polynomialC2W"), _read_json),
    Reader("EventEgo3D", with_keys("pol", "xc", "yc", "width", "height"), _read_eventego),
    Reader("py-OCamCalib", _PY_OCAMCALIB, _read_py_ocamcalib),
)
