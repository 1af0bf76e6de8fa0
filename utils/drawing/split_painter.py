"""Pictures of evaluated frames, on the release's pictures, not on the network's small ones."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from tqdm import tqdm

from base.actions import action_group
from base.cameras import same_camera
from base.cameras.camera import Camera
from base.errors import BrokenFrameError
from base.files import replacing
from base.frame import FrameId
from base.headset import Headset
from base.set_type import SetType
from dataset import open_split
from utils.common.cores import read_ahead
from utils.drawing.frame_painter import DrawnPose, FramePainter
from utils.drawing.write import VideoFile, save_picture
from utils.evaluation.poses import Poses

#: Frames a second of the release.
FRAME_RATE = 30
#: The lowest compression of PNG: four times as fast, a quarter larger.
_FAST_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)

Item = TypeVar("Item")


def evenly_spaced(items: Sequence[Item], count: int) -> list[Item]:
    """``count`` of the items, first and last among them; all where there are fewer."""
    count = min(count, len(items))
    return [items[row] for row in np.linspace(0, len(items) - 1, count).round().astype(int)]


def described(action: str) -> str:
    """A clip with its group before it."""
    group = action_group(action)
    return f"{group}: {action}" if group else action


class SplitPainter:
    """Draws poses on their frames in the network's view, whose camera is ``view``, as large as
    pictures are kept.  ``workers`` are threads: reading, drawing and writing all work outside
    Python's lock; ``headset`` and ``format`` as of :class:`~dataset.split.Split`."""

    def __init__(
        self,
        root: Path,
        set_type: SetType,
        view: Camera,
        headset: Headset | None = None,
        workers: int = 1,
        format: str | None = None,
    ) -> None:
        how = {"report": False, "headset": headset, "format": format}
        self.dataset = open_split(root, set_type, **how)
        view = view.resized(self.dataset.camera.width, self.dataset.camera.height)
        if not same_camera(view, self.dataset.camera):
            self.dataset = open_split(root, set_type, view=view, **how)
        self.workers = workers
        self._row = {self.dataset.frame_id(row): row for row in range(len(self.dataset))}
        self._painter = FramePainter()

    def image(self, frame_id: FrameId) -> np.ndarray:
        """(S, S, 3) uint8 RGB; BrokenFrameError if it is not in the set, or cannot be read."""
        if frame_id not in self._row:
            raise BrokenFrameError(f"{frame_id}: not in {self.dataset.set_type.folder} any more")
        return self.dataset[self._row[frame_id]].image

    def drawn(self, poses: Poses, row: int) -> tuple[DrawnPose, DrawnPose]:
        """Predicted and true pose of a row in the picture of its frame."""
        both = poses.predicted[row], poses.target[row]
        return tuple(DrawnPose.through_camera(pose, self.dataset.camera) for pose in both)

    def paint(self, poses: Poses, row: int) -> np.ndarray:
        """The picture of a row of poses: (H, W, 3) uint8 RGB; raises as :meth:`image`."""
        frame, note = (
            poses.frame_ids[row],
            f"{'PA-' if poses.aligned_only else ''}MPJPE {poses.mpjpe[row]:.1f} mm",
        )
        title = f"{frame}   {described(poses.actions[row])}"
        return self._painter.paint(self.image(frame), *self.drawn(poses, row), title, note)

    def save_all(
        self, poses: Poses, rows: Sequence[int], folder: Path, ranked: bool = False
    ) -> None:
        """Write the picture of each row as CHARACTER_ENVIRONMENT_NUMBER.png into a folder;
        ``ranked`` puts place and error before the name."""

        def save(job: tuple[int, int]) -> None:
            place, row = job
            rank = f"{place:03d}_{poses.mpjpe[row]:.0f}mm_" if ranked else ""
            name = rank + str(poses.frame_ids[row]).replace("/", "_") + ".png"
            save_picture(folder / name, self.paint(poses, row), _FAST_PNG)

        list(self._map(save, list(enumerate(rows, 1)), folder.name))

    def save_video(self, poses: Poses, rows: Sequence[int], path: Path) -> None:
        """Write the pictures of the rows, in their order, as an mp4."""
        with replacing(path) as temporary, closing(VideoFile(temporary, FRAME_RATE)) as video:
            for picture in self._map(lambda row: self.paint(poses, row), rows, path.name):
                video.add(picture)

    def _map(self, work: Callable, items: Sequence, name: str) -> Iterator:
        """Results of ``work`` in order, a few items ahead at most: pictures are large."""
        drawn = read_ahead(items, work, self.workers, 4 * self.workers)
        how = {"desc": f"drawing {name}", "unit": "picture", "dynamic_ncols": True}
        return iter(tqdm(drawn, total=len(items), **how))
