"""Kalibr, Basalt, camodocal and VINS, ORB-SLAM3, nerfstudio, gyroflow, OpenSfM and
Metashape.  Pixels have their centres at integers where no other place is said."""

import re
from typing import Any

from base.calibration.colmap import MODELS
from base.calibration.opencv import read_opencv
from base.calibration.values import (
    Reader,
    flat,
    in_order,
    lens,
    number,
    numbers,
    picture_size,
    size_in,
    supported,
    with_keys,
)
from base.cameras.camera import Camera
from base.errors import UserError

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
    # The second is EuRoC's name.
    terms = node.get("distortion_coeffs", node.get("distortion_coefficients", []))
    parameters = numbers(node["intrinsics"], "intrinsics") + numbers(terms, "distortion_coeffs")
    size = picture_size(*flat(node.get("resolution", [None, None]), "resolution"))
    return lens(model, in_order(names, parameters, name), size)


#: Source: basalt-headers, camera/*_camera.hpp.
_BASALT = {
    **{"pinhole": "pinhole", "pinhole-radtan8": "pinhole", "kb4": "fisheye"},
    **{"ds": "double_sphere", "eucm": "eucm", "ucm": "eucm"},  # ucm: with β = 1
}


def _find_basalt(node: Any) -> dict[str, Any]:
    entries = node.get("intrinsics") if isinstance(node, dict) else None
    if not isinstance(entries, list) or not all(map(with_keys("camera_type"), entries)):
        return {}
    sizes = node.get("resolution")
    return {f"cam{i}": entry | {"resolution": sizes, "row": i} for i, entry in enumerate(entries)}


def _read_basalt(entry: dict[str, Any]) -> Camera:
    kind, values, sizes = entry["camera_type"], dict(entry["intrinsics"]), entry["resolution"]
    values.pop("rpmax", None)  # up to which radius the distortion was fitted
    if kind == "ucm":
        values["beta"] = 1.0
    size = picture_size(*(sizes[entry["row"]] if sizes else (None, None)))
    return lens(supported(_BASALT, kind, "Basalt model"), values, size)


#: Our lens, and other names of its parameters.  Source: camodocal's src/camera_models.
_CAMODOCAL = {
    **dict.fromkeys(("PINHOLE", "PINHOLE_FULL"), ("pinhole", {})),
    "KANNALA_BRANDT": (
        "fisheye",
        {"mu": "fx", "mv": "fy", "u0": "cx", "v0": "cy"}
        | {"k2": "k1", "k3": "k2", "k4": "k3", "k5": "k4"},
    ),
    "MEI": ("unified", {"gamma1": "fx", "gamma2": "fy", "u0": "cx", "v0": "cy"}),
}


def _read_camodocal(node: dict[str, Any]) -> Camera:
    model, names = supported(_CAMODOCAL, node["model_type"], "model_type")
    values: dict[str, Any] = {}
    for part in ("mirror_parameters", "distortion_parameters", "projection_parameters"):
        values |= {names.get(key, key): value for key, value in (node.get(part) or {}).items()}
    return lens(model, values, size_in(node, "image_width", "image_height"))


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
    return lens(model, values, size_in(settings, "Camera.width", "Camera.height"))


def _terms(node: dict[str, Any], model: str) -> dict[str, Any]:
    """The named coefficients.  A pinhole's k4 is here that of r⁸, which OpenCV's is not."""
    found = {str(key): value for key, value in node.items() if re.fullmatch(r"[bkps]\d", str(key))}
    if model == "pinhole" and "k4" in found:
        found["k4 of r^8"] = found.pop("k4")
    return found


_NERFSTUDIO = {
    name: model for name, (model, _) in MODELS.items() if model in ("pinhole", "fisheye")
}


