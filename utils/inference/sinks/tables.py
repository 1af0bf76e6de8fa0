"""``poses.csv``, one row a joint, and ``poses.npz``, one array a quantity."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import numpy as np

from base.files import replacing
from base.skeleton import JOINTS
from utils.inference.results import FrameResult, Sink, Summary

COLUMNS = (
    *("file", "frame", "time", "joint", "x_m", "y_m", "z_m", "x_px", "y_px", "confidence"),
    *("neck_x_m", "neck_y_m", "neck_z_m", "residual_px", "disagrees", "uncertainty_m"),
)


class CsvSink(Sink):
    """Long form: 16 rows a frame, :data:`COLUMNS`; what is unknown is empty."""

    def __init__(self, stream: TextIO) -> None:
        self._writer = csv.writer(stream, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def add(self, result: FrameResult, picture: np.ndarray) -> None:
        """See :meth:`Sink.add`."""
        pose = result.pose
        first = (
            result.file,
            "" if result.frame is None else result.frame,
            "" if result.time is None else f"{result.time:.6f}",
        )
        last = (*(f"{v:.5f}" for v in pose.neck), f"{pose.residual:.2f}", int(pose.disagrees))
        for row, joint in enumerate(JOINTS):
            metres = (f"{v:.5f}" for v in pose.joints3d[row])
            pixels = (f"{v:.2f}" for v in pose.joints2d[row])
            confidence = f"{pose.confidence[row]:.4f}"
            sure = "" if pose.uncertainty is None else f"{pose.uncertainty[row]:.5f}"
            self._writer.writerow((*first, joint, *metres, *pixels, confidence, *last, sure))

    def finish(self, summary: Summary) -> None:
        """See :meth:`Sink.finish`; every row stands already."""


class NpzSink(Sink):
    """Arrays over F frames; see :meth:`finish`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._results: list[FrameResult] = []

    def add(self, result: FrameResult, picture: np.ndarray) -> None:
        """See :meth:`Sink.add`."""
        self._results.append(result)

    def finish(self, summary: Summary) -> None:
        """Write ``files`` (F,) str, ``frame`` (F,) int64 and ``time`` (F,) float64 (−1 and NaN for
        pictures), ``size`` (F, 2), ``joints3d`` (F, 16, 3), ``neck`` (F, 3), ``joints2d``
        (F, 16, 2), ``confidence`` (F, 16), ``residual`` (F,), ``disagrees`` (F,) and
        ``joint_names`` (16,), and ``uncertainty`` (F, 16) where the model gives it.
        """
        results = self._results
        poses = [result.pose for result in results]
        own = {}
        if poses[0].uncertainty is not None:
            own["uncertainty"] = np.stack([pose.uncertainty for pose in poses]).astype(np.float32)
        with self._path.open("wb") as stream:
            np.savez_compressed(
                stream,
                joint_names=np.array(JOINTS),
                files=np.array([result.file for result in results]),
                frame=np.array([-1 if r.frame is None else r.frame for r in results], np.int64),
                time=np.array([np.nan if r.time is None else r.time for r in results], float),
                size=np.array([result.size for result in results], np.int64),
                joints3d=np.stack([pose.joints3d for pose in poses]).astype(np.float32),
                neck=np.stack([pose.neck for pose in poses]).astype(np.float32),
                joints2d=np.stack([pose.joints2d for pose in poses]).astype(np.float32),
                confidence=np.stack([pose.confidence for pose in poses]).astype(np.float32),
                residual=np.array([pose.residual for pose in poses], np.float32),
                disagrees=np.array([pose.disagrees for pose in poses]),
                **own,
            )


@contextmanager
def writing_csv(path: Path) -> Iterator[CsvSink]:
    """The table under way; it takes its place at the end, and not at all after an error.

    Raises:
        UserError: where it cannot be written.
    """
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        yield CsvSink(stream)


@contextmanager
def writing_npz(path: Path) -> Iterator[NpzSink]:
    """The arrays under way; the file takes its place at the end, and not at all after an error.

    Raises:
        UserError: where it cannot be written.
    """
    with replacing(path) as temporary:
        yield NpzSink(temporary)
