"""A rough trunk, head and thighs: what hands and elbows are kept out of."""

import numpy as np

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.rotations import SIDES

_HEAD_RADIUS, _THIGH_RADIUS = 12.0, 8.5
#: Half the thickness of a wrist with its sleeve, and of the cloth it meets, centimetres.
_ROOM = 4.5
#: Least distance of elbow, forearm, wrist, knuckles and fingers of one arm from the other's: hands
#: may touch.
_ARMS_APART = np.full((5, 5), 5.5)
_ARMS_APART[2:, 2:] = 3.0
#: Half the height of the trunk around Spine1, centimetres.
_HALF_HEIGHT = 30.0


class CollisionVolumes:
    """Of one body: an ellipse along the trunk, a ball for the head, capsules as thighs; joints are
    (N, J, 3) world centimetres, turns (N, J, 3, 3) of the bones."""

    def __init__(self, body: Body):
        self._row = {name: row for row, name in enumerate(body.rig.names)}
        trunk = [self._row[name] for name in ("Spine", "Spine1", "Spine2")]
        skin = body.vertices[np.isin(body.rig.main_bone, trunk)]
        self._half_width = float(np.percentile(np.abs(skin[:, 0]), 80))
        back, front = (float(v) for v in np.percentile(skin[:, 2], (4, 96)))
        self._middle, self._half_depth = (front + back) / 2, (front - back) / 2
        self.front = front  # of the trunk, centimetres ahead of its axis

    def _local(self, points: np.ndarray, joints: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """Points (N, 3) or (N, P, 3) in the axes of the trunk."""
        row = self._row["Spine1"]
        points = points - joints[:, row].reshape(-1, *[1] * (points.ndim - 2), 3)
        return np.einsum("nba,n...b->n...a", turns[:, row], points)

    def _head(self, joints: np.ndarray, turns: np.ndarray) -> np.ndarray:
        row = self._row["Head"]
        return joints[:, row] + turns[:, row] @ np.array([0.0, 7.0, 3.0])

    def _on_thigh(self, side: str, points: np.ndarray, joints: np.ndarray) -> np.ndarray:
        """Points of the axis of a thigh nearest to (N, P, 3) points."""
        start, end = joints[:, self._row[f"{side}UpLeg"]], joints[:, self._row[f"{side}Leg"]]
        along = (end - start)[:, None]
        share = ((points - start[:, None]) * along).sum(-1) / (along * along).sum(-1)
        return start[:, None] + np.clip(share, 0, 1)[..., None] * along

    def depth(
        self, points: np.ndarray, joints: np.ndarray, turns: np.ndarray, room: float = 3.0
    ) -> np.ndarray:
        """How deep (N, 3) or (N, P, 3) points are in the trunk, made ``room`` centimetres wider: 0
        on its axis, 1 on the surface, more outside."""
        x, y, z = np.moveaxis(self._local(points, joints, turns), -1, 0)
        ellipse = (x / (self._half_width + room)) ** 2
        ellipse += ((z - self._middle) / (self._half_depth + room)) ** 2
        # The ends taper off, so that a hand passing there is not thrown out all at once.
        end = np.clip((np.abs(y) - _HALF_HEIGHT) / 8.0, 0.0, None)
        return np.sqrt(ellipse + end**2)

    def keep_out(self, wrist: np.ndarray, joints: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """Wrists (N, 3) pushed out of trunk, head and thighs, as little as needed."""
        depth = self.depth(wrist, joints, turns, _ROOM)
        push = self._local(wrist, joints, turns) - np.array([0.0, 0.0, self._middle])
        push *= (np.maximum(1.0 / np.maximum(depth, 0.25), 1.0) - 1.0)[:, None]
        push[:, 1] = 0.0
        wrist = wrist + np.einsum("nab,nb->na", turns[:, self._row["Spine1"]], push)
        wrist = _outside(wrist, self._head(joints, turns), _HEAD_RADIUS + _ROOM)
        for side, _ in SIDES:
            thigh = self._on_thigh(side, wrist[:, None], joints)[:, 0]
            wrist = _outside(wrist, thigh, _THIGH_RADIUS + 2.0)
        return wrist

    def hit(self, joints: np.ndarray, turns: np.ndarray, camera: np.ndarray) -> np.ndarray:
        """(N,) whether an arm goes through trunk, head, thigh, the other arm or the floor, a joint
        through the camera (3,), or a knee through the other."""
        row = self._row
        camera = joints[:, row["Head"]] + turns[:, row["Head"]] @ camera
        bad = _nearer(joints, camera[:, None], 8.0)
        arms = []
        for side, _ in SIDES:
            arm = joints[:, [row[side + name] for name in ("ForeArm", "Hand", "HandMiddle1")]]
            elbow, wrist, knuckles = np.moveaxis(arm, 1, 0)
            points = [elbow, (elbow + wrist) / 2, wrist, knuckles, 2 * knuckles - wrist]
            arms.append(points := np.stack(points, 1))
            bad |= (self.depth(points, joints, turns) < 0.95).any(1)
            bad |= (points[..., 1] < 2.5).any(1)
            bad |= _nearer(points, self._head(joints, turns)[:, None], _HEAD_RADIUS)
            for thigh, _ in SIDES:
                bad |= _nearer(points, self._on_thigh(thigh, points, joints), _THIGH_RADIUS)
        bad |= _nearer(arms[0][:, :, None], arms[1][:, None], _ARMS_APART)
        return bad | _nearer(joints[:, row["LeftLeg"]], joints[:, row["RightLeg"]], 9.0)


def _nearer(points: np.ndarray, others: np.ndarray, least: float | np.ndarray) -> np.ndarray:
    """(N,) whether any of the points is nearer to its other than the least distance."""
    close = np.linalg.norm(points - others, axis=-1) < least
    return close.reshape(len(close), -1).any(1)


def _outside(points: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    away = points - centre
    distance = np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1.0)
    return centre + away * np.maximum(radius / distance, 1.0)
