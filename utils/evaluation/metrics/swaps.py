"""How often left and right are exchanged."""

from typing import Any

import numpy as np

from base.skeleton import LOWER_BODY, MIRROR, UPPER_BODY
from utils.evaluation.bootstrap import figures
from utils.evaluation.distances import joint_errors
from utils.evaluation.poses import Poses

#: Limbs that a network can exchange.
_PAIRS: dict[str, list[int]] = {
    "arms": [joint for joint in UPPER_BODY if MIRROR[joint] != joint],
    "legs": list(LOWER_BODY),
}


def swapped(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(N, 2) bool: whether left and right of the arms, and of the legs, of (N, 16, 3) poses fit
    better exchanged.  An equal fit is no swap."""
    plain = joint_errors(predicted, target)
    exchanged = joint_errors(np.asarray(predicted)[:, list(MIRROR)], target)
    return np.stack([exchanged[:, j].mean(1) < plain[:, j].mean(1) for j in _PAIRS.values()], 1)


def swap_rates(poses: Poses) -> dict[str, Any]:
    """Share of the frames, in [0, 1]."""
    found = swapped(poses.predicted, poses.target)
    return figures(list(_PAIRS), found, np.ones((len(found), 1)), poses.characters[1])
