"""From a description of a pose to joints: spine by angles, arms and legs by where they reach, the
weight over the feet, the lowest point on the floor."""

import numpy as np
from scipy.spatial.transform import Rotation

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.body.collisions import CollisionVolumes
from dataset.synthetic.body.pose import within_limits
from dataset.synthetic.rotations import SIDES, apply, rotation, unit

#: Least distance from hip to ankle and from shoulder to wrist, in leg and arm lengths.
_SHORTEST_LEG, _SHORTEST_ARM = 0.33, 0.3
#: From wrist to the middle of the fingers, centimetres.
_HAND_LENGTH = 12.0
_FINGER_BEND, _THUMB_BEND = (55.0, 80.0, 55.0), (15.0, 30.0, 40.0)
#: Degrees a wide hand fans each finger, and how much more than the index each is bent.
_FINGERS = {"Index": (12, 0.0), "Middle": (2, 0.25), "Ring": (-7, 0.5), "Pinky": (-16, 0.65)}
#: From the top of a seat to the Hips joint of someone on it, centimetres.
_SEAT_TO_HIPS = 13.0


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


class _Placement:
    """N poses (the fields of :func:`pose.stack`) of one body, placed from the Hips outwards."""

    def __init__(self, bones: Bones, poses: dict[str, np.ndarray]):
        self.bones, self.poses = bones, poses
        self.joints = np.zeros((len(poses["pelvis"]), len(bones.row), 3))
        self.turns = np.tile(np.eye(3), (*self.joints.shape[:2], 1, 1))

    def joint(self, name: str) -> np.ndarray:
        return self.joints[:, self.bones.row[name]]

    def turn(self, name: str) -> np.ndarray:
        return self.turns[:, self.bones.row[name]]

    def put(self, name: str, joint: np.ndarray, turn: np.ndarray) -> None:
        row = self.bones.row[name]
        self.joints[:, row], self.turns[:, row] = joint, turn

    def follow(self, name: str, turn: np.ndarray | None = None) -> None:
        """Hang a bone on its parent, turned by ``turn`` (N, 3, 3) in the parent's frame."""
        row = self.bones.row[name]
        parent = self.bones.parents[row]
        turned = self.turns[:, parent]
        joint = self.joints[:, parent] + apply(turned, self.bones.step[row])
        self.put(name, joint, turned if turn is None else turned @ turn)


def _place_arm(placed: _Placement, volumes: CollisionVolumes, side: int) -> None:
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


def _place_leg(placed: _Placement, side: int, ankle: np.ndarray) -> None:
    """Place a leg (0 left, 1 right) and its foot, the ankle at (N, 3), of poses with Hips."""
    name, sign = SIDES[side]
    bones, poses = placed.bones, placed.poses
    placed.follow(f"{name}UpLeg")
    hip = placed.joint(f"{name}UpLeg")
    out = np.radians(poses["knee_out"][:, side])
    pole = np.stack([sign * np.sin(out), np.full_like(out, 0.3), np.cos(out)], -1)
    upper, lower, ahead = _two_bones(ankle - hip, *bones.leg, pole, _SHORTEST_LEG)
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
    """Directions (N, 3) of two bones that reach (N, 3) from the root of their chain, no nearer than
    ``shortest`` of its length, and the direction across the first towards ``pole`` (N, 3)."""
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


def _bend(angles: np.ndarray) -> np.ndarray:
    """(N, 3, 3) turns by (N, 3) degrees: forward, to the left, sideways to the right."""
    forward, left, right = angles.T
    return rotation("y", left) @ rotation("x", forward) @ rotation("z", right)


