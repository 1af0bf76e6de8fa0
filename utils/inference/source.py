"""What a source of frames is: pictures, a video or a camera."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from dataset.runs import Place

_NUMBER_AT_END = re.compile(r"\d+$")


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame before it is read.

    Attributes:
        file: the picture, relative to the folder named, or the video's or camera's name; as
            :func:`~utils.inference.file_names.name_text` has it.
        name: of its drawing, relative, without suffix; no two frames of a source share one.
        read: gives (H, W, 3) uint8 RGB; raises BrokenFrameError.
        frame: its number in the video, None for pictures.
        time: seconds since the video's or camera's first frame, None for pictures.
        index: its place in its sequence, from 0: of a picture its place in its folder, in which
            those that cannot be read have theirs; of a video the number of the frame.
        sequence: the folder, relative to that of the results, where files of one sequence go.  A
            source's frames come sequence by sequence, and their indices rise.
    """

    file: str
    name: str
    read: Callable[[], np.ndarray]
    frame: int | None = None
    time: float | None = None
    index: int = 0
    sequence: str = ""

    @property
    def place(self) -> Place:
        """Its sequence and its number there: of a video its frame's, of a picture the number its
        name ends in, the rest of its path being the sequence; None for a name without."""
        if self.frame is not None:
            return self.file, self.frame
        path = PurePosixPath(self.file)
        digits = _NUMBER_AT_END.search(path.stem)
        if digits is None:
            return None
        return str(path.with_name(path.stem[: digits.start()] + path.suffix)), int(digits[0])


class Source(ABC):
    """Frames in order, once.

    Attributes:
        name: for the person.
        total: how many frames, None where that is not known.
        fps: frames a second, None for pictures.
        live: whether frames that are not taken in time are lost.
        fault: after the last frame, what went wrong on the way, if anything.
        nested: whether sequences have folders of their own.
        left_out: folders whose pictures are not taken, each with "file" and "reason".
    """

    name: str
    total: int | None = None
    fps: float | None = None
    live: bool = False
    fault: str = ""
    nested: bool = False
    left_out: Sequence[dict[str, str]] = ()

    @abstractmethod
    def __iter__(self) -> Iterator[Shot]:
        """The frames."""

    @abstractmethod
    def sample(self, count: int) -> list[np.ndarray]:
        """Up to ``count`` frames from all over, (H, W, 3) uint8 RGB, to find the lens from."""
