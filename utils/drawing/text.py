"""Anti-aliased text on pictures, each line set once and kept."""

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
def _coverage(text: str, size: int, bold: bool) -> np.ndarray:
    """(h, w) uint16: how much of each pixel the text covers, of 256; h is that of the font."""
    font = _font(size, bold)
    ascent, descent = font.getmetrics()
    image = Image.new("L", (max(1, round(font.getlength(text)) + 1), ascent + descent))
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=font)
    covered = np.asarray(image, np.uint16)
    return covered + (covered > 127)


@lru_cache(maxsize=512)
def text_width(text: str, size: int, bold: bool = False) -> int:
    """Width in pixels that a text will take."""
    return round(_font(size, bold).getlength(text)) + 1


def fitted(text: str, width: int, size: int, bold: bool = False) -> str:
    """``text``, its middle replaced by an ellipsis where it is wider than ``width`` pixels."""
    if text_width(text, size, bold) <= width:
        return text
    for kept in range(len(text) - 1, 0, -1):
        head = (kept + 1) // 2
        shorter = f"{text[:head]}…{text[len(text) - (kept - head) :]}"
        if text_width(shorter, size, bold) <= width:
            return shorter
    return ""


def draw_text(
    canvas: np.ndarray,
    text: str,
    x: float,
    y: float,
    size: int,
    colour: Colour,
    bold: bool = False,
    anchor: float = 0.0,
) -> None:
    """Draw one line of text.

    Args:
        canvas: (H, W, 3) uint8, drawn into; what lies outside is cut off.
        text: the line.
        x: pixels; where ``anchor`` (0 left end, 0.5 middle, 1 right end) of the line goes.
        y: pixels, vertical middle of the line.
        size: of the font, pixels.
        colour: RGB.
        bold: the bold cut.
        anchor: see ``x``.
    """
    if not text:
        return
    covered = _coverage(text, size, bold)
    height, width = covered.shape
    left, top = round(x - anchor * width), round(y - height / 2)
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(canvas.shape[1], left + width), min(canvas.shape[0], top + height)
    if x0 >= x1 or y0 >= y1:
        return
    ink = covered[y0 - top : y1 - top, x0 - left : x1 - left, None]
    ground = canvas[y0:y1, x0:x1]
    # 256 · 255 fits 16 bits.
    ground[:] = (ground * (256 - ink) + np.asarray(colour, np.uint16) * ink) >> 8
