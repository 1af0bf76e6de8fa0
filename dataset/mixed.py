"""Sets of several data roots as one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from base.base_dataset import BaseDataset
from base.cameras.camera import Camera
from base.errors import UserError
from base.frame import Frame, FrameId
from base.headset import Headset
from base.set_type import SetType
from dataset import data_format, open_split
from dataset.annotations import Annotations
from dataset.split import Split
from dataset.view import own_view


class Mixed(BaseDataset):
    """Frames of several sets, in one view; characters are called "ROOT:CHARACTER".

    An index goes through a fixed list: without ``weights`` each frame is in it once, set after set;
    with them, as many as all sets have together, in these shares, evenly spaced over each set, or
    over several rounds through it.

    Attributes:
        counts: how many frames of the list are of each set.
    """

    def __init__(
        self,
        sets: Sequence[BaseDataset],
        names: Sequence[str],
        weights: Sequence[float] | None = None,
    ) -> None:
        self.sets, self.names, self.weights = list(sets), list(names), weights
        self.set_type, self.camera = sets[0].set_type, sets[0].camera
        sizes = np.array([len(each) for each in sets])
        ends = np.cumsum(sizes if weights is None else weights)
        self.counts = np.diff(np.rint(ends / ends[-1] * sizes.sum()), prepend=0).astype(int)
        self._set = np.repeat(np.arange(len(sizes)), self.counts)
        #: (N,) place of each frame of the list in its set.
        places = (spread(*each) for each in zip(self.counts, sizes, strict=True))
        self._place = np.concatenate([*places])

    def __len__(self) -> int:
        return len(self._set)

    def __getitem__(self, index: int) -> Frame:
        frame = self.sets[self._set[index]][self._place[index]]
        return replace(frame, frame_id=self.frame_id(index))

    def frame_id(self, index: int) -> FrameId:
        """Identity of a frame, its root's name before the character's."""
        number = self._set[index]
        own = self.sets[number].frame_id(self._place[index])
        return replace(own, character=f"{self.names[number]}:{own.character}")

    def changed(self, change: Callable[[Any], BaseDataset]) -> "Mixed":
        """The same of other sets."""
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

    def edges(self) -> np.ndarray:
        """As of the sets."""
        return np.concatenate([each.edges() for each in self.sets])

    def annotations(self) -> Annotations:
        """Labels of the whole list."""
        parts = []
        for number, each in enumerate(self.sets):
            found, rows = each.annotations(), self._place[self._set == number]
            arrays = (found.joints2d, found.joints3d, found.visible)
            actions = [found.actions[row] for row in rows]
            parts.append((*(values[rows] for values in arrays), actions, found.occlusion_known))
        *arrays, actions, known = zip(*parts, strict=True)
        return Annotations(*map(np.concatenate, arrays), [*chain(*actions)], all(known))


def spread(count: int, size: int) -> np.ndarray:
    """(count,) places in a set of ``size`` frames: all of them as often as they fit, then evenly
    spaced ones."""
    rounds, rest = divmod(int(count), int(size))
    spaced = np.arange(rest) * size // max(rest, 1)
    return np.concatenate([np.tile(np.arange(size), rounds), spaced]).astype(int)


@dataclass(frozen=True)
class Roots:
    """Data roots, and how their sets are opened; UserError for other numbers of formats or weights
    than of roots, or one root twice.

    Attributes:
        formats: of each root, or one for all; None for that of what lies there; as of
            :class:`~dataset.split.Split`, like ``headset``.
        weights: shares of the frames of an epoch; None for as many as there are.
    """

    paths: Sequence[Path]
    formats: Sequence[str | None] = (None,)
    headset: Headset | None = None
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        count = len(self.paths)
        if len(self.formats) not in (1, count):
            raise UserError("--format: give one for all of --data_root, or one for each")
        if self.weights is not None and len(self.weights) != count:
            raise UserError("--weights: give one for each of --data_root")
        if len({path.resolve() for path in self.paths}) < count:
            raise UserError("--data_root: the same folder twice")

    def __str__(self) -> str:
        return ", ".join(map(str, self.paths))

    def each(self) -> list[tuple[str, Path, str | None]]:
        """Of each root the name, as much of the end of its path as tells it from the others, the
        path and the format."""
        parts = [path.resolve().parts[1:] for path in self.paths]
        ends = (["_".join(each[-n:]) for each in parts] for n in range(1, max(map(len, parts)) + 1))
        names = next((n for n in ends if len({*n}) == len(n)), [str(n) for n in range(len(parts))])
        formats = [*self.formats] * (len(parts) // len(self.formats))
        return list(zip(names, self.paths, formats, strict=True))

    def mix(self) -> dict[str, Any] | None:
        """What a run on several roots can only go on with; None for one root."""
        names = [name for name, _, _ in self.each()]
        return None if len(names) == 1 else {"roots": names, "weights": self.weights}

    def open(
        self, set_type: SetType, size: int | None = None, view: Camera | None = None, **how: Any
    ) -> Split | Mixed:
        """The set of the one root, as of :func:`~dataset.open_split`; of several the TrainSets,
        mixed by the weights, or of another set those that there are, each frame once."""
        roots, how = self.each(), how | {"headset": self.headset}
        if len(roots) == 1:
            _, path, format = roots[0]
            return open_split(path, set_type, size, view=view, format=format, **how)
        if set_type is not SetType.TRAIN:
            found = [r for r in roots if set_type in data_format(r[1], format=r[2]).sets(r[1])]
            roots = found or roots
        sets = [open_split(p, set_type, size, view=view, format=f, **how) for _, p, f in roots]
        if view is None:
            view = own_view([headset for each in sets for headset in each.headsets], size)
            for each in sets:
                each.look_through(view)
        weights = self.weights if set_type is SetType.TRAIN else None
        return Mixed(sets, [name for name, _, _ in roots], weights)
