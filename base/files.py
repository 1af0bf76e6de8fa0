"""Files that are either whole or not there."""

import contextlib
import csv
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

from base.errors import UserError

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


@contextlib.contextmanager
def replacing(path: Path, single_writer: bool = False) -> Iterator[Path]:
    """Yields a temporary path beside ``path`` that is renamed to it at the end, so that a kill
    leaves the old or the new; on any error it is removed and ``path`` is as it was. Where no other
    process writes the file (``single_writer``) it has a fixed name: what a killed run has left is
    overwritten by the next. UserError for a folder that cannot be written, or a full disk."""
    path = Path(path)
    make_folder(path.parent)
    unique = f".{path.stem}.{secrets.token_hex(8)}.part{path.suffix}"
    temporary = path.with_name(f".{path.name}.part" if single_writer else unique)
    try:
        temporary.touch()
    except OSError as error:
        raise UserError(f"{path.parent}: cannot be written ({error.strerror})") from None
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if error.filename and Path(str(error.filename)) not in (path, temporary):
            raise  # of another file, such as one read meanwhile
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes, single_writer: bool = False) -> None:
    """Write a file whole or not at all, see :func:`replacing`."""
    with replacing(path, single_writer) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str, single_writer: bool = False) -> None:
    """As :func:`write_bytes`, UTF-8."""
    write_bytes(path, text.encode(), single_writer)


def csv_rows(stream: TextIO) -> Callable[[Iterable[str | float]], None]:
    """What writes a row of cells as CSV. A text that a spreadsheet would run as a formula, for it
    begins with = + - @, tab or carriage return, or one with an apostrophe, gets an apostrophe in
    front; numbers, also as text, stay."""
    writer = csv.writer(stream, lineterminator="\n")

    def safe(cell: str | float) -> str | float:
        if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r", "'")):
            return cell if _NUMBER.fullmatch(cell) else f"'{cell}"
        return cell

    return lambda cells: writer.writerow(map(safe, cells))


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with Path(path).open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
        return digest.hexdigest()


def make_folder(path: Path) -> Path:
    """Create a folder and its parents; a :class:`UserError` where that is not possible."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be made a folder ({error.strerror})") from None
    return Path(path)
