"""What can be wrong with a set."""

import sys
from dataclasses import dataclass
from typing import Literal

from base.errors import BrokenFrameError, printable
from base.frame import FrameId
from base.schema import Text
from dataset.pictures import WrongSizeError

#: Kinds of faults → the plural of each, in the order they are reported; packed sets store the keys.
KINDS = {
    "unreadable folder": "unreadable folders",
    "renamed folder": "renamed folders",
    "unexpected file": "unexpected files",
    "duplicate file": "duplicate files",
    "label without picture": "labels without picture",
    "picture without label": "pictures without label",
    "unreadable picture": "unreadable pictures",
    "wrong size or channels": "pictures of wrong size or channels",
    "broken label": "broken labels",
    "absurd pose": "absurd poses",
    "2D and 3D joints disagree": "frames whose 2D and 3D joints disagree",
    "character in the wrong set": "characters in the wrong set",
    "damaged shard": "damaged shards",
    "unreadable set": "unreadable sets",
    "stated 2D joints are off": "headsets whose stated 2D joints are off",
    "left and right swapped": "headsets with left and right swapped",
    "pictures and labels disagree": "cases of pictures and labels that disagree",
}
UNREADABLE_FOLDER, RENAMED_FOLDER, UNEXPECTED_FILE, DUPLICATE_FILE, *_KINDS = KINDS
LABEL_ALONE, PICTURE_ALONE, BAD_PICTURE, WRONG_PICTURE, BAD_LABEL, *_KINDS = _KINDS
ABSURD_POSE, OFF_CAMERA, WRONG_SET, BAD_SHARD, BAD_SET, *_KINDS = _KINDS
OFF_STATED, SWAPPED_SIDES, OFF_PICTURE = _KINDS

#: How many faults of a kind a summary names before it only counts.
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, of one of :data:`KINDS`.

    ``where`` is a path relative to the data root, with ``/``; ``frame_id`` the frame that cannot be
    used or trusted, where it is one.
    """

    kind: Literal[tuple(KINDS)]
    where: Text
    detail: Text
    frame_id: FrameId | None = None

    @classmethod
    def of_file(cls, error: BrokenFrameError, where: str, frame_id: FrameId) -> "Fault":
        """What was met on reading a frame's picture or label, given its path ``where``."""
        kind = WRONG_PICTURE if isinstance(error, WrongSizeError) else BAD_PICTURE
        if where.lower().endswith(".json"):
            kind = BAD_LABEL
        # Errors of single files name the file first; a report names it by itself.
        return cls(kind, where, str(error).rpartition(f"{where}: ")[2], frame_id)

    @property
    def place(self) -> tuple[str, str] | None:
        """Character and environment that it lies in, where it is of one of them."""
        if self.frame_id:
            return self.frame_id.character, self.frame_id.environment
        _, *inside = self.where.split("/")
        return (inside[0], inside[1]) if len(inside) > 2 else None

    def __str__(self) -> str:
        # Any console can print it, though the name of a file may be no UTF-8.
        text = printable(f"{self.where} ({self.detail})")
        return text.encode("utf-8", "backslashreplace").decode()


def summary(faults: list[Fault]) -> list[str]:
    """One line for each kind of fault: how many, and the first of them by name."""
    lines = []
    for kind, plural in KINDS.items():
        if named := [str(fault) for fault in faults if fault.kind == kind]:
            more = f"; and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
            what = kind if len(named) == 1 else plural
            lines.append(f"{len(named)} {what}: {'; '.join(named[:_SHOWN])}{more}")
    return lines


_printed: set[tuple[str, str]] = set()


def print_once(root: object, line: str) -> None:
    """Print a line on a data root to standard error, once however often the root is opened."""
    if (str(root), line) not in _printed:
        _printed.add((str(root), line))
        print(line, file=sys.stderr)
