"""Frames before they are read, and what sources of them (pictures, a video, a camera) share."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from base.errors import BrokenFrameError
from dataset.consecutive_frames import Place
from dataset.pictures import read_picture
from utils.common.signals import Interruption

#: Bytes that are not UTF-8 (surrogates in Python's strings), control characters, line separators,
#: and the backslash, with which :func:`name_text` escapes them.
_ODD = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: Bytes of the name of a drawing: file systems allow 255, suffix included.
_LONGEST_NAME = 180
#: Decoded pictures that are kept at a time, about; there are more of small ones than of large ones.
PICTURE_BYTES = 2**28


def name_text(name: str) -> str:
    """A path as one line of text, each odd byte written ``\\xNN``; it can be undone:
    ``os.fsdecode(text.encode().decode("unicode_escape").encode("latin-1"))``."""
    return _ODD.sub(lambda odd: "".join(f"\\x{byte:02x}" for byte in os.fsencode(odd[0])), name)


def plain_name(name: str) -> str:
    """A relative path, with ``/``, that every program can open: what is odd becomes ``_``, what is
    long is cut."""
    parts = _ODD.sub("_", name).split("/")
    return "/".join(part.encode()[:_LONGEST_NAME].decode(errors="ignore") for part in parts)


def read_file(path: Path) -> np.ndarray:
    """A picture file as (H, W, 3) uint8 RGB; BrokenFrameError without its path."""
    try:
        return read_picture(path)
    except BrokenFrameError as error:
        raise BrokenFrameError(str(error).removeprefix(f"{path}: ")) from None


@dataclass(frozen=True, slots=True)
class LazyFrame:
    """A frame before it is read. Frames come sequence by sequence, by rising index."""

    file: str  # the picture, relative to its folder, or the video's or camera's name, as name_text
    name: str  # of its drawing, relative, without suffix, unique in a source
    read: Callable[[], np.ndarray]  # gives (H, W, 3) uint8 RGB, or raises BrokenFrameError
    frame: int | None = None  # in a video
    time: float | None = None  # in a video, seconds since its first frame
    index: int = 0  # in its sequence, unreadable pictures counted
    sequence: str = ""  # folder of its sequence's files, relative to that of the results
    captured: float | None = None  # of a live source, time.monotonic() when it was decoded

    @property
    def place(self) -> Place:
        """Its sequence and its number there, for a temporal model: of a picture the number its
        name ends in, the rest of its path being the sequence; None for a name without. Frames that
        a live source lost count as never taken."""
        if self.frame is not None:
            return self.file, self.index
        path = PurePosixPath(self.file)
        if (digits := re.search(r"\d+$", path.stem)) is None:
            return None
        return str(path.with_name(path.stem[: digits.start()] + path.suffix)), int(digits[0])


class Source(ABC):
    """Frames in order, once."""

    name: str
    reads: Collection[Path] = ()  #: files and folders in which no results may be written
    total: int | None = None  #: number of frames, if known
    fps: float | None = None  #: None for pictures
    live: bool = False  #: frames that are not read in time are lost
    dropped: int = 0  #: so many, once they are iterated
    interruption: Interruption | None = None  #: what ends a live source's frames
    fault: str = ""  #: after the last frame, what went wrong on the way, if anything
    nested: bool = False  #: sequences have folders of their own, and lenses
    left_out: Sequence[dict[str, str]] = ()  #: files and folders, each with "file" and "reason"

    @abstractmethod
    def __iter__(self) -> Iterator[LazyFrame]:
        """The frames."""

    @abstractmethod
    def sample(self, count: int, sequence: str | None = None) -> list[np.ndarray]:
        """Up to ``count`` frames of all or of a sequence, evenly spread, (H, W, 3) uint8 RGB, to
        find the lens from."""
