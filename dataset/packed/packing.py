"""One environment on its way into shards, wherever its frames come from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from isal import isal_zlib

from base.frame import FrameId
from dataset.faults import Fault
from dataset.labels import Label
from dataset.packed.shards import (
    LABEL_FIELDS,
    Environment,
    PackOptions,
    Place,
    encode_sample,
    frame_key,
    label_rows,
    scan_shard,
    write_shard,
)
from dataset.transforms import SquareCrop


@dataclass(slots=True)
class Plan:
    """One environment on its way into shards; :meth:`shard` for each shard, then :meth:`save`.

    Attributes:
        frame: identity of any frame of it; the number does not matter.
        split: folder of the packed set.
        options: how to pack.
        labels: by frame number.
        encode: makes the JPEG of a frame number, or says why it cannot.
        pictures: frame numbers that have a picture.
        left_out: what is not packed.
        places: number → shard's name and place, of what is packed.
    """

    frame: FrameId
    split: Path
    options: PackOptions
    labels: dict[int, Label]
    encode: Callable[[int], bytes | Fault]
    pictures: list[int]
    left_out: list[Fault] = field(default_factory=list)
    places: dict[int, tuple[str, Place]] = field(default_factory=dict)

    def is_saved(self) -> bool:
        """Whether an earlier run has packed just these frames, and all of their pictures."""
        path = Environment.path(self.split, self.frame.character, self.frame.environment)
        if not path.is_file():
            return False
        saved = Environment.load(path)
        packed = saved.rows[saved.rows["shard"] >= 0]
        labels, actions = label_rows(self.labels)
        if saved.actions != actions or any(
            not np.array_equal(saved.rows[name], labels[name]) for name in LABEL_FIELDS
        ):
            return False
        if packed["number"].tolist() != sorted(self.pictures) or saved.left_out != self.left_out:
            return False
        for code, name in enumerate(saved.shards):
            shard, rows = self.split / name, packed[packed["shard"] == code]
            end = int((rows["offset"] + rows["length"]).max())
            if not shard.is_file() or shard.stat().st_size < end:
                return False
        return True

    def frame_id(self, number: int) -> FrameId:
        """Identity of a frame of this environment."""
        return FrameId(self.frame.character, self.frame.environment, number)

    def by_shard(self) -> dict[str, list[int]]:
        """Shard's name → numbers of the frames that belong in it."""
        shards: dict[str, list[int]] = {}
        for number in sorted(self.pictures):
            shards.setdefault(self.options.shard_name(self.frame_id(number)), []).append(number)
        return shards

    def shard(self, name: str) -> tuple[str, dict[int, Place], list[Fault]]:
        """Make sure that a shard is there.

        Returns:
            Its name, the places of its frames, and what is left out of it.
        """
        wanted, path = self.by_shard()[name], self.split / name
        if path.is_file():
            places = scan_shard(path)
            if places.keys() <= set(wanted) and all(
                place.label_crc == isal_zlib.crc32(self._sample(number))
                for number, place in places.items()
            ):
                absent = [number for number in wanted if number not in places]
                encoded, broken = self._encode(absent)
                if not encoded:
                    return name, places, broken
        encoded, broken = self._encode(wanted)
        if encoded:
            samples = [
                (frame_key(self.frame_id(number)), picture, self._sample(number))
                for number, picture in encoded.items()
            ]
            write_shard(path, samples)
        return name, scan_shard(path) if encoded else {}, broken

    def _sample(self, number: int) -> bytes:
        crop = SquareCrop(self.options.size)
        return encode_sample(self.labels[number], self.frame_id(number), crop)

    def _encode(self, numbers: list[int]) -> tuple[dict[int, bytes], list[Fault]]:
        made = {number: self.encode(number) for number in numbers}
        encoded = {number: data for number, data in made.items() if isinstance(data, bytes)}
        return encoded, [fault for fault in made.values() if isinstance(fault, Fault)]

    def take(self, name: str, places: dict[int, Place], broken: list[Fault]) -> None:
        """Note what :meth:`shard` has found."""
        self.places |= {number: (name, place) for number, place in places.items()}
        self.left_out += broken

    def save(self) -> None:
        """Write the environment's rows: all its labels, with the places of the packed pictures."""
        rows, actions = label_rows(self.labels)
        shards = sorted({name for name, _ in self.places.values()})
        for row in rows:
            if int(row["number"]) in self.places:
                name, place = self.places[int(row["number"])]
                row["shard"] = shards.index(name)
                row["offset"], row["length"], row["crc"], _ = place
        Environment(
            self.frame.character, self.frame.environment, rows, actions, shards, self.left_out
        ).save(self.split)
