"""Frames of a video file, or of an address."""

import contextlib
import itertools
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import av
import numpy as np

from base.errors import BrokenFrameError, UserError
from dataset.pictures import MOST_PIXELS
from utils.inference.live import TIMEOUT_S, Frames, LiveSource, PlayedVideo, captured_frame
from utils.inference.source import LazyFrame, Source, name_text, plain_name

#: A video that ends this much before the time that it states is cut off, seconds.
_MISSING_S = 0.5


class _Video(contextlib.AbstractContextManager["_Video"]):
    """An open video, of a path or an address, and its best stream; a context manager.  ``faults``
    are of packets that could not be decoded. UserError where there is no video."""

    def __init__(self, target: str, name: str) -> None:
        options = {"rtsp_flags": "prefer_tcp"} if target.startswith("rtsp") else {}
        kind = "not a video" if "://" in target else "neither a picture nor a video"
        self.none, timeout = f"{name}: {kind} that can be read", TIMEOUT_S
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
        if self.stream is None or self.file.format.name == "tty":  # text, as a picture of it
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
                why = "it holds no frame"
                if not self.reads:
                    why += ", or its index is at its end and the server answers no range requests"
                raise UserError(f"{video.none}: {why}")
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


def open_video(given: str, live: bool = False) -> Source:
    """The frames of a video file, or of an address, which is live where its stream has no end;
    ``live``, a video is played at its own rate, and a stream that is gone opened again."""
    if "://" not in given:
        # Absolute, for "a:b.mp4" is an address to FFmpeg.
        video = VideoSource(str(Path(given).absolute()), name_text(Path(given).name))
        return PlayedVideo(video) if live else video
    name = name_text(re.sub("//[^/]*@", "//", given))  # without a password
    opened = [_Video(given, name)]
    if opened[0].file.duration is not None:
        opened[0].file.close()
        video = VideoSource(given, name)
        return PlayedVideo(video) if live else video

    def start() -> tuple[float, Frames]:
        video = opened.pop() if opened else _Video(given, name)
        video.stream.thread_type = "SLICE"  # threads that decode a frame each are frames behind
        return video.fps, frames(video)

    def frames(video: _Video) -> Frames:
        with video:
            for frame in video:
                yield captured_frame(name, _picture(frame))
                video.faults.clear()
        return f"{name} gives no more frames"

    return LiveSource(name, start, returns=live)
