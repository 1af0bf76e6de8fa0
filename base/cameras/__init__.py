"""Camera models: one file a lens, and the registry that names them where a camera is stored."""

import dataclasses
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from base.cameras.camera import Camera
from base.registry import load_class

#: Name of a camera model in checkpoints and other files → "module:class".
CAMERAS = {
    "fisheye": "base.cameras.fisheye:FisheyeCamera",
    "pinhole": "base.cameras.pinhole:PinholeCamera",
    "ocam": "base.cameras.ocam:OCamCamera",
    "unified": "base.cameras.unified:UnifiedCamera",
    "double_sphere": "base.cameras.double_sphere:DoubleSphereCamera",
    "eucm": "base.cameras.eucm:EucmCamera",
    "fov": "base.cameras.fov:FovCamera",
    "thin_prism_fisheye": "base.cameras.thin_prism_fisheye:ThinPrismFisheyeCamera",
    "division": "base.cameras.division:DivisionCamera",
}
#: Its cameras are stored without a name, as they were before there was a choice.
_UNNAMED = "fisheye"


def camera_to_dict(camera: Camera) -> dict[str, Any]:
    """A camera as plain values: its name in :data:`CAMERAS` as "model", then its fields."""
    own = f"{type(camera).__module__}:{type(camera).__qualname__}"
    name = next(name for name, place in CAMERAS.items() if place == own)
    return ({} if name == _UNNAMED else {"model": name}) | dataclasses.asdict(camera)


def camera_from_dict(values: Mapping[str, Any]) -> Camera:
    """The camera of :func:`camera_to_dict`, which may have been through JSON or YAML.

    Raises:
        ValueError: for a model that is not registered, or other fields or values than the model's.
    """
    fields = {key: _tuples(value) for key, value in values.items() if key != "model"}
    name = values.get("model", _UNNAMED)
    if not isinstance(name, str) or name not in CAMERAS:
        raise ValueError(f"camera model: there is {', '.join(CAMERAS)}, but no {name!r}")
    lens = load_class(CAMERAS[name])
    for field in dataclasses.fields(lens):
        if field.name not in fields:  # told below, unless it has a default
            continue
        value = np.array(fields[field.name], object)
        depth = str(field.type).partition("float")[0].count("[")  # of tuples in its type
        if value.ndim != depth or not all(isinstance(each, Real) for each in value.flat):
            what = ("a number", "a row of numbers", "a matrix of numbers")[depth]
            raise ValueError(f"{field.name}: {values[field.name]!r} is not {what}")
    try:
        return lens(**fields)
    except TypeError:
        known = ", ".join(field.name for field in dataclasses.fields(lens))
        raise ValueError(
            f"camera model {name} has {known}, not {', '.join(map(str, fields))}"
        ) from None


def same_camera(one: Camera, other: Camera) -> bool:
    """Whether two cameras are the same but for rounding in a file, far below 0.001 pixels."""
    if type(one) is not type(other):
        return False
    a, b = (np.hstack([np.ravel(v) for v in dataclasses.astuple(each)]) for each in (one, other))
    return a.shape == b.shape and np.allclose(a, b, rtol=0, atol=1e-3)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
