"""What the readers share: numbers out of files, and a lens out of named values.

Faults are UserErrors without the file's name, which :func:`base.calibration.load_calibration`
puts before them.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np

from base.cameras import CAMERAS, camera_from_dict
from base.cameras.camera import Camera
from base.errors import UserError
from base.registry import load_class

Value = TypeVar("Value")

INTRINSICS = ("fx", "fy", "cx", "cy")
RADIAL = ("k1", "k2", "k3", "k4", "k5", "k6")
_PRISM = ("s1", "s2", "s3", "s4")
#: OpenCV's order.
PINHOLE_TERMS = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6", *_PRISM)
#: Lens → field of several terms → their names in order, and how many of them there may be.
TERMS: dict[str, dict[str, tuple[tuple[str, ...], tuple[int, ...]]]] = {
    "pinhole": {"distortion": (PINHOLE_TERMS, (0, 4, 5, 8, 12))},
    "fisheye": {"k": (RADIAL, (4, 6))},
    "unified": {"distortion": (PINHOLE_TERMS[:5], (0, 4, 5))},
    "thin_prism_fisheye": {"k": (RADIAL, (4, 6)), "p": (("p1", "p2"), (2,)), "s": (_PRISM, (4,))},
}


class Reader(NamedTuple):
    """A kind of file: the cameras in a part of its content by name, none in that of another kind
    ("" names a part that is one camera itself); and one of them."""

    kind: str
    find: Callable[[Any], dict[str, Any]]
    read: Callable[[Any], Camera]


def with_keys(*keys: str) -> Callable[[Any], dict[str, Any]]:
    """:attr:`Reader.find` for one camera: a mapping that has the keys."""
    return lambda node: {"": node} if isinstance(node, dict) and {*keys} <= node.keys() else {}


def supported(table: Mapping[Any, Value], name: Any, what: str) -> Value:
    """The entry of a table, or a UserError that lists them."""
    if name not in table:
        known = ", ".join(key for key in table if key)
        raise UserError(f"{what} {name} is not supported; {known} are")
    return table[name]


def numbers(value: Any, what: str, *counts: int) -> list[float]:
    """A number, several, a matrix as nested lists, as a text, or as OpenCV and ROS write it, as one
    list; of one of these ``counts`` of numbers, where any are given; ``what`` is for the fault."""
    if isinstance(value, dict):
        value = value.get("data")
    try:
        found = np.array(value.split() if isinstance(value, str) else value, float).ravel().tolist()
    except (OverflowError, TypeError, ValueError):
        raise UserError(f"{what}: not a matrix of numbers") from None
    if not np.isfinite(found).all():  # NumPy reads null as NaN
        raise UserError(f"{what}: a number is missing, or not finite")
    if counts and len(found) not in counts:
        raise UserError(f"{what}: {' or '.join(map(str, counts))} numbers, not {len(found)}")
    return found


def number(value: Any, what: str) -> float:
    """The one number of a value, or of a list of one."""
    return numbers(value, what, 1)[0]


def picture_size(*sides: Any) -> tuple[int, int]:
    """Width and height, or 0×0 where the file states neither (None)."""
    if sides == (None, None):
        return 0, 0
    if len(sides) != 2 or any(isinstance(side, bool) for side in sides):
        raise UserError(f"picture size {[*sides]}: a width and a height are needed")
    width, height = numbers(sides, "picture size")
    if not all(1 <= side < 2**16 and side.is_integer() for side in (width, height)):
        raise UserError(f"picture size {width:g}×{height:g}: whole numbers of pixels are needed")
    return int(width), int(height)


def size_in(
    node: Mapping[str, Any], width: str = "width", height: str = "height"
) -> tuple[int, int]:
    """:func:`picture_size` of two entries."""
    return picture_size(node.get(width), node.get(height))


def in_order(names: str, parameters: Any, what: str) -> dict[str, float]:
    """Parameters in the order of ``names``; a single focal length, "f", becomes two."""
    values, order = numbers(parameters, what), names.split()
    if len(values) != len(order):
        raise UserError(f"{what} has {len(order)} parameters, {len(values)} are given")
    named = dict(zip(order, values, strict=True))
    if "f" in named:
        named["fx"] = named["fy"] = named.pop("f")
    return named


def lens(model: str, values: Mapping[str, Any], size: tuple[int, int]) -> Camera:
    """The camera of a lens in :data:`base.cameras.CAMERAS` from the named values of a file.

    Terms that are not given are zero.  A value other than zero that the lens has no place for is
    a UserError, so that nothing is dropped.
    """
    known = {key: number(value, key) for key, value in values.items()}
    kinds = {field.name: field.type for field in dataclasses.fields(load_class(CAMERAS[model]))}
    scalars = [name for name, kind in kinds.items() if kind in (float, bool)]
    if missing := [name for name in scalars if name not in known]:
        raise UserError(f"the calibration lacks {', '.join(missing)}")
    fields: dict[str, Any] = {name: kinds[name](known.pop(name)) for name in scalars}
    for field, (order, counts) in TERMS.get(model, {}).items():
        last = max((place for place, name in enumerate(order, 1) if name in known), default=0)
        count = next(count for count in counts if count >= last)
        fields[field] = tuple(known.pop(name, 0.0) for name in order[:count])
    if unread := [f"{name} = {value:g}" for name, value in known.items() if value != 0]:
        raise UserError(f"{', '.join(unread)}: the {model} model has no such term")
    try:
        return camera_from_dict({"model": model, **fields, "width": size[0], "height": size[1]})
    except ValueError as error:
        raise UserError(str(error)) from None
