"""The packed form of a set as a dataset: the records of the tree from JPEG shards."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from isal import isal_zlib

from base.cameras.camera import Camera
from base.errors import BrokenFrameError, UserError
from base.headset import RELEASE_HEADSET, Headset
from base.set_type import SetType
from dataset.annotations import Table
from dataset.faults import BAD_SHARD, Fault, print_once
from dataset.packed.shards import (
    ANNOTATIONS,
    FORMAT,
    INDEX,
    MANIFEST,
    MISMADE,
    ROW,
    current_rows,
    encode_label,
    frame_key,
    kept_square,
    read_shard,
    stored_headsets,
)
from dataset.pictures import decode_picture
from dataset.split import Contents, Split, set_folders

#: Fields of the rows that index lists of names.
_NAMED = ("character", "environment", "action", "shard")


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def is_packed(root: Path) -> bool:
    """Whether a data root holds packed sets.

    Raises:
        UserError: for a root that may not be read.
    """
    try:
        return (Path(root) / MANIFEST).is_file()
    except OSError as error:
        raise UserError(f"{root}: cannot be read ({error.strerror})") from None


class Packed(Split):
    """Frames of a packed set, by random access.

    The labels are mapped from disk: processes share them, and a copy of this object sent to a
    worker carries none.  Shards are opened for each read, so that threads, forks and any number of
    shards are safe.
    """

    remedy = "pack it, or finish packing it, with utils/pack_data.py"
    faults_met = ", left out when it was packed"

    @classmethod
    def sets(cls, root: Path) -> list[SetType]:
        """Those that have a folder, beside the manifest."""
        return set_folders(root) if is_packed(root) else []

    def read(self, check: bool) -> Contents:
        """From the annotations of the set."""
        path = self.folder / INDEX
        try:
            index = json.loads(path.read_bytes())
            if index.get("format") != FORMAT:
                raise UserError(
                    f"{path}: format {index.get('format')}, this version reads {FORMAT}; pack again"
                )
            self._size, self._labels = index["size"], index["labels"]
            names = [index[f"{code}s"] for code in _NAMED]
            headsets = stored_headsets(index)
            # What packing has met is wrong with the set still, though no loader trips on it.
            faults = [Fault.from_dict(fault) for fault in index["left_out"]]
            right = isinstance(self._size, int) and self._size > 0 and all(map(_are_names, names))
            if not (right and isinstance(index["left_out"], list)):
                raise TypeError
        except FileNotFoundError:
            raise UserError(f"{self.folder} is not finished: {self.remedy}") from None
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read ({error}); pack again") from None
        except MISMADE:
            raise UserError(f"{path}: is not as this version writes it; pack again") from None
        rows = self._open_rows(report=True)
        for code, known in zip((*_NAMED, "headset"), (*names, headsets), strict=True):
            least = -1 if code == "shard" else 0
            if rows[code].min(initial=0) < least or rows[code].max(initial=-1) >= len(known):
                raise UserError(f"{path}: does not fit {ANNOTATIONS} beside it; pack again")
        *names, self._shards = names
        table = Table(rows, *names, headsets)
        if self.unstated != RELEASE_HEADSET:
            raise UserError(f"{self.root}: a packed set states its headsets: leave --headset out")
        return Contents(table, table.rows["shard"] >= 0, faults, self._size)

    def _open_rows(self, report: bool = False) -> np.ndarray:
        path = self.folder / ANNOTATIONS
        try:
            stored = np.load(path, mmap_mode="r")
        except (EOFError, OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read ({error}); pack again") from None
        # A plain array over the same pages: memmap's own indexing is several times slower.
        rows = current_rows(stored.view(np.ndarray), path)
        if len(rows) != self._labels:
            raise UserError(f"{path}: does not fit {INDEX} beside it; pack again")
        if report and stored.dtype != ROW:
            line = "packed by an earlier version, which did not keep whether occlusion is labelled"
            print_once(self.folder, f"{self.folder.name}: {line}: treated as not; pack it again")
        return rows

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"table": replace(self.table, rows=None)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.table.rows = self._open_rows()

    def kept_camera(self, headset: Headset) -> Camera:
        """Of the square that is kept."""
        return kept_square(headset, self._size).camera(headset.camera)

    def image(self, row: int) -> np.ndarray:
        """The JPEG, checked against its CRC."""
        values = self.table.rows[row]
        path = self.folder / self._shards[values["shard"]]
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(values["offset"])
                data = file.read(values["length"])
        except OSError as error:
            raise BrokenFrameError(f"{path}: cannot be read ({error.strerror})") from None
        if len(data) != values["length"] or isal_zlib.crc32(data) != values["crc"]:
            frame_id = self.table.frame_id(row)
            raise BrokenFrameError(f"{path}: {frame_id} in it is damaged; pack it again")
        return decode_picture(data, self.folder.name)

    def picture_checks(self) -> list[Callable[[], list[Fault]]]:
        """Shard by shard, as a reader of streams would see them."""
        shard_of = self.table.rows["shard"]
        return [
            partial(self._shard_faults, name, np.flatnonzero(shard_of == code))
            for code, name in enumerate(self._shards)
        ]

    def _shard_faults(self, name: str, rows: np.ndarray) -> list[Fault]:
        where = f"{self.folder.name}/{name}"
        try:
            files = read_shard(self.folder / name)
        except UserError as error:
            return [Fault(BAD_SHARD, where, str(error).partition(": ")[2])]
        faults = []
        for row in rows:
            frame_id, values = self.table.frame_id(row), self.table.rows[row]
            reasons = []
            offset, picture = files.pop(f"{frame_key(frame_id)}.jpg", (0, b""))
            _, label = files.pop(f"{frame_key(frame_id)}.json", (0, b""))
            if not (picture and label):
                reasons.append("missing")
            elif isal_zlib.crc32(picture) != values["crc"]:
                reasons.append("its picture is damaged")
            elif (offset, len(picture)) != (values["offset"], values["length"]):
                reasons.append("lies elsewhere than its index says")
            if label and label != encode_label(self.table.label(row), frame_id, self._size):
                reasons.append("its json differs from the annotations")
            faults += [
                Fault(BAD_SHARD, where, f"{frame_id}: {reason}", frame_id) for reason in reasons
            ]
        if files:
            detail = f"{len(files)} files more than indexed: {min(files)}"
            faults.append(Fault(BAD_SHARD, where, detail))
        return faults
