"""The metrics of results.json: a function of the poses each, and a line in :data:`METRICS`.

doc/evaluation.md has their definitions.  Errors are in millimetres, shares in [0, 1].  Joints that
are not labelled, NaN in the truth, count in none; what has no joint at all is left out.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from base.arrays import known_mean
from base.skeleton import (
    BODY_LIMBS,
    JOINTS,
    LIMBS,
    LOWER_BODY,
    MIRROR,
    NECK,
    UPPER_BODY,
    limb_lengths,
    neck_centred,
)
from dataset.consecutive_frames import run_lengths
from dataset.protocol import Protocol
from utils.evaluation.bootstrap import figures
from utils.evaluation.mpjpe import (
    BODY_PARTS,
    MILLIMETRES,
    by_part,
    distances,
    group_rows,
    joint_errors,
)
from utils.evaluation.poses import Poses
from utils.evaluation.protocol_errors import protocol_errors
from utils.evaluation.rotation_error import rotation_errors

#: Millimetres whose shares AUC is the mean of.  Mehta et al., "Monocular 3D human pose estimation
#: in the wild using improved CNN supervision" (MPI-INF-3DHP), 3DV 2017.
_PCK_THRESHOLDS = range(0, 151, 5)
#: Limbs that a network can exchange.
_PAIRS: dict[str, list[int]] = {
    "arms": [joint for joint in UPPER_BODY if MIRROR[joint] != joint],
    "legs": list(LOWER_BODY),
}
#: Where a true joint moves further than this between two frames, metres, there is a cut and no
#: motion: at 30 frames a second it would be 12 m/s relative to the Neck.
CUT = 0.4
#: Length of each limb as a share of the stature: Drillis & Contini 1966, as in Winter,
#: "Biomechanics and motor control of human movement", figure 4.1.  From its heights of shoulder
#: and hip the sides of the trunk; from the ankle's height and half of the foot's length the way
#: from ankle to ball.  Neck to Head is left out: where a rig has its Head is a matter of taste.
_ARM, _LEG = [0.186, 0.146], [0.245, 0.246, 0.085]
_SHARES = np.array([np.nan, *_ARM, *_ARM, *_LEG, *_LEG, 0.288, 0.288, 0.259])
#: Least and greatest length as a multiple of it, metres: statures of 1.40 and 2.05 m, and a quarter
#: for where rigs place their joints.
_LEAST_LENGTH, _GREATEST_LENGTH = 1.40 * 0.75, 2.05 * 1.25
#: Angle in degrees between the two limbs that meet in an elbow or a knee.
_LEAST_FOLD = 15.0
_FOLDS = [(2, 3, 4), (5, 6, 7), (8, 9, 10), (12, 13, 14)]
#: A hidden hand within these millimetres is where hands may well be.
_NEAR = 250


def errors_by_part(poses: Poses) -> dict[str, Any]:
    """Part → group → each of :attr:`Poses.part_errors`, the mean over frames, and "frames"."""
    report: dict[str, Any] = {part: {} for part in BODY_PARTS}
    for group, rows in group_rows(poses.actions).items():
        for column, part in enumerate(BODY_PARTS):
            values = np.stack([errors[:, column] for errors in poses.part_errors.values()], 1)
            cell = figures(poses.part_errors, values, poses.characters[1], rows[:, None])
            if frames := int((rows & ~np.isnan(values[:, 0])).sum()):
                report[part][group] = cell | {"frames": frames}
    return report


def errors_of_characters(poses: Poses) -> dict[str, Any]:
    """Character → part → group → MPJPE, or PA-MPJPE where only that can be had, and frames: what a
    paired comparison resamples."""
    names, characters = poses.characters
    key = "pa_mpjpe" if poses.aligned_only else "mpjpe"
    report: dict[str, Any] = {name: {part: {} for part in BODY_PARTS} for name in names}
    for group, rows in group_rows(poses.actions).items():
        for number in np.unique(characters[rows]):
            errors = poses.part_errors[key][rows & (characters == number)]
            counts = (~np.isnan(errors)).sum(0).tolist()
            means = zip(BODY_PARTS, known_mean(errors, 0).tolist(), counts, strict=True)
            for part, mean, frames in means:
                if frames:
                    report[names[number]][part][group] = {key: mean, "frames": frames}
    return report


def errors_by_joint(poses: Poses) -> dict[str, Any]:
    """Joint → MPJPE."""
    columns = zip(JOINTS, np.split(poses.joint_errors, len(JOINTS), 1), strict=True)
    return {joint: figures(["mpjpe"], mm, poses.characters[1]) for joint, mm in columns}


def _mean_over_joints(
    name: str, values: np.ndarray, mask: np.ndarray, poses: Poses
) -> dict[str, Any]:
    """A figure of values (N, J) of some joints, those in a mask: a frame counts as often as it has
    such joints."""
    counts = mask.sum(1, keepdims=True)
    mean = np.where(mask, values, 0.0).sum(1, keepdims=True) / np.maximum(counts, 1)
    return figures([name], mean, poses.characters[1], counts)


def errors_by_visibility(poses: Poses) -> dict[str, Any] | None:
    """MPJPE of visible and of hidden joints, all together and each; None where it is unknown."""
    if poses.visible is None:
        return None
    report: dict[str, Any] = {}
    for kind, mask in (("visible", poses.visible), ("hidden", poses.hidden)):
        report[kind] = cell = {"joints": int(mask.sum())}
        if cell["joints"]:
            cell |= _mean_over_joints("mpjpe", poses.joint_errors, mask, poses)
        columns = zip(JOINTS, poses.joint_errors.T, mask.T, strict=True)
        cell["by_joint"] = {
            joint: {"mpjpe": float(mm[m].mean()) if m.any() else None, "frames": int(m.sum())}
            for joint, mm, m in columns
        }
    return report


def pck(poses: Poses) -> dict[str, Any]:
    """Share of the joints other than the Neck within 50, 100 and 150 mm, the mean over all
    thresholds ("auc"), and the share at each ("curve")."""
    errors = np.delete(poses.joint_errors, NECK, 1)
    known = ~np.isnan(errors)
    shares = [np.where(known, errors <= limit, np.nan) for limit in _PCK_THRESHOLDS]
    within = np.stack([known_mean(each, 1) for each in shares], 1)
    values = np.concatenate([within[:, 10::10], within.mean(1, keepdims=True)], 1)
    curve = dict(zip(map(str, _PCK_THRESHOLDS), known_mean(within, 0).tolist(), strict=True))
    return figures(["50", "100", "150", "auc"], values, poses.characters[1]) | {"curve": curve}


def hidden_hands(poses: Poses) -> dict[str, Any] | None:
    """Share of the hidden hands within 250 mm of the truth, Neck at the origin ("near"), and how
    many there are ("hands"); None where there are none, or where occlusion is unknown."""
    hands = [JOINTS.index(f"{side}Hand") for side in ("Left", "Right")]
    if poses.visible is None or not poses.occlusion_known:
        return None
    if not (hidden := poses.hidden[:, hands]).any():
        return None
    near = _mean_over_joints("near", poses.joint_errors[:, hands] <= _NEAR, hidden, poses)
    return near | {"hands": int(hidden.sum())}


def impossible(joints3d: np.ndarray) -> np.ndarray:
    """(N,) bool: whether poses (N, 16, 3) in metres have a limb that nobody has.

    One of a length that nobody has, hence every joint beyond anybody's reach, or an elbow or knee
    folded to less than 15°: flexion ends at about 150° and 160°, 30° and 20° short of folded.
    """
    lengths = limb_lengths(np.asarray(joints3d, np.float64))
    short, long = lengths < _LEAST_LENGTH * _SHARES, lengths > _GREATEST_LENGTH * _SHARES
    start, bend, end = np.moveaxis(np.asarray(joints3d, np.float64)[:, _FOLDS], 2, 0)
    one, other = start - bend, end - bend
    norms = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    folded = (one * other).sum(-1) > math.cos(math.radians(_LEAST_FOLD)) * norms
    return (short | long).any(1) | folded.any(1)


def impossible_share(poses: Poses) -> dict[str, Any]:
    """Share of the frames with an :func:`impossible` limb, predicted and in the truth itself."""
    both = np.stack([impossible(poses.measured), impossible(poses.target)], 1)
    return figures(["predicted", "true"], both, poses.characters[1])


def size_known(poses: Poses) -> dict[str, Any]:
    """MPJPE of poses whose arms and legs together are made as long as the true ones: what is left
    to whoever knows the wearer's size, as ``inference.py --height``."""
    both = (np.asarray(x, np.float64) for x in (poses.measured, poses.target))
    length, true = (known_mean(limb_lengths(x)[:, BODY_LIMBS], 1) for x in both)
    sized = np.asarray(poses.predicted) * (true / np.maximum(length, 1e-3))[:, None, None]
    errors = by_part(joint_errors(sized, poses.target))[:, :1]
    return figures(["mpjpe"], errors, poses.characters[1])


