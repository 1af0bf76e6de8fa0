"""Frames in the release's layout, written so that a kill leaves no half frame."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from base.files import write_bytes
from base.set_type import SetType

#: Environments: of frames with pictures, and of those with labels alone.
PICTURES, LABELS_ONLY = "env_001", "env_002"
#: Half the time of level 1's defaults on these pictures, and a twentieth smaller.
_FAST_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]
_FAST_PNG += [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # OpenCV 4.12 and later
    _FAST_PNG += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
#: How files end that are whole.
_ENDS = {".png": b"IEND\xaeB`\x82", ".jpg": b"\xff\xd9", ".json": b"}"}


def is_whole(path: Path) -> bool:
    """Whether a file of a frame is there to its end: a computer that lost its power leaves empty
    ones, or zeros."""
    try:
        with path.open("rb") as file:
            file.seek(-min(8, path.stat().st_size), 2)
            return file.read().endswith(_ENDS[path.suffix])
    except OSError:
        return False


@dataclass(frozen=True)
class TreeFolder:
    """Where the frames of a character in one environment go."""

    root: Path
    set_type: SetType
    character: str
    environment: str
    passes: tuple[str, ...] = ()  # pictures of a frame besides the coloured one

    def _path(self, kind: str, number: int) -> Path:
        name = f"_{number:06d}.json" if kind == "json" else f".{kind}.{number:06d}.png"
        person = self.root / self.set_type.folder / self.character
        return person / self.environment / "cam_down" / kind / f"{self.character}{name}"

    def missing(self, numbers: Iterable[int]) -> set[int]:
        """Those of the frame numbers that are still to be made."""
        kinds = ("json", *(() if self.environment == LABELS_ONLY else ("rgba", *self.passes)))
        return {n for n in numbers if not all(is_whole(self._path(k, n)) for k in kinds)}

    def write(self, number: int, label: bytes, pictures: dict[str, np.ndarray]) -> None:
        """Write a frame: the pictures first, then the label, each whole or not at all.

        ``pictures`` are ``rgba`` (H, W, 3) uint8 RGB and further passes (H, W) uint8 or uint16 by
        name; none for a frame with a label only.
        """
        for kind, picture in pictures.items():
            how = [cv2.IMWRITE_PNG_COMPRESSION, 3]
            if kind == "rgba":
                picture, how = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), _FAST_PNG
            _, encoded = cv2.imencode(".png", picture, how)
            write_bytes(self._path(kind, number), encoded.tobytes(), single_writer=True)
        write_bytes(self._path("json", number), label, single_writer=True)

    def finish(self) -> None:
        """Nothing: a frame is where it belongs once it is written, unlike one of a shard."""
