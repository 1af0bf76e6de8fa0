"""From a description of a pose to joints: spine by angles, arms and legs by where they reach.

Hands and feet are given as targets and the elbow and knee follow, which keeps the limbs of every
pose anatomical and the feet where the pose wants them on the floor.
"""

from dataclasses import dataclass, field, fields

import numpy as np

from dataset.synthetic.body import Body

_FINGER_BEND = (55.0, 80.0, 55.0)


def _pair(left: tuple[float, ...], right: tuple[float, ...]) -> np.ndarray:
    return np.array([left, right], float)


@dataclass
class Pose:
    """One pose of any body.  Angles are degrees; arrays with two rows are (left, right).

    Attributes:
        pelvis: (sideways, height, forward) of the pelvis against standing upright, in leg lengths.
        pelvis_turn: lean forward, yaw to the left, roll to the right.
        spine: bend forward, twist to the left, bend to the right, over the whole spine.
        head: nod, turn to the left, tilt to the right, against the chest.
        hand: (2, 3) wrist from the shoulder: outward, up, forward of the chest, in arm lengths.
        swivel: (2,) turn of the elbow about the line from shoulder to wrist, outward positive.
        pronation: (2,) turn of the forearm; 0 has the palm facing inwards with the hand ahead.
        wrist: (2,) bend of the hand towards the palm.
        curl: (2,) of the fingers: 0 stretched, 1 a fist.
        foot: (2, 3) ankle from where it stands below the hip: outward, up, forward, in leg lengths.
        toe_out: (2,) turn of the foot outwards.
        foot_pitch: (2,) toes up positive.
        knee_out: (2,) turn of the knee outwards.
        seat: height of what the person sits on, in leg lengths; 0 for nothing.
    """

    pelvis: np.ndarray = field(default_factory=lambda: np.zeros(3))
    pelvis_turn: np.ndarray = field(default_factory=lambda: np.zeros(3))
    spine: np.ndarray = field(default_factory=lambda: np.zeros(3))
    head: np.ndarray = field(default_factory=lambda: np.zeros(3))
    hand: np.ndarray = field(default_factory=lambda: _pair((1, 0, 0), (1, 0, 0)))
    swivel: np.ndarray = field(default_factory=lambda: np.zeros(2))
    pronation: np.ndarray = field(default_factory=lambda: np.zeros(2))
    wrist: np.ndarray = field(default_factory=lambda: np.zeros(2))
    curl: np.ndarray = field(default_factory=lambda: np.zeros(2))
    foot: np.ndarray = field(default_factory=lambda: np.zeros((2, 3)))
    toe_out: np.ndarray = field(default_factory=lambda: np.zeros(2))
    foot_pitch: np.ndarray = field(default_factory=lambda: np.zeros(2))
    knee_out: np.ndarray = field(default_factory=lambda: np.zeros(2))
    seat: float = 0.0


def stack(poses: list[Pose]) -> dict[str, np.ndarray]:
    """Poses as one array per field, (N, …)."""
    return {
        each.name: np.stack([np.asarray(getattr(pose, each.name), float) for pose in poses])
        for each in fields(Pose)
    }


