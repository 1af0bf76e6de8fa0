"""Motion of a Mixamo-named skeleton, brought onto our bodies: the turn of each bone on top of a
T-pose, whatever the rest pose and the proportions are; the Hips travel in leg lengths."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from base.errors import UserError
from base.skeleton import JOINTS
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.motion.bvh_file import Bvh, read_bvh
from dataset.synthetic.rotations import SIDES, align, to_tpose

_REQUIRED = ("Hips", "Spine", *JOINTS)
_TRUNK = ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head", "LeftShoulder", "RightShoulder")
#: Bones of the left limbs by their ends, and where a T-pose has them.
_OUT, _DOWN, _SLOPING = np.array([(1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, -0.71, 0.71)])
_LIMB_BONES = {("Arm", "ForeArm"): _OUT, ("ForeArm", "Hand"): _OUT}
_LIMB_BONES |= {("UpLeg", "Leg"): _DOWN, ("Leg", "Foot"): _DOWN}
_TPOSE_BONES = _LIMB_BONES | {("Shoulder", "Arm"): _OUT, ("Foot", "ToeBase"): _SLOPING}
#: Least cosine between a bone and the axis that is along it.
_ALONG = 0.7
#: Slopes of a real foot at rest from ankle to toes, degrees.
_FOOT_SLOPES = 8.0, 70.0
#: Weight of y, by which it is upward unless the clip has people along another axis.
_USUALLY_UP = 3.0
#: A foot this much above the lowest of its clip still stands on the floor, leg lengths.
_GROUNDED = 0.025


@dataclass(frozen=True, eq=False)
class BvhClip:
    """A motion at 30 frames a second, of no particular body.  Axes: y up, facing +z at rest."""

    names: tuple[str, ...]  # of B bones, without prefix and those that only follow their parent
    turns: np.ndarray  # (F, B, 3, 3) on top of the T-pose
    root: np.ndarray  # (F, 2) x and z of the Hips, leg lengths
    height: np.ndarray  # (F,) of the lowest point over the floor, leg lengths; 0 for who stands
    # bone → (3,) its direction at rest where that is a drawing's, with straight spine and level
    # feet; empty for a person's
    drawn: dict[str, np.ndarray]


def action_of(path: Path) -> str:
    """Clip name of a file, in the release's manner: "Golf Putt (1).bvh" → "Golf_Putt__1_"."""
    return re.sub(r"[^0-9A-Za-z_]", "_", path.stem)


def load_clip(path: Path) -> BvhClip:
    """Read a Mixamo-named BVH file; a UserError if it is broken, lacks joints, or has no body."""
    file = read_bvh(path)
    row = _rows(path, file)
    rest, (spins, places) = file.rest(), file.forward()
    axes = _axes(path, {name: rest[k] for name, k in row.items()})
    rest, spins, places = rest @ axes.T, axes @ spins @ axes.T, places @ axes.T
    at = {name: rest[k] for name, k in row.items()}
    lengths = {
        side + start: np.linalg.norm(at[side + end] - at[side + start])
        for side, _ in SIDES
        for start, end in _LIMB_BONES
    }
    if short := [bone for bone, length in lengths.items() if length < 1e-6]:
        raise UserError(f"{path}: {short[0]} has no length at rest")
    leg = sum(length for bone, length in lengths.items() if "Leg" in bone) / 2
    above = file.joints[row["Hips"]].parent

    def toes_of(at: dict[str, np.ndarray]) -> np.ndarray:
        return np.mean([at[f"{side}ToeBase"] - at[f"{side}Foot"] for side, _ in SIDES], axis=0)

    if all(at[f"{side}Foot"][1] < at[f"{side}UpLeg"][1] - 0.3 * leg for side, _ in SIDES):
        if toes_of(at)[2] < -0.1 * np.linalg.norm(toes_of(at)):
            raise UserError(f"{path}: the toes point backwards at rest: left and right are swapped")
        # Above the Hips the axes of the rest pose may be turned into those of the motion.
        up = axes.T @ (spins[0, above, :, 1] if above >= 0 else (0.0, 1.0, 0.0))
    else:
        at, stood = _stood_up(path, file, row, axes, spins)
        spins = spins @ np.swapaxes(stood, 1, 2)
        feet = (places[:, row["LeftFoot"]] + places[:, row["RightFoot"]]) / 2
        up = axes.T @ (places[:, row["Head"]] - feet).mean(0)
        up[1] *= _USUALLY_UP
    up = _nearest_axis(up)
    if up @ axes[1] < 0.5:
        turn = align(up, np.array([0.0, 1.0, 0.0])) @ axes.T
        spins, places = turn @ spins, places @ turn.T

    low, high = _FOOT_SLOPES
    toes = toes_of(at)
    slope = np.degrees(np.arctan2(-toes[1], np.hypot(toes[0], toes[2])))
    drawn = {} if low <= slope <= high else _landmarks(at)
    tpose = dict.fromkeys(_TRUNK, np.eye(3)) | to_tpose(at, level_feet=bool(drawn))

    def follows(name: str) -> bool:
        """Whether a joint ends a chain and has no rotation."""
        values = [each for _, each in file.joints[row[name]].moves("rotation")]
        return name.endswith(("Head", "Hand", "ToeBase")) and not np.any(values)

    bones = tuple(name for name in row if name in tpose and not follows(name))
    turns = np.stack([spins[:, row[name]] @ tpose[name].T for name in bones], 1)
    lowest = _lowest(at, row, spins, places) / leg
    height = np.clip(lowest - np.percentile(lowest, 1) - _GROUNDED, 0.0, None)
    travel = np.column_stack([places[:, row["Hips"]][:, [0, 2]] / leg, height])
    turns, travel = _resampled(30.0 * file.frame_time, turns, travel)
    return BvhClip(bones, turns, travel[:, :2], travel[:, 2], drawn)


