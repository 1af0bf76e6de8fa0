"""From a source of frames through the network to the sinks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from base.errors import UserError
from base.work_parts import Part
from utils.common.cores import cpu_count, read_ahead
from utils.common.signals import Interruption
from utils.inference.outputs import FramePose, Sink, Summary
from utils.inference.predictor import EgoPosePredictor, Prepared
from utils.inference.smoothing import PoseSmoother
from utils.inference.source import PICTURE_BYTES, LazyFrame, Source

#: Threads that read frames, or draw them.
THREADS = min(8, cpu_count())
#: Frames from which the lens and the turn of pictures are found, where they are not stated.
_SAMPLE = 8


class _Read(NamedTuple):
    frame: LazyFrame
    picture: np.ndarray | None = None
    prepared: Prepared | None = None
    fault: str = ""


def infer(
    source: Source,
    predictor: EgoPosePredictor,
    sinks: Sequence[Sink],
    interruption: Interruption,
    batch_size: int = 16,
    smoother: PoseSmoother | None = None,
    fps: float = 30.0,
    part: Part | None = None,
) -> Summary:
    """Poses of every frame of a source, handed to every sink in order; smoothed, at ``fps`` where
    the source has no clock. Frames are read in threads while the network runs; after each batch a
    signal or a closed sink ends it with every file complete. UserError if not a single frame could
    be read. Of a ``part`` only its own frames, which may be none."""

    def read(frame: LazyFrame) -> _Read:
        try:
            picture = frame.read()
            sequence = frame.sequence if source.nested else None
            size = picture.shape[1::-1]
            if part is None or predictor.stated or (*size, sequence) in predictor.preprocessing:
                return _Read(frame, picture, predictor.prepare(picture, sequence))
        except UserError as error:
            return _Read(frame, fault=str(error))
        raise UserError(
            f"{frame.file}: {size[0]}×{size[1]}, as none of the pictures from which lens and turn "
            "are found: state them with --headset, or run without parts"
        )

    def studied() -> Iterator[LazyFrame]:
        last, source.interruption = None, interruption
        for frame in source:
            if source.nested and frame.sequence != last:
                last = frame.sequence
                predictor.study(source.sample(_SAMPLE, last), last)
            yield frame

    sample = source.sample(_SAMPLE)
    predictor.study(sample)
    # A batch is in memory while the next ones are read and the last one is drawn.
    held = PICTURE_BYTES // max((picture.nbytes for picture in sample), default=1)
    batch_size = 1 if source.live else max(1, min(batch_size, held))
    if part:
        source.cut(part, batch_size)
    summary = Summary(left_out=list(source.left_out))
    tracks = predictor.network.new_tracks()
    if source.live:
        predictor.batch(sample[:1])  # the first call takes longest
        # Nothing is prepared ahead of the network: the newest frame is taken when it is ready.
        frames = (read(frame) for frame in studied())
    else:
        frames = read_ahead(studied(), read, THREADS, 2 * batch_size)
    del sample
    with tqdm(total=source.total, unit="frame", dynamic_ncols=True) as bar:
        while batch := list(islice(frames, batch_size)):
            readable = [item for item in batch if item.prepared is not None]
            for frame, *_, fault in batch:
                if fault:
                    number = "" if frame.frame is None else f" frame {frame.frame}"
                    summary.unreadable.append({"file": frame.file + number, "reason": fault})
            prepared = [item.prepared for item in readable]
            places = [item.frame.place for item in readable]
            poses = predictor.poses(prepared, places, tracks) if readable else []
            for (frame, picture, *_), pose in zip(readable, poses, strict=True):
                size = picture.shape[1], picture.shape[0]
                where = frame.frame, frame.time, frame.index, frame.sequence
                captured = frame.captured
                result = FramePose(frame.file, frame.name, size, pose, *where, captured=captured)
                deliver(result, picture, sinks, summary, smoother, fps)
            bar.update(len(batch))
            bar.set_postfix_str("  ".join(filter(None, (sink.note for sink in sinks))), False)
            summary.interrupted = int(interruption.signal or 0)
            if summary.interrupted or any(sink.closed for sink in sinks):
                break
        frames.close()
    summary.fault, summary.dropped = source.fault, source.dropped
    for (*_, folder), preprocessing in predictor.preprocessing.items():
        if not source.nested:
            summary.lenses.append(preprocessing.describe())
        elif folder is not None:
            summary.lenses.append(preprocessing.describe() | {"folder": folder})
    conclude(summary, source, sinks, part is not None)
    return summary


def deliver(
    result: FramePose,
    picture: np.ndarray | None,
    sinks: Sequence[Sink],
    summary: Summary,
    smoother: PoseSmoother | None,
    fps: float,
) -> None:
    """Count a result and hand it to the sinks, smoothed if that was asked for."""
    if smoother is not None:
        pose = smoother(result.pose, result.size, result.seconds(fps), result.sequence)
        result = replace(result, pose=pose)
    summary.frames += 1
    summary.disagreeing += result.pose.disagrees
    summary.out_of_range += result.pose.out_of_range
    for sink in sinks:
        sink.add(result, picture)


def conclude(
    summary: Summary, source: Source, sinks: Sequence[Sink], may_be_empty: bool = False
) -> None:
    """After the last frame: UserError where there was none, or the sinks finish."""
    if not (summary.frames or may_be_empty):
        why = source.fault or f"{source.name}: ended before the first frame"
        if summary.unreadable:
            first, count = summary.unreadable[0], len(summary.unreadable)
            why = f"none of the pictures ({count}) could be read; the first, "
            why += f"{first['file']}: {first['reason']}"
        raise UserError(why)
    for sink in sinks:
        sink.finish(summary)
