"""Reading one picture of any common kind, and finding those of a folder."""

import contextlib
import io
import re
from collections.abc import Set
from pathlib import Path, PurePath

import cv2
import numpy as np
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from base.cameras.camera import Camera
from base.errors import BrokenFrameError, UserError

#: Suffixes of pictures, in lower case.
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})

#: Of each kind its first bytes, its last ones, and what reads its header alone.
_KINDS = (
    (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82", PngImageFile),
    (b"\xff\xd8\xff", b"\xff\xd9", JpegImageFile),
)


class WrongSizeError(BrokenFrameError):
    """A picture that is not of its camera's size."""


def read_picture(path: Path) -> np.ndarray:
    """A picture as (H, W, 3) uint8 RGB, whatever its channels and depth, turned as EXIF says.

    Raises:
        BrokenFrameError: for a file that is missing, cut off or no picture.
    """
    return decode_picture(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """A frame's file; raises BrokenFrameError where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BrokenFrameError(f"{path}: cannot be read ({error.strerror})") from None


def decode_picture(data: bytes, path: Path | str) -> np.ndarray:
    """The picture in a file's bytes, as :func:`read_picture`; ``path`` names it in errors.

    OpenCV reads the size before it decodes anything, and refuses a picture that is too large.
    """
    # Some decoders fill the missing part of a cut-off file with grey and say nothing.
    for start, end, _ in _KINDS:
        if data.startswith(start) and end not in data:
            raise BrokenFrameError(f"{path}: cut off after {len(data)} bytes")
    try:
        # IMREAD_COLOR makes three 8-bit channels of grey, 16-bit and transparent pictures.
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if data else None
    except cv2.error:
        image = None
    if image is None:
        raise BrokenFrameError(f"{path}: {_undecodable(data)}")
    return image


def _undecodable(data: bytes) -> str:
    """What a file is that OpenCV does not decode, by its header."""
    for start, _, reader in _KINDS:
        if data.startswith(start):
            # What Pillow raises for a header that makes no sense.
            with contextlib.suppress(OSError, SyntaxError, ValueError):
                width, height = reader(io.BytesIO(data)).size
                return f"a picture of {width}×{height} pixels, too large or damaged"
    return "not a picture that can be decoded"


def decode_camera_picture(data: bytes, path: Path | str, camera: Camera) -> np.ndarray:
    """A picture of a camera, as :func:`decode_picture`: of its size, and no other."""
    image = decode_picture(data, path)
    check_size(image, path, camera)
    return image


def check_size(image: np.ndarray, path: Path | str, camera: Camera) -> None:
    """Raise :class:`WrongSizeError` where a picture (H, W, 3) is not of its camera's size."""
    if image.shape[:2] != (camera.height, camera.width):
        raise WrongSizeError(
            f"{path}: picture is {image.shape[1]}×{image.shape[0]}, "
            f"expected {camera.width}×{camera.height}"
        )


def natural_order(path: PurePath) -> tuple:
    """Sort key of paths: folder by folder, numbers by their value: frame_2 before frame_10."""

    def key(name: str) -> tuple[list[str | int], str]:
        words: list[str | int] = re.split("([0-9]+)", name)
        words[1::2] = map(int, words[1::2])
        return words, name

    return [key(part) for part in path.parent.parts], key(path.name)


def is_picture(name: str, suffixes: Set[str] = PICTURE_SUFFIXES) -> bool:
    """Whether a file's name is that of a picture, and not of what macOS notes about one."""
    return Path(name).suffix.lower() in suffixes and not name.startswith("._")


def list_pictures(folder: Path) -> list[Path]:
    """The pictures directly in a folder, in natural order; refused if there are none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of pictures")
    try:
        found = [path for path in folder.iterdir() if is_picture(path.name) and not path.is_dir()]
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from None
    if not found:
        kinds = ", ".join(sorted(PICTURE_SUFFIXES))
        raise UserError(f"{folder}: holds no picture ({kinds})")
    return sorted(found, key=natural_order)
