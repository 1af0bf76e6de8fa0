"""Packing an environment, wherever its frames come from: a tree, an archive, the generator."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from isal import isal_zlib

from base.errors import BrokenFrameError, UserError
from base.frame import FrameId
from base.headset import RELEASE_HEADSET, Headset
from base.set_type import SetType
from dataset.annotations import Table
from dataset.faults import Fault
from dataset.labels import Label, parse_label
from dataset.packed.shards import (
    ROW,
    ROWS,
    Environment,
    PackOptions,
    encode_label,
    frame_key,
    kept_square,
    read_shard,
    write_shard,
)
from dataset.pictures import decode_camera_picture, read_bytes
from dataset.release.archive import (
    ArchiveError,
    Marker,
    Member,
    file_sizes,
    read_archive,
    skipped_lines,
)
from dataset.release.table import CHARACTERS, TRAINING_PASSES
from dataset.skip_list import read_skip_list
from dataset.tree.index import list_set
from dataset.tree.names import folder_identity, pair_files

#: Bound on the pictures of an archive that wait in memory to be encoded.
_PICTURES_IN_FLIGHT = 64

#: When a picture, given by its path, was last changed, in nanoseconds.
Changed = Callable[[str], int]

#: Makes the JPEGs of pictures, given by their paths and headsets, or says why it cannot.
Encode = Callable[[list[str], list[Headset]], Iterable[bytes | BrokenFrameError]]


def encode_square(image: np.ndarray, options: PackOptions, headset: Headset) -> bytes:
    """The JPEG of a headset's (H, W, 3) uint8 RGB picture, made square and resized once."""
    square = kept_square(headset, options.size).image(image)
    # Huffman tables made for each picture lose nothing and save some per cent.
    settings = [cv2.IMWRITE_JPEG_QUALITY, options.quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(square, cv2.COLOR_RGB2BGR), settings)
    return encoded.tobytes()


def _encode(
    read: Callable[[str], bytes], where: str, options: PackOptions, headset: Headset
) -> bytes | BrokenFrameError:
    try:
        image = decode_camera_picture(read(where), where, headset.camera)
        return encode_square(image, options, headset)
    except BrokenFrameError as error:
        return error


def write_environment(
    split: Path,
    frame: FrameId,
    options: PackOptions,
    labels: dict[int, Label],
    pictures: dict[int, str],
    encode: Encode,
    left_out: Iterable[Fault] = (),
    changed: Changed = lambda _: 0,
) -> None:
    """Write the shards of an environment, as far as they are not there yet or a picture has
    ``changed`` since, and then its rows.

    Labels, and the paths that ``encode`` gets, are by frame number; ``frame`` is any frame of the
    environment, ``split`` the folder of the packed set.
    """
    character, environment = frame.character, frame.environment
    frames = {number: FrameId(character, environment, number) for number in sorted(labels)}
    table = Table.of(list(frames.values()), [labels[number] for number in frames], ROW)
    table.characters, table.environments = [character], [environment]
    rows = dict(zip(frames, table.rows, strict=True))
    table.rows["shard"] = -1
    sums = _checksums(Environment.path(split, frame))
    by_shard: dict[str, dict[FrameId, str]] = {}
    for number in sorted(pictures):
        frame_id = frames[number]
        by_shard.setdefault(options.shard_name(frame_id), {})[frame_id] = pictures[number]
    shards, faults = [], list(left_out)
    for name, paths in by_shard.items():
        samples = {f: encode_label(labels[f.number], f, options.size) for f in paths}
        headsets = {f: labels[f.number].headset for f in paths}
        written = (split / name).stat().st_mtime_ns if (split / name).is_file() else 0
        new = {f for f, where in paths.items() if changed(where) >= written}
        jpegs, broken = _complete_shard(split / name, samples, paths, headsets, sums, encode, new)
        faults += broken
        for frame_id, (offset, jpeg) in jpegs.items():
            row = rows[frame_id.number]
            row["shard"], row["offset"] = len(shards), offset
            row["length"], row["crc"] = len(jpeg), isal_zlib.crc32(jpeg)
        shards += [name] if jpegs else []
    Environment(table, shards, faults).save(split)


def _checksums(path: Path) -> dict[int, int]:
    """Of the JPEGs of an environment packed before, by frame number."""
    try:
        rows = Environment.load(path).table.rows
    except UserError:  # there are none, or not any more
        return {}
    return dict(zip(rows["number"].tolist(), rows["crc"].tolist(), strict=True))


