"""Calibrations as people have them on disk, told apart by their content: JSON or YAML with a camera
matrix and distortion coefficients (what users of OpenCV save, OpenCV's FileStorage, ROS, Kalibr),
OCamCalib's ``calib_results.txt`` or JSON, and COLMAP's ``cameras.txt``.

What reads a file's content raises a UserError without the file's name, which
:func:`load_calibration` puts before it.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from base.cameras.camera import Camera
from base.cameras.ocam import OCamCamera
from base.cameras.pinhole import PinholeCamera
from base.errors import UserError
from base.release_camera import RELEASE_CAMERA, FisheyeCamera

#: ``--camera training``: the camera of the data set.
TRAINING = "training"
#: Sides whose ratio differs by less than this belong to one picture, scaled and rounded.
_ASPECT_TOLERANCE = 0.005
#: Names in files, in lower case without anything but letters and digits.
_NAMES = {
    "matrix": ("k", "cameramatrix", "mtx", "intrinsicmatrix", "intrinsics", "intrinsic"),
    "distortion": (
        *("d", "dist", "distortion", "distcoeffs", "distcoefs", "distortioncoefficients"),
        *("distortioncoeffs", "distcoef", "distcoefficients"),
    ),
    "size": ("dim", "size", "imagesize", "imgsize", "resolution", "imageshapewh"),
    "model": ("distortionmodel", "model", "cameramodel", "type"),
}
_FISHEYE = {"fisheye", "equidistant", "kannalabrandt", "kannalabrandt4", "opencvfisheye", "kb4"}
_PINHOLE = {"pinhole", "plumbbob", "radtan", "rationalpolynomial", "opencv", "perspective"}
#: COLMAP's models → lens, number of focal lengths and of distortion terms.
_MODELS: dict[str, tuple[type[FisheyeCamera | PinholeCamera], int, int]] = {
    "SIMPLE_PINHOLE": (PinholeCamera, 1, 0),
    "PINHOLE": (PinholeCamera, 2, 0),
    "SIMPLE_RADIAL": (PinholeCamera, 1, 1),
    "RADIAL": (PinholeCamera, 1, 2),
    "OPENCV": (PinholeCamera, 2, 4),
    "FULL_OPENCV": (PinholeCamera, 2, 8),
    "SIMPLE_RADIAL_FISHEYE": (FisheyeCamera, 1, 1),
    "RADIAL_FISHEYE": (FisheyeCamera, 1, 2),
    "OPENCV_FISHEYE": (FisheyeCamera, 2, 4),
}


def _numbers(values: Iterable[Any], what: str) -> list[float]:
    """Values as floats; ``what`` names them in the fault."""
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError):
        raise UserError(f"{what}: not all numbers") from None


def _flat(value: Any, what: str) -> list[float]:
    """A matrix, nested, as OpenCV and ROS write it, as one list."""
    if isinstance(value, dict):
        value = value.get("data")
    try:
        return np.asarray(value, np.float64).ravel().tolist()
    except (TypeError, ValueError):
        raise UserError(f"{what}: not a matrix of numbers") from None


def _picture_size(value: Any) -> tuple[int, int]:
    sides = _flat(value, "picture size")
    if len(sides) != 2 or min(sides) < 1 or not all(side.is_integer() for side in sides):
        raise UserError(f"picture size {sides}: a width and a height in pixels are needed")
    return int(sides[0]), int(sides[1])


class _Loader(yaml.SafeLoader):
    """YAML with OpenCV's matrices."""


_Loader.add_constructor(
    "tag:yaml.org,2002:opencv-matrix", lambda loader, node: loader.construct_mapping(node, True)
)


