"""Live sources: of what a camera, a stream or a played video shows always the newest frame."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from itertools import islice

import av
import cv2
import numpy as np
from tqdm import tqdm

from base.errors import UserError
from utils.inference.source import LazyFrame, Source

#: How long a camera or an address may take for a frame before it counts as gone, seconds.
TIMEOUT_S = 10.0
#: Pauses before a source that is gone is opened again: the first, and the longest, seconds.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
#: How often a wait looks whether it is to end, seconds.
POLL_S = 0.1
#: What breaks a source.
_FAULTS = (UserError, av.FFmpegError, cv2.error)

#: Decoded frames, each with ``captured``, one after the other; None while there is nothing new, at
#: least every 0.1 s where that is known. Returns why it ended, or nothing.
Frames = Iterator[LazyFrame | None]


def captured_frame(name: str, picture: np.ndarray) -> LazyFrame:
    """A (H, W, 3) uint8 RGB picture of a camera, taken now."""
    return LazyFrame(name, "", partial(np.asarray, picture), captured=time.monotonic())


class LiveSource(Source):
    """Of endless frames always the newest; the others are lost. ``start`` opens the source, or
    raises UserError, and returns its frame rate and its :data:`Frames`; one that ``returns`` is
    opened again whenever it is gone, until the interruption."""

    live = True

    def __init__(
        self, name: str, start: Callable[[], tuple[float, Frames]], returns: bool = False
    ) -> None:
        self.name, self._start, self._returns = name, start, returns
        self._end = ""  # what ended the frames
        self.fps, frames = start()
        self._frames = self._guarded(lambda: frames)

    def __iter__(self) -> Iterator[LazyFrame]:
        first, number, pause = None, 0, _FIRST_PAUSE_S
        while True:
            for frame in self._until_gone():
                if pause > _FIRST_PAUSE_S:
                    tqdm.write(f"{self.name} is back")
                    self.fault, pause = "", _FIRST_PAUSE_S
                first = frame.captured if first is None else first
                yield replace(
                    frame,
                    name=f"camera_{number:06d}",
                    frame=number if frame.frame is None else frame.frame,
                    time=frame.captured - first if frame.time is None else frame.time,
                    index=number,
                )
                number += 1
            if not self._returns or self._interrupted():
                return
            if pause == _FIRST_PAUSE_S:
                tqdm.write(f"{self.fault}; it is opened again until it is back")
            end = time.monotonic() + pause
            while time.monotonic() < end and not self._interrupted():
                time.sleep(min(POLL_S, pause))
            pause = min(2 * pause, _LONGEST_PAUSE_S)
            self._frames = self._guarded(lambda: self._start()[1])

    def _interrupted(self) -> bool:
        return self.interruption is not None and self.interruption.signal is not None

    def _guarded(self, opened: Callable[[], Frames]) -> Frames:
        """Frames until none comes."""
        try:
            self._end = (yield from opened()) or ""
        except _FAULTS as error:
            self._end = f"{self.name} is given up: {error}"

    def _until_gone(self) -> Iterator[LazyFrame]:
        newest, ended, frames = queue.Queue[LazyFrame](1), Future[None](), self._frames
        stop, heard = threading.Event(), time.monotonic()

        def grab() -> None:
            nonlocal heard
            try:
                for frame in frames:
                    heard = time.monotonic()
                    if frame is not None:
                        with contextlib.suppress(queue.Empty):
                            newest.get_nowait()
                            self.dropped += 1
                        newest.put(frame)
                    if stop.is_set():
                        break
                frames.close()
                ended.set_result(None)
            except Exception as error:  # what no source should raise
                ended.set_exception(error)

        grabber = threading.Thread(target=grab, daemon=True)
        grabber.start()
        try:
            while not self._interrupted():
                last = ended.done()  # asked first: it ends after its last frame
                with contextlib.suppress(queue.Empty):
                    yield newest.get(timeout=0 if last else POLL_S)
                    continue
                if last:
                    ended.result()
                    self.fault = self._end or self.fault
                    return
                if time.monotonic() - heard > TIMEOUT_S:
                    self.fault = f"{self.name} gives no more frames"
                    return
        finally:
            stop.set()
            # One that hangs is left behind.
            grabber.join(min(1.0, TIMEOUT_S))

    def sample(self, count: int, sequence: str | None = None) -> list[np.ndarray]:
        return [frame.read() for frame in islice(filter(None, self._frames), count)]


class PlayedVideo(LiveSource):
    """A video at its own rate, by its timestamps; it ends where the video does."""

    def __init__(self, video: Source) -> None:
        self._video, self.reads = video, video.reads
        super().__init__(video.name, lambda: (video.fps or 30.0, self._play()))

    def _play(self) -> Frames:
        start = time.monotonic()
        for frame in self._video:
            picture = frame.read()
            while (left := start + frame.time - time.monotonic()) > 0:
                time.sleep(min(left, POLL_S))
                if left > POLL_S:
                    yield None
            read = partial(np.asarray, picture)
            yield replace(frame, read=read, captured=time.monotonic())
        return self._video.fault

    def sample(self, count: int, sequence: str | None = None) -> list[np.ndarray]:
        return self._video.sample(count)


def open_camera(index: int, returns: bool = False) -> Source:
    """A camera at this machine; UserError if there is no such camera."""
    name = f"camera {index}"

    def start() -> tuple[float, Frames]:
        capture = cv2.VideoCapture(index)
        if not capture.grab():
            raise UserError(f"--input {index}: there is no camera {index} at this machine")
        return capture.get(cv2.CAP_PROP_FPS) or 30.0, frames(capture)

    def frames(capture: cv2.VideoCapture) -> Frames:
        with contextlib.ExitStack() as stack:
            stack.callback(capture.release)
            while (read := capture.read())[0]:
                yield captured_frame(name, cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
        return f"{name} gives no more frames"

    return LiveSource(name, start, returns)
