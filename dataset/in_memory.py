"""A dataset read once and kept in memory: for sets that fit, no later epoch decodes anything."""

import math
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tqdm import tqdm

from base.base_dataset import BaseDataset
from base.errors import BrokenFrameError, UserError
from base.frame import Frame, FrameId


class InMemory(BaseDataset):
    """All frames of another dataset, decoded at the start by ``threads`` (OpenCV decodes outside
    Python's lock); those that cannot be read are left out and listed in ``broken``; UserError if no
    frame at all can be read."""

    def __init__(self, source: BaseDataset, threads: int) -> None:
        self.set_type, self.camera = source.set_type, source.camera
        self.broken: list[tuple[FrameId, str]] = []
        self._frames: list[Frame] = []

        def read(index: int) -> Frame | str:
            try:
                return source[index]
            except BrokenFrameError as error:
                return str(error)

        name, count = self.set_type.folder, len(source)
        with ThreadPoolExecutor(max(1, threads)) as pool:
            found = pool.map(read, range(count))
            bar = tqdm(found, f"reading {name}", count, unit="frame", leave=False)
            for index, result in enumerate(bar):
                if isinstance(result, Frame):
                    self._frames.append(result)
                else:
                    self.broken.append((source.frame_id(index), result))
        if not self._frames:
            raise UserError(
                f"{name}: none of {count} pictures can be read (first: {self.broken[0][1]})"
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
    return count * size * size * 3


def free_shared_memory() -> float:
    """Bytes that processes may still share; infinite where no folder limits it."""
    folder = "/dev/shm"
    if sys.platform != "linux":
        return math.inf
    if not os.access(folder, os.W_OK):
        return 0
    usage = shutil.disk_usage(folder)
    return usage.free if usage.total else math.inf
