"""Camera models, and the registry that names them where a camera is stored."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from base.cameras.camera import Camera, rays_around
from base.errors import shown
from base.registry import load_class
from base.schema import first_fault

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
#: Its cameras are stored without a name, as they were before there was a choice.
_UNNAMED = "fisheye"


def camera_to_dict(camera: Camera) -> dict[str, Any]:
    """A camera as plain values: its name in :data:`CAMERAS` as "model", then its fields."""
    name = next(name for name, place in CAMERAS.items() if load_class(place) is type(camera))
    return ({} if name == _UNNAMED else {"model": name}) | dataclasses.asdict(camera)


@functools.cache
def _reader(lens: type[Camera]) -> TypeAdapter:
    return TypeAdapter(lens)


def camera_from_dict(values: Mapping[str, Any]) -> Camera:
    """The camera of :func:`camera_to_dict`, also after JSON or YAML; ValueError for a model that is
    not registered, other fields than the model's, or values that are no finite numbers."""
    stated = {**values}
    name = stated.pop("model", _UNNAMED)
    if not isinstance(name, str) or name not in CAMERAS:
        raise ValueError(f"camera model: there is {', '.join(CAMERAS)}, but no {shown(name)}")
    lens = load_class(CAMERAS[name])
    try:
        return _reader(lens).validate_python(stated)
    except ValidationError as error:
        known = [field.name for field in dataclasses.fields(lens)]
        raise ValueError(first_fault(error, known)) from None


def same_camera(one: Camera, other: Camera) -> bool:
    """Whether two cameras see all in the same places, but for rounding in a file: 0.001 pixels."""
    if (one.width, one.height) != (other.width, other.height):
        return False
    rays = rays_around(np.linspace(0, one.max_theta, 50), 16)
    off = np.abs(one.project(rays, clamp=True) - other.project(rays, clamp=True)).max()
    return bool(off < _SAME_PLACE) and abs(one.max_theta - other.max_theta) < _SAME_PLACE
