"""The packed form on disk: tar shards of JPEGs, and all labels of a set in one array file.

    packed.json                                   how it was packed
    TrainSet/{character}-{environment}-{n}.tar    frames n·frames_per_shard and up: {key}.jpg and
                                                  {key}.json of each, see :func:`frame_key`
    TrainSet/annotations.npy                      a row of :data:`ROW` for each label
    TrainSet/index.json                           what the rows' codes mean, and what was left out
    TrainSet/rows/{character}-{environment}.npz   what the two files above are put together from

Which shard a frame belongs to follows from its identity alone, so a set comes out the same
whatever it was packed from, in whatever order, and however often that was interrupted.
"""

import io
import json
import re
import tarfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from isal import isal_zlib
from pydantic import Field, PlainValidator

from base.arrays import read_arrays
from base.documents import parse_json, read_document
from base.errors import UserError, shown
from base.files import replacing, write_bytes, write_text
from base.frame import FrameId
from base.headset import RELEASE_HEADSET, Headset
from base.schema import Text, read_record
from base.set_type import SetType
from dataset.annotations import LABEL_ROW, Lists, Table, check_codes
from dataset.faults import Fault
from dataset.labels import Label
from dataset.packed.options import FORMAT, SOURCE, PackOptions
from dataset.square_crop import SquareCrop

MANIFEST, ANNOTATIONS, INDEX, ROWS = "packed.json", "annotations.npy", "index.json", "rows"

#: A label, and place and CRC-32 of its JPEG; ``shard`` is -1 where there is none.
ROW = np.dtype(
    [*LABEL_ROW.descr, ("shard", "<i4"), ("offset", "<i8"), ("length", "<i4"), ("crc", "<u4")]
)


def refuse_foreign(root: Path) -> None:
    """UserError for an output that holds other things than a packed set."""
    if (root / MANIFEST).is_file() or not root.exists():
        return
    if not root.is_dir() or any(path.name[0] != "." for path in root.iterdir()):
        raise UserError(f"{root} is not empty and holds no packed set: give another --output")


def prepare_output(root: Path, options: PackOptions) -> None:
    """Note how a folder is packed; refuse one packed in another way."""
    manifest = root / MANIFEST
    if not manifest.is_file():
        write_text(manifest, json.dumps(options.as_dict(), indent=1) + "\n", single_writer=True)
        return
    before = read_document(manifest)
    if not isinstance(before, dict):
        raise UserError(f"{manifest}: not as this program writes it; pack into another folder")
    for key, value in ({"source": options.source} | options.as_dict()).items():
        was = before.get(key, SOURCE if key == "source" else None)
        if was != value:
            flag = "--format" if key == "source" else f"--{key}"
            raise UserError(
                f"{root} was packed with {flag} {shown(was)}, not {value}: go on with the same, or "
                "give another folder with --output"
            )


def kept_square(headset: Headset, size: int, centred: bool = False) -> SquareCrop:
    """The square of a headset's pictures that is kept: of the release's, and of a set that has no
    more, the ``centred`` one, as the reference crops it, of any other the one that holds the whole
    picture."""
    camera, whole = headset.camera, headset != RELEASE_HEADSET and not centred
    return SquareCrop(size, camera.width, camera.height, whole)


def frame_key(frame_id: FrameId) -> str:
    """Name of a frame's files in its shard, without suffix."""
    return f"{frame_id.character}-{frame_id.environment}-{frame_id.number:06d}"


def encode_label(label: Label, frame_id: FrameId, size: int, centred: bool = False) -> bytes:
    """A frame's json in a shard: joints2d in pixels of the JPEG beside it, joints3d in metres."""

    def shortest(values: np.ndarray) -> list:
        # The shortest decimals that still are the same float32; null for what is not labelled.
        return [[None if np.isnan(x) else float(str(x)) for x in row] for row in values]

    content = {
        "character": frame_id.character,
        "environment": frame_id.environment,
        "frame": frame_id.number,
        "action": label.action,
        "joints2d": shortest(kept_square(label.headset, size, centred).points(label.joints2d)),
        "joints3d": shortest(label.joints3d),
        "visible": label.visible.tolist(),
    }
    if label.headset != RELEASE_HEADSET:
        content["headset"] = label.headset.as_dict()
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()


