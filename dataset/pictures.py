"""Reading one picture of any common kind, whole, with its size bounded before it is decoded."""

import contextlib
import io
import re
import warnings
from pathlib import Path, PurePath
from typing import BinaryIO

import cv2
import numpy as np
import simplejpeg
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile

from base.cameras.camera import Camera
from base.errors import BrokenFrameError

#: A picture has at most this many.
MOST_PIXELS = 2**27


#: Pillow's names of what is read; OpenCV reads the last three not at all, or ignores their EXIF.
_BY_PILLOW = ("WEBP", "AVIF", "HEIF")
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", *_BY_PILLOW)
#: Of whole files, where a decoder would fill what is missing with grey.
_ENDS = {"PNG": b"IEND\xaeB`\x82", "JPEG": b"\xff\xd9", "MPO": b"\xff\xd9"}
#: Suffixes of pictures, in lower case.
PICTURE_SUFFIXES = frozenset(
    [".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".heic", ".heif"]
)

# What is wrong with a picture is said by us, in one line.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
warnings.filterwarnings("ignore", module=r"PIL\.")


class WrongSizeError(BrokenFrameError):
    """A picture that is not of its camera's size."""


def read_picture(path: Path) -> np.ndarray:
    """A picture as (H, W, 3) uint8 RGB, whatever its channels and depth, turned as EXIF says;
    BrokenFrameError for a file that is missing, cut off, damaged, too large or no single one."""
    return decode_picture(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """A frame's file; BrokenFrameError where it cannot be read."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise ValueError("no regular file")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise BrokenFrameError(f"{path}: cannot be read ({why})") from None


def is_picture(path: Path) -> bool:
    """Whether a file begins as a picture, whatever its name."""
    try:
        with path.open("rb") as file:
            _header(file)
    except Image.DecompressionBombError:  # a large one
        return True
    except Exception:  # what Pillow raises for other files shares no base class
        return False
    return True


def _header(file: BinaryIO) -> ImageFile:
    """Pillow's view of a picture's header."""
    if file.read(8)[4:] == b"ftyp":
        with contextlib.suppress(ImportError):
            from pillow_heif import register_heif_opener

            register_heif_opener()
    return Image.open(file, formats=_FORMATS)  # which begins at the file's beginning


def _open(data: bytes, path: Path | str) -> ImageFile:
    """As :func:`_header`; BrokenFrameError where it is no single picture, or too large to be
    decoded."""
    try:
        header = _header(io.BytesIO(data))
        # HEIC says which of its pictures is the one, and a JPEG's others are its previews.
        count = 1 if header.format in ("HEIF", "MPO") else getattr(header, "n_frames", 1)
    except Image.DecompressionBombError:
        count, header = 0, None
    except Exception:  # nor what it raises for damaged headers
        needs = " (HEIC: pip install pillow-heif)" if data[4:8] == b"ftyp" else ""
        raise BrokenFrameError(f"{path}: not a picture that can be decoded{needs}") from None
    if header is None or header.width * header.height > MOST_PIXELS:
        most = f"{MOST_PIXELS / 1e6:.0f} million pixels"
        raise BrokenFrameError(f"{path}: a picture of more than {most}, too large")
    if _ENDS.get(header.format, b"") not in data:
        raise BrokenFrameError(f"{path}: cut off after {len(data)} bytes")
    if count > 1:
        raise BrokenFrameError(f"{path}: {count} pictures in one file: save each as a file")
    return header


def decode_picture(data: bytes, path: Path | str) -> np.ndarray:
    """The picture in a file's bytes, as :func:`read_picture`; ``path`` names it in errors."""
    return _decode(_open(data, path), data, path)


def _decode(header: ImageFile, data: bytes, path: Path | str) -> np.ndarray:
    try:
        # OpenCV fills what is damaged inside these with grey, and says nothing.
        if jpeg := header.format in ("JPEG", "MPO"):
            image = simplejpeg.decode_jpeg(data)
        elif header.format == "TIFF":
            header.load()
        if header.format in _BY_PILLOW:
            image = np.asarray(ImageOps.exif_transpose(header).convert("RGB"))
        elif not jpeg or "exif" in header.info:  # which may say how to turn it
            # Three 8-bit channels also of grey, 16-bit and transparent pictures.
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except Exception:  # nor what decoders raise
        image = None
    if image is None:
        width, height = header.size
        raise BrokenFrameError(f"{path}: a picture of {width}×{height} pixels, damaged")
    return image


def decode_camera_picture(data: bytes, path: Path | str, camera: Camera) -> np.ndarray:
    """A picture of a camera, as :func:`decode_picture`: of its size, and no other."""
    header = _open(data, path)
    if {*header.size} != {camera.width, camera.height}:  # EXIF may say that it lies on its side
        check_size(header.size, path, camera)
    image = _decode(header, data, path)
    check_size(image.shape[1::-1], path, camera)
    return image


def check_size(size: tuple[int, ...], path: Path | str, camera: Camera) -> None:
    """Raise :class:`WrongSizeError` where a picture's width and height are not its camera's."""
    if size != (camera.width, camera.height):
        raise WrongSizeError(
            f"{path}: picture is {size[0]}×{size[1]}, expected {camera.width}×{camera.height}"
        )


def changed(path: Path) -> int:
    """When a picture's file was last written or put in its place, nanoseconds; 0 where that is not
    told."""
    for there in (path, path.parent / path.name.partition("#")[0]):  # a row of a file
        with contextlib.suppress(OSError):
            return max(there.stat().st_mtime_ns, there.stat().st_ctime_ns)
    return 0


def natural_order(path: PurePath) -> tuple:
    """Sort key of paths: folder by folder, numbers by their value: frame_2 before frame_10."""

    def key(name: str) -> tuple[list[str | int], str]:
        words: list[str | int] = re.split("([0-9]+)", name)
        words[1::2] = map(int, words[1::2])
        return words, name

    return [key(part) for part in path.parent.parts], key(path.name)
