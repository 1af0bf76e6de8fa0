"""COLMAP's cameras.txt: its fisheye, perspective and pinhole models."""

from collections.abc import Callable

from base.camera import FisheyeCamera
from base.cameras.camera import Camera
from base.cameras.pinhole import PinholeCamera
from utils.inference.calibration.values import Fault, numbers, picture_size


def _fisheye(p: list[float], single: bool) -> Callable[[int, int], FisheyeCamera]:
    f, rest = (p[0], p[0]) if single else (p[0], p[1]), p[1:] if single else p[2:]
    k = (*rest[2:], *(0.0,) * 4)[:4]
    return lambda width, height: FisheyeCamera(*f, rest[0] - 0.5, rest[1] - 0.5, k, width, height)


def _perspective(p: list[float], single: bool) -> Callable[[int, int], PinholeCamera]:
    f, rest = (p[0], p[0]) if single else (p[0], p[1]), p[1:] if single else p[2:]
    terms = rest[2:]
    if 0 < len(terms) < 4:
        terms = [*terms, *(0.0,) * 4][:4]
    return lambda width, height: PinholeCamera(
        *f, rest[0] - 0.5, rest[1] - 0.5, tuple(terms), width, height
    )


#: COLMAP's models → number of parameters, lens, one focal length for both axes.  Its pixels have
#: their centres at halves, ours at integers: the principal point moves by 0.5.
_COLMAP: dict[str, tuple[int, Callable[..., Callable[[int, int], Camera]], bool]] = {
    "SIMPLE_PINHOLE": (3, _perspective, True),
    "PINHOLE": (4, _perspective, False),
    "SIMPLE_RADIAL": (4, _perspective, True),
    "RADIAL": (5, _perspective, True),
    "OPENCV": (8, _perspective, False),
    "FULL_OPENCV": (12, _perspective, False),
    "SIMPLE_RADIAL_FISHEYE": (4, _fisheye, True),
    "RADIAL_FISHEYE": (5, _fisheye, True),
    "OPENCV_FISHEYE": (8, _fisheye, False),
}


def read_colmap(text: str, number: str) -> tuple[Camera, str]:
    """Camera ``number`` of a cameras.txt, or its only one, and its model."""
    lines = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    rows = {line[0]: line for line in lines}
    if number and number not in rows:
        raise Fault(f"holds no camera {number}, but {', '.join(rows)}")
    if not number and len(rows) > 1:
        listed = ", ".join(rows)
        raise Fault(f"holds cameras {listed}: choose one, as in cameras.txt#{lines[0][0]}")
    row = rows[number] if number else lines[0]
    if len(row) < 4 or row[1] not in _COLMAP:
        model = row[1] if len(row) > 1 else "?"
        raise Fault(f"COLMAP model {model} is not supported; {', '.join(_COLMAP)} are")
    count, lens, single = _COLMAP[row[1]]
    parameters = numbers(row[4:], row[1])
    if len(parameters) != count:
        raise Fault(f"{row[1]} has {count} parameters, {len(parameters)} are given")
    width, height = picture_size(numbers(row[2:4], "picture size"))
    return lens(parameters, single)(width, height), f"COLMAP {row[1]}"
