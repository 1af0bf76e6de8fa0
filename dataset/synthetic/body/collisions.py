"""A rough trunk, head and thighs: what hands and elbows are kept out of."""

import numpy as np

from dataset.synthetic.body.body_model import Body

_HEAD_RADIUS, _THIGH_RADIUS = 12.0, 8.5
#: Half the thickness of a wrist with its sleeve, and of the cloth it meets, centimetres.
_ROOM = 4.5
#: Least distance of elbow, forearm, wrist, knuckles and fingers of one arm from the other's: hands
#: may touch.
_ARMS_APART = np.full((5, 5), 5.5)
_ARMS_APART[2:, 2:] = 3.0
_BELOW, _ABOVE = 30.0, 30.0


class Flesh:
    """Volumes of one body: an ellipse along the trunk, a ball for the head, capsules as thighs."""

    def __init__(self, body: Body):
        rig = body.rig
        self._rig = rig
        trunk = np.isin(rig.main_bone, [rig.index(name) for name in ("Spine", "Spine1", "Spine2")])
        skin = body.vertices[trunk]
        self._half_width = float(np.percentile(np.abs(skin[:, 0]), 80))
        back, front = (float(v) for v in np.percentile(skin[:, 2], (4, 96)))
        self._middle, self._half_depth = (front + back) / 2, (front - back) / 2

    def _local(self, points: np.ndarray, joints: np.ndarray, turns: np.ndarray) -> np.ndarray:
        row = self._rig.index("Spine1")
        points = points - joints[:, row].reshape(-1, *[1] * (points.ndim - 2), 3)
        return np.einsum("nba,n...b->n...a", turns[:, row], points)

    def _head(self, joints: np.ndarray, turns: np.ndarray) -> np.ndarray:
        row = self._rig.index("Head")
        return joints[:, row] + turns[:, row] @ np.array([0.0, 7.0, 3.0])

    def _thighs(self, joints: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        row = self._rig.index
        return [
            (joints[:, row(f"{side}UpLeg")], joints[:, row(f"{side}Leg")])
            for side in ("Left", "Right")
        ]

    def depth(
        self, points: np.ndarray, joints: np.ndarray, turns: np.ndarray, room: float = 3.0
    ) -> np.ndarray:
        """How deep points are in the trunk: 0 on its axis, 1 on the surface, more outside.

        Args:
            points: (N, 3) or (N, P, 3) world centimetres.
            joints, turns: (N, J, 3) and (N, J, 3, 3) of the poses.
            room: centimetres the surface is further out than the skin.
        """
        local = self._local(points, joints, turns)
        ellipse = (local[..., 0] / (self._half_width + room)) ** 2
        ellipse += ((local[..., 2] - self._middle) / (self._half_depth + room)) ** 2
        # The ends taper off, so that a hand passing there is not thrown out all at once.
        end = np.maximum(-_BELOW - local[..., 1], local[..., 1] - _ABOVE)
        return np.sqrt(ellipse + np.clip(end / 8.0, 0.0, None) ** 2)

    def keep_out(self, wrist: np.ndarray, joints: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """Wrists (N, 3) pushed out of trunk, head and thighs, as little as it takes."""
        depth = self.depth(wrist, joints, turns, _ROOM)
        local = self._local(wrist, joints, turns)
        grow = np.maximum(1.0 / np.maximum(depth, 0.25), 1.0) - 1.0
        push = np.zeros_like(local)
        push[:, 0] = local[:, 0] * grow
        push[:, 2] = (local[:, 2] - self._middle) * grow
        wrist = wrist + np.einsum("nab,nb->na", turns[:, self._rig.index("Spine1")], push)
        wrist = _outside(wrist, self._head(joints, turns), _HEAD_RADIUS + _ROOM)
        for start, end in self._thighs(joints):
            wrist = _outside(wrist, _nearest(wrist[:, None], start, end)[:, 0], _THIGH_RADIUS + 2.0)
        return wrist

    def hit(self, joints: np.ndarray, turns: np.ndarray, camera: np.ndarray) -> np.ndarray:
        """(N,) whether an arm goes through trunk, head, thigh, camera (3,) or the other arm."""
        row = self._rig.index
        head = self._head(joints, turns)
        camera = joints[:, row("Head")] + turns[:, row("Head")] @ camera
        bad = (np.linalg.norm(joints - camera[:, None], axis=-1) < 8.0).any(1)
        arms = []
        for side in ("Left", "Right"):
            elbow = joints[:, row(f"{side}ForeArm")]
            wrist = joints[:, row(f"{side}Hand")]
            knuckles = joints[:, row(f"{side}HandMiddle1")]
            points = np.stack(
                [elbow, (elbow + wrist) / 2, wrist, knuckles, 2 * knuckles - wrist], 1
            )
            arms.append(points)
            bad |= (self.depth(points, joints, turns) < 0.95).any(1)
            bad |= (np.linalg.norm(points - head[:, None], axis=-1) < _HEAD_RADIUS).any(1)
            for start, end in self._thighs(joints):
                near = np.linalg.norm(points - _nearest(points, start, end), axis=-1)
                bad |= (near < _THIGH_RADIUS).any(1)
            bad |= (points[..., 1] < 2.5).any(1)
        apart = np.linalg.norm(arms[0][:, :, None] - arms[1][:, None], axis=-1)
        bad |= (apart < _ARMS_APART).any((1, 2))
        knees = joints[:, row("LeftLeg")] - joints[:, row("RightLeg")]
        return bad | (np.linalg.norm(knees, axis=-1) < 9.0)


def _outside(points: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    away = points - centre
    distance = np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1.0)
    return centre + away * np.maximum(radius / distance, 1.0)


def _nearest(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(N, P, 3) points of N segments nearest to (N, P, 3) points."""
    along = (end - start)[:, None]
    share = ((points - start[:, None]) * along).sum(-1) / (along * along).sum(-1)
    return start[:, None] + np.clip(share, 0, 1)[..., None] * along
