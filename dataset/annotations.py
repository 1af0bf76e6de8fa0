"""Labels of many frames in arrays: as a source has them, and as the network sees them."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from pydantic import BaseModel

from base.arrays import known_mean
from base.errors import UserError
from base.frame import FrameId
from base.headset import RELEASE_HEADSET, Headset, StoredHeadset
from base.schema import Text
from base.skeleton import neck_centred
from dataset.labels import Label

#: Fields of a label that are arrays of its joints.
LABELS = ("joints2d", "joints3d", "visible")
#: One label; its codes index the lists of a :class:`Table`, each named with an s.
LABEL_ROW = np.dtype(
    [
        ("character", "<i4"),
        ("environment", "<i4"),
        ("number", "<i4"),
        ("action", "<i4"),
        ("joints2d", "<f4", (16, 2)),
        ("joints3d", "<f4", (16, 3)),
        ("visible", "?", (16,)),
        ("occlusion_known", "?"),
        ("headset", "<i4"),
    ]
)
_CODES = ("character", "environment", "action", "headset")


@dataclass(slots=True)
class Annotations:
    """Labels of N frames, in pixels of the network's picture."""

    joints2d: np.ndarray  # (N, 16, 2) float32 pixels
    #: (N, 16, 3) float32 metres, axes of the network's view; NaN, as in 2D, where not labelled.
    joints3d: np.ndarray
    visible: np.ndarray  # (N, 16) bool
    actions: list[str]  # clip names
    #: Whether ``visible`` is false for hidden joints too; else all inside the picture are visible.
    occlusion_known: bool = False

    def __len__(self) -> int:
        return len(self.actions)

    def mean_pose(self) -> np.ndarray:
        """(16, 3) float64 metres: mean over the frames, each with its Neck at the origin; NaN for
        joints that no frame has."""
        return known_mean(neck_centred(self.joints3d.astype(np.float64)), 0)


class Lists(BaseModel):
    """What the rows of a stored :class:`Table` index."""

    characters: list[Text]
    environments: list[Text]
    actions: list[Text]
    headsets: list[StoredHeadset] = [RELEASE_HEADSET]  # of sets packed before they were kept


@dataclass(slots=True)
class Table:
    """Labels of N frames in pixels of the source's pictures, and the lists that they index."""

    rows: np.ndarray  # (N,) structured, with the fields of LABEL_ROW and perhaps more
    characters: list[str]
    environments: list[str]
    actions: list[str]
    headsets: list[Headset]

    @classmethod
    def of(
        cls, frames: Sequence[FrameId], labels: Sequence[Label], dtype: np.dtype = LABEL_ROW
    ) -> "Table":
        """The labels of some frames; further fields of ``dtype`` are zero."""
        rows, lists = np.zeros(len(frames), dtype), []
        for code in _CODES:
            source = frames if code in ("character", "environment") else labels
            values = [getattr(each, code) for each in source]
            lists.append(_ordered(values))
            place = {value: i for i, value in enumerate(lists[-1])}
            rows[code] = [place[value] for value in values]
        rows["number"] = [frame.number for frame in frames]
        for field in (*LABELS, "occlusion_known") if labels else ():
            rows[field] = [getattr(label, field) for label in labels]
        return cls(rows, *lists)

    @classmethod
    def stored(cls, rows: np.ndarray, lists: Lists) -> "Table":
        """The labels of a file; UserError, without its name, where rows and lists do not belong
        together."""
        table = cls(rows, lists.characters, lists.environments, lists.actions, lists.headsets)
        for code in _CODES:
            check_codes(rows[code], table.list_of(code))
        return table

    @classmethod
    def joined(cls, tables: Sequence["Table"]) -> "Table":
        """One table of the rows of several, in their order."""
        rows, lists = np.concatenate([table.rows for table in tables]), []
        for code in _CODES:
            used = [np.unique(table.rows[code]) for table in tables]
            values = [
                [t.list_of(code)[i] for i in own] for t, own in zip(tables, used, strict=True)
            ]
            lists.append(_ordered(chain(*values)))
            place = {value: i for i, value in enumerate(lists[-1])}
            rows[code] = np.concatenate(
                [
                    np.array([place[value] for value in own], int)[
                        np.searchsorted(known, table.rows[code])
                    ]
                    for table, known, own in zip(tables, used, values, strict=True)
                ]
            )
        return cls(rows, *lists)

    def list_of(self, code: str) -> list:
        """What a field of the rows indexes."""
        return getattr(self, f"{code}s")

    def lists(self) -> dict[str, list]:
        """The lists, ready for JSON; :class:`Lists` reads them."""
        named = {f"{code}s": self.list_of(code) for code in _CODES}
        return named | {"headsets": [each.as_dict() for each in self.headsets]}

    def frame_id(self, row: int) -> FrameId:
        """Identity of a row's frame."""
        values = self.rows[row]
        names = self.characters[values["character"]], self.environments[values["environment"]]
        return FrameId(*names, int(values["number"]))

    def label(self, row: int) -> Label:
        """The label in a row."""
        values = self.rows[row]
        return Label(
            *(values[field] for field in LABELS),
            self.actions[values["action"]],
            bool(values["occlusion_known"]),
            self.headsets[values["headset"]],
        )


def check_codes(codes: np.ndarray, known: Sequence, least: int = 0) -> None:
    """UserError for a code that points beyond its list."""
    if codes.min(initial=0) < least or codes.max(initial=-1) >= len(known):
        raise UserError("its rows point beyond its lists")


def _ordered(values: Sequence[Hashable]) -> list:
    """The different values: names in order, headsets as they come."""
    known = list(dict.fromkeys(values))
    return sorted(known) if all(isinstance(value, str) for value in known) else known
