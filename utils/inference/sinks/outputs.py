"""What the arguments of ``inference.py`` ask for, opened, and run by one process or by several."""

import argparse
import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import numpy as np

from base.errors import UserError
from base.files import replacing
from base.run_folder import RunFolder
from utils.common.signals import Interruption
from utils.inference.predictor import EgoPosePredictor
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
        drawings = (arguments.save_dir / "pictures").resolve()
        if source.root is not None and source.root.resolve() == drawings:
            raise UserError(f"--save_dir: drawings would take the place of your {source.root}")
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
    with Interruption() as interruption, RunFolder(arguments.save_dir) as run:
        with ExitStack() as stack:
            sinks = open_files(stack, arguments, source, predictor, run.new)
            sinks += open_drawings(stack, arguments, source, run.new)
            size, fps = arguments.batch_size, arguments.fps
            summary = infer(source, predictor, sinks, interruption, size, smoother, fps)
        run.keep()
    return summary
