"""COLMAP's cameras.txt: its fisheye, perspective and pinhole models."""

from base.camera import FisheyeCamera
from base.cameras.camera import Camera
from base.cameras.pinhole import PinholeCamera
from utils.inference.calibration.values import Fault, numbers, picture_size

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


def read_colmap(text: str, number: str) -> tuple[Camera, str]:
    """Camera ``number`` of a cameras.txt, or its only one, and its model."""
    lines = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    rows = {line[0]: line for line in lines}
    listed = ", ".join(rows)
    if number and number not in rows:
        raise Fault(f"holds no camera {number}, but {listed}")
    if not number and len(rows) > 1:
        raise Fault(f"holds cameras {listed}: choose one, as in cameras.txt#{lines[0][0]}")
    row = rows[number] if number else lines[0]
    model, *values = row[1:] or ["?"]
    if model not in _MODELS:
        raise Fault(f"COLMAP model {model} is not supported; {', '.join(_MODELS)} are")
    lens, focal_lengths, terms = _MODELS[model]
    parameters = numbers(values[2:], model)
    count = focal_lengths + 2 + terms
    if len(parameters) != count:
        raise Fault(f"{model} has {count} parameters, {len(parameters)} are given")
    cx, cy = parameters[focal_lengths : focal_lengths + 2]
    distortion = parameters[focal_lengths + 2 :]
    if distortion:
        distortion += [0.0] * (4 - terms)
    size = picture_size(numbers(values[:2], "picture size"))
    # COLMAP's pixels have their centres at halves, ours at integers.
    centre = cx - 0.5, cy - 0.5
    fx, fy = parameters[0], parameters[focal_lengths - 1]
    return lens(fx, fy, *centre, tuple(distortion), *size), f"COLMAP {model}"