def _rows(path: Path, file: Bvh) -> dict[str, int]:
    """Rows of the Hips and what hangs on them by Mixamo's names: without a person's prefix
    (``mixamorig:``, ``Armature|``), and with the toes of LAFAN1."""
    found = []
    for hips, joint in enumerate(file.joints):
        if not joint.name.endswith("Hips"):
            continue
        prefix, row, below = joint.name.removesuffix("Hips"), {}, {hips}
        for k, other in enumerate(file.joints):
            if k == hips or other.parent in below:
                below.add(k)
                if other.name.startswith(prefix):
                    row.setdefault(other.name.removeprefix(prefix), k)
        for toe in {"LeftToe", "RightToe"} & row.keys():
            row.setdefault(f"{toe}Base", row[toe])
        found.append(([name for name in _REQUIRED if name not in row], row))
    lost, row = min(found, key=lambda each: len(each[0]), default=(_REQUIRED, {}))
    if lost:
        raise UserError(
            f"{path}: lacks the Mixamo joints {', '.join(lost)} (all with the same prefix, or "
            "without)"
        )
    if (people := sum(not lost for lost, _ in found)) > 1:
        raise UserError(f"{path}: holds {people} people: export each to a file of their own")
    return row


def _nearest_axis(way: np.ndarray) -> np.ndarray:
    """(3,) the axis nearest to a direction, or 0 for none."""
    k = np.abs(way).argmax()
    return np.eye(3)[k] * np.sign(way[k])


def _axes(path: Path, at: dict[str, np.ndarray]) -> np.ndarray:
    """(3, 3) rotation from the file's axes to ours: up is the axis nearest to the way from the
    Hips to the Head at rest, left the way from the right hip to the left one."""
    up = _nearest_axis(at["Head"] - at["Hips"])
    left = at["LeftUpLeg"] - at["RightUpLeg"]
    left = left - (left @ up) * up
    if not up.any() or np.linalg.norm(left) < 1e-6:
        raise UserError(f"{path}: the rest pose has no extent from hip to hip, or hips to head")
    left /= np.linalg.norm(left)
    return np.stack([left, up, np.cross(left, up)])