class Poser:
    """Poses one body, many poses at once; keeps its hands out of its ``volumes``."""

    def __init__(self, body: Body):
        self.body, self.bones, self.volumes = body, Bones(body), CollisionVolumes(body)
        # What can touch the floor: a sample of vertices, each moved by two bones.
        rig = body.rig
        picked = [np.arange(0, len(rig.main_bone), 60)]
        for name in ("LeftFoot", "LeftToeBase", "RightFoot", "RightToeBase"):
            own = np.flatnonzero(rig.main_bone == rig.index(name))
            soles = own[np.argsort(body.vertices[own, 1], kind="stable")]
            picked.append(soles[: len(own) // 3 : 3])
        picked = np.unique(np.concatenate(picked))
        weights = rig.weights[picked].astype(float)
        bones = np.argsort(-weights, axis=1, kind="stable")[:, :2]
        weights = np.take_along_axis(weights, bones, 1)
        self._shares = (weights / weights.sum(1, keepdims=True)).ravel()
        self._movers = bones.ravel()
        points = np.repeat(body.vertices[picked].astype(float), 2, axis=0)
        self._points = points - body.heads[self._movers]

    def place(self, poses: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """(N, J, 3) joints, centimetres, and (N, J, 3, 3) turns on top of the T-pose of N poses
        (:func:`pose.stack`), facing +z, the lowest point on the floor y = 0."""
        poses = within_limits(poses)
        bones = self.bones
        placed = _Placement(bones, poses)
        hips = poses["pelvis"] * bones.leg_length
        hips[:, 1] += bones.ankle + bones.leg_length - bones.step[bones.row["LeftUpLeg"], 1]
        placed.put("Hips", hips, _bend(poses["pelvis_turn"]))
        for name in ("Spine", "Spine1", "Spine2"):
            placed.follow(name, _bend(poses["spine"] / 3))
        for name, share in (("Neck", 0.4), ("Head", 0.6)):
            placed.follow(name, _bend(poses["head"] * share))
        feet = np.stack([_ankle_places(placed, side) for side in (0, 1)], 1)
        _settle(placed, feet)
        for side in (0, 1):
            _place_leg(placed, side, feet[:, side])
        for side in (0, 1):  # kept out of both thighs
            _place_arm(placed, self.volumes, side)
        placed.joints[..., 1] -= self._lowest(placed.joints, placed.turns)[:, None]
        return placed.joints, placed.turns

    def stand(self, turns: np.ndarray, height: np.ndarray) -> np.ndarray:
        """(N, J, 3) joints of bones turned by (N, J, 3, 3), the Hips at x = z = 0, the lowest point
        ``height`` (N,) above the floor y = 0, centimetres."""
        joints = self.bones.joints(turns)
        joints[..., 1] += (height - self._lowest(joints, turns))[:, None]
        return joints

    def _lowest(self, joints: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """(N,) height of the lowest vertex."""
        matrix = turns[:, self._movers] @ self.body.to_tpose[self._movers]
        moved = np.einsum("njb,jb->nj", matrix[..., 1, :], self._points)
        moved += joints[:, self._movers, 1]
        return (moved * self._shares).reshape(len(joints), -1, 2).sum(-1).min(-1)

    def seat_height(self, seat: np.ndarray) -> np.ndarray:
        """Centimetres from the floor of a seat of (N,) leg lengths, as sat on."""
        bones = self.bones
        thigh = bones.step[bones.row["LeftUpLeg"], 1]
        return bones.leg_length * (seat + 0.1) + bones.ankle - thigh - _SEAT_TO_HIPS


def _ankle_places(placed: _Placement, side: int) -> np.ndarray:
    """(N, 3) ankles of a side (0 left, 1 right); if pitched they turn about toes or heel."""
    bones, poses = placed.bones, placed.poses
    name, sign = SIDES[side]
    hip = bones.step[bones.row[f"{name}UpLeg"]]
    place = poses["foot"][:, side] * bones.leg_length * np.array([sign, 1.0, 1.0])
    place += np.array([hip[0], bones.ankle, hip[2]])
    pitch = np.radians(poses["foot_pitch"][:, side])
    # Pivots ahead of and behind the ankle, and how high the ankle is above them.
    _, toe_up, toe_ahead = bones.step[bones.row["LeftToeBase"]]
    ahead = np.where(pitch < 0, toe_ahead, -0.3 * toe_ahead)
    above = np.where(pitch < 0, -toe_up, bones.ankle)
    c, s = np.cos(pitch), np.sin(pitch)
    along = ahead - (ahead * c + above * s)
    heading = np.radians(sign * poses["toe_out"][:, side])
    place[:, 0] += along * np.sin(heading)
    place[:, 1] += above * c - ahead * s - above
    place[:, 2] += along * np.cos(heading)
    return place


def _settle(placed: _Placement, feet: np.ndarray) -> None:
    """Move trunk and head over the feet, whose ankles are (N, 2, 3), as far as legs reach."""
    bones, poses, joints = placed.bones, placed.poses, placed.joints
    leg = bones.leg_length
    centre = 0.5 * placed.joint("Spine1") + 0.08 * placed.joint("Head")
    for side, (_, sign) in enumerate(SIDES):
        target = poses["hand"][:, side] * np.array([sign, 1.0, 1.0]) * bones.arm_length / 2
        target = target + np.array([sign * 0.2 * leg, 0.0, 0.0])
        centre += 0.05 * (placed.joint("Neck") + apply(placed.turn("Spine2"), target))
        centre += 0.16 * (joints[:, 0] + feet[:, side]) / 2
    bearing = np.clip(1.0 - poses["foot"][..., 1] / 0.25, 0.0, 1.0)
    weight = bearing * bearing * (3 - 2 * bearing) + 1e-3
    share = (weight / weight.sum(1, keepdims=True))[..., None]
    support = (share * (feet + np.array([0.0, 0.0, 0.1 * leg]))).sum(1)
    both = np.minimum(weight[:, 0], weight[:, 1])[:, None]
    room = np.abs(feet[:, 0] - feet[:, 1]) / 2 * both + np.array([4.0, 0.0, 8.0])
    off = (centre - support)[:, [0, 2]]
    excess = off - np.clip(off, -room[:, [0, 2]], room[:, [0, 2]])
    move = np.clip(-excess / 0.74, -0.3 * leg, 0.3 * leg) * poses["balance"][:, None]
    joints[:, :, [0, 2]] += move[:, None]

    # Down to where both feet reach the floor, up to where no leg is bent further than it can.
    planted = np.clip(1.0 - poses["foot"][..., 1] / 0.06, 0.0, 1.0)
    steps = bones.step[[bones.row["LeftUpLeg"], bones.row["RightUpLeg"]]]
    apart = joints[:, :1] + apply(placed.turns[:, :1], steps) - feet
    flat = (apart[..., [0, 2]] ** 2).sum(-1)
    highest = np.sqrt(np.maximum((0.995 * leg) ** 2 - flat, 0.0))
    least = np.sqrt(np.maximum((_SHORTEST_LEG * leg) ** 2 - flat, 0.0))
    drop = np.minimum(np.maximum(apart[..., 1] - highest, 0.0) * planted, 0.4 * leg).max(1)
    rise = np.maximum(least - apart[..., 1], 0.0).max(1)
    joints[..., 1] += (rise - drop)[:, None]
