"""The camera on the head: where the headset holds it, and which way it looks."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from base.camera import matrix_to_euler_sxyz
from dataset.synthetic.body.body_model import Body

#: Camera from the tip of the nose, centimetres: before it and below, where it sees the chin and the
#: lower lip at the rim of the picture as the release's cameras do.
_DOWN, _AHEAD = 3.2, 2.3
#: How differently people wear it: deviations in centimetres (across, up, ahead) and degrees.
_PLACE_SPREAD = (0.7, 0.6, 0.8)
_TILT_SPREAD, _MOST_TILT = 1.6, 2.9

#: A level camera that looks straight down, as columns of Maya's camera axes in the body's axes:
#: picture right is the wearer's left (+x), picture down is forward (+z).
_LOOKING_DOWN = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True)
class HeadCamera:
    """How one person wears the headset."""

    offset: np.ndarray  # (3,) camera from the Head joint, centimetres, axes of the head
    turn: np.ndarray  # (3, 3) Maya camera axes in the axes of the head


def _nose(body: Body) -> np.ndarray:
    """(3,) tip of the nose from the Head joint: what lies furthest ahead in the face's middle."""
    bone = body.rig.index("Head")
    head = body.vertices[body.rig.main_bone == bone] - body.heads[bone]
    middle = head[np.abs(head[:, 0]) < 0.8]
    _, up, ahead = middle[middle[:, 2].argmax()]
    return np.array([0.0, up, ahead])


def mount(body: Body, rng: np.random.Generator) -> HeadCamera:
    """Put the headset on: held before the nose, never quite alike.

    The optical axis stays within 3° of straight down when the head is upright.
    """
    spread = np.clip(rng.normal(0.0, 1.0, 3), -2.0, 2.0) * _PLACE_SPREAD
    offset = _nose(body) + np.array([0.0, -_DOWN, _AHEAD]) + spread
    tilt = rng.normal(0.0, _TILT_SPREAD, 3)
    tilt *= min(1.0, _MOST_TILT / max(float(np.linalg.norm(tilt)), 1e-9))
    return HeadCamera(offset, Rotation.from_rotvec(tilt, degrees=True).as_matrix() @ _LOOKING_DOWN)


def camera_poses(
    worn: HeadCamera, head_joint: np.ndarray, head_turn: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Camera of each frame in the release's terms.

    Args:
        worn: how the headset is worn.
        head_joint: (N, 3) Head joints, world centimetres.
        head_turn: (N, 3, 3) turns of the head on top of the T-pose.

    Returns:
        (N, 3) ``trans`` in centimetres and (N, 3) ``rot`` in degrees.
    """
    trans = head_joint + head_turn @ worn.offset
    rot = np.array([matrix_to_euler_sxyz(turn @ worn.turn) for turn in head_turn])
    return trans.reshape(-1, 3), rot.reshape(-1, 3)
