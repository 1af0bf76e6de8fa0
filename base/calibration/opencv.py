"""Camera matrix and distortion coefficients: what users of OpenCV save, in any form, and ROS."""

import re
from typing import Any

from base.calibration.values import (
    INTRINSICS,
    PINHOLE_TERMS,
    RADIAL,
    TERMS,
    Reader,
    lens,
    number,
    numbers,
    picture_size,
    size_in,
)
from base.cameras.camera import Camera
from base.errors import UserError, shown

#: Names in files, see :func:`_plain`.
_MATRIX = ("k", "cameramatrix", "mtx", "intrinsicmatrix", "intrinsics", "intrinsic")
_DISTORTION = (
    *("d", "dist", "distortion", "distcoeffs", "distcoefs", "distortioncoefficients"),
    *("distortioncoeffs", "distcoef", "distcoefficients"),
)
_SIZE = ("dim", "size", "imagesize", "imgsize", "resolution", "imageshapewh")
_MODELS = {
    name: model
    for model, names in {
        "unified": "unified mei omni omnidir omnidirectional",
        # Some say "pinhole" of the projection and "equidistant" of the distortion.
        "fisheye": "fisheye equidistant kannalabrandt kannalabrandt4 kannalabrandt8 opencvfisheye "
        "kb4 kb8",
        "pinhole": "pinhole plumbbob radtan rationalpolynomial opencv perspective thinprism",
    }.items()
    for name in names.split()
}
#: Share of the focal length; less moves no pixel by a tenth.
_LEAST_SKEW = 1e-4
#: Other numbers that change what a camera sees: a value but zero is none to be left out.
_TERMS = {
    *(*PINHOLE_TERMS, "xi", "alphac", "skew", "b1", "b2", "codx", "cody", "taux", "tauy"),
    *("p3", "p4", "k7", "k8", "k9"),
}


