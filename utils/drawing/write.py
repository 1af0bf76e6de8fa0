"""Drawn pictures as files: single ones, and many as a video."""

import contextlib
from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from base.errors import UserError
from base.files import opencv_path, write_bytes
from utils.common.command import output_file


def picture_file(text: str) -> Path:
    """A path of the command line that :func:`save_picture` can write."""
    path = output_file(text)
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise ArgumentTypeError(f"{text}: give a .png or .jpg file")
    return path


def save_picture(path: Path, picture: np.ndarray, options: Sequence[int] = ()) -> None:
    """Write a (H, W, 3) uint8 RGB picture in the format of its suffix, with OpenCV's ``IMWRITE_…``
    flags and values; UserError where it cannot be written."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    # Not by OpenCV, which crashes on names that are not UTF-8.
    write_bytes(path, cv2.imencode(path.suffix, bgr, list(options))[1].tobytes())


class VideoFile:
    """An mp4 (MPEG-4 part 2), opened with its first picture; give a temporary ``path``."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._fps = path, fps
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def add(self, picture: np.ndarray) -> None:
        """Append a (H, W, 3) uint8 RGB picture, resized to the shape of the first; UserError where
        this OpenCV has no mp4."""
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        if self._writer is None:
            # Video codecs want even sides.
            self._size = (bgr.shape[1] // 2 * 2, bgr.shape[0] // 2 * 2)
            codec = cv2.VideoWriter_fourcc(*"mp4v")
            with contextlib.suppress(cv2.error):
                name = opencv_path(self._path)
                self._writer = cv2.VideoWriter(name, codec, self._fps, self._size)
            if self._writer is None or not self._writer.isOpened():
                raise UserError(f"{self._path}: this OpenCV cannot write mp4; leave out --video")
        if bgr.shape[1::-1] != self._size:
            bgr = cv2.resize(bgr, self._size, interpolation=cv2.INTER_AREA)
        self._writer.write(bgr)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.release()
