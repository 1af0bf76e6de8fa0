"""Sets of frames of any format, augmentation, target heatmaps, and batches for the device.

A format of data is one file with a subclass of :class:`dataset.split.Split` and one line in
:data:`FORMATS`; doc/extending.md shows how.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from base.errors import UserError
from base.registry import load_class
from base.set_type import SetType

if TYPE_CHECKING:
    from base.cameras.camera import Camera
    from base.headset import Headset
    from dataset.split import Split

#: Name → "module:class"; the first that finds sets in a data root opens it.
FORMATS = {
    "packed": "dataset.packed.packed:Packed",
    "tree": "dataset.tree.mocap:Mocap",
}


def data_format(root: str | Path, set_type: SetType | None = None) -> "type[Split]":
    """The format of the sets in a data root; the last one where it holds none; UserError for a root
    that cannot be read, or does not hold the set that is asked for."""
    for place in FORMATS.values():
        found = load_class(place)
        if sets := found.sets(Path(root)):
            break
    if set_type is not None and set_type not in sets:
        held = " and ".join(each.folder for each in sets)
        hint = f"only {held}" if held else found.remedy.format(root=root)
        raise UserError(f"no {set_type.folder} in {root}: {hint}")
    return found


def open_split(
    root: str | Path,
    set_type: SetType,
    size: int | None = None,
    pictures: bool = True,
    report: bool = True,
    view: "Camera | None" = None,
    headset: "Headset | None" = None,
) -> "Split":
    """A set of any format as the network sees it; arguments as of :class:`dataset.split.Split`;
    UserError for a set that is missing, empty, kept smaller than asked for, or whose labels do not
    fit their camera."""
    found = data_format(root, set_type)
    return found(root, set_type, size, pictures, report, view=view, headset=headset)
