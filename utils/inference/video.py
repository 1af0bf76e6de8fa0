"""Frames of a video file or of an address, and the newest ones of a stream or a camera."""

import contextlib
import itertools
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np

from base.errors import BrokenFrameError, UserError
from dataset.pictures import MOST_PIXELS
from utils.inference.source import LazyFrame, Source, name_text, plain_name

#: How long a camera or an address may take for a frame before it counts as gone, seconds.
_TIMEOUT_S = 10.0
#: A video that ends this much before the time that it states is cut off, seconds.
_MISSING_S = 0.5


def is_address(given: str) -> bool:
    """Whether this is the address of a stream or of a video elsewhere."""
    return re.match("(https?|rtsps?)://", given) is not None


def _open(target: str, name: str) -> tuple[av.container.InputContainer, av.VideoStream]:
    """A video and its best stream; UserError where there is none."""
    options = {"rtsp_flags": "prefer_tcp"} if target.startswith("rtsp") else {}
    try:
        container = av.open(target, options=options, timeout=_TIMEOUT_S, metadata_errors="replace")
    except av.FFmpegError as error:
        why = error.strerror
        if isinstance(error, av.error.ExitError):
            why = f"no answer within {_TIMEOUT_S:g} s"
        elif isinstance(error, av.error.InvalidDataError):
            early = "it is cut off so early that its index is missing"
            why = "or " + ("the answer is none" if is_address(target) else early)
        raise UserError(f"{name}: not a video that can be read ({why})") from None
    stream = container.streams.best("video")
    # Text is a picture of it to FFmpeg, and music may have one of its cover.
    cover = stream is not None and stream.disposition & av.stream.Disposition.attached_pic
    if stream is None or cover or container.format.name == "tty":
        container.close()
        raise UserError(f"{name}: not a video that can be read (it holds none)")
    stream.thread_type = "AUTO"
    return container, stream


def _decoded(
    container: av.container.InputContainer, stream: av.VideoStream, faults: list[str]
) -> Iterator[av.VideoFrame]:
    """The frames that can be decoded; ``faults`` gets a line for each packet that cannot."""
    packets = container.demux(stream)
    while True:
        try:
            if (packet := next(packets, None)) is None:
                return
            frames = packet.decode()
        except av.FFmpegError as error:
            faults.append(error.strerror)
            continue
        if packet.is_corrupt:
            faults.append("a part is missing")
        yield from frames


def _picture(frame: av.VideoFrame) -> np.ndarray:
    """A decoded frame (H, W, 3) uint8 RGB, turned as the video says."""
    if frame.width * frame.height > MOST_PIXELS:
        raise BrokenFrameError(f"a picture of {frame.width}×{frame.height} pixels, too large")
    # Quarter turns counter-clockwise, as NumPy's.
    return np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))


