"""A folder that is being filled: always its newest picture."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from base.errors import BrokenFrameError, UserError
from dataset.pictures import PICTURE_SUFFIXES, natural_order, read_picture
from utils.inference.live import Frames, LiveSource, captured_frame
from utils.inference.source import LazyFrame, Source, name_text

#: How often the folder is looked at, seconds.
_LOOK_S = 0.01
#: A picture that cannot be read and has not changed for so long is not being written, seconds.
_UNCHANGED_S = 1.0


def _newest(folder: Path) -> tuple[int, Path] | None:
    """When the picture last written to, or moved here, was, nanoseconds, and its path; of several
    the last by name."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if entry.name[0] != "." and path.suffix.lower() in PICTURE_SUFFIXES:
                try:
                    found.append((entry.stat().st_ctime_ns, path))
                except FileNotFoundError:  # removed, or renamed, meanwhile
                    continue
    return max(found, key=lambda item: (item[0], natural_order(item[1])), default=None)


def _broken(name: str, why: str) -> LazyFrame:
    """A frame that says why it cannot be read when it is."""

    def read() -> np.ndarray:
        raise BrokenFrameError(why)

    return LazyFrame(name, "", read, captured=time.monotonic())


class WatchedFolder(LiveSource):
    """Pictures that are written to a folder from now on; one that is still being written is waited
    for. ``there`` opens those that are there, if any; they serve to find the lens."""

    def __init__(self, folder: Path, there: Callable[[], Source]) -> None:
        self.folder, self.reads, self._there = folder, (folder,), there
        super().__init__(name_text(str(folder)), lambda: (None, self._watch(_newest(folder))))

    def _watch(self, last: tuple[int, Path] | None) -> Frames:
        while True:
            newest, frame = _newest(self.folder), None
            if newest != last and newest is not None:
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
            return captured_frame(name, read_picture(path))
        except BrokenFrameError as error:
            if time.time() - written / 1e9 < _UNCHANGED_S:
                return None
            return _broken(name, str(error).removeprefix(f"{path}: "))

    def sample(self, count: int, sequence: str | None = None) -> list[np.ndarray]:
        try:
            return self._there().sample(count)
        except UserError:  # none yet
            return []
