"""Frames of a video file or of an address, and the newest ones of a stream or a camera."""

import contextlib
import itertools
import queue
import re
import threading
import time
from collections.abc import Iterator
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


class _Video(contextlib.AbstractContextManager["_Video"]):
    """An open video, of a path or an address, and its best stream; a context manager.  ``faults``
    are of packets that could not be decoded. UserError where there is no video."""

    def __init__(self, target: str, name: str) -> None:
        options = {"rtsp_flags": "prefer_tcp"} if target.startswith("rtsp") else {}
        kind = "not a video" if "://" in target else "neither a picture nor a video"
        self.none, timeout = f"{name}: {kind} that can be read", _TIMEOUT_S
        self.faults: list[str] = []
        try:
            self.file = av.open(target, options=options, timeout=timeout, metadata_errors="replace")
        except av.FFmpegError as error:
            why = {
                av.error.ExitError: f"no answer within {timeout:g} s",
                av.error.InvalidDataError: "of another kind, or a video cut off before its index",
            }.get(type(error), error.strerror)
            raise UserError(f"{self.none}: {why}") from None
        self.stream = self.file.streams.best("video")
        # Text is a picture of it to FFmpeg, and music may have one of its cover.
        if (
            self.stream is None
            or self.stream.disposition & av.stream.Disposition.attached_pic
            or self.file.format.name == "tty"
        ):
            self.file.close()
            raise UserError(f"{self.none}: it holds none")
        self.stream.thread_type = "AUTO"
        self.fps = float(self.stream.guessed_rate or self.stream.average_rate or 30)

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __iter__(self) -> Iterator[av.VideoFrame]:
        packets = self.file.demux(self.stream)
        while True:
            try:
                if (packet := next(packets, None)) is None:
                    return
                yield from packet.decode()
                self.faults += ["a part is missing"] * packet.is_corrupt
            except av.FFmpegError as error:
                self.faults.append(error.strerror)

    def seconds(self, stamp: int | None) -> float:
        """A timestamp of the stream."""
        return float((stamp or 0) * self.stream.time_base)

    def end(self) -> float:
        """When the stream ends by what the file says of it, or 0; what it says of all its streams
        together is no guide."""
        stream = self.stream
        if tag := re.fullmatch(r"(\d+):(\d+):(\d+\.\d+)", stream.metadata.get("DURATION", "")):
            return 3600 * float(tag[1]) + 60 * float(tag[2]) + float(tag[3])  # Matroska
        if self.file.format.name == "avi" and stream.average_rate:
            return float(stream.frames / stream.average_rate)  # its duration is of what is left
        return self.seconds(stream.start_time) + self.seconds(stream.duration)


def _picture(frame: av.VideoFrame) -> np.ndarray:
    """A decoded frame (H, W, 3) uint8 RGB, turned as the video says."""
    if frame.width * frame.height > MOST_PIXELS:
        raise BrokenFrameError(f"a picture of {frame.width}×{frame.height} pixels, too large")
    turns = round(frame.rotation / 90)  # counter-clockwise, as NumPy's
    return np.rot90(frame.to_ndarray(format="rgb24"), turns)


