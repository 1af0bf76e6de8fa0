"""From what ``--input`` names to the source of frames."""

import glob
import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, count, groupby
from pathlib import Path

import numpy as np

from base.errors import BrokenFrameError, UserError
from dataset.pictures import (
    PICTURE_SUFFIXES,
    is_picture,
    list_pictures,
    natural_order,
    read_picture,
)
from utils.inference.file_names import name_text, plain_name
from utils.inference.folders import match_pictures, walk_pictures
from utils.inference.source import Shot, Source
from utils.inference.video import CameraSource, VideoSource

#: Read where a single file of that kind is named.
_MORE_SUFFIXES = PICTURE_SUFFIXES | {".bmp", ".tif", ".tiff", ".webp"}


def _unique(stem: str, taken: set[str]) -> str:
    """The stem, numbered where an earlier picture has it already, upper and lower case alike."""
    names = chain([stem], (f"{stem}_{k}" for k in count(2)))
    name = next(name for name in names if name.lower() not in taken)
    taken.add(name.lower())
    return name


class PictureSource(Source):
    """Pictures on disk.

    Args:
        paths: in the order of :func:`~dataset.pictures.natural_order`.
        root: the folder that names are relative to.
        name: for the person.
        rank, ranks: of this process, which gets its share of the pictures, in order.
        left_out: see :class:`Source`.
    """

    def __init__(
        self,
        paths: list[Path],
        root: Path,
        name: str,
        rank: int = 0,
        ranks: int = 1,
        left_out: Sequence[dict[str, str]] = (),
    ) -> None:
        self.paths, self.root, self.name, self.left_out = paths, root, name, left_out
        self._share = range(rank * len(paths) // ranks, (rank + 1) * len(paths) // ranks)
        self.total = len(self._share)
        self.nested = any(path.parent != root for path in paths)

    def __iter__(self) -> Iterator[Shot]:
        taken: set[str] = set()
        sequences: set[str] = set()
        # Every process names all pictures before its own, so that no two names collide.
        numbered = enumerate(self.paths[: self._share.stop])
        for parent, pictures in groupby(numbered, lambda picture: picture[1].parent):
            folder = plain_name(parent.relative_to(self.root).as_posix())
            sequence = "" if folder == "." else _unique(folder, sequences)
            for index, (row, path) in enumerate(pictures):
                name = _unique(f"{sequence}/{plain_name(path.stem)}".lstrip("/"), taken)
                if row in self._share:
                    file = name_text(path.relative_to(self.root).as_posix())
                    read = partial(self._read, path)
                    yield Shot(file, name, read, index=index, sequence=sequence)

    @staticmethod
    def _read(path: Path) -> np.ndarray:
        if path.exists() and not path.is_file():
            raise BrokenFrameError("not a file")
        try:
            return read_picture(path)
        except BrokenFrameError as error:
            raise BrokenFrameError(str(error).removeprefix(f"{path}: ")) from None

    def sample(self, count: int) -> list[np.ndarray]:
        """See :meth:`Source.sample`."""
        step = max(1, len(self.paths) // count)
        pictures = []
        for path in self.paths[::step][:count]:
            try:
                pictures.append(self._read(path))
            except BrokenFrameError:
                continue  # it is named when its turn comes
        return pictures


def open_source(given: str, recursive: bool = False, rank: int = 0, ranks: int = 1) -> Source:
    """The source that ``--input`` names.

    Args:
        given: a picture, a folder, a glob pattern, a video, or a camera's number.
        recursive: take a folder's folders too.
        rank, ranks: of this process, where several share the pictures.

    Raises:
        UserError: where there is nothing of the kind, or it cannot be shared.
    """
    path = Path(given)
    if ranks > 1 and (given.isdecimal() or path.is_file()) and not path.is_dir():
        raise UserError(f"{given}: several processes share folders and patterns of pictures only")
    if path.is_dir():
        found, left_out = walk_pictures(path) if recursive else (list_pictures(path), ())
        if not found:
            left = "".join(f"; {item['file']} {item['reason']}" for item in left_out[:1])
            raise UserError(f"{given}: neither it nor a folder below it holds a picture{left}")
        return PictureSource(found, path, given, rank, ranks, left_out)
    if path.is_file():
        if path.suffix.lower() in _MORE_SUFFIXES:
            return PictureSource([path], path.parent, given)
        return VideoSource(path)
    if given.isdecimal():
        return CameraSource(int(given))
    if glob.has_magic(given):
        if "**" in path.parts:
            found, left_out = match_pictures(given, _MORE_SUFFIXES)
        else:
            found, left_out = map(Path, glob.glob(given)), ()  # noqa: PTH207
            found = [path for path in found if is_picture(path.name, _MORE_SUFFIXES)]
        if found:
            parents = [str(picture.parent) for picture in found]
            root = Path(os.path.commonpath(parents))
            found.sort(key=natural_order)
            return PictureSource(found, root, given, rank, ranks, left_out)
        raise UserError(f"{given}: no picture matches this pattern")
    raise UserError(
        f"{given}: no such picture, folder, video or pattern (a camera is given by its number)"
    )
