"""Poses drawn: a picture for each frame, one video, a window."""

import os
import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from base.files import write_bytes
from utils.drawing.frame_painter import DrawnPose, FramePainter
from utils.drawing.write import VideoFile, save_picture
from utils.inference.outputs import FramePose, Sink, Steps, Summary
from utils.inference.picture_source import DRAWINGS_MARK
from utils.inference.run import THREADS
from utils.inference.source import PICTURE_BYTES

_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 92)
_WINDOW = "3D pose (q or Esc ends)"


class _Drawings(Sink):
    """Draws frames in threads, and gives what :meth:`work` makes of them to :meth:`use` in order;
    few are kept waiting."""

    def __init__(self) -> None:
        self._painter = FramePainter()
        self._pool = ThreadPoolExecutor(THREADS)
        self._pending: deque[Future[Any]] = deque()

    def paint(self, result: FramePose, picture: np.ndarray) -> np.ndarray:
        pose, title = result.pose, result.file
        title += "" if result.frame is None else f"  frame {result.frame}  {result.time:.2f} s"
        note = "outside of what the model was trained on" if pose.out_of_range else ""
        note = "pose and picture disagree" if pose.disagrees else note
        drawn = DrawnPose(pose.joints2d, pose.joints3d, pose.confidence)
        return self._painter.paint(picture, drawn, title=title, note=note)

    def work(self, result: FramePose, picture: np.ndarray) -> Any:
        return self.paint(result, picture), result

    def use(self, drawn: Any) -> None:
        """Nothing more is to be done."""

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        self._pending.append(self._pool.submit(self.work, result, picture))
        self._use_all_but(min(4 * THREADS, PICTURE_BYTES // picture.nbytes))

    def _use_all_but(self, waiting: int) -> None:
        while len(self._pending) > waiting:
            self.use(self._pending.popleft().result())

    def finish(self, summary: Summary) -> None:
        self._use_all_but(0)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


class PictureSink(_Drawings):
    """A folder of drawn pictures."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        write_bytes(folder / DRAWINGS_MARK, b"")

    def work(self, result: FramePose, picture: np.ndarray) -> None:
        save_picture(self.folder / f"{result.name}.jpg", self.paint(result, picture), _JPEG)


class VideoSink(_Drawings):
    """An mp4 of a sequence's frames, in the shape of the first."""

    def __init__(self, path: Path, fps: float) -> None:
        super().__init__()
        self.video, self._step = VideoFile(path, fps), Steps(fps)
        self._next, self._shown = 0, None

    def use(self, drawn: tuple[np.ndarray, FramePose]) -> None:
        picture, result = drawn
        step = round(self._step(result))
        # In a gap the frame before it stands still, so that later ones are at their time.
        still = picture if self._shown is None else self._shown
        for _ in range(self._next, step):
            self.video.add(still)
        if step >= self._next:  # else closer to the last one than the video's frames are
            self.video.add(picture)
            self._next, self._shown = step + 1, picture

    def close(self) -> None:
        super().close()
        self.video.close()


class WindowSink(_Drawings):
    """Shows each frame as it comes, until the user closes it."""

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        cv2.imshow(_WINDOW, cv2.cvtColor(self.paint(result, picture), cv2.COLOR_RGB2BGR))
        self.closed = cv2.waitKey(1) & 0xFF in (ord("q"), 27)


def display_missing() -> str:
    """Why no window can be opened here, or an empty string where one can."""
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not shown:
        return "no display here (DISPLAY is not set): poses are saved, not shown"
    if "NONE" in cv2.getBuildInformation().partition("GUI:")[2][:40]:
        return "this OpenCV has no windows (opencv-python-headless): poses are saved, not shown"
    return ""
