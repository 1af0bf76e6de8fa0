"""Labels of many frames in arrays: as a source has them, and as the network sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel

from base.errors import UserError
from base.frame import FrameId
from base.headset import RELEASE_HEADSET, Headset, StoredHeadset
from base.schema import Text
from base.skeleton import neck_centred
from dataset.labels import Label

#: Fields of a label that are arrays of its joints.
LABELS = ("joints2d", "joints3d", "visible")
#: One label; ``character``, ``environment``, ``action`` and ``headset`` index the lists of a
#: :class:`Table`.
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


@dataclass(slots=True)
class Annotations:
    """Labels of N frames, in pixels of the network's picture."""

    joints2d: np.ndarray  # (N, 16, 2) float32 pixels
    joints3d: np.ndarray  # (N, 16, 3) float32 metres, axes of the network's view
    visible: np.ndarray  # (N, 16) bool
    actions: list[str]  # clip names
    #: Whether ``visible`` is false for hidden joints too; else all inside the picture are visible.
    occlusion_known: bool = False

    def __len__(self) -> int:
        return len(self.actions)

    def mean_pose(self) -> np.ndarray:
        """(16, 3) float64 metres: mean over the frames, each with its Neck at the origin."""
        return neck_centred(self.joints3d.astype(np.float64)).mean(0)


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
        rows = np.zeros(len(frames), dtype)
        characters, rows["character"] = _coded([frame.character for frame in frames])
        environments, rows["environment"] = _coded([frame.environment for frame in frames])
        actions, rows["action"] = _coded([label.action for label in labels])
        place: dict[Headset, int] = {}
        rows["headset"] = [place.setdefault(label.headset, len(place)) for label in labels]
        rows["number"] = [frame.number for frame in frames]
        for field in (*LABELS, "occlusion_known") if labels else ():
            rows[field] = [getattr(label, field) for label in labels]
        return cls(rows, characters, environments, actions, list(place))

    @classmethod
    def stored(cls, rows: np.ndarray, lists: Lists) -> "Table":
        """The labels of a file; UserError, without its name, where rows and lists do not belong
        together."""
        table = cls(rows, lists.characters, lists.environments, lists.actions, lists.headsets)
        for field in ("character", "environment", "action", "headset"):
            check_codes(rows[field], getattr(table, f"{field}s"))
        return table

    @classmethod
    def joined(cls, tables: Sequence["Table"]) -> "Table":
        """One table of the rows of several, in their order."""
        rows, lists = np.concatenate([table.rows for table in tables]), {}
        for field in ("character", "environment", "action"):
            lists[f"{field}s"], rows[field] = _coded(
                [
                    getattr(table, f"{field}s")[code]
                    for table in tables
                    for code in table.rows[field].tolist()
                ]
            )
        place: dict[Headset, int] = {}
        codes = [[place.setdefault(h, len(place)) for h in table.headsets] for table in tables]
        rows["headset"] = np.concatenate(
            [np.array(own, int)[t.rows["headset"]] for own, t in zip(codes, tables, strict=True)]
        )
        return cls(rows, **lists, headsets=list(place))

    def frame_id(self, row: int) -> FrameId:
        """Identity of a row's frame."""
        values = self.rows[row]
        return FrameId(
            self.characters[values["character"]],
            self.environments[values["environment"]],
            int(values["number"]),
        )

    def label(self, row: int) -> Label:
        """The label in a row."""
        values = self.rows[row]
        return Label(
            values["joints2d"],
            values["joints3d"],
            values["visible"],
            self.actions[values["action"]],
            bool(values["occlusion_known"]),
            self.headsets[values["headset"]],
        )


def check_codes(codes: np.ndarray, known: Sequence, least: int = 0) -> None:
    """UserError for a code that points beyond its list."""
    if codes.min(initial=0) < least or codes.max(initial=-1) >= len(known):
        raise UserError("its rows point beyond its lists")


def _coded(values: list[str]) -> tuple[list[str], list[int]]:
    """The different names in order, and the place of each value among them."""
    names = sorted(set(values))
    place = {name: i for i, name in enumerate(names)}
    return names, [place[value] for value in values]
