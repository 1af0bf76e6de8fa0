"""COLMAP's cameras.txt and cameras.bin.

Sources: COLMAP's doc/format.rst and src/colmap/sensor/models.h.  Its pixels have their centres at
halves, ours at integers.
"""

import re
import struct
from typing import Any

from base.calibration.values import Reader, in_order, lens, numbers, picture_size, supported
from base.cameras.camera import Camera

#: In the order of their numbers in cameras.bin: COLMAP's name → our lens and the parameters.
MODELS = {
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
_ROW = re.compile(r"^[ \t]*\d+[ \t]+[A-Z_]{3,}[ \t]+\d+[ \t]+\d+\s", re.MULTILINE)
#: Of a camera: model, width and height, parameters.
_Row = tuple[str, Any, Any]


def _find(document: Any) -> dict[str, _Row]:
    if isinstance(document, bytes):
        return _binary(document)
    if not isinstance(document, str) or not _ROW.search(document):
        return {}
    lines = [line.split() for line in document.splitlines()]
    rows = [line for line in lines if len(line) > 3 and not line[0].startswith("#")]
    return {row[0]: (row[1], row[2:4], row[4:]) for row in rows}


def _binary(data: bytes) -> dict[str, _Row]:
    """Little-endian: u64 count; then i32 id, i32 model, u64 width, u64 height, f64 parameters."""
    found: dict[str, _Row] = {}
    try:
        (count,), place = struct.unpack_from("<Q", data), 8
        while len(found) < count:
            number, model, *size = struct.unpack_from("<iiQQ", data, place)
            if not 0 <= model < len(MODELS):  # of unknown length
                return found | {str(number): (f"number {model}", size, ())}
            name = list(MODELS)[model]
            terms = len(MODELS[name][1].split())
            found[str(number)] = name, size, struct.unpack_from(f"<{terms}d", data, place + 24)
            place += 24 + 8 * terms
    except struct.error:
        return {}
    return found if place == len(data) else {}


def _read(row: _Row) -> Camera:
    name, size, parameters = row
    model, names = supported(MODELS, name, "COLMAP model")
    values = in_order(names, parameters, name)
    values["cx"], values["cy"] = values["cx"] - 0.5, values["cy"] - 0.5
    if model == "thin_prism_fisheye":
        values["radial_first"] = name.startswith("RAD_TAN")
    return lens(model, values, picture_size(*numbers(size, "picture size")))


READERS = (Reader("COLMAP", _find, _read),)
