"""The packed form of a set as a dataset: the records of the tree from JPEG shards."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from isal import isal_zlib

from base.arrays import read_arrays
from base.cameras.camera import Camera
from base.documents import read_document
from base.errors import BrokenFrameError, UserError
from base.headset import RELEASE_HEADSET, Headset
from base.registry import load_class
from base.remote import url_of
from base.schema import read_record
from base.set_type import SetType
from dataset import FORMATS
from dataset.faults import BAD_SHARD, Fault
from dataset.packed.remote_set import fetch_shard, mark_used, mirror
from dataset.packed.shards import (
    ANNOTATIONS,
    INDEX,
    MANIFEST,
    SetIndex,
    encode_label,
    frame_key,
    kept_square,
    packed_table,
    read_shard,
)
from dataset.pictures import decode_picture
from dataset.split import Contents, Split, rows_by_code

#: Times that a shard is fetched to be opened once.
_MOST_FETCHES = 20


def is_packed(root: Path) -> bool:
    """Whether a data root holds packed sets; UserError for a root that may not be read, and for a
    remote one that holds none."""
    if url_of(Path(root)):
        mirror(Path(root))
    try:
        return (Path(root) / MANIFEST).is_file()
    except OSError as error:
        raise UserError(f"{root}: cannot be read ({error.strerror})") from None


class Packed(Split):
    """Frames of a packed set, by random access.

    The labels are mapped from disk: processes share them, and a copy of this object sent to a
    worker carries none.  Shards are opened for each read, so that threads, forks and any number of
    shards are safe.  Those of a remote set are fetched when they are first opened.
    """

    layout = "packed.json beside the shards"
    enlarge = ", or pack it again with --size {size}"
    remedy = "pack it, or finish packing it, with utils/pack_data.py"

    @classmethod
    def sets(cls, root: Path) -> list[SetType]:
        """Those that have a folder, beside the manifest."""
        return super().sets(root) if is_packed(root) else []

    def read(self, check: bool) -> Contents:
        """From the annotations of the set."""
        path = self.folder / INDEX
        if not path.exists():
            raise UserError(f"{self.folder} is not finished: {self.remedy}")
        try:
            index = read_record(SetIndex, read_document(path, INDEX))
        except UserError as error:
            raise UserError(f"{path}: cannot be read ({error}); pack again") from None
        self._size, self._shards, self._centred = index.size, index.shards, index.centred
        name = index.source.partition(":")[0]
        if name not in FORMATS:
            raise UserError(f"{path}: packed from {name}, a format that this version does not know")
        self.source = source = load_class(FORMATS[name])
        self.choices = source.chosen(index.source)
        # What the format that was packed says of its sets.
        for about in ("aligned_only", "protocol", "shares_people"):
            setattr(self, about, getattr(source, about))
        rows, faults = self._open_rows(), index.left_out
        try:
            table = packed_table(rows, index)
        except UserError:
            raise UserError(f"{path}: does not fit {ANNOTATIONS} beside it; pack again") from None
        if index.crc not in (None, isal_zlib.crc32(rows.view(np.uint8))):
            reason = "is damaged: pack again"
            if not check:
                raise UserError(f"{self.folder / ANNOTATIONS} {reason}")
            faults.append(Fault(BAD_SHARD, f"{self.folder.name}/{ANNOTATIONS}", reason))
        if self.unstated != RELEASE_HEADSET:
            raise UserError(f"{self.root}: a packed set states its headsets: leave --headset out")
        has_picture = rows["shard"] >= 0
        #: Shards of a remote set whose files in the cache were found whole, or fetched.
        self._remote, self._checked = url_of(self.root) is not None, set()
        if self.pictures and not self._remote:
            cut = self._cut_shards(rows[has_picture])
            faults += cut.values()
            has_picture &= ~np.isin(rows["shard"], [*cut])
        return Contents(table, has_picture, faults, index.size)

    def _cut_shards(self, rows: np.ndarray) -> dict[int, Fault]:
        """The shards that are missing, or shorter than these rows say."""
        ends, found = np.zeros(len(self._shards), np.int64), {}
        np.maximum.at(ends, rows["shard"], rows["offset"] + rows["length"])
        for code, (name, end) in enumerate(zip(self._shards, ends, strict=True)):
            path, size = self.folder / name, 0
            with contextlib.suppress(OSError):
                size = path.stat().st_size if path.is_file() else 0
            if size < end:
                where = f"{self.folder.name}/{name}"
                found[code] = Fault(BAD_SHARD, where, "missing or cut off: pack again")
        return found

    def _open_rows(self) -> np.ndarray:
        # Read, not mapped: a process whose map is cut off dies at the next look at it.
        try:
            return read_arrays(self.folder / ANNOTATIONS)
        except UserError as error:
            raise UserError(f"{error}; pack again") from None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"table": replace(self.table, rows=None)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.table.rows = self._open_rows()

    def kept_camera(self, headset: Headset) -> Camera:
        """Of the square that is kept."""
        return kept_square(headset, self._size, self._centred).camera(headset.camera)

    def image(self, row: int) -> np.ndarray:
        """The JPEG, checked against its CRC."""
        values = self.table.rows[row]
        path = self.folder / self._shards[values["shard"]]
        try:
            with self._open_shard(values["shard"]) as file:
                file.seek(values["offset"])
                data = file.read(values["length"])
        except OSError as error:
            raise BrokenFrameError(f"{path}: cannot be read ({error.strerror})") from None
        if len(data) != values["length"] or isal_zlib.crc32(data) != values["crc"]:
            frame_id = self.table.frame_id(row)
            raise BrokenFrameError(f"{path}: {frame_id} in it is damaged; pack it again")
        return decode_picture(data, self.folder.name)

    @property
    def shards(self) -> np.ndarray | None:
        """(len,) the shard of each frame, where shards are fetched as they are needed."""
        if not (self._remote and self.pictures):
            return None
        return self.table.rows["shard"][self._rows]

    @property
    def shard_gb(self) -> np.ndarray | None:
        """(S,) GB of the pictures of each shard, likewise."""
        if self.shards is None:
            return None
        return np.bincount(self.shards, self.table.rows["length"][self._rows]) / 1e9

    def _open_shard(self, code: int) -> BinaryIO:
        path = self.folder / self._shards[code]
        if not self._remote:
            return path.open("rb", buffering=0)
        for _ in range(_MOST_FETCHES):
            with contextlib.suppress(FileNotFoundError):  # not there yet, or deleted by another
                if code in self._checked or self._is_whole(code, path):
                    file = path.open("rb", buffering=0)
                    self._checked.add(code)
                    mark_used(path)
                    return file
                path.unlink()  # damaged since it came, or as it was at the store
            fetch_shard(path, partial(self._is_whole, code), self.cache_gb)
            self._checked.add(code)
        raise UserError(f"{path}: other processes delete it as it comes: raise data.cache_gb")

    def _is_whole(self, code: int, path: Path) -> bool:
        """Whether all pictures of a shard are in a file."""
        rows = self.table.rows[self.table.rows["shard"] == code]
        with path.open("rb") as file:
            for values in rows:
                file.seek(values["offset"])
                if isal_zlib.crc32(file.read(values["length"])) != values["crc"]:
                    return False
        return True

    def picture_checks(self) -> list[Callable[[], list[Fault]]]:
        """Shard by shard, as a reader of streams would see them."""
        rows = rows_by_code(self.table.rows["shard"] + 1, len(self._shards) + 1)[1:]
        return [partial(self._shard_faults, *each) for each in enumerate(rows)]

    def picture_files(self) -> list[Path]:
        """Shards and annotations; of a remote set none, which are here only once they are read."""
        return [] if self._remote else [self.folder / n for n in (ANNOTATIONS, *self._shards)]

    def _shard_faults(self, code: int, rows: np.ndarray) -> list[Fault]:
        name = self._shards[code]
        fault = partial(Fault, BAD_SHARD, f"{self.folder.name}/{name}")
        try:
            if self._remote:
                self._open_shard(code).close()
            files = read_shard(self.folder / name)
        except UserError as error:
            return [fault(str(error).partition(": ")[2])]
        faults = []
        for row in rows:
            frame_id, values = self.table.frame_id(row), self.table.rows[row]
            key = frame_key(frame_id)
            (offset, picture), (_, label) = (
                files.pop(f"{key}.{kind}", (0, b"")) for kind in ("jpg", "json")
            )
            reasons, found = [], (offset, len(picture), isal_zlib.crc32(picture))
            if not (picture and label):
                reasons.append("missing")
            elif found != (values["offset"], values["length"], values["crc"]):
                reasons.append("its picture is damaged, or not where its index says")
            how = self._size, self._centred
            if label and label != encode_label(self.table.label(row), frame_id, *how):
                reasons.append("its json differs from the annotations")
            faults += [fault(f"{frame_id}: {reason}", frame_id) for reason in reasons]
        if files:
            faults.append(fault(f"{len(files)} files more than indexed: {min(files)}"))
        return faults
