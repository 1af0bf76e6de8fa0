"""The bones of one body, and where those of arms and legs go for a hand or a foot to be where it is
wanted."""

import numpy as np
from scipy.spatial.transform import Rotation

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.body.collisions import CollisionVolumes
from dataset.synthetic.rotations import SIDES, apply, rotation, unit

#: Least distance from hip to ankle and from shoulder to wrist, in leg and arm lengths.
SHORTEST_LEG, _SHORTEST_ARM = 0.33, 0.3
#: From wrist to the middle of the fingers, centimetres.
_HAND_LENGTH = 12.0
_FINGER_BEND, _THUMB_BEND = (55.0, 80.0, 55.0), (15.0, 30.0, 40.0)
#: Degrees a wide hand fans each finger, and how much more than the index each is bent.
_FINGERS = {"Index": (12, 0.0), "Middle": (2, 0.25), "Ring": (-7, 0.5), "Pinky": (-16, 0.65)}


class Bones:
    """Lengths and joints of one body in the T-pose, centimetres."""

    def __init__(self, body: Body):
        rig, heads = body.rig, body.heads
        self.parents = rig.parents
        self.row = {name: row for row, name in enumerate(rig.names)}
        self.step = np.zeros_like(heads)  # of each joint from its parent
        for row, parent in enumerate(rig.parents[1:], start=1):
            self.step[row] = body.to_tpose[parent] @ (heads[row] - heads[parent])
        self.arm = body.length("LeftArm", "LeftForeArm"), body.length("LeftForeArm", "LeftHand")
        self.leg = body.length("LeftUpLeg", "LeftLeg"), body.length("LeftLeg", "LeftFoot")
        self.arm_length, self.leg_length = sum(self.arm), sum(self.leg)
        hips = self.step[[self.row["LeftUpLeg"], self.row["RightUpLeg"]], 0]
        self.hip = float(hips[0] - hips[1]) / 2  # half the distance between the hips
        feet = np.isin(rig.main_bone, [self.row["LeftFoot"], self.row["LeftToeBase"]])
        # Height of the ankle above the sole.
        self.ankle = float(heads[self.row["LeftFoot"], 1] - body.vertices[feet, 1].min())

    def joints(self, turns: np.ndarray) -> np.ndarray:
        """(N, J, 3) centimetres: where bones turned by (N, J, 3, 3) end, the Hips at the origin."""
        joints = np.zeros(turns.shape[:-1])
        for row, parent in enumerate(self.parents[1:], start=1):
            joints[:, row] = joints[:, parent] + apply(turns[:, parent], self.step[row])
        return joints


class Placement:
    """N poses (the fields of :func:`pose.stack`) of one body while they are placed, from the Hips
    outwards: (N, J, 3) joints, centimetres, and (N, J, 3, 3) turns on top of the T-pose."""

    def __init__(self, bones: Bones, poses: dict[str, np.ndarray]):
        self.bones, self.poses = bones, poses
        self.joints = np.zeros((len(poses["pelvis"]), len(bones.row), 3))
        self.turns = np.tile(np.eye(3), (*self.joints.shape[:2], 1, 1))

    def joint(self, name: str) -> np.ndarray:
        """(N, 3) where a joint is."""
        return self.joints[:, self.bones.row[name]]

    def turn(self, name: str) -> np.ndarray:
        """(N, 3, 3) how a bone is turned."""
        return self.turns[:, self.bones.row[name]]

    def put(self, name: str, joint: np.ndarray, turn: np.ndarray) -> None:
        """Place a bone."""
        row = self.bones.row[name]
        self.joints[:, row], self.turns[:, row] = joint, turn

    def follow(self, name: str, turn: np.ndarray | None = None) -> None:
        """Hang a bone on its parent, turned by ``turn`` (N, 3, 3) in the parent's frame."""
        row = self.bones.row[name]
        parent = self.bones.parents[row]
        turned = self.turns[:, parent]
        joint = self.joints[:, parent] + apply(turned, self.bones.step[row])
        self.put(name, joint, turned if turn is None else turned @ turn)


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
        turn = Rotation.from_rotvec(unit(local) * swivel[:, None], degrees=True)
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
    """Directions (N, 3) of two bones of given lengths that reach (N, 3) from the chain's root, no
    nearer than ``shortest`` of the full length; the third is across the first towards ``pole``
    (N, 3), the side of the joint between them."""
    length = first + second
    distance = np.linalg.norm(reach, axis=-1, keepdims=True)
    along = reach / np.maximum(distance, 1e-9)
    distance = np.clip(distance, max(shortest * length, abs(first - second) + 0.1), 0.998 * length)
    across = _across(pole, along)
    cosine = (first**2 + distance**2 - second**2) / (2 * first * distance)
    cosine = np.clip(cosine, -1.0, 1.0)
    upper = cosine * along + np.sqrt(1 - cosine**2) * across
    return upper, unit(distance * along - first * upper), _across(across, upper)


def _across(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Unit vectors: the part of (N, 3) across (N, 3) unit axes."""
    return unit(vectors - (vectors * axis).sum(-1, keepdims=True) * axis)
