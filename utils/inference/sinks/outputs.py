"""What the arguments of ``inference.py`` ask for, opened, and run by one process or by several.

Several each write what they found into a part, a line of JSON a frame; when all are done the
first puts the parts together, in order.
"""

import argparse
import contextlib
import datetime
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np
import torch.distributed as dist

from base.errors import UserError
from base.files import make_folder, replacing
from base.run_folder import RunFolder
from utils.common.device import torchrun_ranks
from utils.common.signals import Interruption
from utils.inference.predictor import EgoPosePredictor, Pose
from utils.inference.results import FramePose, PoseFormat, RunInfo, Sink, Summary
from utils.inference.run import infer
from utils.inference.sinks import format_class
from utils.inference.sinks.drawings import PictureSink, WindowSink, display_missing, drawing_video
from utils.inference.smoothing import PoseSmoother
from utils.inference.source import Source


class PerSequence(Sink):
    """Hands each sequence to a sink of its own, opened in the sequence's folder of that of ``path``
    and complete when the next one begins; ``stack`` closes the last."""

    def __init__(
        self, stack: ExitStack, opener: Callable[[Path], AbstractContextManager[Sink]], path: Path
    ) -> None:
        self._stack, self._opener = stack.enter_context(ExitStack()), opener
        self._path, self._sink, self._sequence = path, None, ""

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        if self._sink is None or result.sequence != self._sequence:
            self.finish(Summary())
            self._stack.close()
            self._sequence = result.sequence
            path = self._path.parent / result.sequence / self._path.name
            self._sink = self._stack.enter_context(self._opener(path))
        self._sink.add(result, picture)

    def finish(self, summary: Summary) -> None:
        if self._sink is not None:
            self._sink.finish(summary)


@contextlib.contextmanager
def writing(kind: type[PoseFormat], run: RunInfo, path: Path) -> Iterator[PoseFormat]:
    """A file of a format that gets its name at the end, and none after an error; UserError where it
    cannot be written."""
    # A checkpoint's name may hold what is not UTF-8: JSON has an escape for that.
    options = {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}
    with replacing(path) as temporary, temporary.open("w", **options) as stream:
        yield kind(stream, run)


def frame_rate(arguments: argparse.Namespace, source: Source) -> float:
    """Frames a second of films and motion: the source's, or ``--fps`` where it has none, or one
    that is only the unit of its timestamps."""
    return source.fps if 0.01 <= (source.fps or 0) <= 240 else arguments.fps


def open_files(
    stack: ExitStack,
    arguments: argparse.Namespace,
    source: Source,
    predictor: EgoPosePredictor,
    folder: Path,
) -> list[Sink]:
    """The files of poses that the arguments ask for, opened in a folder."""
    drawn = not (arguments.no_pictures or source.live)
    run = RunInfo(predictor, frame_rate(arguments, source), drawn)
    sinks: list[Sink] = []
    for name in dict.fromkeys(arguments.format):
        kind, path = format_class(name), folder / f"poses.{name}"
        opener = partial(writing, kind, run)
        if kind.per_sequence:
            sinks.append(PerSequence(stack, opener, path))
        else:
            sinks.append(stack.enter_context(opener(path)))
    return sinks


def open_drawings(
    stack: ExitStack, arguments: argparse.Namespace, source: Source, folder: Path
) -> list[Sink]:
    """The drawings that the arguments ask for, opened in a folder, and the window."""
    sinks: list[Sink] = []
    if not (arguments.no_pictures or source.live):
        sinks.append(stack.enter_context(contextlib.closing(PictureSink(folder / "pictures"))))
    if arguments.video:
        opener = partial(drawing_video, frame_rate(arguments, source))
        sinks.append(PerSequence(stack, opener, folder / "poses.mp4"))
    if arguments.show or source.live:
        if missing := display_missing():
            print(missing)
        else:
            sinks.append(WindowSink())
    return sinks


