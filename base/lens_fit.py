"""A lens from points of known place and their pixels."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from base.cameras.fisheye import ThinPrismFisheyeCamera
from base.cameras.numeric import polynomial
from base.errors import UserError

#: Unknowns: f, cx, cy, four radial and two tangential terms, six of its place.  A point gives two
#: equations; twice as many as needed are asked for.
_LEAST_POINTS = 15
#: Focal lengths to start from, in widths of the picture.
_STARTS = (0.2, 0.35, 0.6)
#: Pixels that a term of 1 counts as.
_SMALL_TERMS = 0.03


class LensFit(NamedTuple):
    """A fitted lens and its place, in the frame of the points."""

    camera: ThinPrismFisheyeCamera
    rotation: np.ndarray  # (3, 3) of directions from that frame to the camera's
    position: np.ndarray  # (3,) of the camera

    def off(self, points: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """(N,) pixels between (N, 2) and where the lens sees (N, 3) points."""
        seen = self.camera.project((points - self.position) @ self.rotation.T, clamp=True)
        return np.linalg.norm(seen - pixels, axis=1)


def fit_lens(
    points: np.ndarray, pixels: np.ndarray, width: int, height: int, depth: np.ndarray | None = None
) -> LensFit:
    """Least squares of a fisheye lens, with four radial and two tangential terms, and its place to
    (N, 3) points seen at (N, 2) pixels, and where it is known, their (N,) depth along the optical
    axis, in the unit of the points; UserError for fewer than 15, or points in one plane. It starts
    from Tsai's radial alignment ("A versatile camera calibration technique", IEEE J. Robotics and
    Automation 1987): seen from the axis, a point lies in the direction of its pixel from the middle
    of the picture."""
    if len(points) < _LEAST_POINTS:
        raise UserError(f"{len(points)} points: a lens needs {_LEAST_POINTS} or more")
    middle = (np.array([width, height]) - 1) / 2
    offset = points.mean(0)
    scale = np.linalg.norm(points - offset, axis=1).mean()
    if scale == 0:
        raise UserError("all points lie at one place")
    near = (points - offset) / scale
    rotation, shift = _radially_aligned(near, pixels - middle)
    vector = Rotation.from_matrix(rotation).as_rotvec()

    def miss(x: np.ndarray) -> np.ndarray:
        placed = Rotation.from_rotvec(x[9:12]).apply(near) + x[12:]
        off = _project(x, placed) - pixels
        # Of the lenses that fit as well, the one with the smallest terms.
        off = np.append(off, _SMALL_TERMS * x[3:9])
        if depth is None:
            return off
        # A ten-thousandth of the points' spread counts as a pixel: labels' depths are exact.
        return np.append(off, (placed[:, 2] - depth / scale) / 1e-4)

    fits = []
    for share in _STARTS:
        for ahead in (0.0, 1.0):
            start = np.array([share * width, *middle, *[0.0] * 6, *vector, *shift, ahead])
            units = np.array([width] * 3 + [0.1, 0.03, 0.01, 0.003, 0.01, 0.01] + [1.0] * 6)
            fits.append(least_squares(miss, start, x_scale=units, max_nfev=500))
    x = min(fits, key=lambda fit: fit.cost).x
    f, cx, cy, *terms = x[:9].tolist()
    k, p, s = tuple(terms[:4]), tuple(terms[4:]), (0.0,) * 4
    camera = ThinPrismFisheyeCamera(f, f, cx, cy, k, p, s, width, height)
    turn = Rotation.from_rotvec(x[9:12]).as_matrix()
    return LensFit(camera, turn, offset - scale * turn.T @ x[12:])


def _project(x: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Pixels of :class:`ThinPrismFisheyeCamera` without the bound on the angle, which a lens that
    is not yet fitted has anywhere."""
    (f, cx, cy), k, (p1, p2) = x[:3], x[3:7], x[7:9]
    across = np.hypot(*points[:, :2].T)
    theta = np.arctan2(across, points[:, 2])
    radius = theta * polynomial((1.0, *k), theta * theta)[0]
    a, b = radius / np.maximum(across, 1e-12) * points[:, :2].T
    tilt, r2 = 2 * (p1 * b + p2 * a), radius * radius
    return f * np.stack([a + a * tilt + p2 * r2, b + b * tilt + p1 * r2], -1) + (cx, cy)


def _radially_aligned(points: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (3, 3) and the first two numbers of the shift of the camera's frame from that of the
    points, of (N, 2) pixels from the middle."""
    ones = np.concatenate([points, np.ones((len(points), 1))], 1)
    # v (r1·X + t1) = u (r2·X + t2)
    system = np.concatenate([pixels[:, 1:] * ones, -pixels[:, :1] * ones], 1)
    system /= np.linalg.norm(pixels, axis=1, keepdims=True) + 1.0
    _, values, rows = np.linalg.svd(system)
    if values[-2] < 1e-3 * values[0]:
        raise UserError("the points do not determine a lens: they must not lie in one plane")
    first, second = rows[-1].reshape(2, 4)
    scale = np.sqrt(np.linalg.norm(first[:3]) * np.linalg.norm(second[:3]))
    first, second = first / scale, second / scale
    if np.sum(pixels[:, 0] * (ones @ first) + pixels[:, 1] * (ones @ second)) < 0:
        first, second = -first, -second
    # The nearest pair of perpendicular unit vectors.
    left, _, right = np.linalg.svd(np.stack([first[:3], second[:3]]), full_matrices=False)
    across, down = left @ right
    return np.stack([across, down, np.cross(across, down)]), np.array([first[3], second[3]])
