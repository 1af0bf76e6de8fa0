"""Poses drawn: a picture a frame, one video, a window."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from base.files import replacing
from utils.drawing.frame import DrawnPose, FramePainter
from utils.drawing.write import VideoFile, save_picture
from utils.inference.folders import DRAWINGS_MARK
from utils.inference.results import FrameResult, Sink, Summary

_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 92)
_WINDOW = "3D pose (q or Esc ends)"


def _paint(painter: FramePainter, result: FrameResult, picture: np.ndarray) -> np.ndarray:
    pose = result.pose
    title = result.file
    if result.frame is not None:
        title += f"  frame {result.frame}"
    if result.time is not None:
        title += f"  {result.time:.2f} s"
    note = "pose and picture disagree" if pose.disagrees else ""
    return painter.paint(picture, DrawnPose(pose.joints2d, pose.joints3d), title=title, note=note)


class _Threads:
    """Work on frames in threads; what is done is taken in order, and little piles up."""

    def __init__(self, threads: int, take: Callable[[Any], None]) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="draw")
        self._pending: deque[Future[Any]] = deque()
        self._most = 4 * threads
        self._take = take

    def add(self, work: Callable[[], Any]) -> None:
        self._pending.append(self._pool.submit(work))
        while len(self._pending) > self._most:
            self._take(self._pending.popleft().result())

    def finish(self) -> None:
        while self._pending:
            self._take(self._pending.popleft().result())

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


class PictureSink(Sink):
    """A folder of drawn pictures, made with the first."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder = folder
        self._marked = False
        self._painter = FramePainter()
        self.threads = _Threads(threads, lambda _: None)

    def add(self, result: FrameResult, picture: np.ndarray) -> None:
        """See :meth:`Sink.add`."""
        if not self._marked:
            with replacing(self.folder / DRAWINGS_MARK):
                self._marked = True
        path = self.folder / f"{result.name}.jpg"

        def draw() -> None:
            save_picture(path, _paint(self._painter, result, picture), _JPEG)

        self.threads.add(draw)

    def finish(self, summary: Summary) -> None:
        """See :meth:`Sink.finish`."""
        self.threads.finish()


class VideoSink(Sink):
    """An mp4 of a sequence's frames, in the shape of the first."""

    def __init__(self, path: Path, fps: float, threads: int) -> None:
        self._video = VideoFile(path, fps)
        self._painter = FramePainter()
        self.threads = _Threads(threads, self._take)
        self._next = 0
        self._shown: np.ndarray | None = None

    def add(self, result: FrameResult, picture: np.ndarray) -> None:
        """See :meth:`Sink.add`."""
        missing, self._next = result.index - self._next, result.index + 1
        self.threads.add(lambda: (_paint(self._painter, result, picture), missing))

    def _take(self, drawn: tuple[np.ndarray, int]) -> None:
        picture, missing = drawn
        # In a gap the frame before it stands still, so that later ones are at their time.
        for _ in range(missing):
            self._video.add(picture if self._shown is None else self._shown)
        self._video.add(picture)
        self._shown = picture

    def finish(self, summary: Summary) -> None:
        """See :meth:`Sink.finish`."""
        self.threads.finish()

    def close(self) -> None:
        """Let go of the file."""
        self._video.close()


@contextmanager
def drawing_pictures(folder: Path, threads: int) -> Iterator[PictureSink]:
    """Pictures under way; each takes its place when it is whole."""
    sink = PictureSink(folder, threads)
    try:
        yield sink
    finally:
        sink.threads.close()


@contextmanager
def drawing_video(path: Path, fps: float, threads: int) -> Iterator[VideoSink]:
    """The video under way; it takes its place at the end, and not at all after an error.

    Raises:
        UserError: where it cannot be written.
    """
    with replacing(path) as temporary:
        sink = VideoSink(temporary, fps, threads)
        try:
            yield sink
        finally:
            sink.threads.close()
            sink.close()


def display_missing() -> str:
    """Why no window can be opened here, or an empty string where one can."""
    if sys.platform.startswith("linux"):
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            return "no display here (DISPLAY is not set): poses are saved, not shown"
    if "GUI:" in (info := cv2.getBuildInformation()) and "NONE" in info.split("GUI:")[1][:40]:
        return "this OpenCV has no windows (opencv-python-headless): poses are saved, not shown"
    return ""


class WindowSink(Sink):
    """Shows each frame as it comes.

    Attributes:
        closed: whether the person ended it.
    """

    def __init__(self) -> None:
        self._painter = FramePainter()
        self.closed = False

    def add(self, result: FrameResult, picture: np.ndarray) -> None:
        """See :meth:`Sink.add`."""
        drawn = _paint(self._painter, result, picture)
        cv2.imshow(_WINDOW, cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
        if cv2.waitKey(1) & 0xFF in (ord("q"), 27):
            self.closed = True

    def finish(self, summary: Summary) -> None:
        """See :meth:`Sink.finish`."""
        cv2.destroyAllWindows()