def write_shard(path: Path, files: dict[str, bytes]) -> None:
    """Write a shard of some files, by name, whole or not at all."""
    with (
        replacing(path, single_writer=True) as temporary,
        tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def read_shard(path: Path) -> dict[str, tuple[int, bytes]]:
    """Name → offset and content of each file of a shard; refuses what is no whole tar of ours."""
    files = {}
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for info in tar:
                if not info.isreg():
                    raise tarfile.TarError("holds something else than files")
                file.seek(info.offset_data)
                files[info.name] = info.offset_data, file.read(info.size)
        return files
    except (tarfile.TarError, OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); pack again") from None


def _shard_name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[^/\\\0]{1,255}\.tar", value):
        raise ValueError("not the name of a shard")
    return value


class _Packed(Lists):
    """Of a set or an environment, beside its lists: the shards, and what was left out."""

    shards: list[Annotated[str, PlainValidator(_shard_name)]]
    left_out: list[Fault]


class SetIndex(_Packed):
    """The index of a set; ``crc`` is that of the rows, which earlier versions did not note."""

    format: Literal[FORMAT]
    size: Annotated[int, Field(ge=1, lt=2**15)]
    crc: int | None = None
    source: Text = SOURCE
    centred: bool = False


def packed_table(rows: np.ndarray, lists: _Packed) -> Table:
    """The labels of a file; UserError, without its name, where they do not fit together."""
    if rows.dtype != ROW or rows.ndim != 1:
        raise UserError("its rows are not as this version writes them")
    packed = rows["shard"] >= 0
    check_codes(rows["shard"], lists.shards, -1)
    if (rows["offset"][packed] < 0).any() or (rows["length"][packed] <= 0).any():
        raise UserError("its rows point beyond its shards")
    return Table.stored(rows, lists)


class Environment(NamedTuple):
    """What is packed of one character in one environment, and what cannot be packed."""

    table: Table
    shards: list[str]
    left_out: list[Fault]

    @staticmethod
    def path(split: Path, frame: FrameId) -> Path:
        """Where the environment of a frame is kept under the folder of its set."""
        return split / ROWS / f"{frame.character}-{frame.environment}.npz"

    def save(self, split: Path) -> None:
        """Write it."""
        lists = self.table.lists()
        names = {key: lists.pop(f"{key}s")[0] for key in ("character", "environment")}
        left_out = [asdict(fault) for fault in self.left_out]
        meta = names | lists | {"shards": self.shards, "left_out": left_out}
        content = io.BytesIO()
        np.savez(content, rows=self.table.rows, meta=np.array(json.dumps(meta)))
        path = self.path(split, FrameId(*names.values(), 0))
        write_bytes(path, content.getvalue(), single_writer=True)

    @classmethod
    def load(cls, path: Path) -> "Environment":
        """Read one back."""
        try:
            stored = read_arrays(path)
            meta = parse_json(str(stored["meta"]))
            meta |= {f"{name}s": [meta[name]] for name in ("character", "environment")}
            lists = read_record(_Packed, meta)
            table = packed_table(stored["rows"], lists)
        except (KeyError, TypeError, UserError):
            raise UserError(f"{path}: cannot be read; delete it and pack again") from None
        return cls(table, lists.shards, lists.left_out)


def assemble(
    split: Path, set_type: SetType, options: PackOptions, faults: Iterable[Fault] = ()
) -> dict[str, Any]:
    """Put the index and annotations of a set together from its environments, and return the index.

    ``faults`` are left out beside those of the environments, such as a whole character.
    """
    found = [Environment.load(path) for path in (split / ROWS).glob("*.npz")]
    found.sort(key=lambda item: (item.table.characters, item.table.environments))
    table = Table.joined([item.table for item in found])
    first = np.cumsum([0, *(len(item.shards) for item in found)])[:-1]
    packed = table.rows["shard"] >= 0
    table.rows["shard"] += packed * np.repeat(first, [len(item.table.rows) for item in found])
    left_out = [*faults, *(fault for item in found for fault in item.left_out)]
    index = {
        **options.as_dict(),
        "set": set_type.folder,
        "labels": len(table.rows),
        "pictures": int(packed.sum()),
        **table.lists(),
        "shards": [name for item in found for name in item.shards],
        "left_out": [asdict(fault) for fault in left_out],
        "crc": isal_zlib.crc32(table.rows.view(np.uint8)),
    }
    # The index goes last: it tells that the annotations beside it are there.
    (split / INDEX).unlink(missing_ok=True)
    with (
        replacing(split / ANNOTATIONS, single_writer=True) as temporary,
        temporary.open("wb") as file,
    ):
        np.save(file, table.rows)
    write_text(split / INDEX, json.dumps(index, indent=1) + "\n", single_writer=True)
    return index | {"left_out": left_out}
