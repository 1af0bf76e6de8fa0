"""From a description of a pose to joints: spine by angles, arms and legs by where they reach.

Hands and feet are given as targets and the elbow and knee follow, which keeps the limbs of every
pose anatomical and the feet where the pose wants them on the floor.
"""

from dataclasses import dataclass, field, fields

import numpy as np

from dataset.synthetic.body import Body
from dataset.synthetic.flesh import Flesh

#: From the top of a seat to the Hips joint of someone on it, centimetres.
_SEAT_TO_HIPS = 13.0
#: From wrist to the middle of the fingers, centimetres.
_HAND_LENGTH = 12.0
#: Least distance from hip to ankle, in leg lengths.
_SHORTEST_LEG = 0.33
_FINGER_BEND = (55.0, 80.0, 55.0)
#: Degrees a wide hand fans each finger, and how much more than the index each is bent.
_FINGERS = {
    "Index": (12.0, 0.0),
    "Middle": (2.0, 0.25),
    "Ring": (-7.0, 0.5),
    "Pinky": (-16.0, 0.65),
}


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
        splay: (2,) spread of the fingers: 0 side by side, 1 wide.
        foot: (2, 3) ankle from where it stands below the hip: outward, up, forward, in leg lengths.
        toe_out: (2,) turn of the foot outwards.
        foot_pitch: (2,) toes up positive.
        knee_out: (2,) turn of the knee outwards.
        seat: height of what the person sits on, in leg lengths; 0 for nothing.
        seat_back: how far behind the root its middle is, in leg lengths.
        balance: 1 where the weight has to rest over the feet, 0 where it moves on or is seated.
        root: x, z in centimetres and heading in degrees: where in the world the pose is.
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
    splay: np.ndarray = field(default_factory=lambda: np.zeros(2))
    foot: np.ndarray = field(default_factory=lambda: np.zeros((2, 3)))
    toe_out: np.ndarray = field(default_factory=lambda: np.zeros(2))
    foot_pitch: np.ndarray = field(default_factory=lambda: np.zeros(2))
    knee_out: np.ndarray = field(default_factory=lambda: np.zeros(2))
    seat: float = 0.0
    seat_back: float = 0.0
    balance: float = 1.0
    root: np.ndarray = field(default_factory=lambda: np.zeros(3))


def stack(poses: list[Pose]) -> dict[str, np.ndarray]:
    """Poses as one array per field, (N, …)."""
    return {
        each.name: np.stack([np.asarray(getattr(pose, each.name), float) for pose in poses])
        for each in fields(Pose)
    }


#: Least and greatest value of what joints do, degrees (hands in arm lengths): a mean adult's range.
_LIMITS = {
    "pelvis_turn": ((-25.0, -60.0, -20.0), (85.0, 60.0, 20.0)),
    "spine": ((-28.0, -45.0, -32.0), (62.0, 45.0, 32.0)),
    "head": ((-45.0, -85.0, -28.0), (55.0, 85.0, 28.0)),
    "hand": ((-0.62, -1.0, -0.5), (1.0, 1.0, 1.0)),
    "pronation": (-80.0, 100.0),
    "wrist": (-55.0, 60.0),
    "toe_out": (-35.0, 60.0),
    "foot_pitch": (-50.0, 60.0),
    "knee_out": (-8.0, 60.0),
}


