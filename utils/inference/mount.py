"""How the user's camera is turned against the training camera, which looks straight down."""

import numpy as np

from base.camera import euler_sxyz_to_matrix


def mount_rotation(rotate: float = 0.0, forward: float = 0.0, left: float = 0.0) -> np.ndarray:
    """Rotation of directions from the downward-looking camera's frame to the user's.

    The downward-looking camera has x to the wearer's left, y forward, z down; in its picture the
    wearer's face is at the top and what is ahead at the bottom.

    Args:
        rotate: degrees by which the user's picture must be turned clockwise for that.
        forward: degrees by which the camera looks forward of straight down.
        left: degrees by which it looks to the wearer's left of straight down.

    Returns:
        (3, 3).
    """
    tilt_forward = euler_sxyz_to_matrix(np.array([forward, 0.0, 0.0]))
    tilt_left = euler_sxyz_to_matrix(np.array([0.0, -left, 0.0]))
    turn = euler_sxyz_to_matrix(np.array([0.0, 0.0, -rotate]))
    return turn @ tilt_forward @ tilt_left
