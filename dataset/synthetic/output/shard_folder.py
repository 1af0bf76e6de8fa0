"""Frames that go straight into shards: the packed form of a tree, without the tree.

Each frame waits as a JPEG with its label until its character is complete in an environment.  Each
step replaces whole files: a run that goes on after a kill leaves the bytes of one left alone.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.errors import UserError
from base.files import write_bytes
from base.frame import FrameId
from base.headset import Headset
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

    def write(self, number: int, label: bytes, pictures: dict[str, np.ndarray]) -> None:
        """Write a frame that waits: the picture first, then the label; see :class:`TreeFolder`."""
        if pictures:
            headset = parse_label(label, f"frame {number}").headset
            encoded = encode_square(pictures["rgba"], self.options, headset)
            write_bytes(self._staging / f"{number:06d}.jpg", encoded, single_writer=True)
        write_bytes(self._staging / f"{number:06d}.json", label, single_writer=True)

    def waiting(self) -> bool:
        """Whether there are frames that are not in shards yet."""
        return self._staging.is_dir()

    def missing(self, numbers: Iterable[int]) -> set[int]:
        """Those of the frame numbers that are still to be made."""
        return set(numbers) - self._packed()[0].keys() - self._staged().keys()

    def _staged(self) -> dict[int, Path]:
        """Labels of the frames that wait and are complete, by number."""
        return {
            int(path.stem): path
            for path in self._staging.glob("[0-9]*.json")
            if is_whole(path)
            and (self.environment == LABELS_ONLY or is_whole(path.with_suffix(".jpg")))
        }

    def _packed(self) -> tuple[dict[int, Label], set[Path]]:
        """Labels of the frames whose shards and rows are there, and the shards that are cut off."""
        path = Environment.path(self._split, self._frame_id(0))
        if not path.is_file():
            return {}, set()
        table, shards, _ = Environment.load(path)
        paths = [self._split / name for name in shards]
        sizes = [path.stat().st_size if path.is_file() else 0 for path in paths]
        labels, cut, ends = {}, set(), table.rows["offset"] + table.rows["length"]
        for shard, end in zip(table.rows["shard"], ends, strict=True):
            if shard >= 0 and sizes[shard] < end:
                cut.add(paths[shard])
        for row, values in enumerate(table.rows):
            pictured = values["shard"] >= 0 and paths[values["shard"]] not in cut
            if pictured or self.environment == LABELS_ONLY:
                labels[int(values["number"])] = table.label(row)
        return labels, cut

    def _frame_id(self, number: int) -> FrameId:
        return FrameId(self.character, self.environment, number)

    def finish(self) -> None:
        """Put the frames that wait into shards, beside those that are there."""
        labels, cut = self._packed()
        for path in cut:
            path.unlink(missing_ok=True)
        for number, path in self._staged().items():
            labels[number] = parse_label(path.read_bytes(), path)

        def encode(paths: list[str], _: list[Headset]) -> list[bytes]:
            # Of the frames that do not wait, the pictures in the shards are kept.
            if lost := [path for path in paths if not Path(path).is_file()]:
                raise UserError(f"{self._split}: lacks {lost[0]}: delete its shards and run again")
            return [Path(path).read_bytes() for path in paths]

        pictured = () if self.environment == LABELS_ONLY else labels
        pictures = {number: str(self._staging / f"{number:06d}.jpg") for number in pictured}
        frame = self._frame_id(0)
        if labels:
            write_environment(self._split, frame, self.options, labels, pictures, encode)
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
