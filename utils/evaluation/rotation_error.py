"""Rotation error: degrees between the predicted and the labelled global rotations of bones.

Rotations are relative to a T-pose.  Predicted ones are solved from the predicted joints.  In which
order a label's angles are, and relative to what, no label says: it is found from all of them.
"""

from functools import reduce
from itertools import permutations
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from base.errors import UserError
from base.skeleton import JOINTS
from dataset.bone_labels import BONE_PARENTS, BONES, BoneLabels
from dataset.synthetic.rotations import rotation
from utils.evaluation.bootstrap import figures
from utils.evaluation.pa_mpjpe import best_turn
from utils.evaluation.poses import Poses
from utils.motion.rig import CAMERA_TO_RIG, REST, RIG_JOINTS, forward_kinematics
from utils.motion.solver import solve_clip

_LIMBS = {"Arm": "ForeArm", "ForeArm": "Hand", "UpLeg": "Leg", "Leg": "Foot", "Foot": "ToeBase"}
#: Bones that are measured, by the joints that they turn about → the joints that they point to.
MEASURED = {"Hips": "Spine1", "Spine1": "Neck", "Neck": "Head"}
for _side in ("Left", "Right"):
    MEASURED |= {f"{_side}{start}": f"{_side}{end}" for start, end in _LIMBS.items()}
_IN_RIG = [RIG_JOINTS.index(name) for name in MEASURED]
_ALONG = REST[[RIG_JOINTS.index(end) for end in MEASURED.values()]]  # (13, 3)
#: What the rig calls Spine1 carries the shoulders: Mixamo's Spine2.
_IN_LABELS = [BONES.index("Spine2" if name == "Spine1" else name) for name in MEASURED]
#: Limbs whose end does not move in their axes: thighs need not turn about the labelled hips.
_RIGID_LIMBS = [name for name in [*MEASURED][3:] if "Up" not in name]
_STARTS = [BONES.index(name) for name in _RIGID_LIMBS]
_ENDS = [BONES.index(MEASURED[name]) for name in _RIGID_LIMBS]
_JOINTS = [BONES.index(name) for name in JOINTS]
#: Centimetres, root mean square, by which what is rigid may move; and frames to find an order by.
_RIGID, _TRIED = 1.0, 2000
_CENTIMETRES = 100.0


def global_rotations(degrees: np.ndarray, order: str, chain: bool) -> np.ndarray:
    """(N, 22, 3, 3) of (N, 22, 3) angles about the x, y and z axis, applied in an order of these
    axes, which stand still; that is also the order of turning axes, last to first.  The axes are
    those of the world, or, with ``chain``, of the bone's parent."""
    about = [rotation(axis, degrees[..., "xyz".index(axis)]) for axis in order]
    turned = reduce(lambda before, after: after @ before, about)
    for row, parent in enumerate(BONE_PARENTS.values()) if chain else ():
        if parent:
            turned[:, row] = turned[:, BONES.index(parent)] @ turned[:, row]
    return turned


def movement(turned: np.ndarray, joints: np.ndarray, people: np.ndarray) -> float:
    """Centimetres, root mean square, by which the ends of limbs move in the axes of these, of
    (N, 22, 3, 3) rotations, (N, 22, 3) joints and (N,) whose they are; NaN of one frame each."""
    bones = joints[:, _ENDS] - joints[:, _STARTS]
    ends = (np.swapaxes(turned[:, _STARTS], -1, -2) @ bones[..., None])[..., 0]
    own = [ends[people == person] for person in np.unique(people)]
    square = sum(((each - each.mean(0)) ** 2).sum() for each in own)
    free = len(_STARTS) * (len(ends) - len(own))
    return float(np.sqrt(square / free)) if free else np.nan