def within_limits(poses: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Poses whose joints stay within their range."""
    kept = dict(poses)
    for name, (low, high) in _LIMITS.items():
        kept[name] = np.clip(poses[name], low, high)
    return kept


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
        hips = self._step[[self._row["LeftUpLeg"], self._row["RightUpLeg"]], 0]
        self.hip = float(hips[0] - hips[1]) / 2
        feet = np.isin(rig.main_bone, [self._row["LeftFoot"], self._row["LeftToeBase"]])
        sole = body.vertices[feet, 1].min()
        self.ankle = float(heads[self._row["LeftFoot"], 1] - sole)
        self._ground = _ground_vertices(body)
        self.flesh = Flesh(body)

    def place(self, poses: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Pose the body with its lowest point on the floor y = 0, facing +z.

        Args:
            poses: the fields of N poses, see :func:`stack`.

        Returns:
            (N, J, 3) joints, centimetres, and (N, J, 3, 3) turns of the bones on top of the T-pose.
        """
        poses = within_limits(poses)
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
        feet = np.stack([self._ankle(poses, side) for side in (0, 1)], 1)
        planted = np.clip(1.0 - poses["foot"][..., 1] / 0.06, 0.0, 1.0)
        self._settle(joints, turns, feet, planted, poses)
        for side in (0, 1):
            self._place_leg(joints, turns, side, feet[:, side], poses)
        for side in (0, 1):
            self._place_arm(joints, turns, side, poses)
        joints[..., 1] -= self._lowest(joints, turns)[:, None]
        return joints, turns

    def stand(self, turns: np.ndarray, height: np.ndarray) -> np.ndarray:
        """Joints of a body whose bones are turned in a given way.

        Args:
            turns: (N, J, 3, 3) of the bones on top of the T-pose.
            height: (N,) centimetres from the floor y = 0 to the body's lowest point.

        Returns:
            (N, J, 3) centimetres, the Hips at x = z = 0.
        """
        joints = self.joints(turns)
        joints[..., 1] += (height - self._lowest(joints, turns))[:, None]
        return joints

    def joints(self, turns: np.ndarray) -> np.ndarray:
        """(N, J, 3) centimetres: where bones turned by (N, J, 3, 3) end, the Hips at the origin."""
        joints = np.zeros(turns.shape[:-1])
        for row, parent in enumerate(self.body.rig.parents):
            if parent >= 0:
                step = _apply(turns[:, parent], self._step[row])
                joints[:, row] = joints[:, parent] + step
        return joints

    def seat_height(self, seat: np.ndarray) -> np.ndarray:
        """Centimetres from the floor of a seat of (N,) leg lengths, as sat on."""
        hips = self.leg_length * (seat + 0.1) + self.ankle - self._step[self._row["LeftUpLeg"], 1]
        return hips - _SEAT_TO_HIPS

    def _ankle(self, poses: dict[str, np.ndarray], side: int) -> np.ndarray:
        """(N, 3) where an ankle goes: a heel that is lifted or set down first turns about the toes
        or the heel, which stay where they are."""
        sign = (1.0, -1.0)[side]
        hip = self._step[self._row[("LeftUpLeg", "RightUpLeg")[side]]]
        place = poses["foot"][:, side] * self.leg_length * np.array([sign, 1.0, 1.0])
        place += np.array([hip[0], self.ankle, hip[2]])
        pitch = np.radians(poses["foot_pitch"][:, side])
        # Pivots ahead of and behind the ankle, and how high the ankle is above them.
        toe = self._step[self._row["LeftToeBase"]]
        ahead, above = (
            np.where(pitch < 0, toe[2], -0.3 * toe[2]),
            np.where(pitch < 0, -toe[1], self.ankle),
        )
        c, s = np.cos(pitch), np.sin(pitch)
        lift = above * c - ahead * s - above
        along = ahead - (ahead * c + above * s)
        heading = np.radians(sign * poses["toe_out"][:, side])
        place[:, 0] += along * np.sin(heading)
        place[:, 1] += lift
        place[:, 2] += along * np.cos(heading)
        return place

    def _settle(
        self,
        joints: np.ndarray,
        turns: np.ndarray,
        feet: np.ndarray,
        planted: np.ndarray,
        poses: dict[str, np.ndarray],
    ) -> None:
        """Move the trunk over the feet that bear it, and down as far as they have to reach."""
        row = self._row
        centre = 0.5 * joints[:, row["Spine1"]] + 0.08 * joints[:, row["Head"]]
        for side, sign in ((0, 1.0), (1, -1.0)):
            target = poses["hand"][:, side] * np.array([sign, 1.0, 1.0]) * sum(self.arm) / 2
            target = target + np.array([sign * 0.2 * self.leg_length, 0.0, 0.0])
            reach = _apply(turns[:, row["Spine2"]], target)
            centre += 0.05 * (joints[:, row["Neck"]] + reach)
            centre += 0.16 * (joints[:, 0] + feet[:, side]) / 2
        bearing = np.clip(1.0 - poses["foot"][..., 1] / 0.25, 0.0, 1.0)
        weight = bearing * bearing * (3 - 2 * bearing) + 1e-3
        share = (weight / weight.sum(1, keepdims=True))[..., None]
        sole = feet + np.array([0.0, 0.0, 0.1 * self.leg_length])
        support = (share * sole).sum(1)
        both = np.minimum(weight[:, 0], weight[:, 1])[:, None]
        room = np.abs(feet[:, 0] - feet[:, 1]) / 2 * both + np.array([4.0, 0.0, 8.0])
        off = (centre - support)[:, [0, 2]]
        excess = off - np.clip(off, -room[:, [0, 2]], room[:, [0, 2]])
        limit = 0.3 * self.leg_length
        move = np.clip(-excess / 0.74, -limit, limit) * poses["balance"][:, None]
        joints[:, :, 0] += move[:, :1]
        joints[:, :, 2] += move[:, 1:]

        # Down to where both feet reach the floor, up to where no leg is bent further than it can.
        drop, rise = np.zeros(len(joints)), np.zeros(len(joints))
        for side, name in enumerate(("LeftUpLeg", "RightUpLeg")):
            hip = joints[:, 0] + _apply(turns[:, 0], self._step[row[name]])
            apart = hip - feet[:, side]
            flat = (apart[:, [0, 2]] ** 2).sum(1)
            highest = np.sqrt(np.maximum((0.995 * self.leg_length) ** 2 - flat, 0.0))
            lower = np.maximum(apart[:, 1] - highest, 0.0) * planted[:, side]
            drop = np.maximum(drop, np.minimum(lower, 0.4 * self.leg_length))
            least = np.sqrt(np.maximum((_SHORTEST_LEG * self.leg_length) ** 2 - flat, 0.0))
            rise = np.maximum(rise, np.maximum(least - apart[:, 1], 0.0))
        joints[..., 1] += (rise - drop)[:, None]

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
        shoulder = joints[:, row[f"{name}Arm"]]
        wrist = shoulder + _apply(chest, target * mirror) * sum(self.arm)
        wrist = self.flesh.keep_out(wrist, joints, turns)
        pole_turn = poses["swivel"][:, side]

        def solve(wrist: np.ndarray, swivel: np.ndarray):
            reach = wrist - shoulder
            local = np.einsum("nba,nb->na", chest, reach) * mirror / sum(self.arm)
            up = np.clip(local[:, 1], 0.0, 1.0)
            pole = np.stack([np.full_like(up, 0.45), -0.8 + 0.5 * up, -0.45 + 0.6 * up], -1)
            pole = _about(_unit(local), pole, swivel)
            return _two_bones(reach, *self.arm, _apply(chest, pole * mirror), shortest=0.3)

        upper, lower, across = solve(wrist, pole_turn)
        # Fingers inside the body take the wrist out with them; an elbow swings outwards.
        fingers = shoulder + upper * self.arm[0] + lower * (self.arm[1] + _HAND_LENGTH)
        wrist = wrist + self.flesh.keep_out(fingers, joints, turns) - fingers
        depth = 1.0 - self.flesh.depth(shoulder + upper * self.arm[0], joints, turns, 2.0)
        upper, lower, across = solve(wrist, pole_turn + 90.0 * np.clip(depth, 0.0, 0.6))
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
        splay = poses["splay"][:, side] * (1 - curl)
        for finger, (fan, extra) in _FINGERS.items():
            bent = np.clip(curl + extra * (0.15 + curl * (1 - curl)), 0.0, 1.0)
            for number, bend in enumerate(_FINGER_BEND, start=1):
                turn = _turn(2, -sign * bent * bend)
                if number == 1:
                    turn = _turn(1, -sign * fan * splay) @ turn
                self._follow(joints, turns, f"{name}Hand{finger}{number}", turn)
        for number, bend in enumerate((15.0, 30.0, 40.0), start=1):
            self._follow(joints, turns, f"{name}HandThumb{number}", _turn(1, sign * curl * bend))

    def _place_leg(
        self,
        joints: np.ndarray,
        turns: np.ndarray,
        side: int,
        ankle: np.ndarray,
        poses: dict[str, np.ndarray],
    ) -> None:
        name, sign = (("Left", 1.0), ("Right", -1.0))[side]
        row = self._row
        self._follow(joints, turns, f"{name}UpLeg")
        reach = ankle - joints[:, row[f"{name}UpLeg"]]
        out = np.radians(poses["knee_out"][:, side])
        pole = np.stack([sign * np.sin(out), np.full_like(out, 0.3), np.cos(out)], -1)
        upper, lower, across = _two_bones(reach, *self.leg, pole, shortest=_SHORTEST_LEG)
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
        self._follow(joints, turns, f"{name}ToeBase", _turn(0, np.clip(pitch, -50.0, 0.0)))

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
