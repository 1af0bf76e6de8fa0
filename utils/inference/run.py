"""From a folder of pictures to ``poses.json`` and drawn pictures."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from base.errors import BrokenFrameError, UserError
from dataset.pictures import read_picture
from utils.drawing.frame import DrawnPose, FramePainter
from utils.files import make_folder, replacing
from utils.inference.pose_json import frame_entry, metadata, writing_poses
from utils.inference.predictor import EgoPosePredictor, Pose, Prepared
from utils.inference.read_ahead import read_ahead

_MAX_THREADS = 8
_JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True)
class _Shot:
    """A picture that was read, or why it was not."""

    path: Path
    picture: np.ndarray | None = None
    prepared: Prepared | None = None
    fault: str = ""


class UniqueNames:
    """Names of drawn pictures: the stem, with a number where an earlier picture has it already."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, path: Path) -> str:
        """A name for the drawing of ``path`` that no other has, upper and lower case alike."""
        name = next(
            name
            for name in chain([path.stem], (f"{path.stem}_{k}" for k in count(2)))
            if name.lower() not in self._taken
        )
        self._taken.add(name.lower())
        return f"{name}.jpg"


def save_jpeg(path: Path, picture: np.ndarray) -> None:
    """Write a (H, W, 3) uint8 RGB picture, whole or not at all."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
    with replacing(path) as temporary:
        temporary.write_bytes(encoded.tobytes())


class PictureFolder:
    """Draws and saves pictures in threads while the next ones are computed."""

    def __init__(self, folder: Path, threads: int) -> None:
        self._folder = make_folder(folder)
        self._painter = FramePainter()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="draw")
        self._pending: deque[Future[None]] = deque()
        self._most = 4 * threads

    def _draw(self, name: str, title: str, picture: np.ndarray, pose: Pose) -> None:
        drawn = DrawnPose(joints2d=pose.joints2d, joints3d=pose.joints3d)
        save_jpeg(self._folder / name, self._painter.paint(picture, drawn, title=title))

    def add(self, name: str, title: str, picture: np.ndarray, pose: Pose) -> None:
        """Draw a pose into a picture and save it as ``name``."""
        self._pending.append(self._pool.submit(self._draw, name, title, picture, pose))
        while len(self._pending) > self._most:
            self._pending.popleft().result()

    def close(self, finish: bool) -> None:
        """Wait for the pictures under way, or drop those that have not begun."""
        self._pool.shutdown(cancel_futures=not finish)
        if finish:
            for future in self._pending:
                future.result()


def _batches(shots: Iterable[_Shot], size: int) -> Iterator[list[_Shot]]:
    shots = iter(shots)
    while batch := list(islice(shots, size)):
        yield batch


def infer_pictures(
    predictor: EgoPosePredictor,
    paths: list[Path],
    save_dir: Path,
    batch_size: int = 16,
    draw: bool = True,
) -> list[dict[str, str]]:
    """Poses of pictures as ``save_dir/poses.json``, drawn ones in ``save_dir/pictures``.

    Args:
        predictor: the network.
        paths: the pictures.
        save_dir: made if missing.
        batch_size: pictures the network is given at once.
        draw: False writes ``poses.json`` alone.

    Returns:
        Those that could not be read, each with "file" and "reason".

    Raises:
        UserError: if none could be read, or nothing can be written.
    """

    def read(path: Path) -> _Shot:
        try:
            picture = read_picture(path)
            return _Shot(path, picture, predictor.prepare(picture))
        except BrokenFrameError as error:
            return _Shot(path, fault=str(error).removeprefix(f"{path}: "))

    threads = min(_MAX_THREADS, os.cpu_count() or 1)
    names = UniqueNames()
    shots = read_ahead(paths, read, threads, 2 * batch_size)
    unreadable: list[dict[str, str]] = []
    pictures: PictureFolder | None = None
    done = False
    head = metadata(predictor)
    try:
        with (
            writing_poses(save_dir / "poses.json", head) as poses_json,
            tqdm(total=len(paths), unit="picture", dynamic_ncols=True) as bar,
        ):
            for batch in _batches(shots, batch_size):
                readable = [shot for shot in batch if shot.prepared is not None]
                unreadable += [
                    {"file": shot.path.name, "reason": shot.fault}
                    for shot in batch
                    if shot.prepared is None
                ]
                poses = predictor.poses([shot.prepared for shot in readable]) if readable else []
                for shot, pose in zip(readable, poses, strict=True):
                    height, width = shot.picture.shape[:2]
                    entry = frame_entry(shot.path.name, (width, height), pose)
                    if draw:
                        pictures = pictures or PictureFolder(save_dir / "pictures", threads)
                        name = names.of(shot.path)
                        pictures.add(name, shot.path.name, shot.picture, pose)
                        entry["picture"] = f"pictures/{name}"
                    poses_json.add(entry)
                bar.update(len(batch))
            if len(unreadable) == len(paths):
                first = unreadable[0]
                raise UserError(
                    f"none of the {len(paths)} pictures could be read; "
                    f"the first, {first['file']}: {first['reason']}"
                )
            poses_json.close(unreadable)
            done = True
    finally:
        if pictures is not None:
            pictures.close(finish=done)
    return unreadable
