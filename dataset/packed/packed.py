"""The packed form of a set as a dataset: the records of ``Mocap`` from JPEG shards."""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from isal import isal_zlib

from base.base_dataset import BaseDataset
from base.camera import RELEASE_CAMERA
from base.errors import BrokenFrameError, UserError
from base.frame import Frame, FrameId
from base.set_type import SetType
from dataset.annotations import Annotations
from dataset.faults import Fault, print_faults
from dataset.labels import Label
from dataset.packed.shards import ANNOTATIONS, FORMAT, INDEX, MANIFEST, ROW
from dataset.pictures import decode_picture
from dataset.skip_list import SKIP_LIST, is_listed, read_skip_list
from dataset.transforms import SquareCrop


def is_packed(root: Path) -> bool:
    """Whether a data root holds packed sets.

    Raises:
        UserError: for a root that may not be read.
    """
    try:
        return (Path(root) / MANIFEST).is_file()
    except OSError as error:
        raise UserError(f"{root}: cannot be read ({error.strerror})") from None


class Packed(BaseDataset):
    """Frames of one packed split, by random access.

    The labels are mapped from disk: processes share them, and a copy of this object sent to a
    worker carries none.  Shards are opened for each read, so that threads, forks and any number of
    shards are safe.

    Args:
        root: folder that holds the packed TrainSet, ValSet and TestSet.
        set_type: the split.
        input_size: side of the pictures, pixels, at most that of the packed ones; None for theirs.
        pictures: False for labels only: then frames without a picture count as well.
        report: print, once, what was left out.
        skip: honour the skip list.

    Raises:
        UserError: for a missing or unfinished split, or one packed too small.
    """

    def __init__(
        self,
        root: str | Path,
        set_type: SetType,
        input_size: int | None = None,
        pictures: bool = True,
        report: bool = True,
        skip: bool = True,
    ) -> None:
        self.set_type = set_type
        self.pictures = pictures
        self._split = Path(root) / set_type.folder
        self.index = read_packed_index(self._split)
        size = self.index["size"]
        if input_size is not None and input_size > size and pictures:
            raise UserError(
                f"{root} is packed at {size} pixels, fewer than the {input_size} asked for: pack "
                f"it again with --size {input_size}, or set data.input_size to {size}"
            )
        self.transform = SquareCrop(input_size or size)
        self.camera = self.transform.camera(RELEASE_CAMERA)
        self._table = self._open_table()
        usable = self._table["shard"] >= 0 if pictures else np.ones(len(self._table), bool)
        listed = read_skip_list(Path(root), set_type) if skip else frozenset()
        skipped = np.zeros(len(self._table), bool)
        if listed:
            characters = np.array(self.index["characters"])[self._table["character"]]
            environments = np.array(self.index["environments"])[self._table["environment"]]
            skipped = is_listed(listed, characters, environments, self._table["number"])
        self._rows = np.flatnonzero(usable & ~skipped)
        if report:
            faults = [fault for fault in self.index["left_out"] if fault.frame_id not in listed]
            print_faults(f"{set_type.folder}, left out when it was packed", faults)
            if count := int((usable & skipped).sum()):
                print(f"{set_type.folder}: {count} frames left out by {SKIP_LIST}", file=sys.stderr)
        if len(self._rows) == 0:
            raise UserError(f"{self._split}: no frame with a picture is packed in it")

    def _open_table(self) -> np.ndarray:
        path = self._split / ANNOTATIONS
        try:
            table = np.load(path, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read ({error}); pack again") from None
        if table.dtype != ROW or len(table) != self.index["labels"]:
            raise UserError(f"{path}: does not fit {INDEX} beside it; pack again")
        # A plain array over the same pages: memmap's own indexing is several times slower.
        return table.view(np.ndarray)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_table": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._table = self._open_table()

    def __len__(self) -> int:
        return len(self._rows)

    def _frame_id(self, row: np.void) -> FrameId:
        return FrameId(
            self.index["characters"][row["character"]],
            self.index["environments"][row["environment"]],
            int(row["number"]),
        )

    def frame_id(self, index: int) -> FrameId:
        """Identity of a frame, without reading its picture."""
        return self._frame_id(self._table[self._rows[index]])

    def row(self, index: int) -> np.void:
        """The frame's row of :data:`~dataset.packed.shards.ROW`."""
        return self._table[self._rows[index]]

    def label(self, index: int) -> Label:
        """A frame's label as in the release, pixels of the 1280×800 picture."""
        row = self.row(index)
        action = self.index["actions"][row["action"]]
        return Label(row["joints2d"], row["joints3d"], row["visible"], action)

    def picture_data(self, index: int) -> bytes:
        """The JPEG file of a frame, checked against its CRC.

        Raises:
            BrokenFrameError: where the shard is missing, cut off or damaged.
        """
        row = self._table[self._rows[index]]
        path = self._split / self.index["shards"][row["shard"]]
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(row["offset"])
                data = file.read(row["length"])
        except OSError as error:
            raise BrokenFrameError(f"{path}: cannot be read ({error.strerror})") from None
        if len(data) != row["length"] or isal_zlib.crc32(data) != row["crc"]:
            raise BrokenFrameError(f"{path}: {self._frame_id(row)} in it is damaged; pack it again")
        return data

    def __getitem__(self, index: int) -> Frame:
        """The frame at ``index``.

        Raises:
            BrokenFrameError: for a picture that is damaged.
        """
        row = self._table[self._rows[index]]
        image = None
        if self.pictures:
            image = decode_picture(self.picture_data(index), self._split.name)
            size = self.transform.size
            if size != self.index["size"]:
                image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
        joints2d = self.transform.points(row["joints2d"])
        return Frame(
            image=image,
            joints2d=joints2d,
            joints3d=row["joints3d"].copy(),
            visible=self.camera.in_picture(joints2d) & row["visible"],
            action=self.index["actions"][row["action"]],
            frame_id=self._frame_id(row),
        )

    def annotations(self) -> Annotations:
        """Labels of all frames at once."""
        table = self._table[self._rows]
        joints2d = self.transform.points(table["joints2d"])
        actions = self.index["actions"]
        return Annotations(
            joints2d=joints2d,
            joints3d=np.ascontiguousarray(table["joints3d"]),
            visible=table["visible"] & self.camera.in_picture(joints2d),
            actions=[actions[code] for code in table["action"].tolist()],
        )


def read_packed_index(split: Path) -> dict[str, Any]:
    """Content of a packed set's ``index.json``, ``left_out`` as faults.

    Raises:
        UserError: where the set is missing, unfinished or of another format.
    """
    path = split / INDEX
    try:
        index = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(
            f"no packed {split.name} in {split.parent}: pack it, or finish packing it, with "
            "utils/pack_data.py"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); pack again") from None
    if index.get("format") != FORMAT:
        raise UserError(f"{path}: format {index.get('format')}, this version reads {FORMAT}")
    return index | {"left_out": [Fault.from_dict(fault) for fault in index["left_out"]]}
