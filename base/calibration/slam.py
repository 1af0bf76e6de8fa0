"""Kalibr, Basalt, camodocal and VINS, ORB-SLAM3, Project Aria.

All have the centres of pixels at integers.
"""

import re
from typing import Any

from base.calibration.colmap import FISHEYE624
from base.calibration.ocam import read_scaramuzza
from base.calibration.values import (
    Reader,
    flat,
    in_order,
    lens,
    numbers,
    picture_size,
    supported,
    with_keys,
)
from base.cameras.camera import Camera

#: Projection and distortion → our lens, and the parameters of both.  Source: Kalibr's wiki,
#: "Supported models".
_KALIBR = {
    "pinhole-none": ("pinhole", "fx fy cx cy"),
    "pinhole-radtan": ("pinhole", "fx fy cx cy k1 k2 p1 p2"),
    "pinhole-equidistant": ("fisheye", "fx fy cx cy k1 k2 k3 k4"),
    "pinhole-fov": ("fov", "fx fy cx cy omega"),
    "omni-none": ("unified", "xi fx fy cx cy"),
    "omni-radtan": ("unified", "xi fx fy cx cy k1 k2 p1 p2"),
    "ds-none": ("double_sphere", "xi alpha fx fy cx cy"),
    "eucm-none": ("eucm", "alpha beta fx fy cx cy"),
}


def _find_kalibr(node: Any) -> dict[str, Any]:
    found = with_keys("camera_model", "intrinsics")(node)
    return found if found and isinstance(node["intrinsics"], list) else {}


def _read_kalibr(node: dict[str, Any]) -> Camera:
    distortion = str(node.get("distortion_model", "none"))
    name = f"{node['camera_model']}-{distortion.replace('radial-tangential', 'radtan')}"
    model, names = supported(_KALIBR, name, "Kalibr model")
    parameters = numbers(node["intrinsics"], "intrinsics")
    # The second is EuRoC's name.
    terms = node.get("distortion_coeffs", node.get("distortion_coefficients", []))
    parameters += numbers(terms, "distortion_coeffs")
    size = picture_size(*flat(node.get("resolution", [None, None]), "resolution"))
    return lens(model, in_order(names, parameters, name), size)


#: Source: basalt-headers, camera/*_camera.hpp.
_BASALT = {
    "pinhole": "pinhole",
    "pinhole-radtan8": "pinhole",
    "kb4": "fisheye",
    "ds": "double_sphere",
    "eucm": "eucm",
    "ucm": "eucm",  # with β = 1
}


def _find_basalt(node: Any) -> dict[str, Any]:
    entries = node.get("intrinsics") if isinstance(node, dict) else None
    if not isinstance(entries, list) or not all(map(with_keys("camera_type"), entries)):
        return {}
    sizes = node.get("resolution")
    return {f"cam{i}": entry | {"resolution": sizes, "row": i} for i, entry in enumerate(entries)}


def _read_basalt(entry: dict[str, Any]) -> Camera:
    kind, values = entry["camera_type"], dict(entry["intrinsics"])
    values.pop("rpmax", None)  # up to which radius the distortion was fitted
    if kind == "ucm":
        values["beta"] = 1.0
    model = supported(_BASALT, kind, "Basalt model")
    sizes = entry["resolution"]
    return lens(model, values, picture_size(*(sizes[entry["row"]] if sizes else (None, None))))


#: Our lens, and other names of its parameters.  Source: camodocal's src/camera_models.
_CAMODOCAL: dict[str, tuple[str, dict[str, str]]] = {
    "PINHOLE": ("pinhole", {}),
    "PINHOLE_FULL": ("pinhole", {}),
    "KANNALA_BRANDT": (
        "fisheye",
        {"mu": "fx", "mv": "fy", "u0": "cx", "v0": "cy"}
        | {"k2": "k1", "k3": "k2", "k4": "k3", "k5": "k4"},
    ),
    "MEI": ("unified", {"gamma1": "fx", "gamma2": "fy", "u0": "cx", "v0": "cy"}),
    "SCARAMUZZA": ("ocam", {}),
}


def _read_camodocal(node: dict[str, Any]) -> Camera:
    model, names = supported(_CAMODOCAL, node["model_type"], "model_type")
    if model == "ocam":
        return read_scaramuzza(node)
    values: dict[str, Any] = {}
    for part in ("mirror_parameters", "distortion_parameters", "projection_parameters"):
        values |= {names.get(key, key): value for key, value in (node.get(part) or {}).items()}
    return lens(model, values, picture_size(node.get("image_width"), node.get("image_height")))


#: Source: ORB-SLAM3's Calibration_Tutorial.
_ORBSLAM = {"PinHole": "pinhole", "Rectified": "pinhole", "KannalaBrandt8": "fisheye"}


def _find_orbslam(node: Any) -> dict[str, Any]:
    """ "Camera", or "Camera1" and "Camera2"."""
    found: dict[str, Any] = {}
    for key, value in node.items() if isinstance(node, dict) else ():
        if match := re.fullmatch(r"(Camera\d?)\.(fx|fy|cx|cy|k\d|p\d)", str(key)):
            found.setdefault(match[1], ({}, node))[0][match[2]] = value
    return found


def _read_orbslam(entry: tuple[dict[str, Any], dict[str, Any]]) -> Camera:
    values, settings = entry
    model = supported(_ORBSLAM, settings.get("Camera.type", "PinHole"), "Camera.type")
    size = picture_size(settings.get("Camera.width"), settings.get("Camera.height"))
    return lens(model, values, size)


#: Source: projectaria_tools, core/calibration/camera_projections.
_ARIA = {
    "FisheyeRadTanThinPrism": ("thin_prism_fisheye", f"f {FISHEYE624} radial_first"),
    "Fisheye624": ("thin_prism_fisheye", f"f {FISHEYE624} radial_first"),
    "KannalaBrandtK3": ("fisheye", "fx fy cx cy k1 k2 k3 k4"),
    "Linear": ("pinhole", "fx fy cx cy"),
}


def _read_aria(node: dict[str, Any]) -> Camera:
    """One of the CameraCalibrations in the JSON of a recording or of the online calibration,
    which states no picture size."""
    name = node["Projection"].get("Name")
    model, names = supported(_ARIA, name, "projection")
    parameters = flat(node["Projection"].get("Params"), "Params")
    if model == "thin_prism_fisheye":
        parameters.append(True)
    return lens(model, in_order(names, parameters, name), (0, 0))


READERS = (
    Reader("camodocal", with_keys("model_type"), _read_camodocal),
    Reader("Kalibr", _find_kalibr, _read_kalibr),
    Reader("Basalt", _find_basalt, _read_basalt),
    Reader("ORB-SLAM3", _find_orbslam, _read_orbslam),
    Reader("Project Aria", with_keys("Projection", "Label"), _read_aria),
)