def _complete_shard(
    path: Path,
    labels: dict[FrameId, bytes],
    pictures: dict[FrameId, str],
    headsets: dict[FrameId, Headset],
    sums: dict[int, int],
    encode: Encode,
    new: set[FrameId],
) -> tuple[dict[FrameId, tuple[int, bytes]], list[Fault]]:
    """Make sure that a shard holds just these frames; those there with the same label, and a
    picture that is not ``new`` and has the checksum in ``sums`` where it is known, are kept.

    Returns offset and content of each JPEG, and what cannot be packed.
    """
    try:
        there = read_shard(path)
    except UserError:  # not there, cut off or damaged
        there = {}
    old = {name: content for name, (_, content) in there.items()}
    jpegs = {}
    for frame_id, label in labels.items():
        jpeg = old.get(f"{frame_key(frame_id)}.jpg", b"")
        checksum = isal_zlib.crc32(jpeg)
        whole = frame_id not in new and checksum == sums.get(frame_id.number, checksum)
        if whole and old.get(f"{frame_key(frame_id)}.json") == label:
            jpegs[frame_id] = jpeg
    absent = [frame_id for frame_id in labels if not jpegs.get(frame_id)]
    faults = []
    encoded = encode(*([given[frame_id] for frame_id in absent] for given in (pictures, headsets)))
    for frame_id, jpeg in zip(absent, encoded, strict=True):
        if isinstance(jpeg, BrokenFrameError):
            faults.append(Fault.of_file(jpeg, pictures[frame_id], frame_id))
        else:
            jpegs[frame_id] = jpeg
    kept = [frame_id for frame_id in labels if jpegs.get(frame_id)]
    files = {}
    for frame_id in kept:
        key = frame_key(frame_id)
        files |= {f"{key}.jpg": jpegs[frame_id], f"{key}.json": labels[frame_id]}
    if files and (files != old or new):  # also where it is the same, for its time
        write_shard(path, files)
        there = read_shard(path)
    return {frame_id: there[f"{frame_key(frame_id)}.jpg"] for frame_id in kept}, faults


def _pack_folder(
    path: str,
    content: dict[str, list[str] | Fault],
    read_label: Callable[[str], bytes],
    encode: Encode,
    split: Path,
    options: PackOptions,
    skip: frozenset[FrameId] = frozenset(),
    unstated: Headset = RELEASE_HEADSET,
    changed: Changed = lambda _: 0,
) -> int:
    """Pack a ``cam_down`` folder, given as to :func:`~dataset.tree.names.pair_files`, less the
    frames to skip; returns the number of its labels."""
    folder = pair_files(path, content)
    labels, faults = {}, list(folder.faults)
    for number, name in folder.labels.items():
        where = f"{path}/json/{name}"
        try:
            labels[number] = parse_label(read_label(where), where, unstated)
        except BrokenFrameError as error:
            faults.append(Fault.of_file(error, where, folder.frame_id(number)))
    kept = {n: label for n, label in labels.items() if folder.frame_id(n) not in skip}
    pictures = {n: f"{path}/rgba/{name}" for n, name in folder.pictures.items() if n in kept}
    faults = [fault for fault in faults if fault.frame_id not in skip]
    if kept or faults:
        how = encode, faults, changed
        write_environment(split, folder.frame_id(0), options, kept, pictures, *how)
    else:  # what was here when it was packed before
        Environment.path(split, folder.frame_id(0)).unlink(missing_ok=True)
    return len(labels)


def pack_tree(
    root: Path,
    set_type: SetType,
    output: Path,
    options: PackOptions,
    encoders: Executor,
    unstated: Headset = RELEASE_HEADSET,
) -> tuple[list[Callable[[], int]], list[Fault]]:
    """Calls that pack what is not there yet of each environment of an extracted set and return the
    number of its labels; and the faults of the set that belong to no environment.  ``unstated`` is
    the headset of labels that do not state one."""
    listing = list_set(root / set_type.folder)
    names: dict[Path, str] = {}
    for path in listing.folders:
        name = Environment.path(output, FrameId(*folder_identity(path), 0))
        if (other := names.setdefault(name, path)) != path:
            raise UserError(f"{root}: {other} and {path} would be one when packed: rename one")
    skip, split = read_skip_list(root, set_type), output / set_type.folder

    def read(where: str) -> bytes:
        return read_bytes(root / where)

    def changed(where: str) -> int:
        # The system's own time as well: one that replaces a picture may keep the older of its own.
        with contextlib.suppress(OSError):
            found = (root / where).stat()
            return max(found.st_mtime_ns, found.st_ctime_ns)
        return 0

    def encode(paths: list[str], headsets: list[Headset]) -> Iterable[bytes | BrokenFrameError]:
        return encoders.map(
            lambda *given: _encode(read, given[0], options, given[1]), paths, headsets
        )

    def pack(path: str) -> int:
        content = listing.folders[path]
        return _pack_folder(path, content, read, encode, split, options, skip, unstated, changed)

    # A folder that cannot be listed is a fault of its environment.
    return [lambda path=path: pack(path) for path in listing.folders], listing.faults


