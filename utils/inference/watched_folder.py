"""A folder that is being filled: always its newest picture."""

import contextlib
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from base.errors import BrokenFrameError, UserError
from dataset.pictures import PICTURE_SUFFIXES, natural_order
from utils.inference.live import Frames, LiveSource, captured_frame
from utils.inference.source import LazyFrame, Source, name_text, read_file

#: How often the folder is looked at, seconds.
_LOOK_S = 0.01
#: A picture that cannot be read and has not changed for so long is not being written, seconds.
_UNCHANGED_S = 1.0
#: So many of a folder's files are looked at each time, and so many of the last ones.
_LOOKED_AT = 200


#: What was written to, or moved here, nanoseconds since 1970, and its path.
_Written = tuple[int, Path]


def _age(written: _Written) -> tuple[int, tuple]:
    """Sort key by time; what is of one moment by name."""
    return written[0], natural_order(written[1])


def _written(path: Path) -> int:
    """When a file was written to, or it or a link to it was made or moved here, nanoseconds."""
    return path.lstat().st_ctime_ns


class _Pictures:
    """The pictures of a folder. Of a large one not all can be looked at each time: those that are
    new are, the last ones, and of the others some in turn."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._known, self._turn = folder, set[str](), 0
        self._last: list[str] = []

    def newest(self) -> _Written | None:
        """The one last written to, or moved here, of several the last by name, as far as one looks
        this time. UserError where the folder cannot be read."""
        try:
            names = os.listdir(self._folder)  # noqa: PTH208 a path each takes longer
        except OSError as error:
            raise UserError(f"the folder cannot be read ({error.strerror})") from None
        start = self._turn % max(len(names), 1)
        some = {*self._last, *names[start : start + _LOOKED_AT]}
        some.update(name for name in names if name not in self._known)
        self._known, self._turn = set(names), start + _LOOKED_AT
        found = []
        for path in (self._folder / name for name in some if name[0] != "."):
            if path.suffix.lower() in PICTURE_SUFFIXES:
                with contextlib.suppress(OSError):  # removed, or renamed, meanwhile
                    found.append((_written(path), path))
        found.sort(key=_age)
        self._last = [path.name for _, path in found[-_LOOKED_AT:]]
        return found[-1] if found else None


class WatchedFolder(LiveSource):
    """Pictures that are written to a folder from now on; one that is still being written is waited
    for. ``there`` opens those that are there, if any; they serve to find the lens."""

    def __init__(self, folder: Path, there: Callable[[], Source]) -> None:
        self.folder, self.reads, self._there = folder, (folder,), there
        super().__init__(name_text(str(folder)), self._open, returns=True)

    def _open(self) -> tuple[None, Frames]:
        pictures = _Pictures(self.folder)
        return None, self._watch(pictures, pictures.newest())

    def _watch(self, pictures: _Pictures, last: _Written | None) -> Frames:
        while True:
            newest, frame = pictures.newest(), None
            # Where the last one was removed, those before it are no news.
            if newest is not None and (last is None or _age(newest) > _age(last)):
                frame = self._read(*newest)
            if frame is None:
                time.sleep(_LOOK_S)
            else:
                last = newest
            yield frame

    def _read(self, written: int, path: Path) -> LazyFrame | None:
        """The picture; None while it is being written."""
        name = name_text(path.name)
        try:
            return captured_frame(name, read_file(path))
        except BrokenFrameError:
            if time.time() - written / 1e9 < _UNCHANGED_S:
                return None
            return LazyFrame(name, "", partial(read_file, path), captured=time.monotonic())

    def sample(self, count: int, sequence: str | None = None) -> list[np.ndarray]:
        try:
            return self._there().sample(count)
        except UserError:  # none yet
            return []
