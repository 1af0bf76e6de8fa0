"""The JPEGs of the packed form: cropped and resized once, and encoded small."""

from pathlib import Path

import cv2
import numpy as np

from dataset.pictures import decode_release_picture
from dataset.transforms import SquareCrop


def encode_picture(data: bytes, name: Path | str, crop: SquareCrop, quality: int) -> bytes:
    """A release picture's file, cropped, resized once and made a JPEG.

    Raises:
        BrokenFrameError: for one that is cut off, unreadable or of another size.
    """
    return encode_square(decode_release_picture(data, name), crop, quality)


def encode_square(image: np.ndarray, crop: SquareCrop, quality: int) -> bytes:
    """The JPEG of a (H, W, 3) uint8 RGB picture, cropped and resized once."""
    square = crop.image(image)
    # Huffman tables made for each picture lose nothing and save some per cent.
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(square, cv2.COLOR_RGB2BGR), options)
    return encoded.tobytes()