def _plain(name: Any) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def _structured(text: str) -> dict[str, Any]:
    """Content of a JSON or YAML file; of a Kalibr file, that of its first camera."""
    try:
        # OpenCV writes "%YAML:1.0", which no YAML reader but its own accepts.
        content = yaml.load(re.sub(r"\A%YAML[^\n]*\n", "", text), _Loader)
    except yaml.YAMLError:
        content = None
    if not isinstance(content, dict):
        # JSON is YAML but for tabs and a few numbers.
        try:
            content = json.loads(text)
        except ValueError:
            raise UserError("not a calibration: neither JSON, YAML, OCamCalib nor COLMAP") from None
    if not isinstance(content, dict):
        raise UserError("not a calibration: its content is no mapping of names to values")
    cameras = [value for key, value in content.items() if re.fullmatch(r"cam\d+", str(key))]
    return cameras[0] if cameras and isinstance(cameras[0], dict) else content


def _read_opencv(content: dict[str, Any]) -> tuple[Camera, str]:
    """Camera of a file's content, and what kind of file it was."""
    named = {_plain(key): value for key, value in content.items()}

    def first(kind: str) -> Any:
        return next((named[key] for key in _NAMES[kind] if key in named), None)

    by_name = {"fx", "fy", "cx", "cy"} <= named.keys()
    intrinsics = _intrinsics(named, None if by_name else first("matrix"))
    # Beside named focal lengths, "k" can only be the coefficients.
    terms = named["k"] if by_name and "k" in named else first("distortion")
    if terms is None and "k1" in named:
        keys = ("k1", "k2", "k3", "k4") if "p1" not in named else ("k1", "k2", "p1", "p2", "k3")
        terms = [named.get(key) for key in keys if key in named or key != "k3"]
        if None in terms:
            raise UserError(f"incomplete distortion coefficients: {', '.join(keys)} are needed")
    distortion = None if terms is None else _flat(terms, "distortion coefficients")
    size = _size(named, first("size"))
    if _is_fisheye(named, distortion):
        if distortion is None or len(distortion) != 4:
            found = "none" if distortion is None else str(len(distortion))
            raise UserError(f"a fisheye lens has 4 distortion coefficients, found {found}")
        return FisheyeCamera(*intrinsics, tuple(distortion), *size), "OpenCV fisheye"
    distortion = distortion or []
    while len(distortion) in (6, 7) or len(distortion) > 8:
        # Thin-prism and tilt terms, which OpenCV appends, must be zero to be left out.
        if distortion[-1] != 0:
            raise UserError(f"{len(distortion)} distortion terms: 4, 5 or 8 are supported")
        distortion = distortion[:-1]
    if len(distortion) not in (0, 4, 5, 8):
        raise UserError(f"{len(distortion)} distortion terms: a pinhole has none, 4, 5 or 8")
    return PinholeCamera(*intrinsics, tuple(distortion), *size), "OpenCV pinhole"


def _intrinsics(named: dict[str, Any], matrix: Any) -> list[float]:
    if matrix is None:
        keys = ("fx", "fy", "cx", "cy")
        missing = [key for key in keys if key not in named]
        if len(missing) == len(keys):
            raise UserError("the calibration has no camera matrix (K, camera_matrix, or fx, fy, …)")
        if missing:
            raise UserError(f"the calibration lacks {', '.join(missing)}")
        return _numbers((named[key] for key in keys), "camera matrix")
    values = _flat(matrix, "camera matrix")
    if len(values) == 4:  # Kalibr
        return values
    if len(values) != 9:
        raise UserError(f"the camera matrix has {len(values)} numbers: 3×3 are needed")
    if abs(values[1]) > 1e-3 * abs(values[0]):
        raise UserError(f"the camera matrix has a skew of {values[1]:g}, which is not supported")
    return [values[0], values[4], values[2], values[5]]


def _size(named: dict[str, Any], size: Any) -> tuple[int, int]:
    """Width and height; 0×0 where the file does not say."""
    if isinstance(size, dict):
        size = [size.get("width"), size.get("height")]
    for prefix in ("", "image", "img"):
        if size is None and {f"{prefix}width", f"{prefix}height"} <= named.keys():
            size = [named[f"{prefix}width"], named[f"{prefix}height"]]
    return (0, 0) if size is None else _picture_size(size)


