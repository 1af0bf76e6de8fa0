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
    *("Neck", "Head"),
    *("LeftArm", "LeftForeArm", "LeftHand", "RightArm", "RightForeArm", "RightHand"),
    *("LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase"),
    *("RightUpLeg", "RightLeg", "RightFoot", "RightToeBase"),
)
NUM_JOINTS = len(JOINTS)
JOINT_PREFIX = "mixamorig:"
NECK = JOINTS.index("Neck")
HEAD = JOINTS.index("Head")

#: The joints that have a heatmap: all but Head, which lies behind the camera.
HEATMAP_JOINTS: tuple[int, ...] = tuple(i for i in range(NUM_JOINTS) if i != HEAD)
NUM_HEATMAPS = len(HEATMAP_JOINTS)

#: Joints at both ends of the limbs: the bones of the loss.
LIMB_PARENTS = [0, 2, 3, 5, 6, 8, 9, 10, 12, 13, 14, 2, 5, 2]
LIMB_CHILDREN = [1, 3, 4, 6, 7, 9, 10, 11, 13, 14, 15, 8, 12, 5]
LIMBS: tuple[tuple[int, int], ...] = tuple(zip(LIMB_PARENTS, LIMB_CHILDREN, strict=True))
#: Of these the bones, each after the one that it hangs from; the others bend or slide.
RIGID_LIMBS = LIMBS[:11]
#: Of these the bones of arms and legs, feet included.
BODY_LIMBS = slice(1, 11)
#: Least and greatest height of a wearer, and the mean, metres.
HEIGHTS, MEAN_HEIGHT = (1.2, 2.3), 1.72

UPPER_BODY: tuple[int, ...] = tuple(range(0, 8))
LOWER_BODY: tuple[int, ...] = tuple(range(8, 16))
LEFT_JOINTS, RIGHT_JOINTS = (
    tuple(i for i, name in enumerate(JOINTS) if name.startswith(side)) for side in ("Left", "Right")
)
#: ``joints[MIRROR]`` swaps left and right: index of each joint's partner (itself on the midline).
MIRROR: tuple[int, ...] = tuple(
    dict(zip(LEFT_JOINTS + RIGHT_JOINTS, RIGHT_JOINTS + LEFT_JOINTS, strict=True)).get(i, i)
    for i in range(NUM_JOINTS)
)


def labelled(joints3d: Poses) -> Poses:
    """(…, 16) bool: which joints of (…, 16, 3) labels, NumPy or tensor, are known, the rest NaN."""
    return joints3d[..., 0] == joints3d[..., 0]


def limb_lengths(joints3d: Poses) -> Poses:
    """(…, 14) lengths of the limbs of (…, 16, 3), NumPy or tensor, in its precision."""
    limbs = joints3d[..., LIMB_CHILDREN, :] - joints3d[..., LIMB_PARENTS, :]
    return (limbs * limbs).sum(-1) ** 0.5


def neck_centred(joints3d: Poses) -> Poses:
    """(…, 16, 3) NumPy array or tensor, moved so that each pose has its Neck at the origin."""
    return joints3d - joints3d[..., NECK : NECK + 1, :]
