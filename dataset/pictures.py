"""Reading one picture of any common kind, whole, with its size bounded before it is decoded."""

import contextlib
import importlib
import io
import re
import warnings
from pathlib import Path, PurePath
from typing import NamedTuple

import cv2
import numpy as np
import simplejpeg
from PIL import ImageOps
from PIL.ImageFile import ImageFile

from base.cameras.camera import Camera
from base.errors import BrokenFrameError

#: A picture has at most this many.
MOST_PIXELS = 2**27


class _Kind(NamedTuple):
    """A kind of picture: the pattern of its first bytes; its last bytes where a decoder would fill
    what is missing with grey; the class that reads its header."""

    name: str
    start: bytes
    end: bytes
    reader: str


_KINDS = (
    _Kind("PNG", rb"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82", "PIL.PngImagePlugin.PngImageFile"),
    _Kind("JPEG", rb"\xff\xd8\xff", b"\xff\xd9", "PIL.JpegImagePlugin.JpegImageFile"),
    _Kind("BMP", rb"BM", b"", "PIL.BmpImagePlugin.BmpImageFile"),
    _Kind("TIFF", rb"II[*+]\0|MM\0[*+]", b"", "PIL.TiffImagePlugin.TiffImageFile"),
    _Kind("WebP", rb"RIFF....WEBP", b"", "PIL.WebPImagePlugin.WebPImageFile"),
    # By any of the brands in the first box.
    _Kind("AVIF", rb"....ftyp(....)*?avi[fs]", b"", "PIL.AvifImagePlugin.AvifImageFile"),
    _Kind("HEIC", rb"....ftyp(....)*?(he[iv].|m[is]f1)", b"", "pillow_heif.HeifImageFile"),
)
#: OpenCV reads these not at all, or without regard to EXIF.
_BY_PILLOW = ("WebP", "AVIF", "HEIC")
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
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise BrokenFrameError(f"{path}: cannot be read ({why})") from None


def kind_of(start: bytes) -> _Kind | None:
    """The kind of picture that a file's first 64 bytes are of."""
    return next((kind for kind in _KINDS if re.match(kind.start, start[:64], re.DOTALL)), None)


def _open(data: bytes, path: Path | str) -> tuple[_Kind, ImageFile]:
    """The kind of a picture, and Pillow's view of its header; BrokenFrameError where it is no
    single picture, or too large to be decoded."""
    kind = kind_of(data)
    if kind is None:
        raise BrokenFrameError(f"{path}: not a picture that can be decoded")
    if kind.end not in data:
        raise BrokenFrameError(f"{path}: cut off after {len(data)} bytes")
    module, _, name = kind.reader.rpartition(".")
    try:
        header = getattr(importlib.import_module(module), name)(io.BytesIO(data))
        # HEIC says which of its pictures is the one.
        count = 1 if kind.name == "HEIC" else getattr(header, "n_frames", 1)
    except ImportError:
        raise BrokenFrameError(
            f"{path}: {kind.name} needs pillow-heif: pip install pillow-heif"
        ) from None
    except Exception:  # what Pillow raises for damaged headers shares no base class
        raise BrokenFrameError(f"{path}: not a picture that can be decoded") from None
    width, height = header.size
    if width * height > MOST_PIXELS:
        raise BrokenFrameError(f"{path}: a picture of {width}×{height} pixels, too large")
    if count > 1:
        raise BrokenFrameError(f"{path}: {count} pictures in one file: save each as a file")
    return kind, header


def decode_picture(data: bytes, path: Path | str) -> np.ndarray:
    """The picture in a file's bytes, as :func:`read_picture`; ``path`` names it in errors."""
    return _decode(*_open(data, path), data, path)


def _decode(kind: _Kind, header: ImageFile, data: bytes, path: Path | str) -> np.ndarray:
    try:
        # OpenCV fills what is damaged inside these with grey, and says nothing.
        if kind.name == "JPEG":
            image = simplejpeg.decode_jpeg(data)
        elif kind.name == "TIFF":
            header.load()
        if kind.name in _BY_PILLOW:
            image = np.asarray(ImageOps.exif_transpose(header).convert("RGB"))
        elif kind.name != "JPEG" or "exif" in header.info:  # which may say how to turn it
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
    kind, header = _open(data, path)
    if {*header.size} != {camera.width, camera.height}:  # EXIF may say that it lies on its side
        check_size(header.size, path, camera)
    image = _decode(kind, header, data, path)
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
