"""The fisheye camera: projection, its bounded inverse, cropping and resizing, camera poses.

Every function takes NumPy arrays or torch tensors and returns the same kind.  Pixels have their
centres at integer coordinates (OpenCV's convention): the picture covers [-0.5, width - 0.5).
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import TypeVar

import numpy as np
import torch

Array = TypeVar("Array", np.ndarray, torch.Tensor)

#: The inverse is never asked for directions further off axis than this (radians): the training
#: lens's polynomial turns back at about 103 degrees.
MAX_THETA = math.radians(100.0)

_NEWTON_STEPS = 12


def _namespace(array: Array) -> ModuleType:
    return torch if isinstance(array, torch.Tensor) else np


@dataclass(frozen=True)
class FisheyeCamera:
    """Kannala–Brandt camera with four coefficients, as in ``cv2.fisheye``.

    A direction at angle θ from the optical axis lands at radius
    θ_d = θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸), times (fx, fy), around (cx, cy).
    Source: Kannala & Brandt, "A generic camera model and calibration method for conventional,
    wide-angle, and fish-eye lenses", TPAMI 2006, in OpenCV's parametrisation.

    Attributes:
        fx, fy: focal lengths, pixels per radian on the axis.
        cx, cy: principal point, pixels.
        k: the four coefficients.
        width, height: picture size, pixels.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    k: tuple[float, float, float, float]
    width: int
    height: int

    @cached_property
    def max_theta(self) -> float:
        """Largest usable angle, radians: the polynomial rises up to here, never past 100°."""
        k1, k2, k3, k4 = self.k
        theta = np.linspace(0.0, MAX_THETA, 4096)
        t2 = theta**2
        slope = 1 + t2 * (3 * k1 + t2 * (5 * k2 + t2 * (7 * k3 + t2 * 9 * k4)))
        falling = np.flatnonzero(slope <= 0)
        return float(theta[falling[0] - 1]) if len(falling) else MAX_THETA

    def _distort(self, theta: Array) -> Array:
        k1, k2, k3, k4 = self.k
        t2 = theta * theta
        return theta * (1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4))))

    def _undistort(self, theta_d: Array) -> Array:
        """Invert the polynomial by Newton's method on [0, max_theta]; clamps outside."""
        xp = _namespace(theta_d)
        k1, k2, k3, k4 = self.k
        limit = float(self._distort(np.float64(self.max_theta)))
        theta_d = xp.clip(theta_d, 0.0, limit)
        theta = theta_d
        for _ in range(_NEWTON_STEPS):
            t2 = theta * theta
            slope = 1 + t2 * (3 * k1 + t2 * (5 * k2 + t2 * (7 * k3 + t2 * 9 * k4)))
            step = (self._distort(theta) - theta_d) / xp.clip(slope, 1e-3, None)
            theta = xp.clip(theta - step, 0.0, self.max_theta)
        return theta

    def angle(self, points: Array) -> Array:
        """Angle θ of (…, 3) camera-frame points from the optical axis: (…) radians."""
        xp = _namespace(points)
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        return xp.arctan2(xp.sqrt(x * x + y * y), z)

    def project(self, points: Array) -> Array:
        """Project points to pixels.

        Args:
            points: (…, 3) camera frame, any length unit.

        Returns:
            (…, 2) pixels.  Directions beyond :attr:`max_theta` are drawn in to it, where the
            polynomial is still one-to-one; :meth:`in_view` tells them apart.
        """
        xp = _namespace(points)
        x, y = points[..., 0], points[..., 1]
        radius = xp.sqrt(x * x + y * y)
        theta_d = self._distort(xp.clip(self.angle(points), 0.0, self.max_theta))
        scale = theta_d / xp.clip(radius, 1e-12, None)
        return xp.stack([self.fx * scale * x + self.cx, self.fy * scale * y + self.cy], -1)

    def unproject(self, pixels: Array) -> Array:
        """Viewing rays of pixels.

        Args:
            pixels: (…, 2).

        Returns:
            (…, 3) unit vectors, camera frame.  Pixels outside the lens's range (:meth:`covers`)
            give the ray at :attr:`max_theta` in their direction.
        """
        xp = _namespace(pixels)
        a = (pixels[..., 0] - self.cx) / self.fx
        b = (pixels[..., 1] - self.cy) / self.fy
        theta_d = xp.sqrt(a * a + b * b)
        theta = self._undistort(theta_d)
        # sin(θ)/θ_d tends to 1 on the axis, where both vanish.
        scale = xp.where(theta_d > 1e-9, xp.sin(theta) / xp.clip(theta_d, 1e-9, None), 1.0)
        return xp.stack([scale * a, scale * b, xp.cos(theta)], -1)

    def covers(self, pixels: Array) -> Array:
        """Which of (…, 2) pixels lie where the lens model is one-to-one: (…) bool."""
        xp = _namespace(pixels)
        a = (pixels[..., 0] - self.cx) / self.fx
        b = (pixels[..., 1] - self.cy) / self.fy
        return xp.sqrt(a * a + b * b) <= float(self._distort(np.float64(self.max_theta)))

    def in_picture(self, pixels: Array) -> Array:
        """Which of (…, 2) pixels lie inside the picture's rectangle: (…) bool."""
        x, y = pixels[..., 0], pixels[..., 1]
        inside_x = (x >= -0.5) & (x < self.width - 0.5)
        return inside_x & (y >= -0.5) & (y < self.height - 0.5)

    def in_view(self, points: Array) -> Array:
        """Which of (…, 3) camera-frame points land inside the picture: (…) bool."""
        return (self.angle(points) < self.max_theta) & self.in_picture(self.project(points))

    def cropped(self, left: float, top: float, width: int, height: int) -> "FisheyeCamera":
        """The camera of the window of this picture that starts at pixel (left, top)."""
        return replace(self, cx=self.cx - left, cy=self.cy - top, width=width, height=height)

    def resized(self, width: int, height: int) -> "FisheyeCamera":
        """The camera of this picture resampled to another size (pixel areas, not centres)."""
        sx, sy = width / self.width, height / self.height
        return FisheyeCamera(
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=(self.cx + 0.5) * sx - 0.5,
            cy=(self.cy + 0.5) * sy - 0.5,
            k=self.k,
            width=width,
            height=height,
        )


