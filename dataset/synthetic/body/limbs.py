"""Arms and legs: where their joints go for a hand or a foot to be where it is wanted."""

import numpy as np
from scipy.spatial.transform import Rotation

from dataset.synthetic.body.bones import Placement
from dataset.synthetic.body.collisions import CollisionVolumes
from dataset.synthetic.body.tpose import SIDES
from dataset.synthetic.rotations import apply, rotation

#: Least distance from hip to ankle and from shoulder to wrist, in leg and arm lengths.
SHORTEST_LEG, _SHORTEST_ARM = 0.33, 0.3
#: From wrist to the middle of the fingers, centimetres.
_HAND_LENGTH = 12.0
_FINGER_BEND, _THUMB_BEND = (55.0, 80.0, 55.0), (15.0, 30.0, 40.0)
#: Degrees a wide hand fans each finger, and how much more than the index each is bent.
_FINGERS = {"Index": (12, 0.0), "Middle": (2, 0.25), "Ring": (-7, 0.5), "Pinky": (-16, 0.65)}


def place_arm(placed: Placement, volumes: CollisionVolumes, side: int) -> None:
    """Place an arm (0 left, 1 right) of poses with a trunk, outside of the body's volumes."""
    name, sign = SIDES[side]
    bones, poses, body = placed.bones, placed.poses, (placed.joints, placed.turns)
    target, roll = poses["hand"][:, side], poses["pronation"][:, side]
    # The collarbone follows the hand up and forward.
    lift = np.clip(22.0 * (target[:, 1] + 0.15), -4.0, 24.0)
    forward = np.clip(14.0 * target[:, 2], -8.0, 14.0)
    placed.follow(f"{name}Shoulder", rotation("z", sign * lift) @ rotation("y", -sign * forward))
    placed.follow(f"{name}Arm")
    chest, shoulder = placed.turn("Spine2"), placed.joint(f"{name}Arm")
    mirror = np.array([sign, 1.0, 1.0])
    wrist = shoulder + apply(chest, target * mirror) * bones.arm_length
    wrist = volumes.keep_out(wrist, *body)

    def solve(wrist: np.ndarray, swivel: np.ndarray):
        reach = wrist - shoulder
        local = np.einsum("nba,nb->na", chest, reach) * mirror / bones.arm_length
        up = np.clip(local[:, 1], 0.0, 1.0)
        pole = np.stack([np.full_like(up, 0.45), -0.8 + 0.5 * up, -0.45 + 0.6 * up], -1)
        turn = Rotation.from_rotvec(_unit(local) * swivel[:, None], degrees=True)
        pole = apply(chest, turn.apply(pole) * mirror)
        return _two_bones(reach, *bones.arm, pole, _SHORTEST_ARM)

    swivel = poses["swivel"][:, side]
    upper, lower, _ = solve(wrist, swivel)
    # Fingers inside the body take the wrist out with them; an elbow swings outwards.
    fingers = shoulder + upper * bones.arm[0] + lower * (bones.arm[1] + _HAND_LENGTH)
    wrist = wrist + volumes.keep_out(fingers, *body) - fingers
    depth = 1.0 - volumes.depth(shoulder + upper * bones.arm[0], *body, 2.0)
    upper, lower, outward = solve(wrist, swivel + 90.0 * np.clip(depth, 0.0, 0.6))
    x = sign * upper
    hinge = np.cross(-outward, x)
    placed.put(f"{name}Arm", shoulder, np.stack([x, hinge, -outward], -1))
    x = sign * lower
    plain = np.stack([x, hinge, np.cross(x, hinge)], -1)
    elbow = shoulder + upper * bones.arm[0]
    placed.put(f"{name}ForeArm", elbow, plain @ rotation("x", roll * 0.55))
    hand = plain @ rotation("x", roll) @ rotation("z", -sign * poses["wrist"][:, side])
    placed.put(f"{name}Hand", elbow + lower * bones.arm[1], hand)

    curl = poses["curl"][:, side]
    splay = poses["splay"][:, side] * (1 - curl)
    for finger, (fan, extra) in _FINGERS.items():
        bent = -sign * np.clip(curl + extra * (0.15 + curl * (1 - curl)), 0.0, 1.0)
        for number, bend in enumerate(_FINGER_BEND, start=1):
            turn = rotation("z", bent * bend)
            if number == 1:
                turn = rotation("y", -sign * fan * splay) @ turn
            placed.follow(f"{name}Hand{finger}{number}", turn)
    for number, bend in enumerate(_THUMB_BEND, start=1):
        placed.follow(f"{name}HandThumb{number}", rotation("y", sign * curl * bend))


def place_leg(placed: Placement, side: int, ankle: np.ndarray) -> None:
    """Place a leg (0 left, 1 right) and its foot, the ankle at (N, 3), of poses with Hips."""
    name, sign = SIDES[side]
    bones, poses = placed.bones, placed.poses
    placed.follow(f"{name}UpLeg")
    hip = placed.joint(f"{name}UpLeg")
    out = np.radians(poses["knee_out"][:, side])
    pole = np.stack([sign * np.sin(out), np.full_like(out, 0.3), np.cos(out)], -1)
    upper, lower, ahead = _two_bones(ankle - hip, *bones.leg, pole, SHORTEST_LEG)
    hinge = np.cross(-upper, ahead)
    placed.put(f"{name}UpLeg", hip, np.stack([hinge, -upper, ahead], -1))
    knee = hip + upper * bones.leg[0]
    placed.put(f"{name}Leg", knee, np.stack([hinge, -lower, np.cross(hinge, -lower)], -1))
    pitch = poses["foot_pitch"][:, side]
    foot = rotation("y", sign * poses["toe_out"][:, side]) @ rotation("x", -pitch)
    placed.put(f"{name}Foot", knee + lower * bones.leg[1], foot)
    # With the heel off the floor the toes stay on it.
    placed.follow(f"{name}ToeBase", rotation("x", np.clip(pitch, -50.0, 0.0)))


def _two_bones(
    reach: np.ndarray, first: float, second: float, pole: np.ndarray, shortest: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Directions (N, 3) of two bones of given lengths that reach (N, 3) from the chain's root.

    The third is towards ``pole`` (N, 3), the side of the joint between them, across the first.
    The target is no nearer than ``shortest`` of the full length.
    """
    length = first + second
    distance = np.linalg.norm(reach, axis=-1, keepdims=True)
    along = reach / np.maximum(distance, 1e-9)
    distance = np.clip(distance, max(shortest * length, abs(first - second) + 0.1), 0.998 * length)
    across = _across(pole, along)
    cosine = (first**2 + distance**2 - second**2) / (2 * first * distance)
    cosine = np.clip(cosine, -1.0, 1.0)
    upper = cosine * along + np.sqrt(1 - cosine**2) * across
    return upper, _unit(distance * along - first * upper), _across(across, upper)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _across(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Unit vectors: the part of (N, 3) across (N, 3) unit axes."""
    return _unit(vectors - (vectors * axis).sum(-1, keepdims=True) * axis)
