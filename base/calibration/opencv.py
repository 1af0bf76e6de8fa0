"""Camera matrix and distortion coefficients: what users of OpenCV save, in any form, and ROS.

Pixels have their centres at integers.
"""

import re
from typing import Any

from base.calibration.values import (
    INTRINSICS,
    PINHOLE_TERMS,
    RADIAL,
    TERMS,
    Reader,
    flat,
    lens,
    number,
    numbers,
    picture_size,
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
_MODEL = ("distortionmodel", "model", "cameramodel", "type")
_FISHEYE = {
    *("fisheye", "equidistant", "kannalabrandt", "kannalabrandt4", "kannalabrandt8"),
    *("opencvfisheye", "kb4", "kb8"),
}
_PINHOLE = {
    *("pinhole", "plumbbob", "radtan", "rationalpolynomial", "opencv", "perspective"),
    "thinprism",
}
_UNIFIED = {"unified", "mei", "omni", "omnidir", "omnidirectional"}
#: Share of the focal length; less moves no pixel by a tenth.
_LEAST_SKEW = 1e-4
#: Other numbers that change what a camera sees: a value but zero is none to be left out.
_OTHERS = ("xi", "alphac", "skew", "b1", "b2", "codx", "cody", "p3", "p4", "k7", "k8", "k9")
_TERMS = {*PINHOLE_TERMS, *_OTHERS}
#: OpenCV's stereo calibration has M1, D1, M2, D2 in one file.
_OF_A_PAIR = re.compile(r"(k|m|mtx|cameramatrix|d|dist|distcoeffs)(1|2|left|right|l|r)")


def _plain(name: Any) -> str:
    """A name in lower case without anything but letters and digits."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def _find(node: Any) -> dict[str, Any]:
    if not isinstance(node, dict):
        return {}
    pair: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, list | dict) and (match := _OF_A_PAIR.fullmatch(_plain(key))):
            name = "k" if match[1] == "m" else match[1]
            pair.setdefault(match[2], dict(node))[name] = value
    if pair:
        return pair
    named = {_plain(key) for key in node}
    has_matrix = any(key in named for key in _MATRIX[:4]) or len(named & {*INTRINSICS}) > 1
    # "intrinsic" names many things.
    has_matrix |= any(key in named for key in _MATRIX) and any(key in named for key in _DISTORTION)
    return {"": node} if has_matrix else {}


def read_opencv(content: dict[str, Any]) -> Camera:
    """The camera of a mapping with a camera matrix."""
    named = {_plain(key): value for key, value in content.items()}

    def first(names: tuple[str, ...]) -> Any:
        return next((named[key] for key in names if named.get(key) is not None), None)

    by_name = any(key in named for key in INTRINSICS)
    values = _intrinsics(named, None if by_name else first(_MATRIX))
    scalars = {key for key, value in named.items() if not isinstance(value, list | dict)}
    values |= {key: named[key] for key in _TERMS & scalars}
    # Beside named focal lengths, "k" can only be the coefficients.
    terms = named["k"] if by_name and "k" in named else first(_DISTORTION)
    distortion = None if terms is None else flat(terms, "distortion coefficients")
    model = _model(named, distortion, values)
    if model == "pinhole" and "k4" in values and not {"k5", "k6"} <= values.keys():
        values["k4 without k5, k6"] = values.pop("k4")  # of another model than OpenCV's
    if distortion is not None:
        values |= _listed(model, distortion)
    return _cut(named, lens(model, values, _size(named, first(_SIZE))))


def _intrinsics(named: dict[str, Any], matrix: Any) -> dict[str, Any]:
    if matrix is None:
        return {key: named[key] for key in INTRINSICS if key in named}
    values = flat(matrix, "camera matrix", 4, 9)
    if len(values) == 4:
        return dict(zip(INTRINSICS, values, strict=True))
    fx, skew, cx, zero, fy, cy, *last = values
    if last != [0, 0, 1] and [skew, cx, cy, last[2]] == [0, 0, 0, 1]:
        raise UserError(
            "the camera matrix is transposed, as MATLAB's, whose pixels count from 1: convert it "
            "with cameraIntrinsicsToOpenCV, or write it as fx 0 cx, 0 fy cy, 0 0 1 with cx and cy "
            "less 1"
        )
    if last != [0, 0, 1] or zero:
        raise UserError("the camera matrix must have the form fx 0 cx, 0 fy cy, 0 0 1")
    if abs(skew) > _LEAST_SKEW * abs(fx):
        raise UserError(f"the camera matrix has a skew of {skew:g}, which is not supported")
    return {"fx": fx, "fy": fy, "cx": cx, "cy": cy}


def _model(named: dict[str, Any], distortion: list[float] | None, values: dict[str, Any]) -> str:
    """The lens a file states, or the one its coefficients can only be of."""
    models = [named[key] for key in _MODEL if key in named]
    if odd := [model for model in models if not isinstance(model, str)]:
        raise UserError(f"camera model {shown(odd[0])} is no name, such as fisheye or pinhole")
    stated = {*map(_plain, models)}
    flags = [named[key] for key in ("fisheye", "fisheyemodel", "isfisheye") if key in named]
    if "xi" in named or stated & _UNIFIED:
        values["xi"] = number(named.get("xi", "none"), "xi")
        return "unified"
    # Some say "pinhole" of the projection and "equidistant" of the distortion.
    if stated & _FISHEYE or any(str(flag).lower() in ("1", "true") for flag in flags):
        return "fisheye"
    if stated & _PINHOLE or flags:
        return "pinhole"
    if stated:
        raise UserError(
            f"camera model '{min(stated)}' is not supported: fisheye, pinhole and unified are"
        )
    if distortion:
        # cv2.fisheye.calibrate gives four coefficients, cv2.calibrateCamera five or more.
        return "fisheye" if len(distortion) <= 4 else "pinhole"
    radial = [key for key in RADIAL if key in values]
    if "p1" in values or "p2" in values:
        return "pinhole"
    if len(radial) >= 4:
        return "fisheye"
    if radial:
        raise UserError(
            f"{', '.join(radial)} alone may be of several lenses: state model: fisheye or "
            "model: pinhole"
        )
    raise UserError(
        "the calibration has no distortion coefficients (D, dist_coeffs, k1, …); "
        "a lens without any states model: pinhole"
    )


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
        return picture_size(size.get("width"), size.get("height"))
    if size is None:
        prefix = next((p for p in ("", "image", "img") if f"{p}width" in named), "")
        return picture_size(named.get(f"{prefix}width"), named.get(f"{prefix}height"))
    return picture_size(*flat(size, "picture size"))


def _cut(named: dict[str, Any], camera: Camera) -> Camera:
    """Of a camera of the whole sensor that of the region which ROS says pictures show, its pixels
    combined as ``binning`` says.

    Source: sensor_msgs/CameraInfo; K is for the full resolution.
    """
    roi = named.get("roi")
    if isinstance(roi, dict) and roi.get("width"):
        keys = ("x_offset", "y_offset", "width", "height")
        x, y, width, height = (int(n) for n in numbers([roi.get(key) for key in keys], "roi"))
        if not (0 <= x <= camera.width - width and 0 <= y < y + height <= camera.height):
            raise UserError(f"roi {width}×{height} at ({x}, {y}) is not inside the picture")
        camera = camera.cropped(x, y, width, height)
    steps = [max(int(number(named.get(f"binning{axis}", 1), "binning")), 1) for axis in "xy"]
    if steps != [1, 1]:
        if not camera.width:
            raise UserError("binning without the size of the picture")
        camera = camera.resized(camera.width // steps[0], camera.height // steps[1])
    return camera


def _find_ost(document: Any) -> dict[str, Any]:
    """ROS's ost.txt, an INI-like text of names on lines of their own, as a mapping."""
    if not isinstance(document, str) or "camera matrix" not in document:
        return {}
    found: dict[str, list[str]] = {}
    name = ""
    for line in document.splitlines():
        if re.match(r"[a-z ]+$", line.strip()):
            name = line.strip()
        elif name and not line.startswith(("[", "#")):
            found.setdefault(name, []).append(line)
    return {"": {name: " ".join(lines).strip() for name, lines in found.items()}}


READERS = (Reader("ROS", _find_ost, read_opencv), Reader("OpenCV", _find, read_opencv))
