"""From what ``--input`` names to the source of frames."""

import glob
import os
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path, PurePosixPath

import numpy as np

from base.errors import BrokenFrameError, UserError
from dataset.pictures import PICTURE_SUFFIXES, list_pictures, read_picture
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
        paths: in order.
        root: the folder that names are relative to.
        name: for the person.
        rank, ranks: of this process, which gets its share of the pictures, in order.
    """

    def __init__(
        self, paths: list[Path], root: Path, name: str, rank: int = 0, ranks: int = 1
    ) -> None:
        self.paths, self.root, self.name = paths, root, name
        self._share = range(rank * len(paths) // ranks, (rank + 1) * len(paths) // ranks)
        self.total = len(self._share)

    def __iter__(self) -> Iterator[Shot]:
        taken: set[str] = set()
        for row, path in enumerate(self.paths[: self._share.stop]):
            file = path.relative_to(self.root).as_posix()
            # Every process names all pictures before its own, so that no two names collide.
            name = _unique(str(PurePosixPath(file).with_suffix("")), taken)
            if row in self._share:
                yield Shot(file, name, lambda path=path: self._read(path))

    @staticmethod
    def _read(path: Path) -> np.ndarray:
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
                pictures.append(read_picture(path))
            except BrokenFrameError:
                continue  # it is named when its turn comes
        return pictures


def _folder(folder: Path, recursive: bool) -> list[Path]:
    if not recursive:
        return list_pictures(folder)
    found = sorted(
        Path(parent) / name
        for parent, _, names in os.walk(folder)
        for name in names
        if Path(name).suffix.lower() in PICTURE_SUFFIXES
    )
    if not found:
        raise UserError(f"{folder}: neither it nor a folder below it holds a picture")
    return found


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
        return PictureSource(_folder(path, recursive), path, given, rank, ranks)
    if path.is_file():
        if path.suffix.lower() in _MORE_SUFFIXES:
            return PictureSource([path], path.parent, given)
        return VideoSource(path)
    if given.isdecimal():
        return CameraSource(int(given))
    if glob.has_magic(given):
        matches = sorted(map(Path, glob.glob(given, recursive=True)))  # noqa: PTH207
        pictures = [match for match in matches if match.suffix.lower() in _MORE_SUFFIXES]
        if pictures:
            parents = [str(picture.parent) for picture in pictures]
            return PictureSource(pictures, Path(os.path.commonpath(parents)), given, rank, ranks)
        raise UserError(f"{given}: no picture matches this pattern")
    raise UserError(
        f"{given}: no such picture, folder, video or pattern (a camera is given by its number)"
    )
