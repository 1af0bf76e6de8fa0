"""Reading one picture of any common kind, and finding those of a folder."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torchvision.io import ImageReadMode, decode_jpeg

from base.camera import RELEASE_CAMERA
from base.errors import BrokenFrameError, UserError

#: Suffixes of pictures, in lower case.
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})

_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_JPEG, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


class WrongSizeError(BrokenFrameError):
    """A picture that is not of the release's size."""


def read_picture(path: Path) -> np.ndarray:
    """A picture as RGB, whatever its channels and depth; EXIF orientation is honoured.

    Returns:
        (H, W, 3) uint8.

    Raises:
        BrokenFrameError: for a file that is missing, cut off or no picture.
    """
    return decode_picture(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """A frame's file.

    Raises:
        BrokenFrameError: where it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BrokenFrameError(f"{path}: cannot be read ({error.strerror})") from None


def decode_picture(data: bytes, path: Path | str) -> np.ndarray:
    """The picture in a file's bytes, as :func:`read_picture`; ``path`` names it in errors.

    Raises:
        BrokenFrameError: for bytes that are cut off or no picture.
    """
    # Some decoders fill the missing part of a cut-off file with grey and say nothing.
    for start, end in ((_PNG, _PNG_END), (_JPEG, _JPEG_END)):
        if data.startswith(start) and end not in data:
            raise BrokenFrameError(f"{path}: cut off after {len(data)} bytes")
    # IMREAD_COLOR makes three 8-bit channels of grey, 16-bit and transparent pictures.
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if data else None
    if image is None:
        raise BrokenFrameError(f"{path}: not a picture that can be decoded")
    return image


def decode_release_picture(data: bytes, path: Path | str) -> np.ndarray:
    """A picture of the release from its file's bytes: (800, 1280, 3) uint8 RGB.

    Raises:
        BrokenFrameError: as :func:`decode_picture`, and for a picture of another size.
    """
    image = decode_picture(data, path)
    if image.shape[:2] != (RELEASE_CAMERA.height, RELEASE_CAMERA.width):
        raise WrongSizeError(
            f"{path}: picture is {image.shape[1]}×{image.shape[0]}, "
            f"expected {RELEASE_CAMERA.width}×{RELEASE_CAMERA.height}"
        )
    return image


def decode_jpegs(data: Sequence[bytes], device: torch.device | str = "cpu") -> torch.Tensor:
    """JPEG files of one size, decoded on a device (nvJPEG on CUDA).

    Args:
        data: B files.
        device: where to decode.

    Returns:
        (B, 3, H, W) uint8 RGB on that device.

    Raises:
        BrokenFrameError: where one cannot be decoded.
    """
    files = [torch.frombuffer(bytearray(item), dtype=torch.uint8) for item in data]
    try:
        return torch.stack(decode_jpeg(files, ImageReadMode.RGB, device=device))
    except RuntimeError as error:
        raise BrokenFrameError(f"a JPEG of {len(files)} cannot be decoded: {error}") from None


def list_pictures(folder: Path) -> list[Path]:
    """The pictures directly in a folder, sorted by name.

    Raises:
        UserError: if it is missing, no folder, or holds none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of pictures")
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()
    )
    if not found:
        kinds = ", ".join(sorted(PICTURE_SUFFIXES))
        raise UserError(f"{folder}: holds no picture ({kinds})")
    return found
