"""Pictures of evaluated frames, on the release's pictures, not on the network's small ones."""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from base.actions import action_group
from base.errors import BrokenFrameError
from base.files import make_folder, replacing
from base.frame import FrameId
from base.set_type import SetType
from dataset import open_split
from utils.drawing.frame import DrawnPose, FramePainter
from utils.drawing.write import VideoFile, save_picture
from utils.evaluation.poses import FrameResult

#: Frames a second of the release.
FRAME_RATE = 30
#: The lowest compression of PNG: four times as fast, a quarter larger.
_FAST_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)
#: Names of the pictures written here.
_OURS = re.compile(r"(\d+_\d+mm_)?.+_.+_\d{6}\.png")


def described(action: str) -> str:
    """A clip with its group before it."""
    group = action_group(action)
    return f"{group}: {action}" if group else action


class SplitPainter:
    """Draws results on the square of the frame they belong to, as large as it is kept.

    ``workers`` are threads: reading, drawing and writing all work outside Python's lock.
    """

    def __init__(self, root: Path, set_type: SetType, workers: int = 1) -> None:
        self.dataset = open_split(root, set_type, report=False)
        self.workers = max(1, workers)
        self._row = {self.dataset.frame_id(row): row for row in range(len(self.dataset))}
        self._painter = FramePainter()

    def image(self, frame_id: FrameId) -> np.ndarray:
        """The picture of a frame: (S, S, 3) uint8 RGB.

        Raises:
            BrokenFrameError: if it is not in the set, or can no longer be read.
        """
        if frame_id not in self._row:
            raise BrokenFrameError(f"{frame_id}: not in {self.dataset.set_type.folder} any more")
        return self.dataset[self._row[frame_id]].image

    def paint(self, result: FrameResult) -> np.ndarray:
        """The picture of one result: (H, W, 3) uint8 RGB; raises as :meth:`image`."""
        return self._painter.paint(
            self.image(result.frame_id),
            DrawnPose.through_camera(result.predicted, self.dataset.camera),
            DrawnPose.through_camera(result.target, self.dataset.camera),
            title=f"{result.frame_id}   {described(result.action)}",
            note=f"MPJPE {result.mpjpe:.1f} mm",
        )

    def save_all(self, results: Sequence[FrameResult], folder: Path, ranked: bool = False) -> None:
        """Write the picture of each result as CHARACTER_ENVIRONMENT_NUMBER.png into a folder, made
        where it is not there; ``ranked`` puts place and error before the name.

        Those of an earlier run go first, lest pictures of another model stay among the new ones.
        """
        for old in make_folder(folder).glob("*.png"):
            if _OURS.fullmatch(old.name):
                old.unlink()

        def save(job: tuple[int, FrameResult]) -> None:
            place, result = job
            rank = f"{place:03d}_{result.mpjpe:.0f}mm_" if ranked else ""
            name = rank + str(result.frame_id).replace("/", "_") + ".png"
            save_picture(folder / name, self.paint(result), _FAST_PNG)

        for _ in self._map(save, list(enumerate(results, 1)), folder.name):
            pass

    def save_video(self, results: Sequence[FrameResult], path: Path) -> None:
        """Write the pictures of the results, in their order, as an mp4 (MPEG-4 part 2).

        Raises:
            UserError: where it cannot be written.
        """
        with replacing(path) as temporary, closing(VideoFile(temporary, FRAME_RATE)) as video:
            for picture in self._map(self.paint, results, path.name):
                video.add(picture)

    def _map(self, work: Callable, items: Sequence, name: str) -> Iterator:
        """Results of ``work`` in order, a few items ahead at most: pictures are large."""
        bar = tqdm(total=len(items), desc=f"drawing {name}", unit="picture", dynamic_ncols=True)
        ahead = 4 * self.workers
        with bar, ThreadPoolExecutor(self.workers) as pool:
            for start in range(0, len(items), ahead):
                for result in pool.map(work, items[start : start + ahead]):
                    yield result
                    bar.update()
