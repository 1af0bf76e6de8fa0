"""Files that are either whole or not there, and leave nothing else behind after a kill."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from base.errors import UserError


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside ``path`` that takes its place at the end.

    Each file has one temporary name.  What a killed run leaves under it is overwritten by the run
    that goes on, so that both together leave the same files as one undisturbed.  Only one process
    may write a file at a time.

    Raises:
        UserError: where the folder cannot be written or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
