"""One frame's result, how a run went, and what results are handed to."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, TextIO

import numpy as np

from base.errors import UserError
from utils.inference.predictor import EgoPosePredictor, Pose

#: Frames by which a gap is filled at most: an hour, nearly, at 30 a second.
_LONGEST_GAP = 100_000


@dataclass(frozen=True, slots=True)
class FramePose:
    """The pose of one frame; the rest is as in :class:`utils.inference.source.LazyFrame`."""

    file: str
    name: str
    size: tuple[int, int]  # width and height of its picture, pixels
    pose: Pose  # smoothed if that was asked for
    frame: int | None = None
    time: float | None = None
    index: int = 0
    sequence: str = ""

    def step(self, fps: float, before: float = 0.0) -> float:
        """Where it is in its sequence, in frames of a constant rate: the pictures of a folder have
        one, the frames of a video need not. UserError for a gap after ``before``, the step of the
        last frame, that is too long to be filled."""
        step = self.index if self.time is None else float(self.time * fps)
        if not step - before < _LONGEST_GAP:
            gap = f"a gap of {(step - before) / fps:.0f} s, too long for films and motion"
            raise UserError(f"{self.file}: {gap}: leave out --video and --format bvh")
        return step


@dataclass(slots=True)
class Summary:
    """How a run went."""

    frames: int = 0  # with a pose
    disagreeing: int = 0  # of these, those whose pose and picture disagree
    out_of_range: int = 0  # of these
    unreadable: list[dict[str, str]] = field(default_factory=list)  # each with "file" and "reason"
    left_out: list[dict[str, str]] = field(default_factory=list)  # files and folders, likewise
    interrupted: int = 0  # the signal that ended it, or 0
    fault: str = ""  # what cut the source short
    lenses: list[dict[str, Any]] = field(default_factory=list)  # View.describe() of each

    def add(self, part: "Summary") -> None:
        """Take in what another process did of the same source."""
        self.lenses += [lens for lens in part.lenses if lens not in self.lenses]
        self.left_out, self.interrupted = part.left_out, self.interrupted or part.interrupted
        for name in ("frames", "disagreeing", "out_of_range", "unreadable"):
            setattr(self, name, getattr(self, name) + getattr(part, name))

    def why_nothing(self, name: str) -> str:
        """Why a source of that name gave not a single pose."""
        if not self.unreadable:
            return self.fault or f"{name}: ended before the first frame"
        first, count = self.unreadable[0], len(self.unreadable)
        what = f"none of the {count} pictures could be read; the first"
        what = "the only picture could not be read" if count == 1 else what
        return f"{what}, {first['file']}: {first['reason']}"


class Sink(ABC):
    """Receives the results of a run one by one, in order."""

    closed = False  # whether the run is to end

    @abstractmethod
    def add(self, result: FramePose, picture: np.ndarray) -> None:
        """Receive a result and its (H, W, 3) uint8 RGB picture, which is empty where the results of
        several processes are put together."""

    def finish(self, summary: Summary) -> None:  # noqa: B027
        """Called once after the last result of a run that did not fail."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a format may want to know."""

    predictor: EgoPosePredictor
    fps: float  # of pictures --fps
    drawn: bool  # each frame, into pictures/


class PoseFormat(Sink):
    """A format of files of poses; :data:`utils.inference.sinks.FORMATS` registers it. ``stream`` is
    the open file, UTF-8 text; bytes go to ``stream.buffer``. It is closed after :meth:`finish` and
    only then gets its name; a run that fails leaves no file."""

    #: Whether each sequence (a video, or the pictures of a folder) has a file of its own.
    per_sequence: ClassVar[bool] = False

    def __init__(self, stream: TextIO, run: RunInfo) -> None:
        self.stream, self.run = stream, run
