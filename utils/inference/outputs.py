"""One frame's result, how a run went, and what results are handed to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from base.files import make_folder
from utils.inference.predictor import EgoPosePredictor, Pose
from utils.motion.solver import Motion

#: Frames in a gap that is not filled any more: an hour, nearly, at 30 a second.
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
    motion: Motion | None = None  # of this frame alone
    captured: float | None = None

    def seconds(self, fps: float) -> float:
        """Its time; the pictures of a folder have a constant rate."""
        return self.index / fps if self.time is None else self.time


class Steps:
    """Where the frames of a sequence are, in frames of a constant rate: the pictures of a folder
    have one, the frames of a video need not. A gap too long to be filled is left out."""

    def __init__(self, fps: float) -> None:
        self._fps, self._left_out, self._last = fps, 0.0, 0.0

    def __call__(self, result: FramePose) -> float:
        step = result.index if result.time is None else float(result.time * self._fps)
        if step - self._left_out - self._last >= _LONGEST_GAP:
            self._left_out = step - self._last - 1
        self._last = step - self._left_out
        return self._last


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
    dropped: int = 0  # frames of a live source that were not taken
    live: dict[str, Any] | None = None  # how streaming went, see StreamSink
    lenses: list[dict[str, Any]] = field(default_factory=list)  # Preprocessing.describe() of each
    skeletons: list[dict[str, Any]] = field(default_factory=list)  # of each sequence, if asked for


class Sink:
    """Receives the results of a run one by one, in order."""

    closed = False  # whether the run is to end
    note = ""  # for the progress bar

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        """Receive a result and its (H, W, 3) uint8 RGB picture."""
        raise NotImplementedError

    def finish(self, summary: Summary) -> None:
        """Called once after the last result of a run that did not fail."""

    def close(self) -> None:
        """Called at the end, also of a run that failed."""


class PerSequence(Sink):
    """Hands each sequence to a sink of a ``kind`` of its own, whose arguments are ``path`` in the
    sequence's folder and ``how``; it is complete when the next one begins."""

    def __init__(self, kind: Callable[[Path, Any], Sink], path: Path, how: Any) -> None:
        self._kind, self._path, self._how = kind, path, how
        self._sink, self._sequence = Sink(), None

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        if result.sequence != self._sequence:
            self.finish(Summary())
            self.close()
            self._sequence = result.sequence
            path = self._path.parent / result.sequence / self._path.name
            self._sink = self._kind(path, self._how)
        self._sink.add(result, picture)

    def finish(self, summary: Summary) -> None:
        self._sink.finish(summary)

    def close(self) -> None:
        self._sink.close()


class RunInfo(NamedTuple):
    """What a format may want to know."""

    predictor: EgoPosePredictor
    fps: float  # of pictures --fps
    drawn: bool  # each frame, into pictures/
    motion: Literal["", "camera", "room"] = ""  # what the place of the motion is relative to


class PoseFormat(Sink):
    """A format of files of poses; :data:`utils.inference.sinks.FORMATS` registers it. ``stream`` is
    the open file, UTF-8 text; bytes go to ``stream.buffer``. It is closed after :meth:`finish`; a
    run that fails leaves no file."""

    #: Whether each sequence (a video, or the pictures of a folder) has a file of its own.
    per_sequence: ClassVar[bool] = False
    #: Whether it needs the motion of results.
    needs_motion: ClassVar[bool] = False

    def __init__(self, path: Path, run: RunInfo) -> None:
        make_folder(path.parent)
        # A checkpoint's name may hold what is not UTF-8: JSON has an escape for that.
        self.stream = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        self.run, self.close = run, self.stream.close
