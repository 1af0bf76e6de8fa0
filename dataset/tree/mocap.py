"""The extracted release as a dataset; the synthetic set has the same layout and is read by it."""

import sys
from pathlib import Path

import numpy as np

from base.base_dataset import BaseDataset
from base.base_transform import BaseTransform
from base.camera import RELEASE_CAMERA
from base.errors import UserError
from base.frame import Frame, FrameId
from base.set_type import SetType
from dataset.annotations import Annotations
from dataset.faults import print_faults
from dataset.packed.packed import Packed, is_packed
from dataset.pictures import decode_release_picture, read_bytes
from dataset.skip_list import SKIP_LIST
from dataset.transforms import SquareCrop
from dataset.tree.index import load_index


class Mocap(BaseDataset):
    """Frames of one split of the extracted layout, pictures and labels paired by frame number.

    Args:
        root: folder that holds TrainSet, ValSet and TestSet.
        set_type: the split.
        transform: crop and resize from the 1280×800 picture; None keeps the full picture.
        pictures: False for labels only: then frames without a picture count as well.
        report: print, once, what does not match or cannot be used.

    Raises:
        UserError: for a missing or empty split.
    """

    def __init__(
        self,
        root: str | Path,
        set_type: SetType,
        transform: BaseTransform | None = None,
        pictures: bool = True,
        report: bool = True,
    ) -> None:
        self.set_type = set_type
        self.pictures = pictures
        self.transform = transform
        self.camera = transform.camera(RELEASE_CAMERA) if transform else RELEASE_CAMERA
        self._root = Path(root)
        self.index = load_index(self._root, set_type)
        usable = self.index.has_picture if pictures else np.ones(len(self.index.number), bool)
        self._rows = np.flatnonzero(usable)
        if report:
            print_faults(set_type.folder, self.index.faults)
            if self.index.skipped:
                print(
                    f"{set_type.folder}: {self.index.skipped} frames left out by {SKIP_LIST}",
                    file=sys.stderr,
                )
        if len(self._rows) == 0:
            raise UserError(
                f"{self._root / set_type.folder}: {len(self.index.number)} labels, but no picture "
                "of the same frame number under CHARACTER/ENVIRONMENT/cam_down/rgba"
            )

    def __len__(self) -> int:
        return len(self._rows)

    def frame_id(self, index: int) -> FrameId:
        """Identity of a frame, without reading its picture."""
        return self.index.frame_id(self._rows[index])

    def picture_path(self, index: int) -> Path:
        """Where the picture of a frame lies."""
        return self._root / self.index.picture_path(self._rows[index])

    def __getitem__(self, index: int) -> Frame:
        """The frame at ``index``.

        Raises:
            BrokenFrameError: for a picture that is cut off, unreadable or of another size.
        """
        row = self._rows[index]
        joints2d = self.index.joints2d[row]
        image = None
        if self.pictures:
            path = self.picture_path(index)
            image = decode_release_picture(read_bytes(path), path)
            if self.transform:
                image = self.transform.image(image)
        if self.transform:
            joints2d = self.transform.points(joints2d)
        return Frame(
            image=image,
            joints2d=joints2d,
            joints3d=self.index.joints3d[row],
            visible=self._in_picture(joints2d) & self.index.visible[row],
            action=self.index.actions[self.index.action[row]],
            frame_id=self.index.frame_id(row),
        )

    def annotations(self) -> Annotations:
        """Labels of all frames at once."""
        joints2d = self.index.joints2d[self._rows]
        if self.transform:
            joints2d = self.transform.points(joints2d)
        return Annotations(
            joints2d=joints2d,
            joints3d=self.index.joints3d[self._rows],
            visible=self.index.visible[self._rows] & self._in_picture(joints2d),
            actions=[self.index.actions[code] for code in self.index.action[self._rows].tolist()],
        )

    def _in_picture(self, joints2d: np.ndarray) -> np.ndarray:
        """A joint beside the square is not seen, though the full picture may hold it."""
        return self.camera.in_picture(joints2d)


def open_split(
    root: str | Path, set_type: SetType, input_size: int, pictures: bool = True
) -> Mocap | Packed:
    """The split as the network sees it: centre square, ``input_size`` pixels a side.

    Opens an extracted tree and a packed set alike.
    """
    if is_packed(Path(root)):
        return Packed(root, set_type, input_size, pictures=pictures)
    return Mocap(root, set_type, SquareCrop(input_size), pictures=pictures)
