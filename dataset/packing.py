"""Packing frames into shards, from an extracted tree or straight from the release's archives."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from base.errors import BrokenFrameError, UserError
from base.frame import FrameId
from base.set_type import SetType
from dataset.archive import ArchiveError, Member, read_archive
from dataset.faults import LABEL_ALONE, PICTURE_ALONE
from dataset.index import LABEL_NAME, PICTURE_NAME, SplitIndex
from dataset.labels import Label, parse_label
from dataset.pictures import decode_release_picture
from dataset.release import TRAINING_PASSES
from dataset.shards import (
    MANIFEST,
    ROWS,
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
from dataset.whole_file import write_whole

#: Bounds on what waits in memory: pictures of an archive, and environments of a tree.
_PICTURES_IN_FLIGHT = 64
_ENVIRONMENTS_IN_FLIGHT = 16


def prepare_output(root: Path, options: PackOptions) -> None:
    """Note how a folder is packed.

    Raises:
        UserError: where it was packed in another way, or holds something else.
    """
    manifest = root / MANIFEST
    if manifest.is_file():
        try:
            before = json.loads(manifest.read_bytes())
        except ValueError:
            raise UserError(f"{manifest} cannot be read: pack into another folder") from None
        for key, value in options.as_dict().items():
            if before.get(key) != value:
                raise UserError(
                    f"{root} was packed with --{key} {before.get(key)}, not {value}: go on with "
                    "the same, or give another folder with --output"
                )
        return
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UserError(f"{root} is not empty and holds no packed set: give another --output")
    write_whole(manifest, json.dumps(options.as_dict(), indent=1).encode() + b"\n")


def encode_picture(data: bytes, name: Path | str, crop: SquareCrop, quality: int) -> bytes:
    """A release picture's file, cropped, resized once and made a JPEG.

    Raises:
        BrokenFrameError: for one that is cut off, unreadable or of another size.
    """
    return encode_square(decode_release_picture(data, name), crop, quality)


def encode_square(image: np.ndarray, crop: SquareCrop, quality: int) -> bytes:
    """The JPEG of a (H, W, 3) uint8 RGB picture, cropped and resized once."""
    square = crop.image(image)
    # Huffman tables made for each picture lose nothing and save some per cent.
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(square, cv2.COLOR_RGB2BGR), options)
    return encoded.tobytes()


def pack_tree(
    root: Path,
    set_type: SetType,
    output: Path,
    options: PackOptions,
    pool: ThreadPoolExecutor,
    on_frames: Callable[[int], object],
    index: SplitIndex,
) -> None:
    """Pack a set of an extracted tree; shards that are there already are kept.

    Args:
        root: data root of the tree.
        set_type: which set.
        output: data root of the packed form.
        options: how.
        pool: encodes shards.
        on_frames: told how many labels are done.
        index: of the set.
    """
    source, split = root / set_type.folder, output / set_type.folder
    planned: deque[tuple[Plan, list[Future]]] = deque()

    def finish_first() -> None:
        plan, futures = planned.popleft()
        for future in futures:
            plan.take(*future.result())
        plan.save()
        on_frames(len(plan.labels))

    for row, folder in enumerate(index.folders):
        rows = np.flatnonzero(index.folder == row)
        orphans = _orphans(index, folder)
        if len(rows) or orphans:
            plan = Plan.of_tree(index, rows, source / folder, orphans, split, options)
            if plan.is_saved():
                on_frames(len(plan.labels))
                continue
            planned.append((plan, [pool.submit(plan.shard, name) for name in plan.by_shard()]))
            if len(planned) > _ENVIRONMENTS_IN_FLIGHT:
                finish_first()
    while planned:
        finish_first()


def _orphans(index: SplitIndex, folder: str) -> list[str]:
    listed = {
        PICTURE_ALONE: index.picture_without_label,
        LABEL_ALONE: index.label_without_picture,
        "": index.broken,
    }
    return [
        f"{path}: {why}" if why else path
        for why, paths in listed.items()
        for path in paths
        if path.startswith(f"{folder}/")
    ]


@dataclass(slots=True)
class Plan:
    """One environment on its way into shards; :meth:`shard` for each shard, then :meth:`save`.

    Attributes:
        frame: identity of any frame of it; the number does not matter.
        split: folder of the packed set.
        options: how to pack.
        labels: by frame number.
        encode: makes the JPEG of a frame number.
        pictures: frame numbers that have a picture.
        left_out: "frame: reason" of what is not packed.
        places: number → shard's name and place, of what is packed.
    """

    frame: FrameId
    split: Path
    options: PackOptions
    labels: dict[int, Label]
    encode: Callable[[int], bytes]
    pictures: list[int]
    left_out: list[str] = field(default_factory=list)
    places: dict[int, tuple[str, Place]] = field(default_factory=dict)

    @classmethod
    def of_tree(
        cls,
        index: SplitIndex,
        rows: np.ndarray,
        folder: Path,
        orphans: list[str],
        split: Path,
        options: PackOptions,
    ) -> "Plan":
        """An environment whose pictures lie in an extracted folder."""
        character, environment = folder.parts[-3:-1]
        labels = {
            int(index.number[row]): Label(
                index.joints2d[row],
                index.joints3d[row],
                index.visible[row],
                index.actions[index.action[row]],
            )
            for row in rows
        }
        crop = SquareCrop(options.size)

        def encode(number: int) -> bytes:
            name = f"rgba/{character}.rgba.{number:06d}.png"
            try:
                data = (folder / name).read_bytes()
            except OSError as error:
                raise BrokenFrameError(f"{name}: cannot be read ({error.strerror})") from None
            return encode_picture(data, name, crop, options.quality)

        pictures = [int(n) for n in index.number[rows][index.has_picture[rows]]]
        frame = FrameId(character, environment, 0)
        return cls(frame, split, options, labels, encode, pictures, list(orphans))

    def is_saved(self) -> bool:
        """Whether an earlier run has packed just these frames, and all of their pictures."""
        path = Environment.path(self.split, self.frame.character, self.frame.environment)
        if not path.is_file():
            return False
        saved = Environment.load(path)
        packed = saved.rows[saved.rows["shard"] >= 0]
        if set(saved.rows["number"].tolist()) != self.labels.keys():
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

    def shard(self, name: str) -> tuple[str, dict[int, Place], list[str]]:
        """Make sure that a shard is there.

        Returns:
            Its name, the places of its frames, and what is left out of it.
        """
        wanted, path = self.by_shard()[name], self.split / name
        if path.is_file():
            places = scan_shard(path)
            if places.keys() <= set(wanted):
                absent = [number for number in wanted if number not in places]
                encoded, broken = self._encode(absent)
                if not encoded:
                    return name, places, broken
        encoded, broken = self._encode(wanted)
        crop = SquareCrop(self.options.size)
        if encoded:
            write_shard(
                path,
                [
                    (
                        frame_key(self.frame_id(number)),
                        picture,
                        encode_sample(self.labels[number], self.frame_id(number), crop),
                    )
                    for number, picture in encoded.items()
                ],
            )
        return name, scan_shard(path) if encoded else {}, broken

    def _encode(self, numbers: list[int]) -> tuple[dict[int, bytes], list[str]]:
        encoded, broken = {}, []
        for number in numbers:
            try:
                encoded[number] = self.encode(number)
            except BrokenFrameError as error:
                broken.append(f"{self.frame_id(number)}: {error}")
        return encoded, broken

    def take(self, name: str, places: dict[int, Place], broken: list[str]) -> None:
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
                row["offset"], row["length"], row["crc"] = place
        Environment(
            self.frame.character, self.frame.environment, rows, actions, shards, self.left_out
        ).save(self.split)


def pack_archive(
    character: str,
    parts: list[Path],
    split: Path,
    options: PackOptions,
    pool: ThreadPoolExecutor,
    on_bytes: Callable[[int], object],
    stop: threading.Event,
) -> None:
    """Pack a character straight from its archive; one environment's JPEGs are held in memory.

    Shards that are there already are kept and their pictures not decoded again.

    Args:
        character: which.
        parts: its archive.
        split: folder of the packed set.
        options: how.
        pool: encodes pictures.
        on_bytes: told the compressed bytes read.
        stop: set it to end.

    Raises:
        ArchiveError: for a damaged archive; what was packed of it stays where it is cut off, and
            is removed where its checksum is wrong, for then nothing of it can be trusted.
    """
    written: list[Path] = []
    try:
        for arrived in _environments(
            character, read_archive(parts, frozenset(TRAINING_PASSES), on_bytes, stop), split,
            options, pool,
        ):  # fmt: skip
            plan = arrived.plan()
            for name in plan.by_shard():
                plan.take(*plan.shard(name))
                written.append(split / name)
            plan.save()
            written.append(Environment.path(split, character, arrived.environment))
    except ArchiveError as error:
        if error.untrusted:
            for path in written:
                path.unlink(missing_ok=True)
        raise
    if not written:
        raise UserError(f"{parts[0]}: holds no picture or label that can be packed")
    sizes = {path.name: path.stat().st_size for path in parts}
    write_whole(archive_marker(split, character), json.dumps(sizes, indent=1).encode() + b"\n")


def archive_marker(split: Path, character: str) -> Path:
    """The file that tells that a character's archive is packed to its end."""
    return split / ROWS / f"{character}.done.json"


