"""A run of inference in parts: what the network finds is kept by each, and written by the last."""

import contextlib
import hashlib
import json
import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from base.arrays import read_arrays
from base.errors import UserError
from base.files import make_folder, sha256
from base.run_folder import RunFolder
from base.work_parts import PARTS, Part, writing
from utils.common.part_runner import project_version
from utils.common.signals import Interruption
from utils.inference.outputs import FramePose, Sink, Summary
from utils.inference.picture_source import PictureSource
from utils.inference.predictor import EgoPosePredictor, Pose
from utils.inference.run import conclude, deliver
from utils.inference.smoothing import PoseSmoother
from utils.inference.source import Source

#: In a part's folder: that of its results, and in it the poses.
RESULTS, _POSES = "results", "poses.npz"
_OF_FRAMES, _OF_POSES = ("file", "name", "size", "index", "sequence"), Pose.__slots__
#: Those of a pose that are no single values.
_ARRAYS = {f"pose.{name}" for name in ("joints3d", "joints2d", "confidence", "neck", "uncertainty")}


def check_parts(source: Source, predictor: EgoPosePredictor) -> None:
    """UserError for what cannot be done in parts, or would come out in another way."""
    if not isinstance(source, PictureSource):
        raise UserError("parts are of pictures: give --input_dir, or a pattern")
    if predictor.network.new_tracks() is not None:
        raise UserError(
            "a temporal model looks back over frames that another part has: run each folder as a "
            "whole"
        )


def of_run(arguments: Namespace, source: PictureSource, predictor: EgoPosePredictor) -> str:
    """What all parts of a run have in common."""
    own = {key: value for key, value in vars(arguments).items() if key not in ("part", "save_dir")}
    pictures = hashlib.sha256()
    for path in source.paths:
        pictures.update(os.fsencode(path))
        with contextlib.suppress(OSError):
            there = path.stat()
            pictures.update(f"\0{there.st_size} {there.st_mtime_ns}\0".encode())
    named = (Path(str(value).partition("#")[0]) for value in own.values())
    own |= {"files": [sha256(path) for path in (*named, predictor.checkpoint) if path.is_file()]}
    own |= {"confidence": predictor.confidence, "pictures": pictures.hexdigest()}
    return json.dumps(own | {"version": project_version()}, default=str, sort_keys=True)


class _PartSink(Sink):
    """Keeps the results of a part in a folder, with what they are of."""

    def __init__(self, folder: Path, made_with: str) -> None:
        self._path, self._results = make_folder(folder) / _POSES, []
        self._made_with = made_with

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        self._results.append(result)

    def finish(self, summary: Summary) -> None:
        poses = [result.pose for result in self._results]
        known = [n for n in _OF_POSES if poses and getattr(poses[0], n) is not None]
        arrays = {f"frame.{n}": [getattr(r, n) for r in self._results] for n in _OF_FRAMES}
        arrays |= {f"pose.{n}": [getattr(pose, n) for pose in poses] for n in known}
        meta = {"unreadable": summary.unreadable, "lenses": summary.lenses}
        meta["made_with"] = self._made_with
        np.savez(self._path, meta=np.array(json.dumps(meta)), **arrays)


class Parts:
    """A ``part`` of a run over a source, whose results go to ``root``, and the others."""

    def __init__(self, root: Path, part: Part, source: PictureSource, made_with: str) -> None:
        self._root, self._part, self._source, self._made_with = root, part, source, made_with

    def _read(self, part: Part) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays = read_arrays(part.folder(self._root) / RESULTS / _POSES)
        return arrays, json.loads(str(arrays.pop("meta")))

    def _is_there(self) -> bool:
        """Whether this part was made before, from the same pictures as they are now."""
        try:
            return self._read(self._part)[1]["made_with"] == self._made_with
        except UserError:
            return False

    @contextlib.contextmanager
    def with_others(
        self,
        find: Callable[..., Summary],
        drawings: Callable[[Path], Iterable[Sink]],
        interruption: Interruption,
    ) -> Iterator[bool]:
        """Make this part, unless it is there, by ``find``, with ``drawings`` in a folder; yields
        whether all are there, which are removed at the end."""
        with writing(self._root, self._part):
            if not self._is_there():
                with (
                    RunFolder(self._part.folder(self._root) / RESULTS) as own,
                    contextlib.ExitStack() as stack,
                    interruption,
                ):
                    sinks = [*drawings(own.new), _PartSink(own.new, self._made_with)]
                    for sink in sinks:
                        stack.enter_context(contextlib.closing(sink))
                    if number := find(sinks=sinks, part=self._part).interrupted:
                        print(f"part {self._part} was stopped and is not complete")
                        sys.exit(128 + number)
                    own.keep()
            with self._part.finished(self._root, self._made_with) as complete:
                yield complete
                if complete:
                    shutil.rmtree(self._root / PARTS, ignore_errors=True)

    def put_together(
        self, sinks: Sequence[Sink], smoother: PoseSmoother | None, fps: float
    ) -> Summary:
        """Hand the results of all parts to the sinks, in order, as if they were just found."""
        summary = Summary(left_out=list(self._source.left_out))
        for part in self._part.all():
            arrays, meta = self._read(part)
            # Of single values Python's own, as they were.
            columns = {
                name: [*values] if name in _ARRAYS else values.tolist()
                for name, values in arrays.items()
            }
            for row in range(len(columns["frame.file"])):
                of = {name: values[row] for name, values in columns.items()}
                pose = Pose(**{n: of[f"pose.{n}"] for n in _OF_POSES if f"pose.{n}" in of})
                frame = {name: of[f"frame.{name}"] for name in _OF_FRAMES}
                result = FramePose(**frame | {"size": tuple(frame["size"]), "pose": pose})
                deliver(result, None, sinks, summary, smoother, fps)
            summary.unreadable += meta["unreadable"]
            summary.lenses += [lens for lens in meta["lenses"] if lens not in summary.lenses]
        conclude(summary, self._source, sinks)
        return summary

    def drawings(self, folder: Path) -> Iterable[Sink]:
        """Those of all parts, given a second place in a folder; no sink makes any."""
        for part in self._part.all():
            results = part.folder(self._root) / RESULTS
            for path in (results / "pictures").rglob("*"):
                if path.is_file():
                    target = folder / path.relative_to(results)
                    make_folder(target.parent)
                    target.unlink(missing_ok=True)  # the mark that each folder of drawings has
                    try:
                        os.link(path, target)
                    except OSError:  # not on this disk
                        shutil.copyfile(path, target)
        return ()
