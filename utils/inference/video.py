"""Frames of a video file, and of a camera at this machine."""

import contextlib
import itertools
import os
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from base.errors import UserError
from base.files import opencv_path
from utils.inference.source import LazyFrame, Source, name_text, plain_name

#: How long a camera may take for a frame before it counts as unplugged, seconds.
_CAMERA_TIMEOUT_S = 10.0


def _open(target: Path | int) -> cv2.VideoCapture:
    """A capture, which gives no frame where the target cannot be opened."""
    # Faults of videos and cameras are reported by us, in one line.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(opencv_path(target) if isinstance(target, Path) else target)
    except cv2.error:
        return cv2.VideoCapture()


def _next(capture: cv2.VideoCapture) -> np.ndarray | None:
    ok, image = capture.read()
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if ok else None


def _frame(file: str, stem: str, picture: np.ndarray, number: int, seconds: float) -> LazyFrame:
    return LazyFrame(file, f"{stem}_{number:06d}", lambda: picture, number, seconds, number)


class VideoSource(Source):
    """A video file, with the timestamps that are in it; UserError if it cannot be read at all."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, name_text(path.name)
        capture = _open(path)
        if not capture.grab():
            why = f"or cut off so early that its index is missing ({path.stat().st_size} bytes)"
            raise UserError(f"{path}: not a video that can be read, {why}")
        self.fps = capture.get(cv2.CAP_PROP_FPS) or 30.0
        # By the file's header, which some streams lack.
        stated = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.total = stated if stated > 0 else None

    def __iter__(self) -> Iterator[LazyFrame]:
        capture = _open(self.path)
        stem, number, last = plain_name(self.path.stem), 0, -1.0
        while (picture := _next(capture)) is not None:
            seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            # Some containers have no timestamps.
            last = seconds if seconds > last else last + 1 / self.fps
            yield _frame(self.name, stem, picture, number, last)
            number += 1
        # Headers may be off by a frame or two without anything missing.
        if self.total is not None and number < self.total - 2:
            self.fault = (
                f"{self.path}: {number} of {self.total} frames could be read: cut off or damaged"
            )

    def sample(self, count: int) -> list[np.ndarray]:
        capture = _open(self.path)
        pictures = []
        for k in range(count):
            if self.total is not None:
                capture.set(cv2.CAP_PROP_POS_FRAMES, k * self.total // count)
            pictures.append(_next(capture))
        return [picture for picture in pictures if picture is not None]


class CameraSource(Source):
    """A camera at this machine: always its newest frame; UserError if there is no such camera."""

    live = True

    def __init__(self, index: int) -> None:
        self.name = f"camera {index}"
        self._capture = _open(index)
        if not self._capture.grab():
            raise UserError(f"--input {index}: there is no camera {index} at this machine")
        self.fps = self._capture.get(cv2.CAP_PROP_FPS) or 30.0

    def __iter__(self) -> Iterator[LazyFrame]:
        newest: queue.Queue[tuple[np.ndarray | None, float]] = queue.Queue(1)
        stop = threading.Event()

        def grab() -> None:
            picture = np.empty(0)
            while picture is not None and not stop.is_set():
                picture = _next(self._capture)
                with contextlib.suppress(queue.Empty):
                    newest.get_nowait()  # not read in time
                newest.put((picture, time.monotonic()))

        grabber = threading.Thread(target=grab, name="camera", daemon=True)
        grabber.start()
        start = None
        try:
            for number in itertools.count():
                try:
                    picture, moment = newest.get(timeout=_CAMERA_TIMEOUT_S)
                except queue.Empty:
                    picture = None
                if picture is None:
                    self.fault = f"{self.name} gives no more frames"
                    return
                start = moment if start is None else start
                yield _frame(self.name, "camera", picture, number, moment - start)
        finally:
            stop.set()
            grabber.join()
            self._capture.release()

    def sample(self, count: int) -> list[np.ndarray]:
        pictures = [_next(self._capture) for _ in range(count)]
        return [picture for picture in pictures if picture is not None]
