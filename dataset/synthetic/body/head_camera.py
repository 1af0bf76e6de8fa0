"""The camera on the head: where the headset holds it, and which way it looks."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from base.release_camera import matrix_to_euler_sxyz
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


def mount(body: Body, rng: np.random.Generator) -> HeadCamera:
    """Put the headset on: held before the nose, never quite alike.

    The optical axis stays within 3° of straight down when the head is upright.
    """
    bone = body.rig.index("Head")
    head = body.vertices[body.rig.main_bone == bone] - body.heads[bone]
    middle = head[np.abs(head[:, 0]) < 0.8]
    _, up, ahead = middle[middle[:, 2].argmax()]  # the tip of the nose
    spread = np.clip(rng.normal(0.0, 1.0, 3), -2.0, 2.0) * _PLACE_SPREAD
    offset = np.array([0.0, up, ahead]) + np.array([0.0, -_DOWN, _AHEAD]) + spread
    tilt = rng.normal(0.0, _TILT_SPREAD, 3)
    tilt *= min(1.0, _MOST_TILT / max(float(np.linalg.norm(tilt)), 1e-9))
    return HeadCamera(offset, Rotation.from_rotvec(tilt, degrees=True).as_matrix() @ _LOOKING_DOWN)


def camera_poses(
    worn: HeadCamera, head_joint: np.ndarray, head_turn: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3) ``trans`` in centimetres and (N, 3) ``rot`` in degrees, as the release's labels.

    Of (N, 3) Head joints in the world and (N, 3, 3) turns of the head on top of the T-pose.
    """
    trans = head_joint + head_turn @ worn.offset
    return trans, np.array([matrix_to_euler_sxyz(turn @ worn.turn) for turn in head_turn])
