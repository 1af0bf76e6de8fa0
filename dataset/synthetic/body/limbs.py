"""Arms and legs: where their joints go for a hand or a foot to be where it is wanted."""

import numpy as np

from dataset.synthetic.body.bones import Bones
from dataset.synthetic.body.collisions import Flesh
from dataset.synthetic.rotations import about, apply, columns, rotation, unit

#: Least distance from hip to ankle, in leg lengths.
SHORTEST_LEG = 0.33
#: Name and sign of x of each side.
_SIDES = ("Left", 1.0), ("Right", -1.0)
#: From wrist to the middle of the fingers, centimetres.
_HAND_LENGTH = 12.0
_FINGER_BEND = (55.0, 80.0, 55.0)
#: Degrees a wide hand fans each finger, and how much more than the index each is bent.
_FINGERS = {
    "Index": (12.0, 0.0),
    "Middle": (2.0, 0.25),
    "Ring": (-7.0, 0.5),
    "Pinky": (-16.0, 0.65),
}


def place_arm(
    bones: Bones,
    flesh: Flesh,
    joints: np.ndarray,
    turns: np.ndarray,
    side: int,
    poses: dict[str, np.ndarray],
) -> None:
    """Place an arm and its fingers, outside of the body.

    Args:
        bones, flesh: of the body.
        joints, turns: (N, J, 3) world centimetres and (N, J, 3, 3) on top of the T-pose, of which
            the trunk is placed; those of the arm are written.
        side: 0 for the left, 1 for the right.
        poses: the fields of N poses, see :func:`pose.stack`.
    """
    name, sign = _SIDES[side]
    row = bones.row
    chest = turns[:, row["Spine2"]]
    target = poses["hand"][:, side]
    # The collarbone follows the hand up and forward.
    lift = np.clip(22.0 * (target[:, 1] + 0.15), -4.0, 24.0)
    forward = np.clip(14.0 * target[:, 2], -8.0, 14.0)
    bones.follow(
        joints, turns, f"{name}Shoulder", rotation(2, sign * lift) @ rotation(1, -sign * forward)
    )
    bones.follow(joints, turns, f"{name}Arm")
    mirror = np.array([sign, 1.0, 1.0])
    shoulder = joints[:, row[f"{name}Arm"]]
    wrist = shoulder + apply(chest, target * mirror) * sum(bones.arm)
    wrist = flesh.keep_out(wrist, joints, turns)
    pole_turn = poses["swivel"][:, side]

    def solve(wrist: np.ndarray, swivel: np.ndarray):
        reach = wrist - shoulder
        local = np.einsum("nba,nb->na", chest, reach) * mirror / sum(bones.arm)
        up = np.clip(local[:, 1], 0.0, 1.0)
        pole = np.stack([np.full_like(up, 0.45), -0.8 + 0.5 * up, -0.45 + 0.6 * up], -1)
        pole = about(unit(local), pole, swivel)
        return _two_bones(reach, *bones.arm, apply(chest, pole * mirror), shortest=0.3)

    upper, lower, across = solve(wrist, pole_turn)
    # Fingers inside the body take the wrist out with them; an elbow swings outwards.
    fingers = shoulder + upper * bones.arm[0] + lower * (bones.arm[1] + _HAND_LENGTH)
    wrist = wrist + flesh.keep_out(fingers, joints, turns) - fingers
    depth = 1.0 - flesh.depth(shoulder + upper * bones.arm[0], joints, turns, 2.0)
    upper, lower, across = solve(wrist, pole_turn + 90.0 * np.clip(depth, 0.0, 0.6))
    inward = unit(-(across - (across * upper).sum(-1, keepdims=True) * upper))
    x = sign * upper
    turns[:, row[f"{name}Arm"]] = columns(x, np.cross(inward, x), inward)
    hinge = np.cross(inward, x)
    x = sign * lower
    plain = columns(x, hinge, np.cross(x, hinge))
    roll = poses["pronation"][:, side]
    joints[:, row[f"{name}ForeArm"]] = joints[:, row[f"{name}Arm"]] + upper * bones.arm[0]
    turns[:, row[f"{name}ForeArm"]] = plain @ rotation(0, roll * 0.55)
    joints[:, row[f"{name}Hand"]] = joints[:, row[f"{name}ForeArm"]] + lower * bones.arm[1]
    turns[:, row[f"{name}Hand"]] = (
        plain @ rotation(0, roll) @ rotation(2, -sign * poses["wrist"][:, side])
    )
    _place_fingers(bones, joints, turns, side, poses)