def _read_nerfstudio(node: dict[str, Any]) -> Camera:
    """transforms.json, whose pixels have their centres at halves, as COLMAP's.

    Source: nerfstudio's cameras/cameras.py (``pixel_offset``) and camera_utils.py.
    """
    usual = "OPENCV_FISHEYE" if node.get("is_fisheye") else "OPENCV"
    model = supported(_NERFSTUDIO, node.get("camera_model", usual), "camera_model")
    values = _terms(node, model) | {"fx": node["fl_x"], "fy": node.get("fl_y", node["fl_x"])}
    values |= {key: number(node[key], key) - 0.5 for key in ("cx", "cy") if key in node}
    return lens(model, values, size_in(node, "w", "h"))


_GYROFLOW = {None: "fisheye", "opencv_fisheye": "fisheye", "opencv_standard": "pinhole"}


def _read_gyroflow(node: dict[str, Any]) -> Camera:
    """A lens profile: OpenCV's calibration, at calib_dimension."""
    model = supported(_GYROFLOW, node.get("distortion_model"), "distortion_model")
    stretches = (node.get(f"input_{side}_stretch") or 1 for side in ("horizontal", "vertical"))
    if node.get("digital_lens") or any(stretch != 1 for stretch in stretches):
        raise UserError("a digital lens or a stretched picture is not supported")
    size, parameters = node.get("calib_dimension") or {}, node["fisheye_params"]
    matrix, terms = parameters.get("camera_matrix"), parameters.get("distortion_coeffs")
    size = {"width": size.get("w"), "height": size.get("h")}
    return read_opencv({"model": model, "K": matrix, "D": terms, "size": size})


_OPENSFM = {
    **dict.fromkeys(("perspective", "simple_radial", "radial", "brown"), "pinhole"),
    **dict.fromkeys(("fisheye", "fisheye_opencv"), "fisheye"),
}


def _read_opensfm(node: dict[str, Any]) -> Camera:
    """Lengths are in the picture's longer side, and centres from its middle.

    Source: OpenSfM's doc/geometry, "Camera models" and "Coordinate systems".
    """
    model, size = supported(_OPENSFM, node["projection_type"], "projection_type"), size_in(node)
    values = _terms(node, model)
    for axis, side in zip("xy", size, strict=True):
        focal, centre = node.get(f"focal_{axis}", node.get("focal")), node.get(f"c_{axis}", 0.0)
        values[f"f{axis}"] = number(focal, "focal") * max(size)
        values[f"c{axis}"] = number(centre, "c_x, c_y") * max(size) + (side - 1) / 2
    return lens(model, values, size)


_METASHAPE = {"frame": "pinhole", "fisheye": "fisheye", "equidistant_fisheye": "fisheye"}


def _read_metashape(node: dict[str, Any]) -> Camera:
    """A calibration's XML: cx, cy are from the picture's middle; P1 and P2 are OpenCV's p2 and p1.

    Source: Metashape Professional's manual, appendix "Camera models".
    """
    model, size = supported(_METASHAPE, node["projection"], "projection"), size_in(node)
    values = _terms(node, model)
    p2, p1, b1 = (number(values.pop(key, 0.0), key) for key in ("p1", "p2", "b1"))
    values |= {"fx": number(node["f"], "f") + b1, "fy": node["f"]}
    for key, side in zip(("cx", "cy"), size, strict=True):
        values[key] = number(node.get(key, 0.0), key) + (side - 1) / 2
    if p1 or p2:
        values |= {"p1": p1, "p2": p2}
        if model == "fisheye":
            return lens("thin_prism_fisheye", values | {"radial_first": False}, size)
    return lens(model, values, size)


READERS = (
    Reader("camodocal", with_keys("model_type"), _read_camodocal),
    Reader("Kalibr", _find_kalibr, _read_kalibr),
    Reader("Basalt", _find_basalt, _read_basalt),
    Reader("ORB-SLAM3", _find_orbslam, _read_orbslam),
    Reader("nerfstudio", with_keys("fl_x"), _read_nerfstudio),
    Reader("gyroflow", with_keys("fisheye_params"), _read_gyroflow),
    Reader("OpenSfM", with_keys("projection_type"), _read_opensfm),
    Reader("Metashape", with_keys("projection", "f"), _read_metashape),
)
