"""From a source of frames through the network to the sinks."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from types import FrameType

import numpy as np
from tqdm import tqdm

from base.errors import UserError
from utils.cores import cpu_count
from utils.inference.predictor import EgoPosePredictor, Prepared
from utils.inference.read_ahead import read_ahead
from utils.inference.results import FrameResult, Sink, Summary
from utils.inference.smoothing import PoseSmoother
from utils.inference.source import Shot, Source

_MAX_THREADS = 8
#: Frames looked at to find the lens, where no calibration tells it.
_STUDIED = 8


def threads_for(most: int = _MAX_THREADS) -> int:
    """Threads for reading or drawing on this machine."""
    return min(most, cpu_count())


@dataclass(frozen=True, slots=True)
class _Read:
    """A frame that was read, or why it was not."""

    shot: Shot
    picture: np.ndarray | None = None
    prepared: Prepared | None = None
    fault: str = ""


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, so that what is being written is finished; a second one stops hard."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _batches(items: Iterable[_Read], size: int) -> Iterator[list[_Read]]:
    items = iter(items)
    while batch := list(islice(items, size)):
        yield batch


def _name(shot: Shot) -> str:
    return shot.file if shot.frame is None else f"{shot.file} frame {shot.frame}"


def infer(
    source: Source,
    predictor: EgoPosePredictor,
    sinks: Sequence[Sink],
    batch_size: int = 16,
    smoother: PoseSmoother | None = None,
    fps: float = 30.0,
    ended: Callable[[], bool] = lambda: False,
    part: bool = False,
) -> Summary:
    """Poses of every frame of a source, handed to every sink in order.

    Frames are read and prepared in threads while the network runs.  Ctrl-C ends after the frames
    under way, with every file complete.

    Args:
        source: the frames.
        predictor: the network.
        sinks: where results go; their :meth:`~Sink.finish` is called at the end.
        batch_size: frames the network is given at once; a live source gets one.
        smoother: smooths the poses along the sequence, if given.
        fps: time between frames for the smoother where the source has no clock.
        ended: asked after each batch.
        part: whether other processes have the rest, so that none may be readable here.

    Raises:
        UserError: if not a single frame could be read.
    """

    def read(shot: Shot) -> _Read:
        try:
            picture = shot.read()
            return _Read(shot, picture, predictor.prepare(picture))
        except UserError as error:
            return _Read(shot, fault=str(error))

    if predictor.needs_pictures and (sample := source.sample(_STUDIED)):
        predictor.study(sample)
    if source.live:
        batch_size, threads, ahead = 1, 1, 1
    else:
        threads, ahead = threads_for(), 2 * batch_size
    summary = Summary()
    track = predictor.new_track()
    frames = read_ahead(source, read, threads, ahead)
    with (
        _interrupts() as interrupted,
        tqdm(total=source.total, unit="frame", dynamic_ncols=True) as bar,
    ):
        for batch in _batches(frames, batch_size):
            readable = [item for item in batch if item.prepared is not None]
            summary.unreadable += [
                {"file": _name(item.shot), "reason": item.fault}
                for item in batch
                if item.prepared is None
            ]
            poses = (
                predictor.poses(
                    [item.prepared for item in readable],
                    [item.shot.place for item in readable],
                    track,
                )
                if readable
                else []
            )
            for item, pose in zip(readable, poses, strict=True):
                shot = item.shot
                size = item.picture.shape[1], item.picture.shape[0]
                if smoother is not None:
                    time = summary.frames / fps if shot.time is None else shot.time
                    pose = smoother(pose, size, time)
                summary.frames += 1
                summary.disagreeing += pose.disagrees
                result = FrameResult(shot.file, shot.name, size, pose, shot.frame, shot.time)
                for sink in sinks:
                    sink.add(result, item.picture)
            bar.update(len(batch))
            if interrupted.is_set() or ended():
                summary.interrupted = interrupted.is_set()
                break
        frames.close()
        summary.fault = source.fault
        if not (summary.frames or part):
            raise UserError(_nothing(source, summary))
        summary.lenses = [
            {"size": list(size), "lens": view.lens, "assumed": view.assumed}
            for size, view in predictor.views.items()
        ]
        for sink in sinks:
            sink.finish(summary)
    return summary


def _nothing(source: Source, summary: Summary) -> str:
    """Why there is not a single pose."""
    if not summary.unreadable:
        return summary.fault or f"{source.name}: ended before the first frame"
    first, count = summary.unreadable[0], len(summary.unreadable)
    reason = f"{first['file']}: {first['reason']}"
    if count == 1:
        return f"the only picture could not be read, {reason}"
    return f"none of the {count} pictures could be read; the first, {reason}"
