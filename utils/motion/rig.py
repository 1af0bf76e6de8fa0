"""The skeleton that moves: joints with Mixamo's names, a T-pose at rest, forward kinematics.

Axes: x to the wearer's left, y up, z forward, metres.  At rest all rotations are the identity: the
body faces +z, arms along ±x with the palms down, legs along -y, soles flat.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from base.skeleton import JOINTS

#: x to the wearer's left, y forward, z down → x to the left, y up, z forward.
CAMERA_TO_RIG = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])

ROOT = "Hips"
_UP, _DOWN, _HERE = (0.0, 1.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 0.0)
#: Joint → parent, and direction from it at rest; each after its parent.  One rotation aims one bone
#: exactly, so the spine starts on the Hips, and the neck on the Spine1, with joints of their own
#: that only turn what hangs on them.  The directions that are no axis are means over 60 synthetic
#: people, whose joints are where the release's characters have theirs: the Neck lies behind the
#: middle of the shoulders, hips lie ahead of where thighs turn, a flat foot slopes.
BONES: dict[str, tuple[str, tuple[float, float, float]]] = {
    "Spine": (ROOT, _HERE),
    "Spine1": ("Spine", _UP),
    "Spine2": ("Spine1", _HERE),
    "Neck": ("Spine2", (0.0, 0.8, -0.6)),
    "Head": ("Neck", (0.0, 0.95, 0.31)),
}
for _side, _x in (("Left", 1.0), ("Right", -1.0)):
    BONES |= {
        f"{_side}Arm": ("Spine1", (_x, 0.0, 0.0)),
        f"{_side}ForeArm": (f"{_side}Arm", (_x, 0.0, 0.0)),
        f"{_side}Hand": (f"{_side}ForeArm", (_x, 0.0, 0.0)),
        f"{_side}UpLeg": (ROOT, (_x, 0.0, 0.0)),
        f"{_side}Leg": (f"{_side}UpLeg", (0.1 * _x, -0.99, -0.07)),
        f"{_side}Foot": (f"{_side}Leg", _DOWN),
        f"{_side}ToeBase": (f"{_side}Foot", (0.0, -0.32, 0.95)),
    }

RIG_JOINTS: tuple[str, ...] = (ROOT, *BONES)
NUM_RIG_JOINTS = len(RIG_JOINTS)
#: Row of each joint's parent, -1 of the Hips.
PARENTS: tuple[int, ...] = (-1, *(RIG_JOINTS.index(parent) for parent, _ in BONES.values()))
CHILDREN: dict[str, list[str]] = {
    name: [child for child, (parent, _) in BONES.items() if parent == name] for name in RIG_JOINTS
}
#: (20, 3) direction of each joint from its parent at rest; zero where it is in the same place.
REST = np.array([_HERE, *(rest for _, rest in BONES.values())])
REST /= np.maximum(np.linalg.norm(REST, axis=1, keepdims=True), 1e-9)
#: Rows of the rig's joints that are :data:`base.skeleton.JOINTS`, in the order of these.
JOINT_ROWS: tuple[int, ...] = tuple(map(RIG_JOINTS.index, JOINTS))


def forward_kinematics(
    offsets: np.ndarray, root: np.ndarray, rotations: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Places (F, 20, 3) of joints, metres, and their global rotations (F, 20, 3, 3), from where
    each is from its parent at rest (20, 3), where the Hips are (F, 3), and rotations relative to
    the parents, (F, 20, 4) quaternions x y z w."""
    local = Rotation.from_quat(np.reshape(rotations, (-1, 4))).as_matrix()
    turned = local.reshape(-1, NUM_RIG_JOINTS, 3, 3)
    places = np.repeat(np.asarray(root, np.float64)[:, None], NUM_RIG_JOINTS, 1)
    for row, parent in enumerate(PARENTS[1:], 1):
        places[:, row] = places[:, parent] + turned[:, parent] @ offsets[row]
        turned[:, row] = turned[:, parent] @ turned[:, row]
    return places, turned
