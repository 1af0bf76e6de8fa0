"""Anti-aliased text on pictures."""

from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from utils.drawing.style import Colour


@lru_cache(maxsize=32)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    # The font that matplotlib ships is there on every machine.
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)


@lru_cache(maxsize=512)
def text_width(text: str, size: int, bold: bool = False) -> int:
    return round(_font(size, bold).getlength(text)) + 1


def fitted(text: str, width: int, size: int, bold: bool = False) -> str:
    """``text``, its middle replaced by an ellipsis where it is wider than ``width`` pixels."""
    shorter, kept = text, len(text)
    while shorter and text_width(shorter, size, bold) > width:
        kept -= 1
        head = (kept + 1) // 2
        shorter = f"{text[:head]}…{text[len(text) - (kept - head) :]}" if kept > 0 else ""
    return shorter


def draw_text(
    canvas: np.ndarray,
    text: str,
    place: tuple[float, float],
    size: int,
    colour: Colour,
    bold: bool = False,
    anchor: str = "l",
) -> int:
    """Draw a line of text into a (H, W, 3) uint8 canvas, cut off where that ends: its vertical
    middle and, across, its ``anchor`` ("l", "m" or "r") at ``place``, (x, y) pixels. Returns its
    width."""
    image = Image.fromarray(canvas)
    ImageDraw.Draw(image).text(place, text, colour, _font(size, bold), f"{anchor}m")
    canvas[:] = image
    return text_width(text, size, bold)
