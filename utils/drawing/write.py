"""Drawn pictures as files: single ones, and many as a video."""

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from base.files import write_bytes

#: Encoders of videos and their options, the best first.
_CODECS = {"libx264": {"preset": "veryfast", "crf": "20"}, "libopenh264": {}, "mpeg4": {"b": "8M"}}


def save_picture(path: Path, picture: np.ndarray, options: Sequence[int] = ()) -> None:
    """Write a (H, W, 3) uint8 RGB picture in the format of its suffix, with OpenCV's ``IMWRITE_…``
    flags and values; UserError where it cannot be written."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    # Not by OpenCV, which crashes on names that are not UTF-8.
    write_bytes(path, cv2.imencode(path.suffix, bgr, list(options))[1].tobytes())


class _RawFile(io.FileIO):
    """Keeps its first error in writing: PyAV prints the next ones, with their tracebacks."""

    fault: OSError | None = None

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        try:
            while left:
                left = left[super().write(left) :]
        except OSError as error:
            self.fault = self.fault or error
        return len(data)


class VideoFile:
    """An mp4 that browsers play, H.264 in yuv420p with its index in front, opened with its first
    picture; give a temporary ``path``, and frames a second. OSError where it cannot be written."""

    def __init__(self, path: Path, fps: float | Fraction) -> None:
        self._path, self._rate = path, Fraction(fps).limit_denominator(1001)
        self._stack = contextlib.ExitStack()
        self._encode: Callable[[np.ndarray | None], None] | None = None
        self._size = (0, 0)

    def add(self, picture: np.ndarray) -> None:
        """Append a (H, W, 3) uint8 RGB picture, resized to the shape of the first, whose last row
        or column is left out where their number is odd."""
        picture = picture[: len(picture) // 2 * 2, : picture.shape[1] // 2 * 2]
        if self._encode is None:
            self._size = picture.shape[1::-1]
            self._encode = self._open()
        if picture.shape[1::-1] != self._size:
            picture = cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA)
        self._encode(picture)

    def _open(self) -> Callable[[np.ndarray | None], None]:
        import av  # only needed here

        def reopened(*_: object) -> BinaryIO:  # to put the index in front
            return self._path.open("rb")

        @contextlib.contextmanager
        def faults() -> Iterator[None]:
            try:
                yield
            except (OSError, av.FFmpegError) as error:
                # What fails after the first failure does not say why.
                file.fault = file.fault or OSError(error.errno, error.strerror)
            if file.fault is not None:
                raise file.fault from None

        # Not FFmpeg's own files: their errors get lost, and they want names in UTF-8.
        file = self._stack.enter_context(_RawFile(self._path, "w+"))
        file.name = "video.mp4"
        self._stack.enter_context(faults())
        how = {"format": "mp4", "options": {"movflags": "faststart"}, "io_open": reopened}
        film = self._stack.enter_context(av.open(file, "w", **how))
        codec = next(name for name in _CODECS if name in av.codecs_available)
        if codec == "mpeg4":
            print("This PyAV has no H.264: the video is MPEG-4 part 2, which browsers do not play.")
        stream = film.add_stream(codec, self._rate, options=_CODECS[codec])
        stream.width, stream.height, stream.pix_fmt = *self._size, "yuv420p"
        context = stream.codec_context
        context.color_range, context.colorspace = 1, 1  # 16 to 235; BT.709
        context.color_primaries = context.color_trc = 1

        def encode(picture: np.ndarray | None) -> None:
            frame = None
            if picture is not None:
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                frame = frame.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)
            with faults():
                film.mux(stream.encode(frame))

        return encode

    def close(self) -> None:
        """Complete the film, of a picture or more."""
        with self._stack:
            if self._encode is not None:
                self._encode(None)