def find_convention(labels: BoneLabels, people: np.ndarray) -> tuple[str, bool]:
    """The one order of the angles, and whether they are relative to the parent, with which limbs
    are rigid: the elbow stays where it is in the axes of the upper arm.  UserError for no such."""
    some = slice(None, None, -(-len(people) // _TRIED))
    joints, degrees, people = labels.joints[some], labels.degrees[some], people[some]
    tried = [("".join(order), chain) for chain in (False, True) for order in permutations("xyz")]
    moved = [movement(global_rotations(degrees, *each), joints, people) for each in tried]
    if np.isnan(moved[0]):
        raise UserError("to find the order of their angles takes several frames of a person")
    if (count := np.sum(np.array(moved) <= _RIGID)) != 1:
        found = "more than one order" if count else "no order"
        raise UserError(f"{found} of their angles keeps limbs rigid ({np.nanmin(moved):.2g} cm)")
    return tried[int(np.nanargmin(moved))]


def to_camera(labels: BoneLabels, target: np.ndarray) -> np.ndarray:
    """(N, 3, 3) rotations from the world of the labels to the axes of true poses (N, 16, 3) in
    metres; UserError where these are not the same joints."""
    world, goal = labels.joints[:, _JOINTS] / _CENTIMETRES, np.asarray(target, np.float64)
    world, goal = (points - points.mean(1, keepdims=True) for points in (world, goal))
    turn, _ = best_turn(world, goal)
    off = goal - world @ np.swapaxes(turn, -1, -2)
    off = _CENTIMETRES * float(np.sqrt((off**2).sum(-1).mean()))
    if off > _RIGID:
        raise UserError(f"joints in the world are {off:.2g} cm off those in the camera's frame")
    return turn


def solved_rotations(joints3d: np.ndarray, people: np.ndarray) -> np.ndarray:
    """(N, 13, 3, 3) of the :data:`MEASURED` bones in the rig's axes, of poses (N, 16, 3) in metres,
    camera's axes; the bones of a person are as long in all frames."""
    turned = np.empty((len(people), len(MEASURED), 3, 3))
    for person in np.unique(people):
        _, found = forward_kinematics(*solve_clip(joints3d[people == person]))
        turned[people == person] = found[:, _IN_RIG]
    return turned


def angles(predicted: np.ndarray, true: np.ndarray) -> dict[str, np.ndarray]:
    """Name → (N, 13) degrees between rotations (N, 13, 3, 3): of the whole ("mpjae"), of the
    direction of the bone ("swing") and about it ("twist")."""
    difference = (np.swapaxes(predicted, -1, -2) @ true).reshape(-1, 3, 3)
    quaternions = Rotation.from_matrix(difference).as_quat().reshape(*true.shape[:2], 4)
    axis, w = quaternions[..., :3], np.abs(quaternions[..., 3])
    about = np.abs((axis * _ALONG).sum(-1))
    across = np.sqrt(np.maximum((axis * axis).sum(-1) - about**2, 0))
    whole = np.arctan2(np.hypot(about, across), w)
    halves = whole, np.arctan2(across, np.hypot(about, w)), np.arctan2(about, w)
    return dict(zip(("mpjae", "swing", "twist"), np.degrees(np.multiply(2, halves)), strict=True))


def rotation_errors(poses: Poses) -> dict[str, Any] | None:
    """Mean over bones and frames of :func:`angles`, and of each bone; "from_truth": the same of
    rotations solved from the true joints.  Bones of the labels may have other axes at rest: their
    mean difference from the latter, "rest", is removed.  None where labels have no rotations, "why"
    where it is not understood what they mean."""
    labels, people = poses.bones, poses.characters[1]
    if labels is None or not poses.known.all():
        return None
    there = np.isfinite(labels.joints[:, _JOINTS]).all((1, 2))
    given = np.isfinite(labels.degrees).all(2)
    needed = given.any(0)  # parents too: angles may be relative to them
    needed[_IN_LABELS] = True
    there &= given[:, needed].all(1)
    labels, own = BoneLabels(*(values[there] for values in labels)), people[there]
    try:
        if not there.any():
            raise UserError("they lack bones")
        view = CAMERA_TO_RIG @ to_camera(labels, poses.target[there])
        order, chain = find_convention(labels, own)
    except UserError as error:
        return {"why": f"the rotations of these labels cannot be understood: {error}"}
    labelled = view[:, None] @ global_rotations(labels.degrees, order, chain)[:, _IN_LABELS]
    solved = solved_rotations(poses.target[there], own)
    differences = np.moveaxis(np.swapaxes(labelled, -1, -2) @ solved, 1, 0)
    rest = [Rotation.from_matrix(each).mean() for each in differences]  # the chordal mean
    true = labelled @ np.stack([each.as_matrix() for each in rest])
    found = angles(solved_rotations(poses.predicted[there], own), true)
    found["from_truth"] = angles(solved, true)["mpjae"]
    means = np.full((len(people), len(found)), np.nan)
    means[there] = np.stack([each.mean(1) for each in found.values()], 1)
    by_bone = {
        name: {key: float(values[:, column].mean()) for key, values in found.items()}
        | {"rest": float(np.degrees(rest[column].magnitude()))}
        for column, name in enumerate(MEASURED)
    }
    about = {"frames": int(there.sum()), "order": order, "axes": "parent" if chain else "world"}
    return figures([*found], means, people) | about | {"by_bone": by_bone}
