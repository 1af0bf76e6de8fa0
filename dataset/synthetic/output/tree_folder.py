"""Files of a synthetic set: the release's layout, written so that a kill leaves no half frame."""

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from base.errors import UserError
from base.set_type import SetType
from dataset.packed.shards import MANIFEST as PACKED_MANIFEST
from dataset.packed.shards import PackOptions

#: Frames of a packed set on their way into shards.
STAGING = ".frames"

PICTURES, LABELS_ONLY = "env_001", "env_002"
#: Half the time of level 1's defaults on these pictures, and a twentieth smaller.
_FAST_PNG = [
    cv2.IMWRITE_PNG_COMPRESSION,
    1,
    cv2.IMWRITE_PNG_STRATEGY,
    cv2.IMWRITE_PNG_STRATEGY_RLE,
]
if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # OpenCV 4.12 and later
    _FAST_PNG += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
_MANIFEST = "synthetic.json"


@dataclass(frozen=True)
class Folder:
    """Where the frames of one character in one environment go."""

    root: Path
    set_type: SetType
    character: str
    environment: str
    passes: tuple[str, ...] = ()

    @property
    def _camera(self) -> Path:
        return self.root / self.set_type.folder / self.character / self.environment / "cam_down"

    def picture(self, number: int) -> Path:
        """Path of a frame's picture."""
        return self._camera / "rgba" / f"{self.character}.rgba.{number:06d}.png"

    def further(self, name: str, number: int) -> Path:
        """Path of a frame's further pass, such as ``depth``."""
        return self._camera / name / f"{self.character}.{name}.{number:06d}.png"

    def label(self, number: int) -> Path:
        """Path of a frame's json."""
        return self._camera / "json" / f"{self.character}_{number:06d}.json"

    def missing(self, numbers: Iterable[int]) -> set[int]:
        """Those of the frame numbers that are still to be made."""
        return {number for number in numbers if not self._complete(number)}

    def _complete(self, number: int) -> bool:
        # The label is written last.
        if not self.label(number).exists():
            return False
        pictures = [self.picture(number), *(self.further(name, number) for name in self.passes)]
        return self.environment == LABELS_ONLY or all(path.exists() for path in pictures)

    def create(self) -> None:
        """Make the folders; labels-only frames get no folder for pictures."""
        (self._camera / "json").mkdir(parents=True, exist_ok=True)
        if self.environment != LABELS_ONLY:
            for name in ("rgba", *self.passes):
                (self._camera / name).mkdir(parents=True, exist_ok=True)

    def write(
        self,
        number: int,
        label: bytes,
        image: np.ndarray | None = None,
        further: dict[str, np.ndarray] | None = None,
    ) -> None:
        """Write a frame: the pictures first, then the label, each renamed into place.

        Args:
            number: of the frame.
            label: content of the json.
            image: (H, W, 3) uint8 RGB, or None for a labels-only frame.
            further: the other passes, (H, W) uint8 or uint16.
        """
        for name, picture in (further or {}).items():
            _, encoded = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 3])
            replace_file(self.further(name, number), encoded.tobytes())
        if image is not None:
            _, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _FAST_PNG)
            replace_file(self.picture(number), encoded.tobytes())
        replace_file(self.label(number), label)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside its place and rename it; other processes may do so at the same time."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_bytes(content)
    temporary.replace(path)


def prepare_output(
    root: Path, made_with: dict, resume: bool, overwrite: bool, pack: PackOptions | None = None
) -> None:
    """Get the output folder ready and note what the set is made with.

    Args:
        root: the folder to write to.
        made_with: options that decide the content of a frame.
        resume: go on with a set made with the same options.
        overwrite: delete a synthetic set that is there.
        pack: how its frames are packed, None for a tree.

    Raises:
        UserError: if the folder holds something else, or cannot be written to.
    """
    manifest, packed = root / _MANIFEST, root / PACKED_MANIFEST
    made_with = made_with | {"pack": pack and pack.as_dict()}
    if root.exists() and not root.is_dir():
        raise UserError(f"{root} is a file: give a folder with --output")
    try:
        filled = root.is_dir() and any(root.iterdir())
        if filled and not manifest.is_file():
            raise UserError(
                f"{root} is not empty and holds no synthetic set: give another folder with --output"
            )
        if filled and overwrite:
            for name in (*(set_type.folder for set_type in SetType), STAGING):
                shutil.rmtree(root / name, ignore_errors=True)
            packed.unlink(missing_ok=True)
        elif filled and resume:
            _check_same(manifest, made_with)
        elif filled:
            raise UserError(
                f"{root} already holds a synthetic set: go on with it with --resume, or replace it "
                "with --overwrite"
            )
        root.mkdir(parents=True, exist_ok=True)
        if pack is not None:
            content = json.dumps(pack.as_dict(), indent=1).encode() + b"\n"
            replace_file(packed, content)
        replace_file(manifest, json.dumps(made_with, indent=2).encode() + b"\n")
    except OSError as error:
        raise UserError(f"cannot write to {root}: {error.strerror}") from None


def _check_same(manifest: Path, made_with: dict) -> None:
    try:
        before = json.loads(manifest.read_bytes())
    except ValueError:
        raise UserError(f"{manifest} cannot be read: start anew with --overwrite") from None
    for key, value in json.loads(json.dumps(made_with)).items():
        if before.get(key) == value:
            continue
        if key == "version":
            raise UserError(
                f"{manifest.parent} was made by another version of this program: start anew with "
                "--overwrite"
            )
        if key == "pack":
            raise UserError(
                f"{manifest.parent} was made {_packed(before.get(key))}, not {_packed(value)}: "
                "resume in the same way, or start anew with --overwrite"
            )
        what = f"--{key} {before.get(key)}, not {value}"
        if isinstance(value, (dict, list)) or isinstance(before.get(key), (dict, list)):
            what = f"another --{key}"
        raise UserError(
            f"{manifest.parent} was made with {what}: resume with the same, or start anew with "
            "--overwrite"
        )


def _packed(options: dict | None) -> str:
    return "without --pack" if options is None else f"with --pack_size {options['size']}"
