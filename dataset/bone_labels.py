"""Rotations of bones in the release's json: an evaluation reads them, training does not."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from base.errors import UserError
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


class BoneLabels(NamedTuple):
    """Labels of N frames, bones in the order of :data:`BONES`; NaN where a label has none."""

    joints: np.ndarray  # (N, 22, 3) where bones begin, world centimetres
    #: (N, 22, 3) degrees as they are written; which axes they are about, and in which order, no
    #: label says.
    degrees: np.ndarray


def read_bone_labels(paths: Iterable[Path]) -> BoneLabels | None:
    """From json files; None where no joint has a ``rot``.  UserError for a file that cannot be
    read, or whose rotations are no numbers."""
    with ThreadPoolExecutor(_READERS) as pool:
        values = np.stack([*pool.map(_bones, paths)])
    if np.isnan(values[..., 3:]).all():
        return None
    return BoneLabels(values[..., :3], values[..., 3:])


def _bones(path: Path) -> np.ndarray:
    """(22, 6): place and angles of each bone."""
    values = np.full((len(BONES), 6), np.nan)
    row_of = {JOINT_PREFIX + name: row for row, name in enumerate(BONES)}
    row_of |= {name: row for row, name in enumerate(BONES)}
    try:
        for joint in json.loads(read_bytes(path))["joints"]:
            if (row := row_of.get(joint["name"])) is not None and "rot" in joint:
                values[row] = [*joint["trans"], *joint["rot"]]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: no rotations of joints ({error!s:.80})") from None
    return values
