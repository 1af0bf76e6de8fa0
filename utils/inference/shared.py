"""Several processes share the pictures of a folder and write one result.

Each process writes what it found into a part, a line of JSON a frame; when all are done the first
one puts the parts together, in order.
"""

import dataclasses
import datetime
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch.distributed as dist

from base.errors import UserError
from base.files import make_folder
from utils.inference.predictor import Pose
from utils.inference.results import FrameResult, Sink, Summary

#: Nobody waits for ever for a process that died: torchrun ends the others.
_PATIENCE = datetime.timedelta(days=7)


@contextmanager
def joined() -> Iterator[None]:
    """The processes know of each other."""
    dist.init_process_group("gloo", timeout=_PATIENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


def wait(folder: Path) -> None:
    """Until every process is here.

    Raises:
        UserError: where one has died.
    """
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
    """One process's results, exact to the last bit."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def add(self, result: FrameResult, picture: np.ndarray) -> None:
        """See :meth:`Sink.add`."""
        content = dataclasses.asdict(result)
        self._stream.write(json.dumps(content, default=np.ndarray.tolist) + "\n")

    def finish(self, summary: Summary) -> None:
        """The last line says how it went."""
        self._stream.write(json.dumps(dataclasses.asdict(summary)) + "\n")


@contextmanager
def writing_part(path: Path) -> Iterator[PartSink]:
    """A part, in which what a process has found stands at once, whatever becomes of the process.

    Raises:
        UserError: where it cannot be written.
    """
    make_folder(path.parent)
    try:
        with path.open("w", encoding="utf-8", buffering=1) as stream:
            yield PartSink(stream)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None


def _result(content: dict[str, Any]) -> FrameResult:
    arrays = ("joints3d", "joints2d", "confidence", "neck", "uncertainty")
    pose = content["pose"]
    known = (key for key in arrays if pose[key] is not None)
    pose |= {key: np.array(pose[key], np.float32) for key in known}
    content |= {"pose": Pose(**pose), "size": tuple(content["size"])}
    return FrameResult(**content)


def put_together(folder: Path, count: int, sinks: Sequence[Sink]) -> Summary:
    """Hand the parts of ``count`` processes to the sinks, in order.

    Raises:
        UserError: if no process could read a single picture.
    """
    total = Summary()
    paths = [part_path(folder, rank) for rank in range(count)]
    for path in paths:
        with path.open(encoding="utf-8") as stream:
            for line in stream:
                content = json.loads(line)
                if "pose" in content:
                    result = _result(content)
                    for sink in sinks:
                        sink.add(result, np.empty((0, 0, 3), np.uint8))
                    continue
                part = Summary(**content)
                total.frames += part.frames
                total.unreadable += part.unreadable
                total.disagreeing += part.disagreeing
                total.interrupted = total.interrupted or part.interrupted
                total.left_out = part.left_out
                total.lenses += [lens for lens in part.lenses if lens not in total.lenses]
    if not total.frames:
        first = total.unreadable[0] if total.unreadable else {"file": "", "reason": "no picture"}
        raise UserError(
            f"none of the {len(total.unreadable)} pictures could be read; the first, "
            f"{first['file']}: {first['reason']}"
        )
    for sink in sinks:
        sink.finish(total)
    return total


def remove_parts(folder: Path) -> None:
    """Remove the parts, and what killed runs have left among them, once the results stand."""
    shutil.rmtree(part_path(folder, 0).parent)
