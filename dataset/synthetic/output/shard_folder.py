"""Frames that go straight into shards: the packed form of a tree, without the tree.

Each frame waits as a JPEG with its label until its character is complete in an environment; then
the character's shards and rows are written as :mod:`dataset.packed.packing` does and what waited is
deleted.  Each step replaces whole files, so that a run that goes on after a kill leaves the same
bytes as one that was left alone.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from base.errors import UserError
from base.files import write_bytes
from base.frame import FrameId
from base.set_type import SetType
from dataset.labels import Label, parse_label
from dataset.packed.jpegs import encode_square
from dataset.packed.packing import Plan
from dataset.packed.shards import INDEX, ROWS, Environment, PackOptions, assemble, scan_shard
from dataset.synthetic.output.tree_folder import LABELS_ONLY
from dataset.transforms import SquareCrop

#: Frames on their way into shards.
STAGING = ".frames"


@dataclass(frozen=True)
class ShardFolder:
    """Where the frames of a character in one environment go, on their way into shards."""

    root: Path
    set_type: SetType
    character: str
    environment: str
    options: PackOptions

    @property
    def _split(self) -> Path:
        return self.root / self.set_type.folder

    @property
    def _staging(self) -> Path:
        name = f"{self.character}-{self.environment}"
        return self.root / STAGING / self.set_type.folder / name

    def write(self, number: int, label: bytes, pictures: dict[str, np.ndarray]) -> None:
        """Write a frame that waits: the picture first, then the label; see :class:`TreeFolder`."""
        if pictures:
            crop = SquareCrop(self.options.size)
            encoded = encode_square(pictures["rgba"], crop, self.options.quality)
            write_bytes(self._staging / f"{number:06d}.jpg", encoded, single_writer=True)
        write_bytes(self._staging / f"{number:06d}.json", label, single_writer=True)

    def waiting(self) -> bool:
        """Whether there are frames that are not in shards yet."""
        return self._staging.is_dir()

    def missing(self, numbers: Iterable[int]) -> set[int]:
        """Those of the frame numbers that are still to be made."""
        return set(numbers) - self._packed().keys() - self._staged().keys()

    def _staged(self) -> dict[int, Path]:
        """Labels of the frames that wait and are complete, by number."""
        found = {int(path.stem): path for path in self._staging.glob("*.json")}
        if self.environment == LABELS_ONLY:
            return found
        return {n: path for n, path in found.items() if path.with_suffix(".jpg").exists()}

    def _packed(self) -> dict[int, Label]:
        """Labels of the frames whose shards and rows are there."""
        path = Environment.path(self._split, self.character, self.environment)
        if not path.is_file():
            return {}
        saved = Environment.load(path)
        there = [(self._split / name).is_file() for name in saved.shards]
        there.append(self.environment == LABELS_ONLY)  # of rows without a shard, whose code is -1
        return {
            int(row["number"]): Label(
                row["joints2d"], row["joints3d"], row["visible"], saved.actions[row["action"]]
            )
            for row in saved.rows
            if there[row["shard"]]
        }

    def finish(self) -> None:
        """Put the frames that wait into shards, beside those that are there."""
        labels, staged = self._packed(), self._staged()
        for number, path in staged.items():
            labels[number] = parse_label(path.read_bytes(), path)
        scan = cache(scan_shard)

        def encoded(number: int) -> bytes:
            if number in staged:
                return staged[number].with_suffix(".jpg").read_bytes()
            # The rows may be older than the shard: only the shard knows where its pictures are.
            path = self._split / self.options.shard_name(plan.frame_id(number))
            if number not in scan(path):
                raise UserError(f"{path}: frame {number} is not in it; delete it and run again")
            place = scan(path)[number]
            with path.open("rb") as file:
                file.seek(place.offset)
                return file.read(place.length)

        frame = FrameId(self.character, self.environment, 0)
        pictures = [] if self.environment == LABELS_ONLY else sorted(labels)
        plan = Plan(frame, self._split, self.options, labels, encoded, pictures)
        for name in plan.by_shard():
            plan.take(*plan.shard(name))
        if labels:
            plan.save()
        shutil.rmtree(self._staging, ignore_errors=True)


def put_together(root: Path, options: PackOptions) -> None:
    """Write the indices and annotations of all sets, which makes them readable."""
    for set_type in SetType:
        split = root / set_type.folder
        if any((split / ROWS).glob("*.npz")):
            assemble(split, set_type, options)
    for folder in (*(root / STAGING / set_type.folder for set_type in SetType), root / STAGING):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def remove_indices(root: Path) -> None:
    """Make the sets unreadable before they change."""
    for set_type in SetType:
        (root / set_type.folder / INDEX).unlink(missing_ok=True)