def _stated_end(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    """When the stream ends by what the file says of it, seconds, or 0; what it says of all its
    streams together is no guide."""
    tag = re.fullmatch(r"(\d\d):(\d\d):(\d\d\.\d+)", stream.metadata.get("DURATION", ""))
    if tag:  # Matroska
        return float(tag[1]) * 3600 + float(tag[2]) * 60 + float(tag[3])
    if container.format.name == "avi" and stream.average_rate:  # its duration is of what is left
        return float(stream.frames / stream.average_rate)
    return float(((stream.start_time or 0) + (stream.duration or 0)) * stream.time_base)


class VideoSource(Source):
    """A video that has an end, with the timestamps that are in it; UserError if it cannot be read
    at all.  ``target`` is an absolute path or an address, ``name`` what it is called."""

    def __init__(self, target: str, name: str) -> None:
        self.target, self.name = target, name
        container, stream = _open(target, name)
        with container:
            if next(_decoded(container, stream, []), None) is None:
                raise UserError(f"{name}: not a video that can be read (it holds no frame)")
            self.fps = float(stream.guessed_rate or stream.average_rate or 30)
            self.total = stream.frames or None
            self._start = stream.start_time or 0
            self._end = _stated_end(container, stream)

    def __iter__(self) -> Iterator[LazyFrame]:
        container, stream = _open(self.target, self.name)
        stem, faults = plain_name(Path(self.target).stem), []
        number, first, last, end = 0, None, 0.0, 0.0
        with container:
            for number, frame in enumerate(_decoded(container, stream, faults), 1):
                seconds = last + 1 / self.fps if number > 1 else 0.0
                if frame.pts is not None:
                    first = frame.pts if first is None else first
                    stated = float((frame.pts - first) * frame.time_base)
                    # Some containers have no timestamps, or not for every frame.
                    seconds = stated if stated > last else seconds
                    end = float((frame.pts + (frame.duration or 0)) * frame.time_base)
                yield _lazy(self.name, stem, partial(_picture, frame), number - 1, seconds)
                last = seconds
        if faults or end < self._end - max(_MISSING_S, 2 / self.fps):
            stated = f" of {self._end:.1f}" if self._end else ""
            self.fault = f"{self.name}: {number} frames could be read, up to {end:.1f}{stated} s: "
            self.fault += f"cut off or damaged{f' ({faults[0]})' if faults else ''}"

    def sample(self, count: int) -> list[np.ndarray]:
        container, stream = _open(self.target, self.name)
        pictures, start = [], self._start
        with container, contextlib.suppress(av.FFmpegError):
            for k in range(count):
                frames = _decoded(container, stream, [])
                if self._end:
                    start = (
                        self._start + k * (int(self._end / stream.time_base) - self._start) // count
                    )
                    container.seek(start, stream=stream)
                wanted = (frame for frame in frames if frame.pts is None or frame.pts >= start)
                pictures += [_picture(frame) for frame in itertools.islice(wanted, 1)]
        return pictures


class LiveSource(Source):
    """Of endless ``pictures`` always the newest; the rest of them is lost."""

    live = True

    def __init__(self, name: str, pictures: Iterator[np.ndarray], fps: float) -> None:
        self.name, self.fps, self._pictures = name, fps, pictures

    def __iter__(self) -> Iterator[LazyFrame]:
        newest: queue.Queue[tuple[np.ndarray | None, float]] = queue.Queue(1)
        stop = threading.Event()

        def grab() -> None:
            picture = np.empty(0)
            while picture is not None and not stop.is_set():
                picture = next(self._pictures, None)
                with contextlib.suppress(queue.Empty):
                    newest.get_nowait()  # not read in time
                newest.put((picture, time.monotonic()))

        grabber = threading.Thread(target=grab, name="camera", daemon=True)
        grabber.start()
        start = None
        try:
            for number in itertools.count():
                try:
                    picture, moment = newest.get(timeout=_TIMEOUT_S)
                except queue.Empty:
                    picture = None
                if picture is None:
                    self.fault = f"{self.name} gives no more frames"
                    return
                start = moment if start is None else start
                read = partial(np.asarray, picture)
                yield _lazy(self.name, "camera", read, number, moment - start)
        finally:
            stop.set()
            grabber.join()
            self._pictures.close()

    def sample(self, count: int) -> list[np.ndarray]:
        return list(itertools.islice(self._pictures, count))


def _lazy(
    file: str, stem: str, read: Callable[[], np.ndarray], number: int, seconds: float
) -> LazyFrame:
    return LazyFrame(file, f"{stem}_{number:06d}", read, number, seconds, number)


def open_video(given: str) -> Source:
    """The frames of a video file, or of an address, which is live where its stream has no end."""
    if not is_address(given):
        # Absolute, for "a:b.mp4" is an address to FFmpeg.
        return VideoSource(str(Path(given).absolute()), name_text(Path(given).name))
    name = name_text(re.sub("//[^/]*@", "//", given))  # without a password
    container, stream = _open(given, name)
    if container.duration is not None:
        container.close()
        return VideoSource(given, name)

    def pictures() -> Iterator[np.ndarray]:
        with container:
            yield from map(_picture, _decoded(container, stream, []))

    return LiveSource(name, pictures(), float(stream.guessed_rate or 30))


def open_camera(index: int) -> Source:
    """A camera at this machine; UserError if there is no such camera."""
    try:
        capture = cv2.VideoCapture(index)
    except cv2.error:
        capture = cv2.VideoCapture()
    if not capture.grab():
        raise UserError(f"--input {index}: there is no camera {index} at this machine")

    def pictures() -> Iterator[np.ndarray]:
        try:
            while (read := capture.read())[0]:
                yield cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)
        finally:
            capture.release()

    return LiveSource(f"camera {index}", pictures(), capture.get(cv2.CAP_PROP_FPS) or 30.0)