#: The camera of the release, 1280×800, as given by the dataset's first author.
RELEASE_CAMERA = FisheyeCamera(
    fx=352.59619801644876,
    fy=352.70276325061578,
    cx=654.6810228318458,
    cy=400.952228031277,
    k=(
        -0.05631891929412012,
        -0.0038333424842925286,
        -0.00024681888617308917,
        -0.00012153386798050158,
    ),
    width=1280,
    height=800,
)

#: Maya's camera looks along -z with y up; ours looks along +z with y down.
MAYA_TO_CAMERA = np.diag([1.0, -1.0, -1.0])


def euler_sxyz_to_matrix(degrees: np.ndarray) -> np.ndarray:
    """Rotation matrix of Euler angles about the static x, then y, then z axis.

    Args:
        degrees: (3,) angles.

    Returns:
        (3, 3) matrix R = Rz · Ry · Rx.
    """
    (sx, sy, sz), (cx, cy, cz) = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    rx = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rz = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return rz @ ry @ rx


def matrix_to_euler_sxyz(matrix: np.ndarray) -> np.ndarray:
    """Inverse of :func:`euler_sxyz_to_matrix`: (3,) degrees, the y angle within ±90."""
    y = math.asin(float(np.clip(-matrix[2, 0], -1.0, 1.0)))
    if abs(matrix[2, 0]) < 1 - 1e-12:
        x = math.atan2(matrix[2, 1], matrix[2, 2])
        z = math.atan2(matrix[1, 0], matrix[0, 0])
    else:  # gimbal lock: only x ± z is determined, and z = 0 is as good as any
        x = math.atan2(-matrix[1, 2], matrix[1, 1])
        z = 0.0
    return np.degrees([x, y, z])


def world_to_camera(points: np.ndarray, trans: np.ndarray, rot: np.ndarray) -> np.ndarray:
    """The release's camera formula: X_cam = M_maya · inv(T(trans) · R_sxyz(rot)) · X_world.

    Args:
        points: (…, 3) world points, centimetres as in the release.
        trans: (3,) camera position, same unit.
        rot: (3,) camera Euler angles about the static x, y, z axes, degrees.

    Returns:
        (…, 3) points in the camera frame, same unit.
    """
    # Row vectors: (Rᵀ (X - t))ᵀ = (X - t)ᵀ R.
    return (points - trans) @ euler_sxyz_to_matrix(rot) @ MAYA_TO_CAMERA


def fit_translation(joints3d: Array, rays: Array, weights: Array) -> Array:
    """Place poses of known shape in the camera frame, from the rays their joints were seen along.

    Least squares on the distance of each placed joint from its ray:
    Σ w_j |(I - r_j r_jᵀ)(X_j + t)|² is quadratic in t and solved in closed form.

    Args:
        joints3d: (…, J, 3) metres, camera axes, any origin.
        rays: (…, J, 3) unit vectors, camera frame.
        weights: (…, J) non-negative; at least two joints on different rays need weight.

    Returns:
        (…, 3) translations, metres: ``joints3d + t[…, None, :]`` lies in the camera frame.
    """
    xp = _namespace(joints3d)
    eye = xp.eye(3, dtype=joints3d.dtype)
    if isinstance(joints3d, torch.Tensor):
        eye = eye.to(joints3d.device)
    across = weights[..., None, None] * (eye - rays[..., :, None] * rays[..., None, :])
    matrix = across.sum(-3) + 1e-9 * eye
    vector = -(across @ joints3d[..., None]).sum(-3)
    return xp.linalg.solve(matrix, vector)[..., 0]
