"""The bright disc that a fisheye lens draws on a dark sensor, found in pictures."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

_WORK_SIDE = 512
_DIRECTIONS = 720
#: Grey levels by which the disc must rise above the corners.
_LEAST_RISE = 14
_CORNER_SHARE = 0.04
_DARKEST_CORNERS = 60
#: Share of the radius by which a rim point may be off the circle.
_TOLERANCE = 0.012
_TRIALS = 400
#: Arc of the rim that must be seen, degrees, and share of the rim points that must agree.
_LEAST_ARC = 90
_LEAST_AGREEMENT = 0.5
_LEAST_POINTS = 12
#: Pixels from the picture's border within which a point does not count as the rim's.
_BORDER = 3


class ImageCircle(NamedTuple):
    """Rim of the disc, pixels."""

    x: float
    y: float
    radius: float


def _rim_points(brightest: np.ndarray) -> np.ndarray:
    """Outermost points (N, 2) of the lit region's convex hull in all directions, but for those at
    the picture's border: dark things at the rim only cut a circle by straight lines."""
    height, width = brightest.shape
    side = max(2, round(_CORNER_SHARE * min(height, width)))
    ends = (slice(side), slice(-side, None))
    dark = float(np.median([np.median(brightest[y, x]) for y in ends for x in ends]))
    light = float(np.percentile(brightest, 90))
    if dark > _DARKEST_CORNERS or light - dark < 2 * _LEAST_RISE:
        return np.empty((0, 2))
    lit = (brightest > dark + max(_LEAST_RISE, 0.1 * (light - dark))).astype(np.uint8)
    lit = cv2.morphologyEx(lit, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(lit)
    if count < 2:
        return np.empty((0, 2))
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    hull = cv2.convexHull(cv2.findNonZero((labels == largest).astype(np.uint8)))
    filled = cv2.fillConvexPoly(np.zeros_like(lit), hull, 1)
    y, x = np.nonzero(filled)
    centre = np.array([x.mean(), y.mean()])
    angles = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    reach = np.arange(0, np.hypot(height, width), 0.5)
    along = centre + reach[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], -1)
    column, row = np.round(along[..., 0]).astype(int), np.round(along[..., 1]).astype(int)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    inside[inside] = filled[row[inside], column[inside]] > 0
    last = len(reach) - 1 - np.argmax(inside[::-1], axis=0)
    points = along[last, np.arange(_DIRECTIONS)]
    far = np.array([width, height]) - 1 - _BORDER
    return points[((points > _BORDER) & (points < far)).all(1)]


def _circle_through(points: np.ndarray) -> ImageCircle:
    """Least-squares circle of (N, 2) points, N ≥ 3: x² + y² = 2 a x + 2 b y + c."""
    design = np.column_stack([2 * points, np.ones(len(points))])
    (a, b, c), *_ = np.linalg.lstsq(design, (points**2).sum(1), rcond=None)
    return ImageCircle(a, b, np.sqrt(max(c + a * a + b * b, 0.0)))


def _agreeing(points: np.ndarray, circle: ImageCircle) -> np.ndarray:
    distance = np.hypot(*(points - circle[:2]).T)
    return np.abs(distance - circle.radius) <= _TOLERANCE * circle.radius


def find_image_circle(pictures: Sequence[np.ndarray]) -> ImageCircle | None:
    """The image circle of a camera, or None where no dark surround shows one. Fitted to the rim by
    RANSAC (Fischler & Bolles, 1981) and least squares on what agrees. ``pictures`` are one or more
    (H, W, 3) uint8 of one size; what is dark in one may be lit in another."""
    height, width = pictures[0].shape[:2]
    scale = min(1.0, _WORK_SIDE / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    brightest = np.max(
        [cv2.resize(item, size, interpolation=cv2.INTER_AREA).max(2) for item in pictures], axis=0
    )
    points = _rim_points(brightest)
    if len(points) < _LEAST_POINTS:
        return None
    rng = np.random.default_rng(0)
    best = np.zeros(len(points), bool)
    for _ in range(_TRIALS):
        circle = _circle_through(points[rng.choice(len(points), 3, replace=False)])
        agreeing = _agreeing(points, circle)
        sized = 0.2 * min(size) < circle.radius < 1.5 * max(size)
        if sized and agreeing.sum() > best.sum():
            best = agreeing
    if best.sum() < max(_LEAST_POINTS, _LEAST_AGREEMENT * len(points)):
        return None
    best = _agreeing(points, _circle_through(points[best]))
    circle = _circle_through(points[best])
    around = np.degrees(np.arctan2(*(points[best] - circle[:2]).T[::-1]))
    if len(np.unique(np.floor(around / 5))) * 5 < _LEAST_ARC:
        return None
    x, y = (circle.x + 0.5) * width / size[0] - 0.5, (circle.y + 0.5) * height / size[1] - 0.5
    return ImageCircle(float(x), float(y), float(circle.radius * width / size[0]))
