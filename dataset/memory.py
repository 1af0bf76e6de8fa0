"""A dataset read once and kept in memory: for sets that fit, no later epoch decodes anything."""

import math
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from base.base_dataset import BaseDataset
from base.errors import BrokenFrameError, UserError
from base.frame import Frame, FrameId


class InMemory(BaseDataset):
    """All frames of another dataset, decoded by threads at the start.

    Frames that cannot be read are left out and listed in ``broken``.

    Args:
        source: the frames.
        threads: decoding threads (OpenCV decodes outside Python's lock).

    Raises:
        UserError: if no frame at all can be read.
    """

    def __init__(self, source: BaseDataset, threads: int) -> None:
        self.set_type = source.set_type
        self.camera = source.camera
        self.broken: list[tuple[FrameId, str]] = []
        self._frames: list[Frame] = []

        def read(index: int) -> Frame | str:
            try:
                return source[index]
            except BrokenFrameError as error:
                return str(error)

        with ThreadPoolExecutor(max(1, threads)) as pool:
            results = tqdm(
                pool.map(read, range(len(source))),
                total=len(source),
                desc=f"reading {self.set_type.folder}",
                unit="frame",
                leave=False,
            )
            for index, result in enumerate(results):
                if isinstance(result, Frame):
                    self._frames.append(result)
                else:
                    self.broken.append((source.frame_id(index), result))
        if not self._frames:
            raise UserError(
                f"{self.set_type.folder}: none of {len(self.broken)} pictures can be read "
                f"(first: {self.broken[0][1]})"
            )

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> Frame:
        return replace(self._frames[index])

    def frame_id(self, index: int) -> FrameId:
        """Identity of a frame."""
        return self._frames[index].frame_id


def picture_bytes(count: int, size: int) -> int:
    """Memory that ``count`` pictures of ``size`` × ``size`` take."""
    return count * size * size * 3 * np.dtype(np.uint8).itemsize


def free_shared_memory() -> float:
    """Bytes that processes may still share; infinite where no folder limits it."""
    if sys.platform != "linux":
        return math.inf
    folder = "/dev/shm"
    if not os.access(folder, os.W_OK):
        return 0
    usage = shutil.disk_usage(folder)
    return usage.free if usage.total else math.inf
