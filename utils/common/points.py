"""Files of places in pictures: {"a.png": {"LeftHand": [218, 117]}}, pixels, y down."""

from collections.abc import Collection, Sequence
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from base.documents import read_document
from base.errors import UserError
from base.schema import first_fault

#: Picture's name → what is marked → (x, y) pixels.
Points = dict[str, dict[str, tuple[float, float]]]
_FINITE = ConfigDict(allow_inf_nan=False)


def read_points(path: Path, pictures: Collection[str], names: Sequence[str]) -> Points:
    """Places of things called ``names``; UserError for a file that is missing, of another kind,
    with an unknown name, or that names none of ``pictures``."""
    content = read_document(path, f"--points {path}")
    try:
        points = TypeAdapter(Points, config=_FINITE).validate_python(content)
    except ValidationError as error:
        raise UserError(f"--points {path}: {first_fault(error, names)}") from None
    for picture, marked in points.items():
        for name in marked.keys() - set(names):
            raise UserError(f"--points {path}: {picture}: no {name!r}, but {', '.join(names)}")
    if not points.keys() & set(pictures):
        raise UserError(f"--points {path}: names none of the pictures")
    return points
