"""Drawing one skeleton, and heatmaps, in the language of :mod:`utils.drawing.style`."""

import cv2
import numpy as np

from base.skeleton import HEATMAP_JOINTS
from utils.drawing.style import BONES, PREDICTED, Colour, Shades, side

#: Fractional bits of the coordinates given to OpenCV.
SHIFT = 4
#: OpenCV's coordinates are 32-bit with ``SHIFT`` fractional bits; nothing that far off is seen.
_FAR = 1e5
#: Widths of bones and of joints, and of the rim around both, pixels of a panel of 640.
_BONE, _JOINT, _RIM = 6.0, 12.0, 1.5
#: What is left of a joint of confidence 0.
_FAINTEST = 0.2


def fixed_point(points: np.ndarray) -> list:
    """Pixels (…, 2) in the fixed-point numbers that OpenCV draws with, as nested lists."""
    return np.rint(points * (1 << SHIFT)).astype(np.int32).tolist()


def draw_skeleton(
    canvas: np.ndarray,
    points: np.ndarray,
    shades: Shades,
    rim: Colour,
    scale: float,
    depth: np.ndarray | None = None,
    confidence: np.ndarray | None = None,
) -> None:
    """Draw a skeleton into a canvas (H, W, 3) uint8 in ``shades``, with a rim; ``scale`` is 1 in a
    panel of 640 pixels.  ``points`` are (16, 2) pixels, centres at integers; a NaN joint is left
    out with its bones. Of joints with a ``depth`` (16,), what is near is drawn over what is far; a
    ``confidence`` (16,) in [0, 1] is the opacity of a joint, and of bones to it at most."""
    points = np.where(np.abs(points) < _FAR, points, np.nan)
    there = set(np.flatnonzero(np.isfinite(points).all(1)).tolist())
    depth = np.zeros(len(points)) if depth is None else depth
    strokes = [(joint,) for joint in there] + [bone for bone in BONES if there.issuperset(bone)]
    # A joint is drawn over bones as far as it is.
    strokes.sort(key=lambda ends: (-depth[list(ends)].mean(), -len(ends)))
    ends = fixed_point(np.nan_to_num(points))
    faint = confidence is not None
    layer = canvas.copy() if faint else canvas
    cover = np.zeros(canvas.shape[:2], np.uint8)
    for margin, colours in ((2 * _RIM, (rim,) * 3), (0.0, shades)):
        for stroke in strokes:
            width = _JOINT if len(stroke) == 1 else _BONE
            how = max(1, round((width + margin) * scale)), cv2.LINE_AA, SHIFT
            line = ends[stroke[0]], ends[stroke[-1]]
            cv2.line(layer, *line, colours[side(*stroke)], *how)
            if faint:
                sure = float(np.clip(confidence[list(stroke)].min(), 0, 1))
                cv2.line(cover, *line, round(255 * (_FAINTEST + (1 - _FAINTEST) * sure)), *how)
    if faint:
        drawn = np.nonzero(cover)
        share = cover[drawn][:, None].astype(np.uint16)
        canvas[drawn] = (layer[drawn] * share + canvas[drawn] * (255 - share) + 127) // 255


def overlay_heatmaps(image: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """Heatmaps (15, h, h), about 1 at a joint, over a darkened grey picture (T, T, 3) uint8 RGB, in
    the shades of a prediction and as opaque as they are high; returns the same kind of picture."""
    maps = np.ascontiguousarray(heatmaps.clip(0, 1).transpose(1, 2, 0), np.float32)
    maps = cv2.resize(maps, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    tones = np.array([PREDICTED[side(joint)] for joint in HEATMAP_JOINTS], np.float32)
    # The mean shade of the joints that are there: a sum would be white where several are near.
    colours = maps @ tones / maps.sum(-1, keepdims=True).clip(1e-6)
    cover = maps.max(-1, keepdims=True)
    grey = 0.45 * image.mean(-1, keepdims=True)
    return (grey * (1 - cover) + cover * colours).clip(0, 255).astype(np.uint8)