def _is_fisheye(named: dict[str, Any], distortion: list[float] | None) -> bool:
    stated = {_plain(named[key]) for key in _NAMES["model"] if key in named}
    # Kalibr says "pinhole" of the projection and "equidistant" of the distortion.
    if stated & _FISHEYE or named.get("fisheye") is True:
        return True
    if stated & _PINHOLE or named.get("fisheye") is False:
        return False
    if stated:
        raise UserError(f"camera model '{min(stated)}' is not supported: fisheye and pinhole are")
    if distortion is None:
        raise UserError(
            "the calibration has no distortion coefficients (D, dist_coeffs, …); "
            "a lens without any states model: pinhole"
        )
    # cv2.fisheye.calibrate gives four coefficients, cv2.calibrateCamera five or more.
    return len(distortion) <= 4


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
        raise UserError(f"polynomial of {len(polynomial)} coefficients: 3 or more are needed")
    if polynomial[0] == 0:
        raise UserError("the polynomial's first coefficient must not be zero")
    if len(affine) != 3:
        raise UserError(f"{len(affine)} affine parameters: c, d and e are needed")
    (column, row), (c, d, e) = centre, affine
    if abs(c - d * e) < 1e-6:
        raise UserError("the affine parameters c, d, e are degenerate")
    sign = -1.0 if polynomial[0] < 0 else 1.0
    if radius is None:
        radius = max(math.hypot(x - column, y - row) for x in (0, size[0]) for y in (0, size[1]))
    polynomial = [sign * value for value in polynomial]
    return OCamCamera(column, row, tuple(polynomial), ((1.0, e), (d, c)), *size, radius)


def _read_ocam_json(content: dict[str, Any]) -> OCamCamera:
    for key in ("intrinsic", "size"):
        if key not in content:
            raise UserError(f"the calibration lacks '{key}'")
    matrix = _flat(content["intrinsic"], "intrinsic")
    if len(matrix) not in (9, 16):
        raise UserError(f"intrinsic has {len(matrix)} numbers: 3×3 or 4×4 are needed")
    radius = content.get("imageCircleRadius")
    return _ocam(
        _flat(content["polynomialC2W"], "polynomialC2W"),
        (matrix[2], matrix[math.isqrt(len(matrix)) + 2]),
        _flat(content.get("affine", [1.0, 0.0, 0.0]), "affine"),
        _picture_size(content["size"]),
        None if radius is None else _numbers([radius], "imageCircleRadius")[0],
    )


def _read_ocam_text(text: str) -> OCamCamera:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    names = ("polynomial", "inverse polynomial", "center", "affine parameters", "image size")
    if len(lines) < len(names):
        raise UserError(f"cut off: '{names[len(lines)]}' is missing")
    rows = [_numbers(line.split(), name) for line, name in zip(lines, names, strict=False)]
    (count, *polynomial), _, centre, affine, size = rows
    if len(polynomial) != count:
        raise UserError(f"polynomial: {count:g} coefficients announced, {len(polynomial)} here")
    if len(centre) != 2 or len(size) != 2:
        raise UserError("center and image size are two numbers each")
    # Rows before columns.
    return _ocam(polynomial, (centre[1], centre[0]), affine, _picture_size(size[::-1]))


