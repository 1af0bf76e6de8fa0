"""Frames of a video file, and of a camera at this machine."""

import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from base.errors import UserError
from base.files import opencv_path
from utils.inference.file_names import name_text, plain_name
from utils.inference.source import Shot, Source

#: How long a camera may take for a frame before it counts as gone, seconds.
_CAMERA_PATIENCE_S = 10.0


def _quiet_opencv() -> None:
    """Faults of videos and cameras are ours to tell, in one line."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def _open(target: Path | int) -> cv2.VideoCapture | None:
    _quiet_opencv()
    try:
        capture = cv2.VideoCapture(opencv_path(target) if isinstance(target, Path) else target)
    except cv2.error:
        return None
    return capture if capture.isOpened() else None


class VideoSource(Source):
    """A video file; timestamps are the file's own.

    Raises:
        UserError: if it cannot be read at all.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, name_text(path.name)
        capture = _open(path)
        if capture is None or not capture.grab():
            size = path.stat().st_size
            raise UserError(
                f"{path}: not a video that can be read, or cut off so early that its index is "
                f"missing ({size} bytes)"
            )
        self.fps = capture.get(cv2.CAP_PROP_FPS) or 30.0
        # What the file's header says; some streams have none.
        stated = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.total = stated if stated > 0 else None
        capture.release()

    def __iter__(self) -> Iterator[Shot]:
        capture = _open(self.path)
        if capture is None:
            raise UserError(f"{self.path}: has gone")
        number, last = 0, -1.0
        try:
            while True:
                ok, image = capture.read()
                if not ok:
                    break
                seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                # Some containers have no timestamps: then the frame rate tells.
                if seconds <= last:
                    seconds = last + 1 / self.fps
                last = seconds
                picture = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
                name = f"{plain_name(self.path.stem)}_{number:06d}"
                read = partial(np.asarray, picture)
                yield Shot(self.name, name, read, number, seconds, index=number)
                number += 1
        finally:
            capture.release()
        # Headers may be off by a frame or two without anything missing.
        if self.total is not None and number < self.total - 2:
            self.fault = (
                f"{self.path}: {number} of {self.total} frames could be read: cut off or damaged"
            )

    def sample(self, count: int) -> list[np.ndarray]:
        """See :meth:`Source.sample`."""
        capture = _open(self.path)
        pictures = []
        for k in range(count if capture is not None else 0):
            if self.total is not None:
                capture.set(cv2.CAP_PROP_POS_FRAMES, k * self.total // count)
            ok, image = capture.read()
            if ok:
                pictures.append(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        return pictures


class CameraSource(Source):
    """A camera at this machine: always its newest frame.

    Raises:
        UserError: if there is no such camera.
    """

    live = True

    def __init__(self, index: int) -> None:
        self.name = f"camera {index}"
        self._capture = _open(index)
        if self._capture is None or not self._capture.grab():
            raise UserError(f"--input {index}: there is no camera {index} at this machine")
        self.fps = self._capture.get(cv2.CAP_PROP_FPS) or 30.0
        self._newest: tuple[np.ndarray, float] | None = None
        self._fresh = threading.Condition()
        self._stop = False

    def _grab(self) -> None:
        while not self._stop:
            ok, image = self._capture.read()
            with self._fresh:
                if not ok:
                    self._stop = True
                else:
                    self._newest = (image, time.monotonic())
                self._fresh.notify_all()

    def __iter__(self) -> Iterator[Shot]:
        grabber = threading.Thread(target=self._grab, name="camera", daemon=True)
        grabber.start()
        number, start = 0, None
        try:
            while True:
                with self._fresh:
                    self._fresh.wait_for(
                        lambda: self._newest is not None or self._stop, _CAMERA_PATIENCE_S
                    )
                    taken, self._newest = self._newest, None
                if taken is None:
                    self.fault = f"{self.name} gives no more frames"
                    return
                image, moment = taken
                start = moment if start is None else start
                picture = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
                name, seconds = f"camera_{number:06d}", moment - start
                read = partial(np.asarray, picture)
                yield Shot(self.name, name, read, number, seconds, index=number)
                number += 1
        finally:
            self._stop = True
            grabber.join()
            self._capture.release()

    def sample(self, count: int) -> list[np.ndarray]:
        """See :meth:`Source.sample`."""
        pictures = []
        for _ in range(count):
            ok, image = self._capture.read()
            if ok:
                pictures.append(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        return pictures
