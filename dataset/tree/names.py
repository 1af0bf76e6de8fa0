"""Which files of a camera folder are its frames' pictures and labels, by their names.

The release names them ``rgba/{character}.rgba.{number:06d}.png`` and
``json/{character}_{number:06d}.json``.  Whatever reads or checks a set, from a disk or out of an
archive, asks :func:`pair_files`, so that all agree on what is a frame.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class CameraFolder:
    """The frames of the ``cam_down`` folder ``path`` (relative to the data root) by names: frame
    number → name of its file, in order; ``labels_only`` where there is no folder of pictures."""

    path: str
    pictures: dict[int, str] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)
    labels_only: bool = False
    faults: list[Fault] = field(default_factory=list)

    def frame_id(self, number: int) -> FrameId:
        """Identity of a frame of this folder."""
        return FrameId(*folder_identity(self.path), number)


def folder_identity(path: str) -> tuple[str, str]:
    """Character and environment of a path relative to the data root."""
    _, character, environment, *_ = path.split("/")
    return character, environment


def pair_files(path: str, content: Mapping[str, list[str] | Fault]) -> CameraFolder:
    """Pair the pictures and labels of a ``cam_down`` folder by frame number.

    Hidden files are ignored.  Where two files of a kind have one frame number, that with the
    release's own spelling is used, and where none has it, neither is.  ``content`` has the names in
    ``rgba`` and in ``json``, or why one cannot be read; none for a folder that is not there.
    """
    folder = CameraFolder(path, labels_only="rgba" not in content)
    character, _ = folder_identity(path)
    numbered: dict[str, dict[int, list[str]]] = {"rgba": {}, "json": {}}
    strangers: dict[str, str | None] = {}
    for kind, names in content.items():
        if isinstance(names, Fault):
            folder.faults.append(names)
            continue
        for name in sorted(names):
            if name.startswith(".") or not name.lower().endswith(_SUFFIXES):
                continue
            match = _PATTERNS[kind].fullmatch(name)
            if match and match[1] == character:
                numbered[kind].setdefault(int(match[2]), []).append(name)
            else:
                strangers[f"{kind}/{name}"] = match and match[1]
    folder.faults += _strangers(folder, strangers, alone=not any(numbered.values()))
    folder.pictures = _choose(folder, "rgba", numbered["rgba"])
    folder.labels = _choose(folder, "json", numbered["json"])

    def add_unpaired(fault: str, kind: str, names: dict[int, str], other: str) -> None:
        # What lies in a folder that cannot be read is not known to be missing.
        if not isinstance(content.get(other), Fault):
            folder.faults += [
                Fault(
                    fault,
                    f"{path}/{kind}/{name}",
                    f"no {fault.rpartition(' ')[2]} has number {number}",
                    folder.frame_id(number),
                )
                for number, name in names.items()
                if number not in numbered[other]
            ]

    if not folder.labels_only:
        add_unpaired(LABEL_ALONE, "json", folder.labels, "rgba")
    add_unpaired(PICTURE_ALONE, "rgba", folder.pictures, "json")
    return folder


def _strangers(folder: CameraFolder, strangers: dict[str, str | None], alone: bool) -> list[Fault]:
    """Faults of the files that belong to no frame; ``alone`` where no file belongs to one."""
    character, _ = folder_identity(folder.path)
    owners = set(strangers.values()) - {None}
    faults = []
    if alone and len(owners) == 1:
        unnamed = {name: None for name, owner in strangers.items() if owner is None}
        detail = (
            f"its {len(strangers) - len(unnamed)} files are named after {owners.pop()}: rename the "
            f"folder {character} to that"
        )
        faults, strangers = [Fault(RENAMED_FOLDER, folder.path, detail)], unnamed
    for name in strangers:
        expected = _RELEASE_NAMES[name.partition("/")[0]].format(character, 1)
        where = f"{folder.path}/{name}"
        faults.append(Fault(UNEXPECTED_FILE, where, f"not used: no name like {expected}"))
    return faults


def _choose(folder: CameraFolder, kind: str, numbered: dict[int, list[str]]) -> dict[int, str]:
    """The one file of each frame number; adds the faults of the others."""
    character, _ = folder_identity(folder.path)
    chosen = {}
    for number, names in sorted(numbered.items()):
        expected = _RELEASE_NAMES[kind].format(character, number)
        if len(names) == 1 or expected in names:
            chosen[number] = expected if expected in names else names[0]
            detail, frame_id = f"not used: frame {number} is read from {expected}", None
        else:
            detail = f"{len(names)} files for frame {number}, none of them {expected}: none is used"
            frame_id = folder.frame_id(number)
        folder.faults += [
            Fault(DUPLICATE_FILE, f"{folder.path}/{kind}/{name}", detail, frame_id)
            for name in names
            if name != chosen.get(number)
        ]
    return chosen
