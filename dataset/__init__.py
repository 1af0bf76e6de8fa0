"""Sets of frames of any format, augmentation, target heatmaps, and batches for the device.

A format of data is one file with a subclass of :class:`dataset.split.Split` and one line in
:data:`FORMATS`; doc/extending.md shows how.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from base.errors import UserError
from base.registry import load_class
from base.remote import root_path
from base.set_type import SetType

if TYPE_CHECKING:
    from base.cameras.camera import Camera
    from base.headset import Headset
    from dataset.split import Split

#: Name → "module:class"; the first that finds sets in a data root opens it.
FORMATS = {
    "packed": "dataset.packed.packed:Packed",
    "xr_egopose": "dataset.tree.mocap:Mocap",
    "scene_ego": "dataset.scene_ego:SceneEgo",
    "unreal_ego": "dataset.unreal_ego:UnrealEgo",
    "mo2cap2": "dataset.mo2cap2:Mo2Cap2",
    "ego_body3m": "dataset.ego_body3m:EgoBody3M",
    "ego_pw": "dataset.scene_ego:EgoPW",
}


def data_format(
    root: str | Path, set_type: SetType | None = None, format: str | None = None
) -> "type[Split]":
    """The format of the sets in a data root, or that of the name in ``format``; UserError for a
    root that cannot be read, or does not hold the set that is asked for."""
    known, root = _known(format), root_path(root)
    for found in known.values():
        if sets := found.sets(root):
            break
    else:
        if set_type is None:
            return [*known.values()][min(1, len(known) - 1)]
        raise UserError(f"no {set_type.folder} in {root}: {looked_for(root, format)}")
    if set_type is not None and set_type not in sets:
        held = " and ".join(each.folder for each in sets)
        raise UserError(f"no {set_type.folder} in {root}: only {held}")
    return found


def looked_for(root: str | Path, format: str | None = None) -> str:
    """What a data root would have to hold, and what to do where it does not."""
    known, root = _known(format), Path(root)
    if not root.is_dir():
        return f"no such folder; {[*known.values()][-1].remedy.format(root=root)}"
    if not any(root.iterdir()):
        return [*known.values()][-1].remedy.format(root=root)
    return "looked for " + "; ".join(f"{name}: {each.layout}" for name, each in known.items())


def format_name(kind: "type[Split]") -> str:
    """What :data:`FORMATS` calls a format."""
    return next(name for name, place in FORMATS.items() if load_class(place) is kind)


def _known(format: str | None) -> "dict[str, type[Split]]":
    """The formats, or the one of the name in ``format``."""
    name = (format or "").partition(":")[0]
    if name and name not in FORMATS:
        raise UserError(f"--format {name}: one of {', '.join(FORMATS)}")
    return {key: load_class(place) for key, place in FORMATS.items() if name in ("", key)}


def open_split(
    root: str | Path,
    set_type: SetType,
    size: int | None = None,
    pictures: bool = True,
    report: bool = True,
    view: "Camera | None" = None,
    headset: "Headset | None" = None,
    format: str | None = None,
) -> "Split":
    """A set of any format as the network sees it; arguments as of :class:`dataset.split.Split`;
    UserError for a set that is missing, empty, kept smaller than asked for, or whose labels do not
    fit their camera."""
    found = data_format(root, set_type, format)
    return found(root, set_type, size, pictures, report, view=view, headset=headset, format=format)
