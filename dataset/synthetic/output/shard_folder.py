"""Frames that go straight into shards: the packed form of a tree, without the tree.

Each frame waits as a JPEG with its label until its character is complete in an environment.  Each
step replaces whole files: a run that goes on after a kill leaves the bytes of one left alone.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.files import write_bytes
from base.frame import FrameId
from base.set_type import SetType
from dataset.labels import Label, parse_label
from dataset.packed.packing import encode_square, write_environment
from dataset.packed.shards import INDEX, ROWS, Environment, PackOptions, assemble
from dataset.synthetic.output.tree_folder import LABELS_ONLY, is_whole

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

    @property
    def _frame(self) -> FrameId:
        return FrameId(self.character, self.environment, 0)

    def write(self, number: int, label: bytes, pictures: dict[str, np.ndarray]) -> None:
        """Write a frame that waits: the picture first, then the label; see :class:`TreeFolder`."""
        path = self._staging / f"{number:06d}.json"
        if pictures:
            headset = parse_label(label, path).headset
            encoded = encode_square(pictures["rgba"], self.options, headset)
            write_bytes(path.with_suffix(".jpg"), encoded, single_writer=True)
        write_bytes(path, label, single_writer=True)

    def missing(self, numbers: Iterable[int]) -> set[int]:
        """Those of the frame numbers that are still to be made."""
        return set(numbers) - self._packed().keys() - self._staged().keys()

    def _staged(self) -> dict[int, Path]:
        """Labels of the frames that wait and are complete, by number."""
        kinds = (".json",) if self.environment == LABELS_ONLY else (".json", ".jpg")
        return {
            int(path.stem): path
            for path in self._staging.glob("[0-9]*.json")
            if all(is_whole(path.with_suffix(kind)) for kind in kinds)
        }

    def _packed(self) -> dict[int, Label]:
        """Labels of the frames whose rows and shards are there; deletes shards that are cut off."""
        path = Environment.path(self._split, self._frame)
        if not path.is_file():
            return {}
        (table, shards, _), whole = Environment.load(path), set()
        if self.environment == LABELS_ONLY:
            whole = {-1}
        for number, shard in enumerate(self._split / name for name in shards):
            its = table.rows[table.rows["shard"] == number]
            if shard.is_file() and shard.stat().st_size >= (its["offset"] + its["length"]).max():
                whole.add(number)
            else:
                shard.unlink(missing_ok=True)
        shard_of = dict(zip(table.rows["number"].tolist(), table.rows["shard"], strict=True))
        return {n: table.label(row) for row, n in enumerate(shard_of) if shard_of[n] in whole}

    def finish(self) -> None:
        """Put the frames that wait, if any, into shards, beside those that are there."""
        if not self._staging.is_dir():
            return
        labels = self._packed()
        for number, path in self._staged().items():
            labels[number] = parse_label(path.read_bytes(), path)
        pictured = () if self.environment == LABELS_ONLY else labels
        # Of those that do not wait, the pictures in the shards are kept.
        pictures = {number: str(self._staging / f"{number:06d}.jpg") for number in pictured}
        if labels:
            write_environment(
                *(self._split, self._frame, self.options, labels, pictures),
                lambda paths, _: [Path(path).read_bytes() for path in paths],
            )
        shutil.rmtree(self._staging, ignore_errors=True)


def put_together(root: Path, options: PackOptions) -> None:
    """Write the indices and annotations of all sets, which makes them readable."""
    for set_type in SetType:
        if any((root / set_type.folder / ROWS).glob("*.npz")):
            assemble(root / set_type.folder, set_type, options)
    shutil.rmtree(root / STAGING, ignore_errors=True)


def remove_indices(root: Path) -> None:
    """Make the sets unreadable before they change."""
    for set_type in SetType:
        (root / set_type.folder / INDEX).unlink(missing_ok=True)
