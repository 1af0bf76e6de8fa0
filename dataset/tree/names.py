"""Which files of a camera folder are its frames' pictures and labels, by their names.

The release names them ``rgba/{character}.rgba.{number:06d}.png`` and
``json/{character}_{number:06d}.json``.  Whatever reads a set, from a disk or out of an archive,
asks :func:`pair_files`, so that all agree on what is a frame.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from base.frame import FrameId
from dataset.faults import (
    DUPLICATE_FILE,
    LABEL_ALONE,
    PICTURE_ALONE,
    RENAMED_FOLDER,
    UNEXPECTED_FILE,
    Fault,
)

#: Any number of leading zeros, the suffix in capitals or not.
_PATTERNS = {
    "rgba": re.compile(r"(.+)\.rgba\.([0-9]{1,9})\.(?i:png)"),
    "json": re.compile(r"(.+)_([0-9]{1,9})\.(?i:json)"),
}
_RELEASE_NAMES = {"rgba": "{}.rgba.{:06d}.png", "json": "{}_{:06d}.json"}

#: A file with such a suffix is a picture or label of somebody's; any other, such as ``Thumbs.db``
#: or a download that is not finished, is no business of ours.
_SUFFIXES = (".png", ".jpg", ".jpeg", ".json")


class CameraFolder(NamedTuple):
    """The frames of the ``cam_down`` folder ``path`` (relative to the data root) by names: frame
    number → name of its file, in order."""

    path: str
    pictures: dict[int, str]
    labels: dict[int, str]
    faults: list[Fault]

    def frame_id(self, number: int) -> FrameId:
        """Identity of a frame of this folder."""
        return FrameId(*self.path.split("/")[1:3], number)


def pair_files(path: str, content: Mapping[str, list[str] | Fault]) -> CameraFolder:
    """Pair the pictures and labels of a ``cam_down`` folder by frame number.

    Hidden files are ignored.  Where two files of a kind have one frame number, that with the
    release's own spelling is used, and where none has it, neither is.  ``content`` has the names in
    ``rgba`` and in ``json``, or why one cannot be read; none for a folder that is not there.
    """
    folder = CameraFolder(path, {}, {}, [])
    character, faults = path.split("/")[1], folder.faults
    numbered: dict[str, dict[int, list[str]]] = {"rgba": {}, "json": {}}
    strangers: dict[str, str | None] = {}  # name → the character it is named after
    for kind, names in content.items():
        if isinstance(names, Fault):
            faults.append(names)
            continue
        for name in sorted(names):
            if name.startswith(".") or not name.lower().endswith(_SUFFIXES):
                continue
            match = _PATTERNS[kind].fullmatch(name)
            if match and match[1] == character:
                numbered[kind].setdefault(int(match[2]), []).append(name)
            else:
                strangers[f"{kind}/{name}"] = match and match[1]
    owners = {*strangers.values()} - {None}
    if len(owners) == 1 and not any(numbered.values()):
        odd = [name for name, owner in strangers.items() if owner is None]
        named = f"its {len(strangers) - len(odd)} files are named after {owners.pop()}"
        faults.append(
            Fault(RENAMED_FOLDER, path, f"{named}: rename the folder {character} to that")
        )
        strangers = dict.fromkeys(odd)
    for name in strangers:
        expected = _RELEASE_NAMES[name.partition("/")[0]].format(character, 1)
        detail = f"not used: no name like {expected}"
        faults.append(Fault(UNEXPECTED_FILE, f"{path}/{name}", detail))
    for kind, chosen in (("rgba", folder.pictures), ("json", folder.labels)):
        for number, names in sorted(numbered[kind].items()):
            expected = _RELEASE_NAMES[kind].format(character, number)
            if len(names) == 1 or expected in names:
                chosen[number] = expected if expected in names else names[0]
                detail, frame_id = f"not used: frame {number} is read from {expected}", None
            else:
                detail = f"{len(names)} files for frame {number}, none of them {expected}: "
                detail, frame_id = f"{detail}none is used", folder.frame_id(number)
            faults += [
                Fault(DUPLICATE_FILE, f"{path}/{kind}/{name}", detail, frame_id)
                for name in names
                if name != chosen.get(number)
            ]
    for kind, chosen, alone, other in (
        ("json", folder.labels, LABEL_ALONE, "rgba"),
        ("rgba", folder.pictures, PICTURE_ALONE, "json"),
    ):
        # What lies in a folder that cannot be read is not known to be missing, and without a folder
        # of pictures a set is one of labels only.
        if isinstance({"json": [], **content}.get(other), list):
            faults += [
                Fault(
                    alone,
                    f"{path}/{kind}/{name}",
                    f"no {alone.rpartition(' ')[2]} has number {number}",
                    folder.frame_id(number),
                )
                for number, name in chosen.items()
                if number not in numbered[other]
            ]
    return folder