def _turn(axis: int, degrees: np.ndarray) -> np.ndarray:
    """(N, 3, 3) rotations about the x, y or z axis."""
    angle = np.radians(degrees)
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.zeros((*angle.shape, 3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix[..., axis, axis] = 1.0
    matrix[..., i, i] = matrix[..., j, j] = c
    matrix[..., i, j], matrix[..., j, i] = -s, s
    return matrix


def _bend(forward: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Yaw, then lean forward, then tilt to the right."""
    return _turn(1, left) @ _turn(0, forward) @ _turn(2, right)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _apply(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return np.einsum("...ab,...b->...a", matrix, vector)


def _columns(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    return np.stack([x, y, z], -1)


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
    across = _unit(pole - (pole * along).sum(-1, keepdims=True) * along)
    cosine = (first**2 + distance**2 - second**2) / (2 * first * distance)
    cosine = np.clip(cosine, -1.0, 1.0)
    upper = cosine * along + np.sqrt(1 - cosine**2) * across
    lower = _unit(distance * along - first * upper)
    return upper, lower, across


class Poser:
    """Poses one body, many poses at once."""

    def __init__(self, body: Body):
        self.body = body
        rig = body.rig
        self._row = {name: row for row, name in enumerate(rig.names)}
        heads = body.heads
        #: Each joint from its parent in the T-pose.
        self._step = np.zeros_like(heads)
        for row, parent in enumerate(rig.parents):
            if parent >= 0:
                self._step[row] = body.to_tpose[parent] @ (heads[row] - heads[parent])
        self.arm = body.length("LeftArm", "LeftForeArm"), body.length("LeftForeArm", "LeftHand")
        self.leg = body.length("LeftUpLeg", "LeftLeg"), body.length("LeftLeg", "LeftFoot")
        self.leg_length = sum(self.leg)
        feet = np.isin(rig.main_bone, [self._row["LeftFoot"], self._row["LeftToeBase"]])
        sole = body.vertices[feet, 1].min()
        self.ankle = float(heads[self._row["LeftFoot"], 1] - sole)
        self._ground = _ground_vertices(body)

    def place(self, poses: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Pose the body with its lowest point on the floor y = 0, facing +z.

        Args:
            poses: the fields of N poses, see :func:`stack`.

        Returns:
            (N, J, 3) joints, centimetres, and (N, J, 3, 3) turns of the bones on top of the T-pose.
        """
        count, bones = len(poses["pelvis"]), len(self.body.rig.names)
        turns = np.tile(np.eye(3), (count, bones, 1, 1))
        joints = np.zeros((count, bones, 3))
        row = self._row
        offset = poses["pelvis"] * self.leg_length
        offset[:, 1] += self.ankle + self.leg_length - self._step[row["LeftUpLeg"], 1]
        joints[:, 0] = offset
        turns[:, 0] = _bend(*poses["pelvis_turn"].T)
        for name in ("Spine", "Spine1", "Spine2"):
            self._follow(joints, turns, name, _bend(*(poses["spine"].T / 3)))
        for name, share in (("Neck", 0.4), ("Head", 0.6)):
            self._follow(joints, turns, name, _bend(*(poses["head"].T * share)))
        for side in (0, 1):
            self._place_leg(joints, turns, side, poses)
            self._place_arm(joints, turns, side, poses)
        joints[..., 1] -= self._lowest(joints, turns)[:, None]
        return joints, turns

    def _follow(
        self, joints: np.ndarray, turns: np.ndarray, name: str, turn: np.ndarray | None = None
    ) -> None:
        """Hang a bone on its parent, turned by ``turn`` in the parent's frame."""
        row = self._row[name]
        parent = self.body.rig.parents[row]
        joints[:, row] = joints[:, parent] + _apply(turns[:, parent], self._step[row])
        turns[:, row] = turns[:, parent] if turn is None else turns[:, parent] @ turn

    def _place_arm(
        self, joints: np.ndarray, turns: np.ndarray, side: int, poses: dict[str, np.ndarray]
    ) -> None:
        name, sign = (("Left", 1.0), ("Right", -1.0))[side]
        row = self._row
        chest = turns[:, row["Spine2"]]
        target = poses["hand"][:, side]
        # The collarbone follows the hand up and forward.
        lift = np.clip(22.0 * (target[:, 1] + 0.15), -4.0, 24.0)
        forward = np.clip(14.0 * target[:, 2], -8.0, 14.0)
        self._follow(
            joints, turns, f"{name}Shoulder", _turn(2, sign * lift) @ _turn(1, -sign * forward)
        )
        self._follow(joints, turns, f"{name}Arm")
        mirror = np.array([sign, 1.0, 1.0])
        reach = _apply(chest, target * mirror) * sum(self.arm)
        up = np.clip(target[:, 1], 0.0, 1.0)
        pole = np.stack([np.full_like(up, 0.45), -0.8 + 0.5 * up, -0.45 + 0.6 * up], -1)
        along = _unit(target)
        pole = _about(along, pole, poses["swivel"][:, side])
        upper, lower, across = _two_bones(
            reach, *self.arm, _apply(chest, pole * mirror), shortest=0.3
        )
        inward = _unit(-(across - (across * upper).sum(-1, keepdims=True) * upper))
        x = sign * upper
        turns[:, row[f"{name}Arm"]] = _columns(x, np.cross(inward, x), inward)
        hinge = np.cross(inward, x)
        x = sign * lower
        plain = _columns(x, hinge, np.cross(x, hinge))
        roll = poses["pronation"][:, side]
        joints[:, row[f"{name}ForeArm"]] = joints[:, row[f"{name}Arm"]] + upper * self.arm[0]
        turns[:, row[f"{name}ForeArm"]] = plain @ _turn(0, roll * 0.55)
        joints[:, row[f"{name}Hand"]] = joints[:, row[f"{name}ForeArm"]] + lower * self.arm[1]
        turns[:, row[f"{name}Hand"]] = (
            plain @ _turn(0, roll) @ _turn(2, -sign * poses["wrist"][:, side])
        )
        curl = poses["curl"][:, side]
        for finger in ("Index", "Middle", "Pinky", "Ring"):
            for number, bend in enumerate(_FINGER_BEND, start=1):
                self._follow(
                    joints, turns, f"{name}Hand{finger}{number}", _turn(2, -sign * curl * bend)
                )
        for number, bend in enumerate((15.0, 30.0, 40.0), start=1):
            self._follow(joints, turns, f"{name}HandThumb{number}", _turn(1, sign * curl * bend))

    def _place_leg(
        self, joints: np.ndarray, turns: np.ndarray, side: int, poses: dict[str, np.ndarray]
    ) -> None:
        name, sign = (("Left", 1.0), ("Right", -1.0))[side]
        row = self._row
        self._follow(joints, turns, f"{name}UpLeg")
        hip = self._step[row[f"{name}UpLeg"]]
        place = poses["foot"][:, side] * self.leg_length * np.array([sign, 1.0, 1.0])
        place += np.array([hip[0], self.ankle, hip[2]])
        reach = place - joints[:, row[f"{name}UpLeg"]]
        out = np.radians(poses["knee_out"][:, side])
        pole = np.stack([sign * np.sin(out), np.full_like(out, 0.3), np.cos(out)], -1)
        upper, lower, across = _two_bones(reach, *self.leg, pole, shortest=0.32)
        ahead = _unit(across - (across * upper).sum(-1, keepdims=True) * upper)
        hinge = np.cross(-upper, ahead)
        turns[:, row[f"{name}UpLeg"]] = _columns(hinge, -upper, ahead)
        turns[:, row[f"{name}Leg"]] = _columns(hinge, -lower, np.cross(hinge, -lower))
        joints[:, row[f"{name}Leg"]] = joints[:, row[f"{name}UpLeg"]] + upper * self.leg[0]
        joints[:, row[f"{name}Foot"]] = joints[:, row[f"{name}Leg"]] + lower * self.leg[1]
        pitch = poses["foot_pitch"][:, side]
        heading = _turn(1, sign * poses["toe_out"][:, side])
        turns[:, row[f"{name}Foot"]] = heading @ _turn(0, -pitch)
        # With the heel off the floor the toes stay on it.
        self._follow(joints, turns, f"{name}ToeBase", _turn(0, np.clip(pitch, -45.0, 0.0) * 0.8))

    def _lowest(self, joints: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """(N,) height of the lowest of the vertices that can touch the floor."""
        rows, weights, points = self._ground
        matrix = turns[:, rows] @ self.body.to_tpose[rows]
        local = points - self.body.heads[rows]
        moved = np.einsum("njb,jb->nj", matrix[..., 1, :], local) + joints[:, rows, 1]
        return (moved * weights).reshape(len(joints), -1, 2).sum(-1).min(-1)


def _about(axis: np.ndarray, vector: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Turn (N, 3) vectors about (N, 3) unit axes."""
    angle = np.radians(degrees)[:, None]
    cross = np.cross(axis, vector)
    dot = (axis * vector).sum(-1, keepdims=True)
    return vector * np.cos(angle) + cross * np.sin(angle) + axis * dot * (1 - np.cos(angle))


def _ground_vertices(body: Body) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A sample of vertices as two (bone, weight, rest position) entries each."""
    rig = body.rig
    soles = []
    for name in ("LeftFoot", "LeftToeBase", "RightFoot", "RightToeBase"):
        own = np.flatnonzero(rig.main_bone == rig.index(name))
        soles.append(own[np.argsort(body.vertices[own, 1], kind="stable")[: len(own) // 3 : 3]])
    picked = np.unique(np.concatenate([*soles, np.arange(0, len(rig.main_bone), 60)]))
    weights = rig.weights[picked].astype(float)
    bones = np.argsort(-weights, axis=1, kind="stable")[:, :2]
    weights = np.take_along_axis(weights, bones, 1)
    weights /= weights.sum(1, keepdims=True)
    points = np.repeat(body.vertices[picked].astype(float), 2, axis=0)
    return bones.ravel(), weights.ravel(), points
