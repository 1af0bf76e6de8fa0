"""nerfstudio, gyroflow, OpenSfM, Metashape."""

import re
from typing import Any

from base.calibration.colmap import MODELS
from base.calibration.opencv import read_opencv
from base.calibration.values import Reader, lens, number, picture_size, supported, with_keys
from base.cameras.camera import Camera
from base.errors import UserError


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
    return lens(model, values, picture_size(node.get("w"), node.get("h")))


_GYROFLOW = {None: "fisheye", "opencv_fisheye": "fisheye", "opencv_standard": "pinhole"}


def _read_gyroflow(node: dict[str, Any]) -> Camera:
    """A lens profile: OpenCV's calibration, at calib_dimension."""
    model = supported(_GYROFLOW, node.get("distortion_model"), "distortion_model")
    stretches = (node.get(f"input_{side}_stretch") or 1 for side in ("horizontal", "vertical"))
    if node.get("digital_lens") or any(stretch != 1 for stretch in stretches):
        raise UserError("a digital lens or a stretched picture is not supported")
    size = node.get("calib_dimension") or {}
    matrix, terms = (node["fisheye_params"].get(k) for k in ("camera_matrix", "distortion_coeffs"))
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
    model = supported(_OPENSFM, node["projection_type"], "projection_type")
    size = picture_size(node.get("width"), node.get("height"))
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
    model = supported(_METASHAPE, node["projection"], "projection")
    size = picture_size(node.get("width"), node.get("height"))
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
    Reader("nerfstudio", with_keys("fl_x"), _read_nerfstudio),
    Reader("gyroflow", with_keys("fisheye_params"), _read_gyroflow),
    Reader("OpenSfM", with_keys("projection_type"), _read_opensfm),
    Reader("Metashape", with_keys("projection", "f"), _read_metashape),
)
