"""Frames in the release's layout, written so that a kill leaves no half frame."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from base.set_type import SetType

#: Environments: of frames with pictures, and of those with labels alone.
PICTURES, LABELS_ONLY = "env_001", "env_002"
#: Half the time of level 1's defaults on these pictures, and a twentieth smaller.
_FAST_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]
_FAST_PNG += [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # OpenCV 4.12 and later
    _FAST_PNG += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]


@dataclass(frozen=True)
class TreeFolder:
    """Where the frames of a character in one environment go."""

    root: Path
    set_type: SetType
    character: str
    environment: str
    passes: tuple[str, ...] = ()  # pictures of a frame besides the coloured one

    @property
    def _kinds(self) -> tuple[str, ...]:
        return ("json", *(() if self.environment == LABELS_ONLY else ("rgba", *self.passes)))

    def _path(self, kind: str, number: int) -> Path:
        name = f"_{number:06d}.json" if kind == "json" else f".{kind}.{number:06d}.png"
        person = self.root / self.set_type.folder / self.character
        return person / self.environment / "cam_down" / kind / f"{self.character}{name}"

    def create(self) -> None:
        """Make the folders; labels-only frames get no folder for pictures."""
        for kind in self._kinds:
            self._path(kind, 0).parent.mkdir(parents=True, exist_ok=True)

    def missing(self, numbers: Iterable[int]) -> set[int]:
        """Those of the frame numbers that are still to be made."""
        return {n for n in numbers if not all(self._path(k, n).exists() for k in self._kinds)}

    def waiting(self) -> bool:
        """Whether frames wait for :meth:`shard_folder.ShardFolder.finish`: never."""
        return False

    def write(self, number: int, label: bytes, pictures: dict[str, np.ndarray]) -> None:
        """Write a frame: the pictures first, then the label, each renamed into place.

        Args:
            number: of the frame.
            label: content of the json.
            pictures: ``rgba`` (H, W, 3) uint8 RGB and further passes (H, W) uint8 or uint16 by
                name; none for a labels-only frame.
        """
        for kind, picture in pictures.items():
            how = [cv2.IMWRITE_PNG_COMPRESSION, 3]
            if kind == "rgba":
                picture, how = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), _FAST_PNG
            _, encoded = cv2.imencode(".png", picture, how)
            replace_file(self._path(kind, number), encoded.tobytes())
        replace_file(self._path("json", number), label)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside its place and rename it; other processes may do so at the same time."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_bytes(content)
    temporary.replace(path)
