"""A lens from points of known place and their pixels."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from base.cameras.fisheye import FisheyeCamera
from base.errors import UserError

#: Twice the number of unknowns: four of the lens, four coefficients, six of its place.
_LEAST_POINTS = 14
#: Focal lengths to start from, in widths of the picture.
_STARTS = (0.2, 0.35, 0.6)


@dataclass(frozen=True)
class LensFit:
    """A fitted lens and its place.

    Attributes:
        camera: the lens.
        rotation: (3, 3) of directions from the frame of the points to the camera's.
        position: (3,) of the camera in the frame of the points.
        residual: (N,) distance of each reprojected point from its pixel.
    """

    camera: FisheyeCamera
    rotation: np.ndarray
    position: np.ndarray
    residual: np.ndarray

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) points in the camera's frame."""
        return (points - self.position) @ self.rotation.T


def fit_lens(
    points: np.ndarray, pixels: np.ndarray, width: int, height: int, depth: np.ndarray | None = None
) -> LensFit:
    """Least squares of the fisheye polynomial and its place to (N, 3) points seen at (N, 2) pixels,
    and where it is known, their (N,) depth along the optical axis, in the unit of the points.

    It starts from Tsai's radial alignment ("A versatile camera calibration technique", IEEE J.
    Robotics and Automation 1987), which holds for any lens of round symmetry: seen from the axis,
    a point lies in the direction of its pixel from the middle of the picture.  It needs points that
    do not lie in one plane; fewer than 14, or such that no lens fits, are a UserError.
    """
    if len(points) < _LEAST_POINTS:
        raise UserError(f"{len(points)} points: a lens needs {_LEAST_POINTS} or more")
    middle = (np.array([width, height]) - 1) / 2
    scale = np.linalg.norm(points - points.mean(0), axis=1).mean()
    if scale == 0:
        raise UserError("all points lie at one place")
    offset = points.mean(0)
    near = (points - offset) / scale
    rotation, shift = _radially_aligned(near, pixels - middle)
    vector = Rotation.from_matrix(rotation).as_rotvec()

    def miss(x: np.ndarray) -> np.ndarray:
        placed = Rotation.from_rotvec(x[8:11]).apply(near) + x[11:]
        off = _project(_lens(x, width, height), placed) - pixels
        if depth is None:
            return off.ravel()
        # A ten-thousandth of the points' spread counts as a pixel: labels' depths are exact.
        return np.append(off, (placed[:, 2] - depth / scale) / 1e-4)

    fits = []
    for share in _STARTS:
        for ahead in (0.0, 1.0):
            lens = [share * width, share * width, *middle, 0.0, 0.0, 0.0, 0.0]
            start = np.array([*lens, *vector, *shift, ahead])
            scales = np.array([width] * 4 + [0.1, 0.03, 0.01, 0.003] + [1.0] * 6)
            fits.append(least_squares(miss, start, x_scale=scales, max_nfev=500))
    best = min(fits, key=lambda fit: fit.cost)
    camera = _lens(best.x, width, height)
    turn = Rotation.from_rotvec(best.x[8:11]).as_matrix()
    position = offset - scale * turn.T @ best.x[11:]
    residual = np.hypot(*best.fun[: 2 * len(points)].reshape(-1, 2).T)
    return LensFit(camera, turn, position, residual)


def _lens(x: np.ndarray, width: int, height: int) -> FisheyeCamera:
    fx, fy, cx, cy, *k = x[:8].tolist()
    return FisheyeCamera(fx, fy, cx, cy, tuple(k), width, height)


def _project(camera: FisheyeCamera, points: np.ndarray) -> np.ndarray:
    """Without the bound on the angle, which a lens that is not yet fitted has anywhere."""
    across = np.hypot(*points[:, :2].T)
    radius = camera.radius_of(np.arctan2(across, points[:, 2])) / np.maximum(across, 1e-12)
    return camera._to_pixels(*(radius[:, None] * points[:, :2]).T)


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
