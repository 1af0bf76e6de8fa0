"""Several processes share the pictures of a folder and write one result.

Each writes what it found into a part, a line of JSON a frame; when all are done the first process
puts the parts together, in order.
"""

import argparse
import datetime
import json
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import numpy as np
import torch.distributed as dist

from base.errors import UserError
from base.files import make_folder
from base.run_folder import RunFolder
from utils.common.device import torchrun_ranks
from utils.common.signals import Interruption
from utils.inference.predictor import EgoPosePredictor, Pose
from utils.inference.results import FramePose, Sink, Summary
from utils.inference.run import infer
from utils.inference.sinks.outputs import open_drawings, open_files
from utils.inference.source import Source

_NO_PICTURE = np.empty((0, 0, 3), np.uint8)


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
                    sink.add(FramePose(**content), _NO_PICTURE)
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
    run = RunFolder(folder)
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
