"""COLMAP, Kalibr, Basalt, camodocal and VINS, ORB-SLAM3, nerfstudio, gyroflow, OpenSfM and
Metashape.  Pixels have their centres at integers where no other place is said."""

import re
import struct
from typing import Any

from base.calibration.opencv import read_opencv
from base.calibration.values import (
    Reader,
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

#: In the order of their numbers in cameras.bin: COLMAP's name → our lens and the parameters.  Its
#: pixels have their centres at halves.  Sources: its doc/format.rst, src/colmap/sensor/models.h.
_COLMAP = {
    "SIMPLE_PINHOLE": ("pinhole", "f cx cy"),
    "PINHOLE": ("pinhole", "fx fy cx cy"),
    "SIMPLE_RADIAL": ("pinhole", "f cx cy k1"),
    "RADIAL": ("pinhole", "f cx cy k1 k2"),
    "OPENCV": ("pinhole", "fx fy cx cy k1 k2 p1 p2"),
    "OPENCV_FISHEYE": ("fisheye", "fx fy cx cy k1 k2 k3 k4"),
    "FULL_OPENCV": ("pinhole", "fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6"),
    "FOV": ("fov", "fx fy cx cy omega"),
    "SIMPLE_RADIAL_FISHEYE": ("fisheye", "f cx cy k1"),
    "RADIAL_FISHEYE": ("fisheye", "f cx cy k1 k2"),
    "THIN_PRISM_FISHEYE": ("thin_prism_fisheye", "fx fy cx cy k1 k2 p1 p2 k3 k4 s1 s3"),
    "RAD_TAN_THIN_PRISM_FISHEYE": (
        "thin_prism_fisheye",
        "fx fy cx cy k1 k2 k3 k4 k5 k6 p2 p1 s1 s2 s3 s4",
    ),
}
_COLMAP_ROW = re.compile(r"^[ \t]*\d+[ \t]+[A-Z_]{3,}[ \t]+\d+[ \t]+\d+\s", re.MULTILINE)
#: Of a camera: model, width and height, parameters.
_ColmapRow = tuple[str, Any, Any]


def _find_colmap(document: Any) -> dict[str, _ColmapRow]:
    if isinstance(document, bytes):
        return _colmap_binary(document)
    if not isinstance(document, str) or not _COLMAP_ROW.search(document):
        return {}
    lines = [line.split() for line in document.splitlines()]
    rows = [line for line in lines if len(line) > 3 and not line[0].startswith("#")]
    return {row[0]: (row[1], row[2:4], row[4:]) for row in rows}


def _colmap_binary(data: bytes) -> dict[str, _ColmapRow]:
    """Little-endian: u64 count; then i32 id, i32 model, u64 width, u64 height, f64 parameters."""
    found: dict[str, _ColmapRow] = {}
    try:
        (count,), place = struct.unpack_from("<Q", data), 8
        while len(found) < count:
            number, model, *size = struct.unpack_from("<iiQQ", data, place)
            if not 0 <= model < len(_COLMAP):
                return {}
            name = list(_COLMAP)[model]
            terms = len(_COLMAP[name][1].split())
            found[str(number)] = name, size, struct.unpack_from(f"<{terms}d", data, place + 24)
            place += 24 + 8 * terms
    except struct.error:
        return {}
    return found if place == len(data) else {}


def _read_colmap(row: _ColmapRow) -> Camera:
    name, size, parameters = row
    model, names = supported(_COLMAP, name, "COLMAP model")
    values = in_order(names, parameters, name)
    values["cx"], values["cy"] = values["cx"] - 0.5, values["cy"] - 0.5
    if model == "thin_prism_fisheye":
        values["radial_first"] = name.startswith("RAD_TAN")
    return lens(model, values, picture_size(*numbers(size, "picture size")))


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
    size = picture_size(*numbers(node.get("resolution", [None, None]), "resolution"))
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
    name: model for name, (model, _) in _COLMAP.items() if model in ("pinhole", "fisheye")
}


def _read_nerfstudio(node: dict[str, Any]) -> Camera:
    """Pixels have their centres at halves (cameras.py, ``pixel_offset``; camera_utils.py)."""
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
    size, given = node.get("calib_dimension") or {}, node["fisheye_params"]
    named = {"K": given.get("camera_matrix"), "D": given.get("distortion_coeffs"), "model": model}
    return read_opencv(named | {"size": {"width": size.get("w"), "height": size.get("h")}})


_OPENSFM = {
    **dict.fromkeys(("perspective", "simple_radial", "radial", "brown"), "pinhole"),
    **dict.fromkeys(("fisheye", "fisheye_opencv"), "fisheye"),
}


def _read_opensfm(node: dict[str, Any]) -> Camera:
    """Lengths are in the picture's longer side, and centres from its middle (doc/geometry)."""
    model, size = supported(_OPENSFM, node["projection_type"], "projection_type"), size_in(node)
    values = _terms(node, model)
    for axis, side in zip("xy", size, strict=True):
        focal, centre = node.get(f"focal_{axis}", node.get("focal")), node.get(f"c_{axis}", 0.0)
        values[f"f{axis}"] = number(focal, "focal") * max(size)
        values[f"c{axis}"] = number(centre, "c_x, c_y") * max(size) + (side - 1) / 2
    return lens(model, values, size)


_METASHAPE = {"frame": "pinhole", "fisheye": "fisheye", "equidistant_fisheye": "fisheye"}


def _read_metashape(node: dict[str, Any]) -> Camera:
    """cx, cy are from the middle, P1 and P2 are OpenCV's p2 and p1 (manual, "Camera models")."""
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


COLMAP = Reader("COLMAP", _find_colmap, _read_colmap)
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
