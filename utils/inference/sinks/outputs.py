"""What the arguments of ``inference.py`` ask for, opened, and run by one process or by several."""

import argparse
import contextlib
from collections.abc import Callable

from base.errors import UserError
from utils.common.device import torchrun_ranks
from utils.common.signals import Interruption
from utils.inference import shared
from utils.inference.clips import writing_clips
from utils.inference.predictor import EgoPosePredictor
from utils.inference.results import Sink, Summary
from utils.inference.run import infer, threads_for
from utils.inference.sinks.bvh import writing_bvh
from utils.inference.sinks.drawings import (
    WindowSink,
    display_missing,
    drawing_pictures,
    drawing_video,
)
from utils.inference.sinks.pose_json import metadata, writing_json
from utils.inference.sinks.tables import writing_csv, writing_npz
from utils.inference.smoothing import OneEuroOptions, PoseSmoother
from utils.inference.source import Source


def open_files(
    stack: contextlib.ExitStack,
    arguments: argparse.Namespace,
    source: Source,
    predictor: EgoPosePredictor,
) -> list[Sink]:
    """The files of poses that the arguments ask for, opened."""
    folder, fps = arguments.save_dir, source.fps or arguments.fps
    drawn = not (arguments.no_pictures or source.live)
    openers: dict[str, Callable[[], contextlib.AbstractContextManager[Sink]]] = {
        "json": lambda: writing_json(folder / "poses.json", metadata(predictor), drawn),
        "npz": lambda: writing_npz(folder / "poses.npz"),
        "csv": lambda: writing_csv(folder / "poses.csv"),
        "bvh": lambda: writing_clips(lambda path: writing_bvh(path, fps), folder / "poses.bvh"),
    }
    return [stack.enter_context(openers[name]()) for name in dict.fromkeys(arguments.format)]


def open_drawings(
    stack: contextlib.ExitStack, arguments: argparse.Namespace, source: Source
) -> tuple[list[Sink], Callable[[], bool]]:
    """The drawings asked for, and whether the person has ended it in the window."""
    folder, threads, sinks = arguments.save_dir, threads_for(), []
    if not (arguments.no_pictures or source.live):
        sinks.append(stack.enter_context(drawing_pictures(folder / "pictures", threads)))
    if arguments.video:
        fps = source.fps or arguments.fps
        clips = writing_clips(lambda path: drawing_video(path, fps, threads), folder / "poses.mp4")
        sinks.append(stack.enter_context(clips))
    if arguments.show or source.live:
        if missing := display_missing():
            print(missing)
        else:
            window = WindowSink()
            return [*sinks, window], lambda: window.closed
    return sinks, lambda: False


def infer_alone(
    arguments: argparse.Namespace, source: Source, predictor: EgoPosePredictor
) -> Summary:
    """One process does everything."""
    smoother = None
    if arguments.smooth is not None:
        smoother = PoseSmoother(OneEuroOptions(*arguments.smooth))
    with Interruption() as interruption, contextlib.ExitStack() as stack:
        sinks = open_files(stack, arguments, source, predictor)
        drawings, ended = open_drawings(stack, arguments, source)
        every, fps = [*sinks, *drawings], source.fps or arguments.fps
        size = arguments.batch_size
        return infer(source, predictor, every, interruption, size, smoother, fps, ended)


def infer_together(
    arguments: argparse.Namespace, source: Source, predictor: EgoPosePredictor
) -> Summary | None:
    """This process's share; the first one puts all together and has the summary.

    Raises:
        UserError: for what needs the frames in one process.
    """
    if arguments.smooth is not None or arguments.video or arguments.show:
        raise UserError("--smooth, --video and --show need all frames in one process")
    rank, count, _ = torchrun_ranks()
    folder, size = arguments.save_dir, arguments.batch_size
    # A signal ends the work of all, not the putting together of what they have.
    with Interruption() as interruption, shared.joined():
        with contextlib.ExitStack() as stack:
            part = stack.enter_context(shared.writing_part(shared.part_path(folder, rank)))
            drawings, _ = open_drawings(stack, arguments, source)
            infer(source, predictor, [part, *drawings], interruption, size, part=True)
        shared.wait(folder)
        if rank:
            return None
        with contextlib.ExitStack() as stack:
            files = open_files(stack, arguments, source, predictor)
            summary = shared.put_together(folder, count, files)
        shared.remove_parts(folder)
        return summary