def _environments(
    character: str,
    members: Iterator[Member],
    split: Path,
    options: PackOptions,
    pool: ThreadPoolExecutor,
) -> Iterator["_Arrived"]:
    """The environments of an archive one by one; the last only after its checksum has held."""
    seen: set[str] = set()
    current: _Arrived | None = None
    for member in members:
        if current is None or member.environment != current.environment:
            if member.environment in seen:
                raise UserError(
                    f"{character}: files of {member.environment} lie in two places of the archive; "
                    "extract it with utils/extract_data.py and pack the tree"
                )
            seen.add(member.environment)
            if current is not None:
                yield current
            current = _Arrived(character, member.environment, split, options, pool)
        current.add(member)
    if current is not None:
        yield current


class _Arrived:
    """The frames of one environment as they come out of an archive, in any order."""

    def __init__(
        self,
        character: str,
        environment: str,
        split: Path,
        options: PackOptions,
        pool: ThreadPoolExecutor,
    ) -> None:
        self.character = character
        self.environment = environment
        self._split = split
        self._options = options
        self._pool = pool
        self._crop = SquareCrop(options.size)
        self._labels: dict[int, Label] = {}
        self._broken_labels: dict[int, str] = {}
        self._pictures: dict[int, bytes | str | None] = {}
        self._encoding: deque[tuple[int, Future]] = deque()
        self._packed: dict[str, dict[int, Place]] = {}

    def add(self, member: Member) -> None:
        """Take a picture, which is encoded at once, or a label."""
        name = f"{member.pass_name}/{member.name}"
        if match := LABEL_NAME.search(member.name):
            number = int(match.group(1))
            try:
                self._labels[number] = parse_label(member.content, name)
            except BrokenFrameError as error:
                self._broken_labels[number] = f"{self._folder()}/{error}"
        elif match := PICTURE_NAME.search(member.name):
            number = int(match.group(1))
            if self._is_packed(number):
                self._pictures[number] = None
                return
            self._encoding.append((number, self._pool.submit(self._encode, member.content, name)))
            while len(self._encoding) > _PICTURES_IN_FLIGHT:
                self._take_encoded()

    def _encode(self, data: bytes, name: str) -> bytes | str:
        try:
            return encode_picture(data, name, self._crop, self._options.quality)
        except BrokenFrameError as error:
            return str(error)

    def _take_encoded(self) -> None:
        number, future = self._encoding.popleft()
        self._pictures[number] = future.result()

    def _folder(self) -> str:
        return f"{self.character}/{self.environment}/cam_down"

    def _is_packed(self, number: int) -> bool:
        shard = self._options.shard_name(FrameId(self.character, self.environment, number))
        if shard not in self._packed:
            path = self._split / shard
            self._packed[shard] = scan_shard(path) if path.is_file() else {}
        return number in self._packed[shard]

    def plan(self) -> Plan:
        """All of the environment, once the archive has no more of it."""
        while self._encoding:
            self._take_encoded()

        def encode(number: int) -> bytes:
            picture = self._pictures[number]
            if picture is None:
                raise UserError(
                    f"{self._split}: a shard of {self.character}/{self.environment} does not fit "
                    "its archive; delete it and run again"
                )
            if isinstance(picture, str):
                raise BrokenFrameError(picture)
            return picture

        alone = sorted(self._pictures.keys() - self._labels.keys() - self._broken_labels.keys())
        without = sorted((self._labels.keys() | self._broken_labels.keys()) - self._pictures.keys())
        folder, character = self._folder(), self.character
        left_out = [f"{folder}/rgba/{character}.rgba.{n:06d}.png: {PICTURE_ALONE}" for n in alone]
        if self._pictures:
            left_out += [f"{folder}/json/{character}_{n:06d}.json: {LABEL_ALONE}" for n in without]
        left_out += [self._broken_labels[number] for number in sorted(self._broken_labels)]
        return Plan(
            FrameId(character, self.environment, 0),
            self._split,
            self._options,
            self._labels,
            encode,
            [number for number in self._pictures if number in self._labels],
            left_out,
        )