def _place_fingers(
    bones: Bones, joints: np.ndarray, turns: np.ndarray, side: int, poses: dict[str, np.ndarray]
) -> None:
    name, sign = _SIDES[side]
    curl = poses["curl"][:, side]
    splay = poses["splay"][:, side] * (1 - curl)
    for finger, (fan, extra) in _FINGERS.items():
        bent = np.clip(curl + extra * (0.15 + curl * (1 - curl)), 0.0, 1.0)
        for number, bend in enumerate(_FINGER_BEND, start=1):
            turn = rotation(2, -sign * bent * bend)
            if number == 1:
                turn = rotation(1, -sign * fan * splay) @ turn
            bones.follow(joints, turns, f"{name}Hand{finger}{number}", turn)
    for number, bend in enumerate((15.0, 30.0, 40.0), start=1):
        bones.follow(joints, turns, f"{name}HandThumb{number}", rotation(1, sign * curl * bend))


def place_leg(
    bones: Bones,
    joints: np.ndarray,
    turns: np.ndarray,
    side: int,
    ankle: np.ndarray,
    poses: dict[str, np.ndarray],
) -> None:
    """Place a leg and its foot.

    Args:
        bones: of the body.
        joints, turns: as of :func:`place_arm`.
        side: 0 for the left, 1 for the right.
        ankle: (N, 3) where it goes, world centimetres.
        poses: the fields of N poses, see :func:`pose.stack`.
    """
    name, sign = _SIDES[side]
    row = bones.row
    bones.follow(joints, turns, f"{name}UpLeg")
    reach = ankle - joints[:, row[f"{name}UpLeg"]]
    out = np.radians(poses["knee_out"][:, side])
    pole = np.stack([sign * np.sin(out), np.full_like(out, 0.3), np.cos(out)], -1)
    upper, lower, across = _two_bones(reach, *bones.leg, pole, shortest=SHORTEST_LEG)
    ahead = unit(across - (across * upper).sum(-1, keepdims=True) * upper)
    hinge = np.cross(-upper, ahead)
    turns[:, row[f"{name}UpLeg"]] = columns(hinge, -upper, ahead)
    turns[:, row[f"{name}Leg"]] = columns(hinge, -lower, np.cross(hinge, -lower))
    joints[:, row[f"{name}Leg"]] = joints[:, row[f"{name}UpLeg"]] + upper * bones.leg[0]
    joints[:, row[f"{name}Foot"]] = joints[:, row[f"{name}Leg"]] + lower * bones.leg[1]
    pitch = poses["foot_pitch"][:, side]
    heading = rotation(1, sign * poses["toe_out"][:, side])
    turns[:, row[f"{name}Foot"]] = heading @ rotation(0, -pitch)
    # With the heel off the floor the toes stay on it.
    bones.follow(joints, turns, f"{name}ToeBase", rotation(0, np.clip(pitch, -50.0, 0.0)))


def _two_bones(
    reach: np.ndarray, first: float, second: float, pole: np.ndarray, shortest: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Directions of the two bones that reach a target.

    Args:
        reach: (N, 3) target from the root of the chain.
        first, second: lengths of the bones.
        pole: (N, 3) the side the joint between them is on.
        shortest: least distance from root to target, as a share of the full length.

    Returns:
        (N, 3) direction of the first bone, of the second, and towards the pole across the reach.
    """
    length = first + second
    distance = np.linalg.norm(reach, axis=-1, keepdims=True)
    along = reach / np.maximum(distance, 1e-9)
    distance = np.clip(distance, max(shortest * length, abs(first - second) + 0.1), 0.998 * length)
    across = unit(pole - (pole * along).sum(-1, keepdims=True) * along)
    cosine = (first**2 + distance**2 - second**2) / (2 * first * distance)
    cosine = np.clip(cosine, -1.0, 1.0)
    upper = cosine * along + np.sqrt(1 - cosine**2) * across
    lower = unit(distance * along - first * upper)
    return upper, lower, across
