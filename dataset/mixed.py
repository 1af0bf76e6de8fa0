"""Sets of several data roots as one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from base.base_dataset import BaseDataset
from base.cameras.camera import Camera
from base.errors import UserError
from base.frame import Frame, FrameId
from base.headset import Headset
from base.remote import root_text
from base.set_type import SetType
from dataset import data_format, open_split
from dataset.annotations import LABELS, Annotations
from dataset.headset_view import own_view
from dataset.split import Split

#: Epochs in the list, at most: of a set with a smaller share some frames never come up.
_MOST_ROUNDS = 50


class Mixed(BaseDataset):
    """Frames of several sets, in one view; characters are called "NAME:CHARACTER".

    An epoch has as many frames as all sets together (:attr:`epoch_frames`), of each set all of
    them or, by ``weights``, its share (:attr:`counts`).  An index goes through the list of so many
    epochs as it takes for each frame of every set to come up.
    """

    def __init__(
        self, sets: Sequence[Any], names: Sequence[str], weights: Sequence[float] | None = None
    ) -> None:
        self.sets, self.names, self.weights = sets, names, weights
        self.set_type, self.camera = sets[0].set_type, sets[0].camera
        sizes = [len(each) for each in sets]
        ends = np.cumsum(weights or sizes)
        self.counts = np.diff(np.rint(ends / ends[-1] * sum(sizes)).astype(int), prepend=0)
        self.epoch_frames = sum(sizes)
        if weights and not self.counts.all():
            raise UserError("--weights: a data root gets less than one frame of an epoch")
        rounds = int(np.ceil(np.max(sizes / np.maximum(self.counts, 1)))) if weights else 1
        counts = self.counts * min(rounds, _MOST_ROUNDS)
        self._set = np.repeat(np.arange(len(sets), dtype=np.int32), counts)
        each = [np.arange(n, dtype=np.int32) % size for n, size in zip(counts, sizes, strict=True)]
        self._place = np.concatenate(each)

    def __len__(self) -> int:
        return len(self._set)

    def __getitem__(self, index: int) -> Frame:
        frame = self.sets[self._set[index]][self._place[index]]
        return replace(frame, frame_id=self.frame_id(index))

    def frame_id(self, index: int) -> FrameId:
        """Identity of a frame, its set's name before the character's."""
        number = self._set[index]
        own = self.sets[number].frame_id(self._place[index])
        return replace(own, character=f"{self.names[number]}:{own.character}")

    def changed(self, change: Callable[[Split], BaseDataset]) -> "Mixed":
        """The same mix of other sets."""
        return Mixed([change(each) for each in self.sets], self.names, self.weights)

    # What training asks of labels, as of Split.

    @property
    def headsets(self) -> list[Headset]:
        """Those of all sets."""
        return [headset for each in self.sets for headset in each.headsets]

    @property
    def shares_people(self) -> bool:
        """Whether one of the formats does."""
        return any(each.shares_people for each in self.sets)

    @property
    def shards(self) -> np.ndarray | None:
        """(len,) as of Split; a frame that is not fetched is a shard of its own."""
        found = [getattr(each, "shards", None) for each in self.sets]
        if all(each is None for each in found):
            return None
        own = [np.arange(len(s)) if f is None else f for s, f in zip(self.sets, found, strict=True)]
        first = np.cumsum([0, *(each.max() + 1 for each in own)])
        codes = [each + start for each, start in zip(own, first[:-1], strict=True)]
        return np.concatenate(codes)[np.cumsum([0, *map(len, own)])[self._set] + self._place]

    def edges(self) -> np.ndarray:
        """Those of all sets."""
        return np.concatenate([each.edges() for each in self.sets])

    def annotations(self) -> Annotations:
        """Labels of the whole list."""
        found = [each.annotations() for each in self.sets]
        rows = [self._place[self._set == number] for number in range(len(found))]
        pairs = list(zip(found, rows, strict=True))
        arrays = [np.concatenate([getattr(a, name)[own] for a, own in pairs]) for name in LABELS]
        actions = [a.actions[row] for a, own in pairs for row in own]
        return Annotations(*arrays, actions, all(each.occlusion_known for each in found))


@dataclass(frozen=True)
class Roots:
    """Data roots, and how their sets are opened; UserError for other numbers of formats or weights
    than of roots, or one root twice.

    Attributes:
        formats: one for all or for each, None for that of what lies there; as of
            :class:`~dataset.split.Split`, like ``headset``.
        weights: shares of the frames of an epoch; None for as many as there are.
    """

    paths: Sequence[Path]
    formats: Sequence[str | None] = (None,)
    headset: Headset | None = None
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        number = len(self.paths)
        if len(self.formats) not in (1, number) or len(self.weights or self.paths) != number:
            raise UserError(
                "--format, --weights: give one for each of --data_root, or one format for all"
            )
        if len({path.resolve() for path in self.paths}) < number:
            raise UserError("--data_root: the same folder twice")

    def __str__(self) -> str:
        return ", ".join(map(root_text, self.paths))

    def each(self) -> list[tuple[str, Path, str | None]]:
        """Of each root the name, as much of the end of its path as tells it from the others, the
        path and the format."""
        parts = [path.resolve().parts[1:] for path in self.paths]
        length = next(n for n in count(1) if len({each[-n:] for each in parts}) == len(parts))
        names = ["_".join(each[-length:]) for each in parts]
        formats = [*self.formats] * (len(parts) // len(self.formats))
        return list(zip(names, self.paths, formats, strict=True))

    def mix(self) -> dict[str, Any] | None:
        """What a run on several roots can only go on with; None for one root."""
        names, _, formats = zip(*self.each(), strict=True)
        mix = {"roots": [*names], "weights": self.weights}
        return None if len(names) == 1 else mix | ({"formats": [*formats]} if any(formats) else {})

    def open(
        self, set_type: SetType, size: int | None = None, view: Camera | None = None, **how: Any
    ) -> Split | Mixed:
        """The set of the one root, as of :func:`~dataset.open_split`; of several the TrainSets,
        mixed by the weights, the TestSets, or the ValSets that there are."""
        roots, how = self.each(), how | {"headset": self.headset}
        if set_type is SetType.VAL:
            found = [r for r in roots if set_type in data_format(r[1], format=r[2]).sets(r[1])]
            roots = found or roots
        sets = [open_split(p, set_type, size, view=view, format=f, **how) for _, p, f in roots]
        if len(self.paths) == 1:
            return sets[0]
        if view is None:
            view = own_view([headset for each in sets for headset in each.headsets], size)
            for each in sets:
                each.look_through(view)
        weights = self.weights if set_type is SetType.TRAIN else None
        return Mixed(sets, [name for name, _, _ in roots], weights)
