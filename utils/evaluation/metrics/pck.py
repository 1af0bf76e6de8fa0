"""3D PCK: the share of joints that are near enough."""

from typing import Any

import numpy as np

from base.skeleton import NECK
from utils.evaluation.bootstrap import figures
from utils.evaluation.poses import Poses

#: Millimetres at which PCK is taken; AUC is its mean over them.  Source: Mehta et al., "Monocular
#: 3D human pose estimation in the wild using improved CNN supervision" (MPI-INF-3DHP), 3DV 2017.
PCK_THRESHOLDS: tuple[int, ...] = tuple(range(0, 151, 5))
#: Thresholds reported one by one, millimetres.
_SHOWN = ("50", "100", "150")


def pck(poses: Poses) -> dict[str, Any]:
    """Shares in [0, 1] of the 15 joints other than the Neck: at 50, 100 and 150 mm, their mean
    over all thresholds ("auc"), and at each ("curve")."""
    errors = np.delete(poses.joint_errors, NECK, 1)
    within = np.stack([(errors <= threshold).mean(1) for threshold in PCK_THRESHOLDS], 1)
    every, characters = np.ones((len(within), 1)), poses.characters[1]
    columns = [PCK_THRESHOLDS.index(int(name)) for name in _SHOWN]
    auc = within.mean(1, keepdims=True)
    values = np.concatenate([within[:, columns], auc], 1)
    curve = dict(zip(map(str, PCK_THRESHOLDS), within.mean(0).tolist(), strict=True))
    return figures([*_SHOWN, "auc"], values, every, characters) | {"curve": curve}