def infer_alone(
    arguments: argparse.Namespace, source: Source, predictor: EgoPosePredictor
) -> Summary:
    smoother = None if arguments.smooth is None else PoseSmoother(*arguments.smooth)
    folder = RunFolder(arguments.save_dir, reads=source.reads)
    with Interruption() as interruption, folder as run:
        with ExitStack() as stack:
            sinks = open_files(stack, arguments, source, predictor, run.new)
            sinks += open_drawings(stack, arguments, source, run.new)
            size, fps = arguments.batch_size, arguments.fps
            summary = infer(source, predictor, sinks, interruption, size, smoother, fps)
        run.keep()
    return summary


# ----------------------------------------------------- several processes


def part_path(folder: Path, rank: int) -> Path:
    return folder / ".parts" / f"{rank:05d}.jsonl"


class PartSink(Sink):
    """One process's results, exact to the last bit; the last line is the summary."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        self._stream.write(json.dumps(asdict(result), default=np.ndarray.tolist) + "\n")

    def finish(self, summary: Summary) -> None:
        self._stream.write(json.dumps(asdict(summary)) + "\n")


def put_together(folder: Path, count: int, sinks: Sequence[Sink], name: str) -> Summary:
    """Hand the parts of ``count`` processes to the sinks, in order; UserError, with the source's
    ``name``, if none could read a single picture."""
    total = Summary()
    for rank in range(count):
        with part_path(folder, rank).open(encoding="utf-8") as stream:
            for content in map(json.loads, stream):
                if "pose" not in content:
                    total.add(Summary(**content))
                    continue
                pose = {
                    key: np.array(value, np.float32) if isinstance(value, list) else value
                    for key, value in content["pose"].items()
                }
                content |= {"pose": Pose(**pose), "size": tuple(content["size"])}
                for sink in sinks:
                    sink.add(FramePose(**content), np.empty((0, 0, 3), np.uint8))
    if not total.frames:
        raise UserError(total.why_nothing(name))
    for sink in sinks:
        sink.finish(total)
    return total


def infer_together(
    arguments: argparse.Namespace, source: Source, predictor: EgoPosePredictor
) -> Summary | None:
    """This process's share; the first one puts all together and has the summary. UserError for what
    needs the frames in one process, and where another has died."""
    if arguments.smooth is not None or arguments.video or arguments.show:
        raise UserError("--smooth, --video and --show need all frames in one process")
    rank, count, _ = torchrun_ranks()
    folder, size = arguments.save_dir, arguments.batch_size
    part = part_path(folder, rank)
    run = RunFolder(folder, reads=source.reads)
    # A signal ends the work of all, not the putting together of what they have.
    with Interruption() as interruption, ExitStack() as group:
        if rank == 0:  # before the others begin to write
            group.enter_context(run)
        # No time limit for a slow process: of one that died torchrun ends the others.
        dist.init_process_group("gloo", timeout=datetime.timedelta(days=7))
        group.callback(dist.destroy_process_group)
        make_folder(part.parent)
        try:
            # On disk line by line, whatever becomes of the process.
            with part.open("w", encoding="utf-8", buffering=1) as stream, ExitStack() as stack:
                sinks = [PartSink(stream), *open_drawings(stack, arguments, source, run.new)]
                infer(source, predictor, sinks, interruption, size, part=True)
        except OSError as error:
            raise UserError(f"{part}: cannot be written ({error.strerror})") from None
        try:
            dist.barrier()
        except RuntimeError:
            raise UserError(
                f"another process has died; what all found is in {part.parent}, a frame a line, "
                "until the next run"
            ) from None
        if rank:
            return None
        with ExitStack() as stack:
            files = open_files(stack, arguments, source, predictor, run.new)
            summary = put_together(folder, count, files, source.name)
        # What killed runs have left goes too.
        shutil.rmtree(part.parent)
        run.keep()
        return summary
