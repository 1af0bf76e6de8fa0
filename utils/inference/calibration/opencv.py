"""Camera matrix and distortion coefficients in JSON or YAML: OpenCV, ROS and Kalibr."""

import json
import re
from typing import Any

import yaml

from base.camera import FisheyeCamera
from base.cameras.camera import Camera
from base.cameras.pinhole import PinholeCamera
from utils.inference.calibration.values import Fault, flat, numbers, picture_size

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


class _Loader(yaml.SafeLoader):
    """YAML with OpenCV's matrices."""


_Loader.add_constructor(
    "tag:yaml.org,2002:opencv-matrix", lambda loader, node: loader.construct_mapping(node, True)
)


def _plain(name: Any) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def structured(text: str) -> dict[str, Any]:
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
            raise Fault("not a calibration: neither JSON, YAML, OCamCalib nor COLMAP") from None
    if not isinstance(content, dict):
        raise Fault("not a calibration: its content is no mapping of names to values")
    cameras = [value for key, value in content.items() if re.fullmatch(r"cam\d+", str(key))]
    return cameras[0] if cameras and isinstance(cameras[0], dict) else content


def read_opencv(content: dict[str, Any]) -> tuple[Camera, str]:
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
            raise Fault(f"incomplete distortion coefficients: {', '.join(keys)} are needed")
    distortion = None if terms is None else flat(terms, "distortion coefficients")
    size = _size(named, first("size"))
    if _is_fisheye(named, distortion):
        if distortion is None or len(distortion) != 4:
            found = "none" if distortion is None else str(len(distortion))
            raise Fault(f"a fisheye lens has 4 distortion coefficients, found {found}")
        return FisheyeCamera(*intrinsics, tuple(distortion), *size), "OpenCV fisheye"
    distortion = distortion or []
    while len(distortion) in (6, 7) or len(distortion) > 8:
        # Thin-prism and tilt terms, which OpenCV appends, must be zero to be left out.
        if distortion[-1] != 0:
            raise Fault(f"{len(distortion)} distortion terms: 4, 5 or 8 are supported")
        distortion = distortion[:-1]
    if len(distortion) not in (0, 4, 5, 8):
        raise Fault(f"{len(distortion)} distortion terms: a pinhole has none, 4, 5 or 8")
    return PinholeCamera(*intrinsics, tuple(distortion), *size), "OpenCV pinhole"


def _intrinsics(named: dict[str, Any], matrix: Any) -> list[float]:
    """fx, fy, cx, cy."""
    if matrix is None:
        keys = ("fx", "fy", "cx", "cy")
        missing = [key for key in keys if key not in named]
        if len(missing) == len(keys):
            raise Fault("the calibration has no camera matrix (K, camera_matrix, or fx, fy, …)")
        if missing:
            raise Fault(f"the calibration lacks {', '.join(missing)}")
        return numbers((named[key] for key in keys), "camera matrix")
    values = flat(matrix, "camera matrix")
    if len(values) == 4:  # Kalibr
        return values
    if len(values) != 9:
        raise Fault(f"the camera matrix has {len(values)} numbers: 3×3 are needed")
    if abs(values[1]) > 1e-3 * abs(values[0]):
        raise Fault(f"the camera matrix has a skew of {values[1]:g}, which is not supported")
    return [values[0], values[4], values[2], values[5]]


def _size(named: dict[str, Any], size: Any) -> tuple[int, int]:
    """Width and height; 0×0 where the file does not say."""
    if isinstance(size, dict):
        size = [size.get("width"), size.get("height")]
    for prefix in ("", "image", "img"):
        if size is None and {f"{prefix}width", f"{prefix}height"} <= named.keys():
            size = [named[f"{prefix}width"], named[f"{prefix}height"]]
    return (0, 0) if size is None else picture_size(size)


def _is_fisheye(named: dict[str, Any], distortion: list[float] | None) -> bool:
    stated = {_plain(named[key]) for key in _NAMES["model"] if key in named}
    # Kalibr says "pinhole" of the projection and "equidistant" of the distortion.
    if stated & _FISHEYE or named.get("fisheye") is True:
        return True
    if stated & _PINHOLE or named.get("fisheye") is False:
        return False
    if stated:
        raise Fault(f"camera model '{min(stated)}' is not supported: fisheye and pinhole are")
    if distortion is None:
        raise Fault(
            "the calibration has no distortion coefficients (D, dist_coeffs, …); "
            "a lens without any states model: pinhole"
        )
    # cv2.fisheye.calibrate gives four coefficients, cv2.calibrateCamera five or more.
    return len(distortion) <= 4