class VideoSource(Source):
    """A video that has an end, with the timestamps that are in it; UserError if it cannot be read
    at all.  ``target`` is an absolute path or an address, ``name`` what it is called."""

    def __init__(self, target: str, name: str) -> None:
        self.target, self.name = target, name
        self.reads = () if "://" in target else (Path(target),)
        with _Video(target, name) as video:
            if next(iter(video), None) is None:
                raise UserError(f"{video.none}: it holds no frame")
            self.fps, self.total, self._end = video.fps, video.stream.frames or None, video.end()

    def __iter__(self) -> Iterator[LazyFrame]:
        stem, number, first, last, end = plain_name(Path(self.target).stem), 0, None, 0.0, 0.0
        with _Video(self.target, self.name) as video:
            for number, frame in enumerate(video, 1):
                # Some containers have no timestamps, or not for every frame.
                seconds = last + 1 / self.fps if number > 1 else 0.0
                if frame.pts is not None:
                    first = frame.pts if first is None else first
                    stated = video.seconds(frame.pts - first)
                    seconds = stated if stated > last else seconds
                    end = video.seconds(frame.pts + (frame.duration or 0))
                name, read, last = f"{stem}_{number - 1:06d}", partial(_picture, frame), seconds
                yield LazyFrame(self.name, name, read, number - 1, seconds, number - 1)
        if video.faults or end < self._end - max(_MISSING_S, 2 / self.fps):
            stated = f" of {self._end:.1f}" if self._end else ""
            self.fault = f"{self.name}: {number} frames could be read, up to {end:.1f}{stated} s: "
            self.fault += ": ".join(["cut off or damaged", *video.faults[:1]])

    def sample(self, count: int, sequence: str | None = None) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        with _Video(self.target, self.name) as video, contextlib.suppress(av.FFmpegError):
            start = place = video.stream.start_time or 0
            span = int(self._end / video.stream.time_base) - start
            for k in range(count):
                if self._end:
                    place = start + k * span // count
                    video.file.seek(place, stream=video.stream)
                wanted = (frame for frame in video if frame.pts is None or frame.pts >= place)
                found += map(_picture, itertools.islice(wanted, 1))
        return found


class LiveSource(Source):
    """Of endless ``pictures`` always the newest; the others are lost."""

    live = True

    def __init__(self, name: str, pictures: Iterator[np.ndarray], fps: float) -> None:
        self.name, self.fps, self._pictures = name, fps, self._until_fault(pictures)

    def _until_fault(self, pictures: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        try:
            yield from pictures
        except (UserError, av.FFmpegError, cv2.error) as error:
            self.fault = f"{self.name} is given up: {error}"

    def __iter__(self) -> Iterator[LazyFrame]:
        newest: queue.Queue[tuple[np.ndarray | None, float]] = queue.Queue(1)
        stop = threading.Event()

        def grab() -> None:
            for picture in itertools.chain(self._pictures, [None]):
                with contextlib.suppress(queue.Empty):
                    newest.get_nowait()  # not read in time
                newest.put((picture, time.monotonic()))
                if stop.is_set():
                    return

        grabber = threading.Thread(target=grab, daemon=True)
        grabber.start()
        start = None
        try:
            for number in itertools.count():
                try:
                    picture, moment = newest.get(timeout=_TIMEOUT_S)
                except queue.Empty:
                    picture = None
                if picture is None:
                    self.fault = self.fault or f"{self.name} gives no more frames"
                    return
                start = moment if start is None else start
                name, read = f"camera_{number:06d}", partial(np.asarray, picture)
                yield LazyFrame(self.name, name, read, number, moment - start, number)
        finally:
            stop.set()
            grabber.join(_TIMEOUT_S)
            with contextlib.suppress(ValueError):  # still waiting for a frame
                self._pictures.close()

    def sample(self, count: int, sequence: str | None = None) -> list[np.ndarray]:
        return list(itertools.islice(self._pictures, count))


def open_video(given: str) -> Source:
    """The frames of a video file, or of an address, which is live where its stream has no end."""
    if "://" not in given:
        # Absolute, for "a:b.mp4" is an address to FFmpeg.
        return VideoSource(str(Path(given).absolute()), name_text(Path(given).name))
    name = name_text(re.sub("//[^/]*@", "//", given))  # without a password
    video = _Video(given, name)
    if video.file.duration is not None:
        video.file.close()
        return VideoSource(given, name)

    def pictures() -> Iterator[np.ndarray]:
        with video:
            yield from map(_picture, video)

    return LiveSource(name, pictures(), video.fps)


def open_camera(index: int) -> Source:
    """A camera at this machine; UserError if there is no such camera."""
    capture = cv2.VideoCapture(index)
    if not capture.grab():
        raise UserError(f"--input {index}: there is no camera {index} at this machine")

    def pictures() -> Iterator[np.ndarray]:
        try:
            while (read := capture.read())[0]:
                yield cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)
        finally:
            capture.release()

    return LiveSource(f"camera {index}", pictures(), capture.get(cv2.CAP_PROP_FPS) or 30.0)
