"""Several processes share the pictures of a folder and write one result.

Each writes what it found into a part, a line of JSON a frame; when all are done the first process
puts the parts together, in order.
"""

import datetime
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import numpy as np
import torch.distributed as dist

from base.errors import UserError
from base.files import make_folder
from utils.inference.predictor import Pose
from utils.inference.results import FramePose, Sink, Summary

_ARRAYS = ("joints3d", "joints2d", "confidence", "neck", "uncertainty")
_NO_PICTURE = np.empty((0, 0, 3), np.uint8)


@contextmanager
def joined() -> Iterator[None]:
    """The processes can wait for each other."""
    # No time limit for a slow process: of one that died torchrun ends the others.
    dist.init_process_group("gloo", timeout=datetime.timedelta(days=7))
    try:
        yield
    finally:
        dist.destroy_process_group()


def wait(folder: Path) -> None:
    """Until every process is here; a UserError where one has died."""
    try:
        dist.barrier()
    except RuntimeError:
        raise UserError(
            f"another process has died; what all found is in {part_path(folder, 0).parent}, a "
            "frame a line, until the next run"
        ) from None


def part_path(folder: Path, rank: int) -> Path:
    """Where a process writes its part."""
    return folder / ".parts" / f"{rank:05d}.jsonl"


class PartSink(Sink):
    """One process's results, exact to the last bit; the last line is the summary."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        self._stream.write(json.dumps(asdict(result), default=np.ndarray.tolist) + "\n")

    def finish(self, summary: Summary) -> None:
        self._stream.write(json.dumps(asdict(summary)) + "\n")


@contextmanager
def writing_part(path: Path) -> Iterator[PartSink]:
    """A part, on disk line by line, whatever becomes of the process."""
    make_folder(path.parent)
    try:
        with path.open("w", encoding="utf-8", buffering=1) as stream:
            yield PartSink(stream)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None


def put_together(folder: Path, count: int, sinks: Sequence[Sink], name: str) -> Summary:
    """Hand the parts of ``count`` processes to the sinks, in order; ``name`` is the source's;
    UserError if no process could read a single picture."""
    total = Summary()
    for rank in range(count):
        with part_path(folder, rank).open(encoding="utf-8") as stream:
            for content in map(json.loads, stream):
                if pose := content.get("pose"):
                    arrays = {key: pose[key] for key in _ARRAYS if pose[key] is not None}
                    pose |= {key: np.array(value, np.float32) for key, value in arrays.items()}
                    content |= {"pose": Pose(**pose), "size": tuple(content["size"])}
                    for sink in sinks:
                        sink.add(FramePose(**content), _NO_PICTURE)
                    continue
                part = Summary(**content)
                total.frames += part.frames
                total.unreadable += part.unreadable
                total.disagreeing += part.disagreeing
                total.interrupted = total.interrupted or part.interrupted
                total.left_out = part.left_out
                total.lenses += [lens for lens in part.lenses if lens not in total.lenses]
    if not total.frames:
        raise UserError(total.why_nothing(name))
    for sink in sinks:
        sink.finish(total)
    return total