def _marker_path(split: Path, character: str) -> Path:
    return split / ROWS / f"{character}.done.json"


def is_packed_whole(split: Path, character: str, parts: list[Path]) -> bool:
    """Whether an archive is packed to its end, from these parts, and all is still there."""
    return Marker.holds(_marker_path(split, character), parts, split, frozenset({"packed"}))


def refuse_other_set(output: Path, names: Mapping[SetType, set[str]]) -> None:
    """UserError where a folder holds what was packed before and is not among what is to be packed
    into it: ``names`` are CHARACTER- or CHARACTER-ENVIRONMENT-; the characters of the release may
    be packed in any number of runs, each of them whole."""
    given = set().union(*names.values())
    release = {f"{name}-" for name in CHARACTERS}
    others = {name for name in release if not any(each.startswith(name) for each in given)}
    of_release = all(each.startswith(tuple(release)) for each in given)
    for set_type in SetType:
        known = tuple(names.get(set_type, set()) | (others if of_release else set()))
        for path in sorted((output / set_type.folder / ROWS).glob("*.npz")):
            if not f"{path.stem}-".startswith(known):
                raise UserError(
                    f"{output} holds another set packed before ({set_type.folder}, {path.stem}, is "
                    "not in the input): delete it, or give another --output"
                )


def pack_archive(
    character: str,
    parts: list[Path],
    split: Path,
    options: PackOptions,
    encoders: Executor,
    on_bytes: Callable[[int], object],
    stop: threading.Event,
) -> list[str]:
    """Pack a character straight from its archive; one environment's JPEGs are held in memory.

    ``on_bytes`` is called with the number of compressed bytes read; ``stop`` ends the reading.
    Returns lines on what of the archive was skipped.  What is packed of an archive that is cut off
    stays; where its checksum is wrong, nothing of it can be trusted, and it is removed.
    """
    written: list[FrameId] = []
    room = threading.BoundedSemaphore(_PICTURES_IN_FLIGHT)
    folder = f"{split.name}/{character}"

    def keep(member: Member, where: str) -> bytes | Future:
        """A label as it is; a picture is encoded at once."""
        if member.pass_name == "json":
            return member.content
        room.acquire()
        job = encoders.submit(_encode, lambda _: member.content, where, options, RELEASE_HEADSET)
        job.add_done_callback(lambda _: room.release())
        return job

    skipped: list[str] = []
    members = read_archive(parts, frozenset(TRAINING_PASSES), on_bytes, stop, skipped)
    try:
        for environment, files in _environments(folder, members, keep):
            written.append(FrameId(character, environment, 0))
            content: dict[str, list[str]] = {}
            for where in files:
                kind, name = where.split("/")[-2:]
                content.setdefault(kind, []).append(name)
            path = f"{folder}/{environment}/cam_down"
            pictures = partial(map, lambda where, _, files=files: files[where].result())
            _pack_folder(path, content, files.__getitem__, pictures, split, options)
    except ArchiveError as error:
        if error.untrusted:
            for frame in written:
                Environment.path(split, frame).unlink(missing_ok=True)
                for path in split.glob(f"{character}-{frame.environment}-*.tar"):
                    path.unlink()
        raise
    if not written:
        raise UserError(f"{parts[0]}: holds no picture or label that can be packed")
    written_files = sorted([*split.glob(f"{character}-*.tar"), *split.glob(f"*/{character}-*.npz")])
    files = {str(path.relative_to(split)): path.stat().st_size for path in written_files}
    made = {"parts": file_sizes(parts), "files": {"packed": files}, "skipped": skipped}
    Marker(**made).write(_marker_path(split, character))
    return skipped_lines(skipped)


def _environments(
    folder: str, members: Iterator[Member], keep: Callable[[Member, str], bytes | Future]
) -> Iterator[tuple[str, dict[str, bytes | Future]]]:
    """The environments of a character one by one, with what is kept of their files, by path; the
    last only after the archive's checksum has held."""
    files: dict[str, bytes | Future] = {}
    seen: list[str] = []
    for member in members:
        environment = member.environment
        if environment not in seen[-1:]:
            if seen:
                yield seen[-1], files
            if environment in seen:
                raise UserError(
                    f"{folder}: files of {environment} lie in two places of the archive; extract "
                    "it with utils/extract_data.py and pack the tree"
                )
            seen.append(environment)
            files = {}
        where = f"{folder}/{environment}/cam_down/{member.pass_name}/{member.name}"
        files[where] = keep(member, where)
    if seen:
        yield seen[-1], files
