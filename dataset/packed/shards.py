"""The packed form on disk: tar shards of JPEGs, and all labels of a set in one array file.

    packed.json                                   how it was packed
    TrainSet/{character}-{environment}-{n}.tar    frames n·frames_per_shard and up, WebDataset
                                                  convention: {key}.jpg and {key}.json, where key
                                                  is {character}-{environment}-{frame:06d}
    TrainSet/annotations.npy                      a row of :data:`ROW` for each label
    TrainSet/index.json                           what the rows' codes mean, and what was left out
    TrainSet/rows/{character}-{environment}.npz   the rows of one environment; the two files above
                                                  are put together from these

Which shard a frame belongs to follows from its identity alone, so a set comes out the same
whatever it was packed from, in whatever order, and however often that was interrupted.
"""

import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from isal import isal_zlib

from base.errors import UserError
from base.files import replacing, write_text
from base.frame import FrameId
from base.set_type import SetType
from dataset.faults import Fault
from dataset.labels import Label
from dataset.transforms import SquareCrop

FORMAT = 1
MANIFEST = "packed.json"
ANNOTATIONS = "annotations.npy"
INDEX = "index.json"
ROWS = "rows"

#: One label.  ``shard`` is -1 where there is no picture; ``offset`` and ``length`` are those of the
#: JPEG inside the shard and ``crc`` its CRC-32.  Labels are as in the release: pixels of the
#: 1280×800 picture, metres in the camera frame.
ROW = np.dtype(
    [
        ("character", "<i2"),
        ("environment", "<i2"),
        ("number", "<i4"),
        ("action", "<i4"),
        ("shard", "<i4"),
        ("offset", "<i8"),
        ("length", "<i4"),
        ("crc", "<u4"),
        ("joints2d", "<f4", (16, 2)),
        ("joints3d", "<f4", (16, 3)),
        ("visible", "?", (16,)),
    ]
)
#: What of a row is its frame's label.
LABEL_FIELDS = ("number", "action", "joints2d", "joints3d", "visible")


@dataclass(frozen=True, slots=True)
class PackOptions:
    """How frames are packed; decides every byte.

    Attributes:
        size: side of the pictures, pixels.
        quality: of the JPEGs, 1 to 100.
        frames_per_shard: frame numbers that a shard spans.
    """

    size: int = 368
    quality: int = 95
    frames_per_shard: int = 1000

    def as_dict(self) -> dict[str, int]:
        """Content of the manifest."""
        return {"format": FORMAT} | asdict(self)

    def shard_name(self, frame_id: FrameId) -> str:
        """File name of the shard that a frame belongs to."""
        part = frame_id.number // self.frames_per_shard
        return f"{frame_id.character}-{frame_id.environment}-{part:05d}.tar"


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
    write_text(manifest, json.dumps(options.as_dict(), indent=1) + "\n", single_writer=True)


def frame_key(frame_id: FrameId) -> str:
    """Name of a frame's files in its shard, without suffix."""
    return f"{frame_id.character}-{frame_id.environment}-{frame_id.number:06d}"


def encode_sample(label: Label, frame_id: FrameId, crop: SquareCrop) -> bytes:
    """A frame's json in a shard: joints2d in pixels of the JPEG beside it, joints3d in metres."""

    def shortest(values: np.ndarray) -> list:
        # The shortest decimals that still are the same float32.
        return [[float(str(x)) for x in row] for row in values]

    content = {
        "character": frame_id.character,
        "environment": frame_id.environment,
        "frame": frame_id.number,
        "action": label.action,
        "joints2d": shortest(crop.points(label.joints2d)),
        "joints3d": shortest(label.joints3d),
        "visible": label.visible.tolist(),
    }
    return json.dumps(content, separators=(",", ":")).encode()


class Place(NamedTuple):
    """Where a JPEG lies in its shard, its CRC-32, and that of the json beside it."""

    offset: int
    length: int
    crc: int
    label_crc: int


def write_shard(path: Path, samples: list[tuple[str, bytes, bytes]]) -> None:
    """Write a shard whole or not at all.

    Args:
        path: of the shard.
        samples: key, JPEG and json of each frame, in order.
    """
    with (
        replacing(path, single_writer=True) as temporary,
        tarfile.open(temporary, "w", tarfile.USTAR_FORMAT) as tar,
    ):
        for key, picture, label in samples:
            for suffix, content in ((".jpg", picture), (".json", label)):
                info = tarfile.TarInfo(key + suffix)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))


