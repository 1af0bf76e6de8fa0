"""Packing a character straight from the release's archive, one environment at a time."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from base.errors import BrokenFrameError, UserError
from base.files import write_text
from base.frame import FrameId
from dataset.faults import Fault
from dataset.labels import Label, parse_label
from dataset.packed.jpegs import encode_picture
from dataset.packed.packing import Plan
from dataset.packed.shards import ROWS, Environment, PackOptions, Place, scan_shard
from dataset.release.archive import ArchiveError, ArchiveReport, Member, read_archive
from dataset.release.table import TRAINING_PASSES
from dataset.transforms import SquareCrop
from dataset.tree.names import pair_files, parse_name

#: Bound on the pictures that wait in memory.
_PICTURES_IN_FLIGHT = 64


def pack_archive(
    character: str,
    parts: list[Path],
    split: Path,
    options: PackOptions,
    pool: ThreadPoolExecutor,
    on_bytes: Callable[[int], object],
    stop: threading.Event,
) -> list[str]:
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

    Returns:
        Lines that tell what of the archive was skipped.

    Raises:
        ArchiveError: for a damaged archive; what was packed of it stays where it is cut off, and
            is removed where its checksum is wrong, for then nothing of it can be trusted.
    """
    written: list[Path] = []
    report = ArchiveReport()
    members = read_archive(parts, frozenset(TRAINING_PASSES), on_bytes, stop, report)
    try:
        for arrived in _environments(character, members, report, split, options, pool):
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
    done = {path.name: path.stat().st_size for path in parts} | {"skipped": report.skipped}
    write_text(
        archive_marker(split, character), json.dumps(done, indent=1) + "\n", single_writer=True
    )
    return report.lines()


def archive_marker(split: Path, character: str) -> Path:
    """The file that tells that a character's archive is packed to its end, and what it skipped."""
    return split / ROWS / f"{character}.done.json"


def _environments(
    character: str,
    members: Iterator[Member],
    report: ArchiveReport,
    split: Path,
    options: PackOptions,
    pool: ThreadPoolExecutor,
) -> Iterator["_Arrived"]:
    """The environments of an archive one by one; the last only after its checksum has held."""
    seen: set[str] = set()
    waiting: dict[str, _Arrived] = {}  # the current one, and those whose links are still to come
    current = None
    for member in members:
        if member.environment != current:
            if current is not None and current not in report.linked:
                yield waiting.pop(current)
            current = member.environment
            if current not in waiting:
                if current in seen:
                    raise UserError(
                        f"{character}: files of {current} lie in two places of the archive; "
                        "extract it with utils/extract_data.py and pack the tree"
                    )
                seen.add(current)
                waiting[current] = _Arrived(character, current, split, options, pool)
        waiting[current].add(member)
    yield from waiting.values()


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
        self._folder = f"{split.name}/{character}/{environment}/cam_down"
        self._names: dict[str, list[str]] = {}
        self._labels: dict[str, Label | Fault] = {}
        self._pictures: dict[str, bytes | Fault | None] = {}
        self._encoding: deque[tuple[str, Future]] = deque()
        self._packed: dict[str, dict[int, Place]] = {}

    def add(self, member: Member) -> None:
        """Take a picture, which is encoded at once, or a label."""
        kind, name = member.pass_name, member.name
        self._names.setdefault(kind, []).append(name)
        owner, number = parse_name(kind, name) or (None, 0)
        if owner != self.character:
            return
        where, frame_id = f"{self._folder}/{kind}/{name}", self._frame_id(number)
        if kind == "json":
            try:
                self._labels[name] = parse_label(member.content, where)
            except BrokenFrameError as error:
                self._labels[name] = Fault.of_file(error, where, frame_id)
        elif self._is_packed(frame_id):
            self._pictures[name] = None
        else:
            job = self._pool.submit(self._encode, member.content, where, frame_id)
            self._encoding.append((name, job))
            while len(self._encoding) > _PICTURES_IN_FLIGHT:
                self._take_encoded()

    def _frame_id(self, number: int) -> FrameId:
        return FrameId(self.character, self.environment, number)

    def _encode(self, data: bytes, where: str, frame_id: FrameId) -> bytes | Fault:
        try:
            return encode_picture(data, where, self._crop, self._options.quality)
        except BrokenFrameError as error:
            return Fault.of_file(error, where, frame_id)

    def _take_encoded(self) -> None:
        name, future = self._encoding.popleft()
        self._pictures[name] = future.result()

    def _is_packed(self, frame_id: FrameId) -> bool:
        shard = self._options.shard_name(frame_id)
        if shard not in self._packed:
            path = self._split / shard
            self._packed[shard] = scan_shard(path) if path.is_file() else {}
        return frame_id.number in self._packed[shard]

    def plan(self) -> Plan:
        """All of the environment, once the archive has no more of it."""
        while self._encoding:
            self._take_encoded()
        folder = pair_files(self._folder, self._names)
        read = {number: self._labels[name] for number, name in folder.labels.items()}
        labels = {number: label for number, label in read.items() if isinstance(label, Label)}

        def encode(number: int) -> bytes | Fault:
            picture = self._pictures[folder.pictures[number]]
            if picture is None:
                raise UserError(
                    f"{self._split}: a shard of {self.character}/{self.environment} does not fit "
                    "its archive; delete it and run again"
                )
            return picture

        return Plan(
            self._frame_id(0),
            self._split,
            self._options,
            labels,
            encode,
            [number for number in folder.pictures if number in labels],
            folder.faults + [fault for fault in read.values() if isinstance(fault, Fault)],
        )