def _stood_up(
    path: Path, file: Bvh, row: dict[str, int], axes: np.ndarray, spins: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Joints by name in a T-pose, and (J, 3, 3) turns of the bones to it, of a file whose rest pose
    is no person: axes of joints are along bones (LAFAN1). A bone is turned by that of the 24
    rotations between axes which has it nearest to where its parent has it over the clip, among
    those that put it where it is in a T-pose."""
    rest = file.rest() @ axes.T
    rotations = Rotation.create_group("O").as_matrix() @ axes.T
    bones = {
        row[side + start]: (row[side + end], way * (sign, 1.0, 1.0))
        for side, sign in SIDES
        for (start, end), way in _TPOSE_BONES.items()
        if side + start in row
    }
    joints, stood = rest.copy(), np.tile(np.eye(3), (len(rest), 1, 1))
    for k, joint in enumerate(file.joints):
        if (above := joint.parent) < 0:
            continue
        stood[k] = stood[above]
        joints[k] = joints[above] + stood[above] @ (rest[k] - rest[above])
        if k in bones:
            end, way = bones[k]
            bone = rest[end] - rest[k]
            fitting = rotations[rotations @ bone @ way >= _ALONG * np.linalg.norm(bone)]
            if not len(fitting):
                raise UserError(
                    f"{path}: the rest pose is no person, and the axes of {joint.name} are not "
                    "along its bone: export it with another rest pose, such as a T-pose"
                )
            seen = stood[above] @ np.einsum("fba,fbc->ac", spins[:, above], spins[:, k])
            stood[k] = max(fitting, key=lambda turn: np.sum(seen * turn))
    return {name: joints[k] for name, k in row.items()}, stood


def _landmarks(at: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Bone → direction by which a trunk, neck or foot is turned."""
    hips = (at["LeftUpLeg"] + at["RightUpLeg"]) / 2
    chest = (at["LeftArm"] + at["RightArm"]) / 2
    ways = {
        **dict.fromkeys(("Hips", "Spine"), chest - hips),
        **dict.fromkeys(("Spine1", "Spine2"), at["Neck"] - chest),
        "Neck": at["Head"] - at["Neck"],
        **{f"{side}Foot": at[f"{side}ToeBase"] - at[f"{side}Foot"] for side, _ in SIDES},
    }
    return {bone: way for bone, way in ways.items() if np.linalg.norm(way) > 1e-6}


def _lowest(
    at: dict[str, np.ndarray], row: dict[str, int], spins: np.ndarray, places: np.ndarray
) -> np.ndarray:
    """(F,) height of the lowest of all joints and of the soles below ankles and toes; these stay
    with the foot, for toes bend where they are on the floor."""
    floor = min(place[1] for place in at.values())
    heights = [*places[:, list(row.values()), 1].T]
    for side, _ in SIDES:
        for name in (f"{side}Foot", f"{side}ToeBase"):
            sole = spins[:, row[f"{side}Foot"], 1] @ np.array([0.0, floor - at[name][1], 0.0])
            heights.append(places[:, row[name], 1] + sole)
    return np.min(heights, axis=0)


def _resampled(step: float, turns: np.ndarray, travel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(F, B, 3, 3) rotations and (F, D) numbers that are ``step`` frames apart."""
    last = len(turns) - 1
    if last == 0 or abs(step - 1.0) < 1e-9:
        return turns, travel
    place = np.arange(int(last * step + 1e-6) + 1) / step
    low = np.minimum(place.astype(int), last - 1)
    share = np.clip(place - low, 0.0, 1.0)[:, None]
    mixed = travel[low] * (1 - share) + travel[low + 1] * share
    return between(turns[low], turns[low + 1], share), mixed


def between(start: np.ndarray, end: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """Rotations (…, 3, 3) on the way from ``start`` to ``end``: the nearest to the weighted mean of
    the matrices (the chordal mean), by SVD."""
    share = np.asarray(share)[..., None, None]
    u, _, v = np.linalg.svd(start * (1 - share) + end * share)
    u[..., 2] *= np.linalg.det(u @ v)[..., None]
    return u @ v


def turns_of(clip: BvhClip, poser: Poser, frames: np.ndarray) -> np.ndarray:
    """(N, J, 3, 3) turns of a body's bones at N frames of a clip."""
    rig = poser.body.rig
    tpose = poser.bones.joints(np.eye(3)[None, None].repeat(len(rig.names), 1))[0]
    own = _landmarks(dict(zip(rig.names, tpose, strict=True)))
    turns = np.empty((len(frames), len(rig.names), 3, 3))
    for row, (name, parent) in enumerate(zip(rig.names, rig.parents, strict=True)):
        if name not in clip.names:
            turns[:, row] = turns[:, parent]
            continue
        turns[:, row] = clip.turns[frames, clip.names.index(name)]
        if name in clip.drawn and name in own:
            turns[:, row] = turns[:, row] @ align(clip.drawn[name], own[name]).T
    return turns