def bone_errors(poses: Poses) -> dict[str, Any]:
    """Absolute ("error") and signed ("bias") difference of the lengths of the 14 limbs."""
    both = (np.asarray(x, np.float64) for x in (poses.predicted, poses.target))
    predicted, target = (limb_lengths(x) * MILLIMETRES for x in both)
    errors, biases = known_mean(np.abs(predicted - target), 0), known_mean(predicted - target, 0)
    bones = zip(LIMBS, errors.tolist(), biases.tolist(), strict=True)
    by_bone = {
        f"{JOINTS[a]}-{JOINTS[b]}": {"error": error, "bias": bias}
        for (a, b), error, bias in bones
        if not math.isnan(error)
    }
    return {"error": float(known_mean(errors)), "by_bone": by_bone}


def swapped(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(N, 2): 1 where left and right of the arms, or of the legs, of (N, 16, 3) poses fit better
    exchanged, else 0, NaN where none is known.  An equal fit is no swap."""
    plain = joint_errors(predicted, target)
    exchanged = joint_errors(np.asarray(predicted)[:, list(MIRROR)], target)
    both = [(known_mean(exchanged[:, j], 1), known_mean(plain[:, j], 1)) for j in _PAIRS.values()]
    return np.stack([np.where(np.isnan(own), np.nan, other < own) for other, own in both], 1)


def swap_rates(poses: Poses) -> dict[str, Any]:
    """Share of the frames in which arms, or legs, are exchanged."""
    return figures(list(_PAIRS), swapped(poses.predicted, poses.target), poses.characters[1])


def motion(poses: Poses) -> dict[str, Any] | None:
    """Acceleration error and jitter with the truth's own; None where no three frames are
    consecutive, in one clip of one character and environment, without a :data:`CUT`.

    Acceleration error: mean over joints and windows of ‖a_pred − a_true‖, a = p(t+1) − 2 p(t) +
    p(t−1), mm per frame² (Kanazawa et al., "Learning 3D human dynamics from video", CVPR 2019).
    Jitter: the same mean of the length of the third difference of the prediction, mm per frame³
    (Yi et al., "TransPose", SIGGRAPH 2021).
    """
    ids, actions = poses.frame_ids, poses.actions
    order = sorted(range(len(ids)), key=ids.__getitem__)
    predicted, target = (
        neck_centred(np.asarray(both, np.float64)[order]) * MILLIMETRES
        for both in (poses.measured, poses.target)
    )
    jumps = np.nan_to_num(np.linalg.norm(np.diff(target, axis=0), axis=-1)).max(-1, initial=0)
    scenes = np.concatenate([[0], np.cumsum(jumps > CUT * MILLIMETRES)]).tolist()
    places = [
        ((ids[row].character, ids[row].environment, actions[row], scene), ids[row].number)
        for row, scene in zip(order, scenes, strict=True)
    ]
    lengths = run_lengths(places)
    threes, fours = lengths[2:] >= 2, lengths[3:] >= 3
    if not threes.any():
        return None

    def mean_norm(vectors: np.ndarray) -> float | None:
        return float(known_mean(np.linalg.norm(vectors, axis=-1))) if len(vectors) else None

    second, true_second = (np.diff(both, 2, axis=0)[threes] for both in (predicted, target))
    third, true_third = (np.diff(both, 3, axis=0)[fours] for both in (predicted, target))
    return {
        "acceleration_error": mean_norm(second - true_second),
        "acceleration_true": mean_norm(true_second),
        "windows": int(threes.sum()),
        "jitter": mean_norm(third),
        "jitter_true": mean_norm(true_third),
    }


def uncertainty(poses: Poses) -> dict[str, Any] | None:
    """Errors in the camera's frame against the model's 90 % radii: the share of joints inside, the
    joints in ten equal parts by rising radius, and whether the error rises from each part to the
    next.  None for a model that gives no uncertainty."""
    if poses.uncertainty is None:
        return None
    errors = distances(poses.predicted, poses.target)
    known = ~np.isnan(errors)
    errors = errors[known]
    radii = np.asarray(poses.uncertainty, np.float64)[known] * MILLIMETRES
    inside = errors <= radii
    values = {"radius": radii, "error": errors, "coverage": inside}
    deciles = [
        {name: float(value[part].mean()) for name, value in values.items()}
        for part in np.array_split(np.argsort(radii, kind="stable"), 10)
    ]
    rising = np.diff([decile["error"] for decile in deciles]) > 0
    return {"coverage": inside.mean().item(), "deciles": deciles, "monotonic": bool(rising.all())}


#: Key of results.json → what it holds.
METRICS: dict[str, Callable[[Poses], Any]] = {
    "joints": errors_by_joint,
    "visibility": errors_by_visibility,
    "pck": pck,
    "size_known": size_known,
    "bones": bone_errors,
    "impossible": impossible_share,
    "hidden_hands": hidden_hands,
    "swaps": swap_rates,
    "characters": errors_of_characters,
    "motion": motion,
    "uncertainty": uncertainty,
    "rotations": rotation_errors,
}
#: Those that can be had of a truth in another frame than the camera's.
_ALIGNED = ("bones", "impossible", "characters")


def measure(
    poses: Poses, protocol: Protocol | None = None, labelled: Sequence[str] | None = None
) -> dict[str, Any]:
    """Everything measured on some frames, ready for JSON; ValueError for no frame at all.
    ``labelled`` are the joints of the set, by default those that were measured."""
    if not poses.actions:
        raise ValueError("no frame was measured")
    names = _ALIGNED if poses.aligned_only else METRICS
    known = [joint for joint, there in zip(JOINTS, poses.known.any(0), strict=True) if there]
    about = {"joints_measured": known} if len(known) < len(JOINTS) else {}
    about |= {"aligned_only": poses.aligned_only} if poses.aligned_only else {}
    if not poses.occlusion_known and "visibility" in names:
        about["occlusion_known"] = False
    if protocol:
        about["protocol"] = own = protocol_errors(poses, protocol)
        if labelled and set(labelled) - set(known):
            over = f"{len(known)} of the set's {len(labelled)} joints"
            own |= {"over": over, "published": {}}
    return _finite(about | errors_by_part(poses) | {name: METRICS[name](poses) for name in names})


def _finite(value: Any) -> Any:
    """What has no joint to be measured by is null, as JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