def _read_colmap(text: str, number: str) -> tuple[Camera, str]:
    """Camera ``number`` of a cameras.txt, or its only one, and its model."""
    lines = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    rows = {line[0]: line for line in lines}
    listed = ", ".join(rows)
    if number and number not in rows:
        raise UserError(f"holds no camera {number}, but {listed}")
    if not number and len(rows) > 1:
        raise UserError(f"holds cameras {listed}: choose one, as in cameras.txt#{lines[0][0]}")
    row = rows[number] if number else lines[0]
    model, *values = row[1:] or ["?"]
    if model not in _MODELS:
        raise UserError(f"COLMAP model {model} is not supported; {', '.join(_MODELS)} are")
    lens, focal_lengths, terms = _MODELS[model]
    parameters = _numbers(values[2:], model)
    count = focal_lengths + 2 + terms
    if len(parameters) != count:
        raise UserError(f"{model} has {count} parameters, {len(parameters)} are given")
    cx, cy = parameters[focal_lengths : focal_lengths + 2]
    distortion = parameters[focal_lengths + 2 :]
    if distortion:
        distortion += [0.0] * (4 - terms)
    size = _picture_size(_numbers(values[:2], "picture size"))
    # COLMAP's pixels have their centres at halves, ours at integers.
    centre = cx - 0.5, cy - 0.5
    fx, fy = parameters[0], parameters[focal_lengths - 1]
    return lens(fx, fy, *centre, tuple(distortion), *size), f"COLMAP {model}"


@dataclass(frozen=True)
class Calibration:
    """A camera, its size 0×0 where the file states none, and where it is from, in words."""

    camera: Camera
    source: str

    def for_picture(self, width: int, height: int) -> Camera:
        """The camera of pictures of a size, scaled or cropped around the centre if need be;
        UserError for pictures that are neither."""
        camera = self.camera
        if (width, height) == (camera.width, camera.height):
            return camera
        if not camera.width:
            return replace(camera, width=width, height=height)
        stretch = (width / camera.width) / (height / camera.height)
        if abs(stretch - 1) < _ASPECT_TOLERANCE:
            return camera.resized(width, height)
        narrower = width < camera.width and height == camera.height
        lower = width == camera.width and height < camera.height
        if narrower or lower:
            left, top = (camera.width - width) // 2, (camera.height - height) // 2
            return camera.cropped(left, top, width, height)
        raise UserError(
            f"a picture of {width}×{height} is neither a scaled nor a centrally cropped "
            f"{camera.width}×{camera.height}, for which the camera is calibrated ({self.source})"
        )


def load_calibration(name: str) -> Calibration:
    """The camera of "training" or of a file; ``cameras.txt#2`` is camera 2 of a COLMAP file;
    UserError for a file that is missing, not a calibration, or incomplete."""
    if name == TRAINING:
        return Calibration(RELEASE_CAMERA, "xR-EgoPose, as given by the dataset's first author")
    path, _, number = name.partition("#")
    try:
        text = Path(path if number else name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise UserError(f"--camera {name}: {reason}; give a file, or '{TRAINING}'") from None
    try:
        camera, kind = _parse(text, number)
        _check(camera)
    except UserError as fault:
        raise UserError(f"--camera {name}: {fault}") from None
    return Calibration(camera, f"{kind}, {name}")


def _parse(text: str, number: str) -> tuple[Camera, str]:
    if not text.strip():
        raise UserError("the file is empty")
    if text.lstrip().startswith("#polynomial"):
        return _read_ocam_text(text), "OCamCalib"
    if re.search(r"^\s*\d+\s+[A-Z_]{4,}\s+\d+\s+\d+\s", text, re.MULTILINE):
        return _read_colmap(text, number)
    content = _structured(text)
    if "polynomialC2W" in content:
        return _read_ocam_json(content), "OCamCalib"
    return _read_opencv(content)


def _check(camera: Camera) -> None:
    values = [np.ravel(value) for value in astuple(camera)]
    if not np.isfinite(np.concatenate(values)).all():
        raise UserError("holds a number that is not finite")
    if getattr(camera, "fx", 1.0) <= 0 or getattr(camera, "fy", 1.0) <= 0:
        raise UserError("the focal length must be above zero")
    if camera.max_theta < math.radians(5):
        raise UserError("the distortion folds over on the axis: wrong coefficients or model?")
