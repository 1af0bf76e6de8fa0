"""Contract of every source of frames."""

from abc import ABC, abstractmethod

from torch.utils.data import Dataset

from base.cameras.camera import Camera
from base.frame import Frame, FrameId
from base.set_type import SetType


class BaseDataset(Dataset, ABC):
    """A split as an indexable sequence of :class:`~base.frame.Frame`.

    Indexing raises :class:`~base.errors.BrokenFrameError` for a frame that cannot be read.
    """

    set_type: SetType
    #: Camera that maps ``Frame.joints3d`` to ``Frame.joints2d`` (after the transform's crop).
    camera: Camera

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int) -> Frame: ...

    @abstractmethod
    def frame_id(self, index: int) -> FrameId:
        """Identity of the frame at ``index``, without reading its picture."""
