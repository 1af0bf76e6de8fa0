"""Rotations of bones in the release's json: an evaluation reads them, training does not."""

import contextlib
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from base.errors import BrokenFrameError
from base.skeleton import JOINT_PREFIX
from dataset.pictures import read_bytes

_READERS = 8
#: Mixamo's bones without fingers, each after the parent that it hangs on.
BONE_PARENTS: dict[str, str | None] = {
    **{"Hips": None, "Spine": "Hips", "Spine1": "Spine", "Spine2": "Spine1"},
    **{"Neck": "Spine2", "Head": "Neck"},
}
for _side in ("Left", "Right"):
    for _chain in ("Spine2 Shoulder Arm ForeArm Hand", "Hips UpLeg Leg Foot ToeBase"):
        _trunk, *_limb = _chain.split()
        _limb = [_side + _name for _name in _limb]
        BONE_PARENTS |= dict(zip(_limb, [_trunk, *_limb], strict=False))
BONES = (*BONE_PARENTS,)
_ROWS = {name: row for row, name in enumerate(BONES)}
#: What comes of a file that is not there any more, or whose rotations are no numbers.
_DAMAGED = BrokenFrameError, LookupError, TypeError, ValueError, AttributeError, RecursionError
_DAMAGED += (OverflowError,)


class BoneLabels(NamedTuple):
    """Labels of N frames, bones in the order of :data:`BONES`; NaN where a label has none."""

    joints: np.ndarray  # (N, 22, 3) where bones begin, world centimetres
    #: (N, 22, 3) degrees as they are written; which axes they are about, and in which order, no
    #: label says.
    degrees: np.ndarray


def read_bone_labels(paths: Iterable[Path]) -> BoneLabels | None:
    """From json files; None where no joint has a ``rot``."""
    with ThreadPoolExecutor(_READERS) as pool:
        values = np.stack([*pool.map(_bones, paths)])
    if np.isnan(values[..., 3:]).all():
        return None
    return BoneLabels(values[..., :3], values[..., 3:])


def _bones(path: Path) -> np.ndarray:
    """(22, 6): place and angles of each bone; NaN from the first one on that is no numbers."""
    values = np.full((len(BONES), 6), np.nan)
    with contextlib.suppress(*_DAMAGED):
        for joint in json.loads(read_bytes(path))["joints"]:
            row = _ROWS.get(joint["name"].removeprefix(JOINT_PREFIX))
            if row is not None:
                values[row] = [*joint["trans"], *joint["rot"]]
    values[~np.isfinite(values)] = np.nan
    return values
