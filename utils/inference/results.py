"""One frame's result, and the files that results go to."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from utils.inference.predictor import Pose


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What was found in one frame.

    Attributes:
        file: the picture, relative to the folder named, or the video's or camera's name.
        name: of the drawing, relative, without suffix; no two frames of a run share one.
        size: width and height of the picture, pixels.
        pose: the pose, smoothed if that was asked for.
        frame: its number in the video, None for pictures.
        time: seconds since the first frame of a video or camera, None for pictures.
        index, sequence: its place in time, and where files of its sequence go; see
            :class:`utils.inference.source.Shot`.
    """

    file: str
    name: str
    size: tuple[int, int]
    pose: Pose
    frame: int | None = None
    time: float | None = None
    index: int = 0
    sequence: str = ""


@dataclass(slots=True)
class Summary:
    """How a run went.

    Attributes:
        frames: frames with a pose.
        unreadable: those that could not be read, each with "file" and "reason".
        left_out: folders that were, likewise.
        disagreeing: frames whose pose and picture disagree.
        interrupted: number of the signal that ended it, 0 if none did.
        fault: what cut the source short, if anything did.
        lenses: what each size of picture was taken for: "lens" and whether that is "assumed".
    """

    frames: int = 0
    unreadable: list[dict[str, str]] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)
    disagreeing: int = 0
    interrupted: int = 0
    fault: str = ""
    lenses: list[dict[str, Any]] = field(default_factory=list)


class Sink(ABC):
    """Takes results one by one, in order, and completes its file at the end.

    Until :meth:`finish` nothing stands under the final name.
    """

    @abstractmethod
    def add(self, result: FrameResult, picture: np.ndarray) -> None:
        """Take a result and the (H, W, 3) uint8 RGB picture it is of."""

    @abstractmethod
    def finish(self, summary: Summary) -> None:
        """Complete the file."""
