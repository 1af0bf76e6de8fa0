"""Packing an environment: of a set of any format, an archive, or the generator."""

import contextlib
import itertools
import threading
from collections import defaultdict
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
    INDEX,
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
from dataset.pictures import changed, decode_camera_picture
from dataset.release.archive import (
    ArchiveError,
    Marker,
    Member,
    file_sizes,
    read_archive,
    skipped_lines,
)
from dataset.release.table import CHARACTERS, TRAINING_PASSES
from dataset.split import Split
from dataset.square_crop import resize_square
from dataset.tree.names import pair_files

#: Bound on the pictures of an archive that wait in memory to be encoded.
_PICTURES_IN_FLIGHT = 64

#: Makes the JPEGs of pictures, given by their paths and headsets, or says why it cannot.
Encode = Callable[[list[str], list[Headset]], Iterable[bytes | BrokenFrameError]]


def encode_square(image: np.ndarray, options: PackOptions, headset: Headset) -> bytes:
    """The JPEG of a headset's (H, W, 3) uint8 RGB picture, made square and resized once."""
    if options.centred:
        square = resize_square(image, options.size)
    else:
        square = kept_square(headset, options.size).image(image)
    # Huffman tables made for each picture lose nothing and save some per cent.
    settings = [cv2.IMWRITE_JPEG_QUALITY, options.quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(square, cv2.COLOR_RGB2BGR), settings)
    return encoded.tobytes()


def _encode(
    read: Callable[[], np.ndarray], headset: Headset, options: PackOptions
) -> bytes | BrokenFrameError:
    try:
        return encode_square(read(), options, headset)
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
    root: Path | None = None,
) -> None:
    """Write the shards of an environment, as far as they are not there yet, or a picture below
    ``root`` has changed since, and then its rows.

    Labels, and the paths that ``encode`` gets, are by frame number; ``frame`` is any frame of the
    environment, ``split`` the folder of the packed set.
    """
    place = frame.character, frame.environment
    frames = {number: FrameId(*place, number) for number in sorted(labels)}
    table = Table.of(list(frames.values()), [labels[number] for number in frames], ROW)
    table.characters, table.environments = ([name] for name in place)
    table.rows["shard"] = -1
    rows = dict(zip(frames, table.rows, strict=True))
    try:
        before = Environment.load(Environment.path(split, frame)).table.rows
        sums = dict(zip(before["number"].tolist(), before["crc"].tolist(), strict=True))
    except UserError:  # there is none, or not any more
        sums = {}
    by_shard: defaultdict[str, dict[FrameId, str]] = defaultdict(dict)
    for number in sorted(pictures):
        by_shard[options.shard_name(frames[number])][frames[number]] = pictures[number]
    shards, faults = [], list(left_out)
    for name, paths in by_shard.items():
        how = labels, sums, options, encode, root
        jpegs, broken = _complete_shard(split / name, paths, *how)
        faults += broken
        for frame_id, (offset, jpeg) in jpegs.items():
            row = rows[frame_id.number]
            row["shard"], row["offset"] = len(shards), offset
            row["length"], row["crc"] = len(jpeg), isal_zlib.crc32(jpeg)
        shards += [name] if jpegs else []
    Environment(table, shards, faults).save(split)


def _complete_shard(
    path: Path,
    pictures: dict[FrameId, str],
    labels: dict[int, Label],
    sums: dict[int, int],
    options: PackOptions,
    encode: Encode,
    root: Path | None,
) -> tuple[dict[FrameId, tuple[int, bytes]], list[Fault]]:
    """Make sure that a shard holds just the frames of these pictures; those there with the same
    label, and a picture that has not changed since and has the checksum in ``sums`` where it is
    known, are kept.

    Returns offset and content of each JPEG, and what cannot be packed.
    """
    written, there = changed(path), {}
    with contextlib.suppress(UserError):  # not there, cut off or damaged
        there = read_shard(path)
    old = {name: content for name, (_, content) in there.items()}
    new = {f for f, where in pictures.items() if root and changed(root / where) >= written}
    jpegs, samples = {}, {}
    for frame_id in pictures:
        how = options.size, options.centred
        samples[frame_id] = encode_label(labels[frame_id.number], frame_id, *how)
        jpeg, sample = (old.get(f"{frame_key(frame_id)}.{kind}") for kind in ("jpg", "json"))
        if jpeg and sample == samples[frame_id] and frame_id not in new:
            checksum = isal_zlib.crc32(jpeg)
            if checksum == sums.get(frame_id.number, checksum):
                jpegs[frame_id] = jpeg
    absent = {f: where for f, where in pictures.items() if f not in jpegs}
    encoded = encode([*absent.values()], [labels[f.number].headset for f in absent])
    faults, files = [], {}
    for (frame_id, where), jpeg in zip(absent.items(), encoded, strict=True):
        if isinstance(jpeg, BrokenFrameError):
            faults.append(Fault.of_file(jpeg, where, frame_id))
        else:
            jpegs[frame_id] = jpeg
    for frame_id in sorted(jpegs):
        key = frame_key(frame_id)
        files |= {f"{key}.jpg": jpegs[frame_id], f"{key}.json": samples[frame_id]}
    if files and (files != old or new):  # also where it is the same, for its time
        (path.parent / INDEX).unlink(missing_ok=True)  # it says that the set is whole
        write_shard(path, files)
        there = read_shard(path)
    return {frame_id: there[f"{frame_key(frame_id)}.jpg"] for frame_id in sorted(jpegs)}, faults