def scan_shard(path: Path) -> dict[int, Place]:
    """Frame number → place of its JPEG.

    Raises:
        UserError: for a file that is no whole tar.
    """
    places = {}
    try:
        with tarfile.open(path, "r:") as tar:
            # A picture and its label follow one another.
            for picture, label in zip(*[iter(tar)] * 2, strict=True):
                number = int(picture.name.removesuffix(".jpg").rpartition("-")[2])
                crcs = (isal_zlib.crc32(tar.extractfile(i).read()) for i in (picture, label))
                places[number] = Place(picture.offset_data, picture.size, *crcs)
    except (tarfile.TarError, OSError, ValueError) as error:
        raise UserError(f"{path}: not a shard that can be read ({error}); delete it") from None
    return places


@dataclass(slots=True)
class Environment:
    """What is packed of one character in one environment.

    Attributes:
        character, environment: which.
        rows: (N,) of :data:`ROW`; ``action`` and ``shard`` index the lists here, ``character`` and
            ``environment`` are 0.
        actions: clip names.
        shards: file names.
        left_out: what cannot be packed.
    """

    character: str
    environment: str
    rows: np.ndarray
    actions: list[str]
    shards: list[str]
    left_out: list[Fault] = field(default_factory=list)

    @staticmethod
    def path(split: Path, character: str, environment: str) -> Path:
        """Where it is kept."""
        return split / ROWS / f"{character}-{environment}.npz"

    def save(self, split: Path) -> None:
        """Write it under the set's folder."""
        meta = {name: getattr(self, name) for name in self.__slots__ if name != "rows"}
        meta["left_out"] = [fault.as_dict() for fault in self.left_out]
        path = self.path(split, self.character, self.environment)
        with replacing(path, single_writer=True) as temporary, temporary.open("wb") as file:
            np.savez(file, rows=self.rows, meta=np.array(json.dumps(meta)))

    @classmethod
    def load(cls, path: Path) -> "Environment":
        """Read one back."""
        with np.load(path, allow_pickle=False) as stored:
            meta = json.loads(str(stored["meta"]))
            meta["left_out"] = [Fault.from_dict(fault) for fault in meta["left_out"]]
            return cls(rows=stored["rows"], **meta)


def label_rows(labels: dict[int, Label]) -> tuple[np.ndarray, list[str]]:
    """Rows of an environment's labels by frame number, without pictures yet, and clip names."""
    rows = np.zeros(len(labels), ROW)
    actions = sorted({label.action for label in labels.values()})
    code = {action: i for i, action in enumerate(actions)}
    for row, number in zip(rows, sorted(labels), strict=True):
        label = labels[number]
        row["number"], row["shard"], row["action"] = number, -1, code[label.action]
        row["joints2d"], row["joints3d"] = label.joints2d, label.joints3d
        row["visible"] = label.visible
    return rows, actions


def assemble(
    split: Path, set_type: SetType, options: PackOptions, faults: Iterable[Fault] = ()
) -> dict[str, Any]:
    """Put a set's index and annotations together from its environments.

    Args:
        split: folder of the packed set.
        set_type: which set.
        options: how it is packed.
        faults: what is left out beside that of the environments, such as a whole character.

    Returns:
        The content of ``index.json``, ``left_out`` as faults.
    """
    found = [Environment.load(path) for path in (split / ROWS).glob("*.npz")]
    found.sort(key=lambda item: (item.character, item.environment))
    characters = sorted({item.character for item in found})
    environments = sorted({item.environment for item in found})
    actions = sorted({action for item in found for action in item.actions})
    shards: list[str] = []
    tables = []
    for item in found:
        rows = item.rows.copy()
        rows["character"] = characters.index(item.character)
        rows["environment"] = environments.index(item.environment)
        rows["action"] = np.array([actions.index(a) for a in item.actions])[rows["action"]]
        rows["shard"] = np.where(rows["shard"] < 0, -1, rows["shard"] + len(shards))
        shards += item.shards
        tables.append(rows)
    table = np.concatenate(tables)
    left_out = [*faults, *(fault for item in found for fault in item.left_out)]
    index = options.as_dict() | {
        "set": set_type.folder,
        "labels": len(table),
        "pictures": int((table["shard"] >= 0).sum()),
        "characters": characters,
        "environments": environments,
        "actions": actions,
        "shards": shards,
        "left_out": [fault.as_dict() for fault in left_out],
    }
    # The index goes last: it tells that the annotations beside it are there.
    (split / INDEX).unlink(missing_ok=True)
    path = split / ANNOTATIONS
    with replacing(path, single_writer=True) as temporary, temporary.open("wb") as file:
        np.save(file, table)
    write_text(split / INDEX, json.dumps(index, indent=1) + "\n", single_writer=True)
    return index | {"left_out": left_out}