def _plain(name: Any) -> str:
    """A name in lower case without anything but letters and digits."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def _find(node: Any) -> dict[str, Any]:
    if not isinstance(node, dict):
        return {}
    named = {_plain(key) for key in node}
    # "intrinsics" and "intrinsic" name many things.
    has_matrix = named & {*_MATRIX[:4]} or (named & {*_MATRIX} and named & {*_DISTORTION})
    return {"": node} if has_matrix or len(named & {*INTRINSICS}) > 1 else {}


def read_opencv(content: dict[str, Any]) -> Camera:
    """The camera of a mapping with a camera matrix."""
    named = {_plain(key): value for key, value in content.items()}

    def first(names: tuple[str, ...]) -> Any:
        return next((named[key] for key in names if named.get(key) is not None), None)

    by_name = any(key in named for key in INTRINSICS)
    if by_name or (matrix := first(_MATRIX)) is None:
        values = {key: named[key] for key in INTRINSICS if key in named}
    else:
        values = _intrinsics(numbers(matrix, "camera matrix", 4, 9))
    terms = _TERMS & named.keys()
    values |= {key: named[key] for key in terms if not isinstance(named[key], list | dict)}
    # Beside named focal lengths, "k" can only be the coefficients.
    terms = named["k"] if by_name and "k" in named else first(_DISTORTION)
    distortion = None if terms is None else numbers(terms, "distortion coefficients")
    model = _model(named, distortion, values)
    if model == "pinhole" and "k4" in values and not {"k5", "k6"} <= values.keys():
        values["k4 without k5, k6"] = values.pop("k4")  # of another model than OpenCV's
    values |= {} if distortion is None else _listed(model, distortion)
    return _cut(named, lens(model, values, _size(named, first(_SIZE))))


def _intrinsics(matrix: list[float]) -> dict[str, float]:
    if len(matrix) == 4:
        return dict(zip(INTRINSICS, matrix, strict=True))
    fx, skew, cx, zero, fy, cy, *last = matrix
    if last != [0, 0, 1] or zero:
        raise UserError(
            "the camera matrix must have the form fx 0 cx, 0 fy cy, 0 0 1 (MATLAB's is transposed, "
            "and its cx and cy are larger by 1)"
        )
    if abs(skew) > _LEAST_SKEW * abs(fx):
        raise UserError(f"the camera matrix has a skew of {skew:g}, which is not supported")
    return {"fx": fx, "fy": fy, "cx": cx, "cy": cy}


def _model(named: dict[str, Any], distortion: list[float] | None, values: dict[str, Any]) -> str:
    """The lens a file states, or the one its coefficients can only be of."""
    keys = ("distortionmodel", "model", "cameramodel", "type")
    models = [named[key] for key in keys if key in named]
    if odd := [model for model in models if not isinstance(model, str)]:
        raise UserError(f"camera model {shown(odd[0])} is no name, such as fisheye or pinhole")
    flags = [named[key] for key in ("fisheye", "fisheyemodel", "isfisheye") if key in named]
    stated = {_MODELS.get(_plain(model)) for model in models}
    if "xi" in named or "unified" in stated:
        values["xi"] = number(named.get("xi", "none"), "xi")
        return "unified"
    if "fisheye" in stated or any(str(flag).lower() in ("1", "true") for flag in flags):
        return "fisheye"
    if "pinhole" in stated or flags:
        return "pinhole"
    if stated:
        name = min(map(_plain, models))
        raise UserError(f"camera model '{name}' is not supported: fisheye, pinhole and unified are")
    if distortion:
        # cv2.fisheye.calibrate gives four coefficients, cv2.calibrateCamera five or more.
        return "fisheye" if len(distortion) <= 4 else "pinhole"
    radial = [key for key in RADIAL if key in values]
    if "p1" in values or "p2" in values:
        return "pinhole"
    if len(radial) >= 4:
        return "fisheye"
    found = f"coefficients {', '.join(radial)}" if radial else "no coefficients (D, k1, …)"
    raise UserError(f"{found} do not tell the lens: state model: fisheye or model: pinhole")


def _listed(model: str, distortion: list[float]) -> dict[str, float]:
    """Coefficients of a list by name."""
    ((order, counts),) = TERMS[model].values()
    found = len(distortion)
    # Zeros are appended to have a form's length; they are no coefficients.
    while len(distortion) not in counts and distortion and distortion[-1] == 0:
        distortion = distortion[:-1]
    if len(distortion) not in counts:
        allowed = ", ".join(map(str, counts[:-1])) + f" or {counts[-1]}"
        raise UserError(f"a {model} lens has {allowed} distortion coefficients, found {found}")
    return dict(zip(order, distortion, strict=False))


def _size(named: dict[str, Any], size: Any) -> tuple[int, int]:
    """Width and height; 0×0 where the file does not say."""
    if isinstance(size, dict) and "data" not in size:
        return size_in(size)
    if size is None:
        prefix = next((p for p in ("", "image", "img") if f"{p}width" in named), "")
        return size_in(named, f"{prefix}width", f"{prefix}height")
    return picture_size(*numbers(size, "picture size"))


def _cut(named: dict[str, Any], camera: Camera) -> Camera:
    """Of the whole sensor's camera, which K is of, that of the region in the pictures (ROS's
    sensor_msgs/CameraInfo); combined pixels (``binning``) are allowed for later."""
    roi = named.get("roi")
    if not (isinstance(roi, dict) and roi.get("width")):
        return camera
    keys = ("x_offset", "y_offset", "width", "height")
    x, y, width, height = (int(n) for n in numbers([roi.get(key) for key in keys], "roi"))
    if not (0 <= x <= camera.width - width and 0 <= y < y + height <= camera.height):
        raise UserError(f"roi {width}×{height} at ({x}, {y}) is not inside the picture")
    return camera.cropped(x, y, width, height)


READER = Reader("OpenCV", _find, read_opencv)
