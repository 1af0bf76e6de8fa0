"""From what ``--input`` names to the source of frames."""

import glob
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from base.errors import BrokenFrameError, UserError
from dataset.pictures import PICTURE_SUFFIXES, list_pictures, read_picture
from utils.inference.source import Shot, Source
from utils.inference.video import CameraSource, VideoSource

#: Read where a single file of that kind is named.
_MORE_SUFFIXES = PICTURE_SUFFIXES | {".bmp", ".tif", ".tiff", ".webp"}


class PictureSource(Source):
    """Pictures on disk.

    Args:
        paths: in order.
        root: the folder that names are relative to.
        name: for the person.
    """

    def __init__(self, paths: list[Path], root: Path, name: str) -> None:
        self.paths, self.root, self.name = paths, root, name
        self.total = len(paths)

    def __iter__(self) -> Iterator[Shot]:
        for path in self.paths:
            yield Shot(path.relative_to(self.root).as_posix(), lambda path=path: self._read(path))

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


def open_source(given: str, recursive: bool = False) -> Source:
    """The source that ``--input`` names.

    Args:
        given: a picture, a folder, a glob pattern, a video, or a camera's number.
        recursive: take a folder's folders too.

    Raises:
        UserError: where there is nothing of the kind.
    """
    path = Path(given)
    if path.is_dir():
        return PictureSource(_folder(path, recursive), path, given)
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
            return PictureSource(pictures, Path(os.path.commonpath(parents)), given)
        raise UserError(f"{given}: no picture matches this pattern")
    raise UserError(
        f"{given}: no such picture, folder, video or pattern (a camera is given by its number)"
    )
