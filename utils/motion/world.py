"""Motion in the room: upright, on a floor, carried by the feet that stand."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from utils.motion.rig import JOINT_ROWS, REST, RIG_JOINTS, forward_kinematics
from utils.motion.solver import Motion, solve

_HEAD, _TOES = RIG_JOINTS.index("Head"), RIG_JOINTS.index("LeftToeBase")
_LEGS = [
    [RIG_JOINTS.index(side + name) for name in ("UpLeg", "Leg", "Foot", "ToeBase")]
    for side in ("Left", "Right")
]
#: (2, 2) rows of the balls and the ankles.
_POINTS = np.array([leg[:1:-1] for leg in _LEGS])
#: Heights of these over the sole, lengths of the foot: medians of synthetic people who stand.
_HEIGHTS = np.array([0.17, 0.17 - REST[_TOES, 1]])
#: A foot comes to stand at most this high over the floor and this fast, metres and metres a second,
#: and stands until it is that much higher, or that far from where it stood, metres.
_LOW, _SLOW = 0.025, 0.3
_LIFTED, _LEFT = 0.05, 0.08
#: Time constant in which the body and a lifted foot give up what standing feet have moved them by.
_EASED_S = 0.15


def upright(down: np.ndarray) -> np.ndarray:
    """(3, 3) least rotation after which the direction of gravity (3,), rig's axes, is -y."""
    x, y, z = down / np.linalg.norm(down)
    c = max(1 - y, 1e-6)
    return np.array([[1 - x * x / c, x, -x * z / c], [-x, -y, -z], [-x * z / c, z, 1 - z * z / c]])


def _move_foot(places: np.ndarray, leg: list[int], by: np.ndarray) -> None:
    """Move the foot of a leg by (3,) metres as far as it reaches, the knee as little as can be."""
    hip, knee, ankle, toes = places[leg]
    upper, lower = np.linalg.norm(knee - hip), np.linalg.norm(ankle - knee)
    way = ankle + by - hip
    distance = max(np.linalg.norm(way), 1e-9)
    reach = min(distance, (upper + lower) * (1 - 1e-9))
    along = way / distance
    part = (upper**2 - lower**2 + reach**2) / (2 * reach)
    aside = knee - hip - ((knee - hip) @ along) * along
    aside /= max(np.linalg.norm(aside), 1e-9)
    places[leg[1]] = hip + part * along + math.sqrt(max(upper**2 - part**2, 0.0)) * aside
    places[leg[2]] = hip + reach * along
    places[leg[3]] = places[leg[2]] + toes - ankle


class World:
    """Places the frames of one sequence in the room, in turn: the floor is at y = 0, x and z begin
    below the camera.

    Poses are seen from the head, so only the feet tell how the body moves. A foot stands from when
    it is low and slow until it is lifted, the lowest one always; what stands keeps its place, and
    moves the body by the mean of what it takes. ``down`` gives the direction of gravity (3,) at a
    time, seconds, in the rig's axes of the head, by default -y: the head upright. The turn of the
    head about the vertical is not known: it faces +z all the time. Who jumps stays on the floor."""

    def __init__(self, down: Callable[[float], np.ndarray] | None = None) -> None:
        self._down = down
        self._anchors: dict[int, tuple[int, np.ndarray]] = {}  # side → point, and where it stands
        self._eased, self._moved = np.zeros(3), np.zeros((2, 3))
        self._last: tuple[float, np.ndarray, np.ndarray] | None = None

    def place(self, motion: Motion, times: Sequence[float]) -> Motion:
        """The motion there, of frames at rising times, seconds."""
        seen, turned = forward_kinematics(*motion)
        size = np.linalg.norm(motion.offsets[_TOES])
        for k, time in enumerate(times):
            turn = np.eye(3) if self._down is None else upright(self._down(time))
            turned[k, _HEAD] = turn @ turned[k, _HEAD]
            seen[k] = self._stand(seen[k] @ turn.T, size, time)
        return solve(seen[:, list(JOINT_ROWS)], motion.offsets, turned[:, _HEAD])

    def _stand(self, places: np.ndarray, size: float, time: float) -> np.ndarray:
        """(20, 3) joints of an upright body whose feet have a ``size``, moved onto the floor."""
        heights = places[_POINTS][..., 1] - _HEIGHTS * size
        places[:, 1] -= heights.min()
        heights -= heights.min()
        lowest, points = heights.argmin(1), places[_POINTS]
        # Of the frame before, where the points were, and where without what kept them in place.
        before, held, free = self._last or (time, points, points)
        step = max(time - before, 1e-3)
        left = self._anchors
        for side in left:
            if left[side][0] != lowest[side]:  # rolled from the ankle to the ball, or back
                left[side] = int(lowest[side]), held[side, lowest[side]]
        gone = {side: points[side, p] + self._shift(points, left) for side, (p, _) in left.items()}
        self._anchors = {
            side: (point, anchor)
            for side, (point, anchor) in left.items()
            if heights[side, point] < _LIFTED and np.hypot(*(gone[side] - anchor)[[0, 2]]) < _LEFT
        }
        if not self._anchors:
            side = int(heights.min(1).argmin())
            self._anchors = {side: (int(lowest[side]), held[side, lowest[side]])}
        self._eased += self._shift(points, left) - self._shift(points, self._anchors) if left else 0
        self._eased *= math.exp(-step / _EASED_S)
        shift = self._shift(points, self._anchors) + self._eased
        free, freed = points + shift, free
        for side in {0, 1} - self._anchors.keys():
            point = int(lowest[side])
            speed = np.hypot(*(free - freed)[side, point, [0, 2]]) / step
            if heights[side, point] < _LOW and speed < _SLOW:
                self._anchors[side] = point, free[side, point] + self._moved[side]
                self._eased = shift - self._shift(points, self._anchors)
        places += shift
        for side, leg in enumerate(_LEGS):
            self._moved[side] *= math.exp(-step / _EASED_S)
            if side in self._anchors:
                point, anchor = self._anchors[side]
                self._moved[side] = anchor - free[side, point]
                self._moved[side, 1] = -heights[side, point]
            self._moved[side, 1] = max(self._moved[side, 1], -heights[side].min())
            _move_foot(places, leg, self._moved[side])
        self._last = time, places[_POINTS], free
        return places

    @staticmethod
    def _shift(points: np.ndarray, anchors: dict[int, tuple[int, np.ndarray]]) -> np.ndarray:
        """(3,) by which the body is to be moved along the floor for its feet to be where they
        stand, on average."""
        moves = [anchor - points[side, point] for side, (point, anchor) in anchors.items()]
        return np.mean(moves, 0) * (1, 0, 1) if moves else np.zeros(3)
