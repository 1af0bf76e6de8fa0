"""The camera on the head: where the headset holds it, and which way it looks."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from base.headset import Headset
from base.release_camera import MAYA_TO_CAMERA, matrix_to_euler_sxyz
from dataset.synthetic.body.body_model import Body

#: Nobody wears a headset further from how it is meant to be, standard deviations: on each axis of
#: its place, and of the tilt as a whole (the release's stays within 3°).
_MOST_SHIFT, _MOST_TILT = 2.0, 2.9 / 1.6
#: What is so near to a camera, centimetres across, is before or behind it; a headset may sit 2 cm
#: from where it is meant to.
CLEARANCE = 2.5
#: The axes of the head (:mod:`base.headset`), as columns in those of a body that faces +z, y up.
_HEAD_TO_BODY = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class HeadCamera:
    """How one person wears a headset."""

    headset: Headset  # as it is meant to be worn
    offset: np.ndarray  # (3,) camera from the Head joint, centimetres: left, up, ahead
    turn: np.ndarray  # (3, 3) Maya camera axes in the axes of a body that stands upright


def nose_tip(body: Body) -> np.ndarray:
    """(3,) the tip of the nose from the Head joint, centimetres: in the middle, up, ahead."""
    bone = body.rig.index("Head")
    head = body.vertices[body.rig.main_bone == bone] - body.heads[bone]
    middle = head[np.abs(head[:, 0]) < 0.8]
    return middle[middle[:, 2].argmax()] * (0.0, 1.0, 1.0)


def depth_at(body: Body, left: float, up: float) -> tuple[float, float]:
    """Centimetres ahead of the tip of the nose at which a body at rest begins and ends, around a
    place seen from the front; (inf, -inf) where there is nothing."""
    points = body.vertices - body.heads[body.rig.index("Head")] - nose_tip(body)
    near = points[np.hypot(points[:, 0] - left, points[:, 1] - up) < CLEARANCE, 2]
    return float(near.min(initial=np.inf)), float(near.max(initial=-np.inf))


def is_inside(body: Body, headset: Headset) -> bool:
    """Whether the camera of a headset, as it is meant to be worn, would be inside a person."""
    left, up, ahead = headset.position
    back, front = depth_at(body, left, up)
    return back < ahead < front


def mount(body: Body, headset: Headset, rng: np.random.Generator) -> HeadCamera:
    """Put a headset on, never quite alike."""
    spread = np.clip(rng.normal(0.0, 1.0, 3), -_MOST_SHIFT, _MOST_SHIFT) * headset.position_spread
    offset = nose_tip(body) + np.array(headset.position) + spread
    tilt = rng.normal(0.0, headset.tilt_spread, 3)
    most = _MOST_TILT * headset.tilt_spread
    tilt *= min(1.0, most / max(float(np.linalg.norm(tilt)), 1e-9))
    worn = Rotation.from_rotvec(tilt, degrees=True).as_matrix()
    return HeadCamera(headset, offset, worn @ _HEAD_TO_BODY @ headset.rotation.T @ MAYA_TO_CAMERA)


def camera_poses(
    worn: HeadCamera, head_joint: np.ndarray, head_turn: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3) ``trans`` in centimetres and (N, 3) ``rot`` in degrees, as the release's labels, of
    (N, 3) Head joints and (N, 3, 3) turns of the head on top of the T-pose."""
    trans = head_joint + head_turn @ worn.offset
    return trans, np.array([matrix_to_euler_sxyz(turn @ worn.turn) for turn in head_turn])
