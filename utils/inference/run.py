"""From a source of frames through the network to the sinks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from tqdm import tqdm

from base.errors import UserError
from utils.common.cores import cpu_count
from utils.common.signals import Interruption
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
    interruption: Interruption,
    batch_size: int = 16,
    smoother: PoseSmoother | None = None,
    fps: float = 30.0,
    ended: Callable[[], bool] = lambda: False,
    part: bool = False,
) -> Summary:
    """Poses of every frame of a source, handed to every sink in order.

    Frames are read and prepared in threads while the network runs.

    Args:
        source: the frames.
        predictor: the network.
        sinks: where results go; their :meth:`~Sink.finish` is called at the end.
        interruption: a signal ends it after the frames under way, with every file complete.
        batch_size: frames the network is given at once; a live source gets one.
        smoother: smooths the poses along each sequence, if given.
        fps: frames a second for the smoother where the source has no clock.
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
    summary = Summary(left_out=list(source.left_out))
    track = predictor.new_track()
    frames = read_ahead(source, read, threads, ahead)
    with tqdm(total=source.total, unit="frame", dynamic_ncols=True) as bar:
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
                    time = shot.index / fps if shot.time is None else shot.time
                    pose = smoother(pose, size, time, shot.sequence)
                summary.frames += 1
                summary.disagreeing += pose.disagrees
                where = shot.frame, shot.time, shot.index, shot.sequence
                result = FrameResult(shot.file, shot.name, size, pose, *where)
                for sink in sinks:
                    sink.add(result, item.picture)
            bar.update(len(batch))
            summary.interrupted = int(interruption.signal or 0)
            if summary.interrupted or ended():
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
