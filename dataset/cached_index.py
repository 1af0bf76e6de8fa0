"""The labels of a set in one file, for as long as nothing changes in the set's folders."""

import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from base.arrays import read_arrays
from base.documents import parse_json
from base.errors import UserError
from base.files import write_bytes
from base.lock import locked
from base.schema import read_record
from dataset.annotations import LABEL_ROW, Lists, Table
from dataset.faults import Fault

_VERSION = 5


class Index(NamedTuple):
    """The labels of a set; ``pictures`` are names of files in the encoding of the file system,
    empty where there is none."""

    table: Table
    pictures: np.ndarray
    faults: list[Fault]


def cached(path: Path, signature: str, build: Callable[[], Index], fresh: bool = False) -> Index:
    """The index in a file with this signature; else, or with ``fresh``, what is built, kept there
    for the next time where the folder can be written."""
    signature = f"{_VERSION} {signature}"
    index = None if fresh else _read(path, signature)
    if index is None:
        index = build()
        _write(path, index, signature)
    return index


class _CachedLists(Lists):
    faults: list[Fault]


def _read(path: Path, signature: str) -> Index | None:
    """None for one that is not there, damaged, out of date or of another make."""
    try:
        stored = read_arrays(path)
        if str(stored.get("signature")) != signature:
            return None
        lists = read_record(_CachedLists, parse_json(str(stored.get("lists"))))
        rows, pictures = (stored.get(name, np.empty(0)) for name in ("rows", "pictures"))
        if rows.dtype != LABEL_ROW or pictures.dtype.kind != "S" or pictures.shape != (len(rows),):
            return None
        return Index(Table.stored(rows, lists), pictures, lists.faults)
    except UserError:
        return None


def _write(path: Path, index: Index, signature: str) -> None:
    lists = index.table.lists() | {"faults": [asdict(fault) for fault in index.faults]}
    texts = {"signature": np.array(signature), "lists": np.array(json.dumps(lists))}
    content = io.BytesIO()
    np.savez(content, **texts, rows=index.table.rows, pictures=index.pictures)
    try:
        with locked(path.parent):
            write_bytes(path, content.getvalue(), single_writer=True)
    except UserError:
        return  # read-only, or another does it: that works as well, only slower at each start
