"""Drawn pictures as files: single ones, and many as a video."""

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from base.files import make_folder, write_bytes

_CODEC, _OPTIONS = "libx264", {"preset": "veryfast", "crf": "20"}


def save_picture(path: Path, picture: np.ndarray, options: Sequence[int] = ()) -> None:
    """Write a (H, W, 3) uint8 RGB picture in the format of its suffix, with OpenCV's ``IMWRITE_…``
    flags and values; UserError where it cannot be written."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    # Not by OpenCV, which crashes on names that are not UTF-8.
    write_bytes(path, cv2.imencode(path.suffix, bgr, list(options))[1].tobytes())


class VideoFile:
    """An mp4 that browsers play, H.264 in yuv420p with its index in front, opened with its first
    picture; give frames a second. OSError where it cannot be written."""

    def __init__(self, path: Path, fps: float | Fraction) -> None:
        self._path, self._rate = path, Fraction(fps).limit_denominator(1001)
        self._film = None

    def add(self, picture: np.ndarray) -> None:
        """Append a (H, W, 3) uint8 RGB picture, resized to the shape of the first, whose last row
        or column is left out where their number is odd."""
        import av  # only needed here

        picture = picture[: len(picture) // 2 * 2, : picture.shape[1] // 2 * 2]
        if self._film is None:
            make_folder(self._path.parent)
            file = io.FileIO(self._path, "w+")
            file.name = "video.mp4"  # PyAV wants names in UTF-8
            self._file = io.BufferedRandom(file)
            # Opened again, the index is put in front.
            again = {"io_open": lambda *_: self._path.open("rb")}
            how = {"format": "mp4", "options": {"movflags": "faststart"}}
            self._film = av.open(self._file, "w", **how, **again)
            self._stream = self._film.add_stream(_CODEC, self._rate, options=_OPTIONS)
            self._stream.height, self._stream.width = picture.shape[:2]
            self._stream.pix_fmt = "yuv420p"
            context = self._stream.codec_context
            context.color_range, context.colorspace = 1, 1  # 16 to 235; BT.709
            context.color_primaries = context.color_trc = 1
        size = self._stream.width, self._stream.height
        if picture.shape[1::-1] != size:
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        frame = av.VideoFrame.from_ndarray(picture, "rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)
        try:
            self._film.mux(self._stream.encode(frame))
        except OSError:
            self._film = None  # what fails after the first failure does not say why
            raise

    def close(self) -> None:
        """Complete the film, of a picture or more."""
        if self._film is not None:
            film, self._film = self._film, None
            with self._file:
                film.mux(self._stream.encode(None))
                film.close()
