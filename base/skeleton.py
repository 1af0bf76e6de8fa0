"""The 16-joint skeleton of xR-EgoPose: names, order, limbs, halves of the body, mirror partners."""

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import torch

Poses = TypeVar("Poses", "np.ndarray", "torch.Tensor")

#: Joint names in the order of every ``(…, 16, …)`` array of the project.  They are the release's
#: names without the prefix ``mixamorig:``; LeftArm is the shoulder, LeftForeArm the elbow,
#: LeftUpLeg the hip, LeftLeg the knee.
JOINTS: tuple[str, ...] = (
    "Neck",
    "Head",
    "LeftArm",
    "LeftForeArm",
    "LeftHand",
    "RightArm",
    "RightForeArm",
    "RightHand",
    "LeftUpLeg",
    "LeftLeg",
    "LeftFoot",
    "LeftToeBase",
    "RightUpLeg",
    "RightLeg",
    "RightFoot",
    "RightToeBase",
)
NUM_JOINTS = len(JOINTS)
JOINT_PREFIX = "mixamorig:"

NECK = JOINTS.index("Neck")
HEAD = JOINTS.index("Head")

#: The joints that have a heatmap: all but Head, which lies behind the camera.
HEATMAP_JOINTS: tuple[int, ...] = tuple(i for i in range(NUM_JOINTS) if i != HEAD)
NUM_HEATMAPS = len(HEATMAP_JOINTS)

#: Limbs as (parent, child): the bones of the loss and of every drawing.
LIMBS: tuple[tuple[int, int], ...] = (
    (0, 1),
    (2, 3),
    (3, 4),
    (5, 6),
    (6, 7),
    (8, 9),
    (9, 10),
    (10, 11),
    (12, 13),
    (13, 14),
    (14, 15),
    (2, 8),
    (5, 12),
    (2, 5),
)

UPPER_BODY: tuple[int, ...] = tuple(range(0, 8))
LOWER_BODY: tuple[int, ...] = tuple(range(8, 16))
LEFT_JOINTS: tuple[int, ...] = tuple(i for i, name in enumerate(JOINTS) if name.startswith("Left"))
RIGHT_JOINTS: tuple[int, ...] = tuple(
    i for i, name in enumerate(JOINTS) if name.startswith("Right")
)


def _partner(name: str) -> str:
    if name.startswith("Left"):
        return "Right" + name.removeprefix("Left")
    if name.startswith("Right"):
        return "Left" + name.removeprefix("Right")
    return name


#: ``joints[MIRROR]`` swaps left and right: index of each joint's partner (itself on the midline).
MIRROR: tuple[int, ...] = tuple(JOINTS.index(_partner(name)) for name in JOINTS)


def neck_centred(joints3d: Poses) -> Poses:
    """(…, 16, 3) NumPy array or tensor, moved so that each pose has its Neck at the origin."""
    return joints3d - joints3d[..., NECK : NECK + 1, :]
