"""The release's camera and its place in the world."""

import math

import numpy as np
import torch

from base.cameras.camera import Array, namespace
from base.cameras.fisheye import FisheyeCamera

_K = -0.05631891929412012, -0.0038333424842925286, -0.00024681888617308917, -0.00012153386798050158
#: The camera of the release, as given by the dataset's first author.
RELEASE_CAMERA = FisheyeCamera(
    *(352.59619801644876, 352.70276325061578, 654.6810228318458, 400.952228031277, _K, 1280, 800)
)
#: Of its centred square, the reference's crop.
RELEASE_SQUARE = RELEASE_CAMERA.cropped(240, 0, 800, 800)

#: Maya's camera looks along -z with y up; ours looks along +z with y down.
MAYA_TO_CAMERA = np.diag([1.0, -1.0, -1.0])


def euler_sxyz_to_matrix(degrees: np.ndarray) -> np.ndarray:
    """(3, 3) rotation R = Rz · Ry · Rx of (3,) angles about the static x, then y, then z axis."""
    (sx, sy, sz), (cx, cy, cz) = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    rx = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rz = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return rz @ ry @ rx


def matrix_to_euler_sxyz(matrix: np.ndarray) -> np.ndarray:
    """Inverse of :func:`euler_sxyz_to_matrix`: (3,) degrees, the y angle within ±90."""
    y = math.asin(float(np.clip(-matrix[2, 0], -1.0, 1.0)))
    x, z = math.atan2(matrix[2, 1], matrix[2, 2]), math.atan2(matrix[1, 0], matrix[0, 0])
    if abs(matrix[2, 0]) >= 1 - 1e-12:  # gimbal lock: only x ± z is determined
        x, z = math.atan2(-matrix[1, 2], matrix[1, 1]), 0.0
    return np.degrees([x, y, z])


def world_to_camera(points: np.ndarray, trans: np.ndarray, rot: np.ndarray) -> np.ndarray:
    """The release's camera formula: X_cam = M_maya · inv(T(trans) · R_sxyz(rot)) · X_world, for
    (…, 3) points and the camera's (3,) place in centimetres, and its (3,) angles in degrees."""
    # Row vectors: (Rᵀ (X - t))ᵀ = (X - t)ᵀ R.
    return (points - trans) @ euler_sxyz_to_matrix(rot) @ MAYA_TO_CAMERA


def fit_translation(joints3d: Array, rays: Array, weights: Array) -> Array:
    """Place poses of known shape in the camera frame, from the rays their joints were seen along.

    The least squares of the distance of each placed joint from its ray,
    Σ w_j |(I - r_j r_jᵀ)(X_j + t)|², are quadratic in t and solved in closed form.  Of (…, J, 3)
    metres in camera axes with any origin, (…, J, 3) unit rays and (…, J) non-negative weights, of
    which two on different rays are needed, the (…, 3) translations, metres, into the camera frame.
    """
    xp = namespace(joints3d)
    eye = xp.eye(3, dtype=joints3d.dtype)
    if isinstance(joints3d, torch.Tensor):
        eye = eye.to(joints3d.device)
    across = weights[..., None, None] * (eye - rays[..., :, None] * rays[..., None, :])
    matrix = across.sum(-3) + 1e-9 * eye
    vector = -(across @ joints3d[..., None]).sum(-3)
    return xp.linalg.solve(matrix, vector)[..., 0]
