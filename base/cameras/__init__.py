"""Camera models, and the registry that names them where a camera is stored."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from base.cameras.camera import Camera, rays_around
from base.errors import shown
from base.registry import load_class

#: Name of a camera model in checkpoints and other files → "module:class".
CAMERAS = {
    "fisheye": "base.cameras.fisheye:FisheyeCamera",
    "pinhole": "base.cameras.pinhole:PinholeCamera",
    "ocam": "base.cameras.ocam:OCamCamera",
    "unified": "base.cameras.sphere:UnifiedCamera",
    "double_sphere": "base.cameras.sphere:DoubleSphereCamera",
    "eucm": "base.cameras.sphere:EucmCamera",
    "fov": "base.cameras.pinhole:FovCamera",
    "thin_prism_fisheye": "base.cameras.fisheye:ThinPrismFisheyeCamera",
}
#: Pixels, and radians, by which equal cameras may differ.
_SAME_PLACE = 1e-3
#: Of a field, and of a number in it.
_MOST_TERMS, _LARGEST = 32, 1e9
#: Its cameras are stored without a name, as they were before there was a choice.
_UNNAMED = "fisheye"


def camera_to_dict(camera: Camera) -> dict[str, Any]:
    """A camera as plain values: its name in :data:`CAMERAS` as "model", then its fields."""
    name = next(name for name, place in CAMERAS.items() if load_class(place) is type(camera))
    return ({} if name == _UNNAMED else {"model": name}) | dataclasses.asdict(camera)


def camera_from_dict(values: Mapping[str, Any]) -> Camera:
    """The camera of :func:`camera_to_dict`, also after JSON or YAML; ValueError for a model that is
    not registered, other fields than the model's, or values that are no finite numbers."""
    name = values.get("model", _UNNAMED)
    if not isinstance(name, str) or name not in CAMERAS:
        raise ValueError(f"camera model: there is {', '.join(CAMERAS)}, but no {shown(name)}")
    lens = load_class(CAMERAS[name])
    stated = {key: value for key, value in values.items() if key != "model"}
    known = {field.name: str(field.type) for field in dataclasses.fields(lens)}
    for key, kind in known.items():
        if key in stated:  # otherwise told below, unless it has a default
            depth = kind.partition("float")[0].count("[")  # of tuples in its type
            stated[key] = _checked(key, stated[key], depth)
    try:
        return lens(**stated)
    except TypeError:
        given = ", ".join(map(str, stated))
        raise ValueError(f"camera model {name} has {', '.join(known)}, not {given}") from None


def same_camera(one: Camera, other: Camera) -> bool:
    """Whether two cameras see all in the same places, but for rounding in a file: 0.001 pixels."""
    if (one.width, one.height) != (other.width, other.height):
        return False
    rays = rays_around(np.linspace(0, one.max_theta, 50), 16)
    off = np.abs(one.project(rays, clamp=True) - other.project(rays, clamp=True)).max()
    return bool(off < _SAME_PLACE) and abs(one.max_theta - other.max_theta) < _SAME_PLACE


def _checked(name: str, value: Any, depth: int) -> Any:
    """A field's value, lists as tuples ``depth`` deep; ValueError for one that no camera has."""
    if depth and isinstance(value, list | tuple) and len(value) <= _MOST_TERMS:
        return tuple(_checked(name, part, depth - 1) for part in value)
    if isinstance(value, bool) and name == "radial_first":
        return value
    number = not depth and isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not abs(value) < _LARGEST:  # also for NaN
        what = ("a number, or not finite", "a row of numbers", "a matrix of numbers")[depth]
        raise ValueError(f"{name}: {shown(value):.40} is not {what}")
    if name in ("width", "height"):
        if value != int(value) or not 0 <= value < 2**15:
            raise ValueError(f"{name}: {value:g} is no number of pixels")
        return int(value)
    return value