def environments(
    data: Split,
) -> dict[tuple[str, str] | None, tuple[list[int], list[Fault]]]:
    """Rows and faults of each character and environment of a set opened with ``check``; under None
    the faults that belong to none of them; UserError for two that shards cannot tell apart."""
    found: dict = defaultdict(lambda: ([], []))
    for row in range(len(data.table.rows)):
        frame = data.table.frame_id(row)
        found[frame.character, frame.environment][0].append(row)
    for fault in data.faults:
        found[fault.place][1].append(fault)
    names: dict[str, tuple[str, str]] = {}
    for place in found.keys() - {None}:
        if (other := names.setdefault("-".join(place), place)) != place:
            one, other = sorted("/".join(each) for each in (place, other))
            raise UserError(f"{data.root}: {one} and {other} would be one when packed: rename one")
    return found


def pack_environment(
    data: Split,
    place: tuple[str, str],
    rows: list[int],
    faults: list[Fault],
    skip: frozenset[FrameId],
    output: Path,
    options: PackOptions,
    encoders: Executor,
) -> None:
    """Pack what is not there yet of an environment of a set, less the frames to skip."""
    split, frame = output / data.set_type.folder, FrameId(*place, 0)
    row_of = {int(data.table.rows["number"][row]): row for row in rows}
    row_of = {n: row for n, row in row_of.items() if FrameId(*place, n) not in skip}
    labels = {number: data.table.label(row) for number, row in row_of.items()}
    pictures = {n: data.picture_where(row) for n, row in row_of.items() if data.has_picture[row]}
    row_of_picture = {where: row_of[number] for number, where in pictures.items()}
    left_out = [fault for fault in faults if fault.frame_id not in skip]

    def encode(paths: list[str], headsets: list[Headset]) -> Iterable[bytes | BrokenFrameError]:
        reads = [partial(data.whole_image, row_of_picture[path]) for path in paths]
        return encoders.map(partial(_encode, options=options), reads, headsets)

    if labels or left_out:
        write_environment(split, frame, options, labels, pictures, encode, left_out, data.root)
    else:  # what was here when it was packed before
        Environment.path(split, frame).unlink(missing_ok=True)


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

    def keep(member: Member, where: str) -> bytes | Future:
        """A label as it is; a picture is encoded at once."""
        if member.pass_name == "json":
            return member.content
        room.acquire()
        read = partial(decode_camera_picture, member.content, where, RELEASE_HEADSET.camera)
        job = encoders.submit(_encode, read, RELEASE_HEADSET, options)
        job.add_done_callback(lambda _: room.release())
        return job

    skipped: list[str] = []
    members = read_archive(parts, frozenset(TRAINING_PASSES), on_bytes, stop, skipped)
    try:
        for path, files in _folders(f"{split.name}/{character}", members, keep):
            content: dict[str, list[str]] = {}
            for where in files:
                kind, name = where.split("/")[-2:]
                content.setdefault(kind, []).append(name)
            folder = pair_files(path, content)
            frame, labels = folder.frame_id(0), {}
            written.append(frame)
            for number, name in folder.labels.items():
                where = f"{path}/json/{name}"
                try:
                    labels[number] = parse_label(files[where], where)
                except BrokenFrameError as error:
                    folder.faults.append(Fault.of_file(error, where, folder.frame_id(number)))
            named = folder.pictures.items()
            pictures = {n: f"{path}/rgba/{name}" for n, name in named if n in labels}
            encode = partial(map, lambda where, _, files=files: files[where].result())
            if labels or folder.faults:
                write_environment(split, frame, options, labels, pictures, encode, folder.faults)
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


def _folders(
    character: str, members: Iterator[Member], keep: Callable[[Member, str], bytes | Future]
) -> Iterator[tuple[str, dict[str, bytes | Future]]]:
    """The camera folders of a character one by one, with what is kept of their files, by path; the
    last only after the archive's checksum has held."""
    seen = set()
    for environment, own in itertools.groupby(members, lambda member: member.environment):
        if environment in seen:
            raise UserError(
                f"{character}: files of {environment} lie in two places of the archive; extract "
                "it with utils/extract_data.py and pack the tree"
            )
        seen.add(environment)
        path, files = f"{character}/{environment}/cam_down", {}
        for member in own:
            where = f"{path}/{member.pass_name}/{member.name}"
            files[where] = keep(member, where)
        yield path, files
