"""The floor around somebody: which of it is free, and things put there."""

import cv2
import numpy as np

from dataset.synthetic.scene.furniture import Things, turned
from dataset.synthetic.scene.furniture_meshes import CELL_CM
from dataset.synthetic.scene.place import Place

#: Side of the map, and what is kept free around each thing, cells.
_MAP_CM, _APART = 800.0, 2


def put(rng: np.random.Generator, thing: Things, middle: np.ndarray, reach: float) -> Things:
    """The thing turned at random, at most so far from (2,) x and z of the middle."""
    radius, angle = rng.uniform(0, reach), rng.uniform(0, 2 * np.pi)
    at = middle + radius * np.array([np.cos(angle), np.sin(angle)])
    points = turned(thing.vertices, rng.uniform(0, 2 * np.pi)) + np.insert(at, 1, 0.0)
    return thing._replace(vertices=points.astype(np.float32))


class FreeFloor:
    """Of a room, around the feet of a clothed body (V, 3) and of what ``stands`` about."""

    def __init__(self, room: Place, body: np.ndarray, stands: Things):
        self._room, self._body = room, body
        self.middle = body[body[:, 1] < body[:, 1].min() + 12.0].mean(0)[[0, 2]]
        self._taken = np.zeros((int(_MAP_CM / CELL_CM),) * 2, np.uint8)
        self._taken |= self._covered(stands)

    def _cells(self, points: np.ndarray) -> np.ndarray:
        corner = self.middle - _MAP_CM / 2
        return np.floor((points[:, [0, 2]] - corner) / CELL_CM).astype(np.int32)

    def _covered(self, things: Things) -> np.ndarray:
        cells = np.zeros_like(self._taken)
        for part in things.apart():
            cv2.fillConvexPoly(cells, cv2.convexHull(self._cells(part)), 1)
        return cells

    def beside(self, height: float, margin: int) -> np.ndarray:
        """Cells that are so many or fewer from the body up to a height."""
        x, z = self._cells(self._body[self._body[:, 1] < height]).T
        cells = np.zeros_like(self._taken)
        near = (np.minimum(x, z) >= 0) & (np.maximum(x, z) < len(cells))
        cells[z[near], x[near]] = 1
        return cv2.dilate(cells, np.ones((2 * margin + 1,) * 2, np.uint8))

    def add(
        self, rng: np.random.Generator, thing: Things, reach: float, near: np.ndarray
    ) -> list[Things]:
        """The thing somewhere in the room, clear of all others and of the cells of :meth:`beside`;
        nothing where no place is found."""
        full = self._taken | near
        for _ in range(12):
            moved = put(rng, thing, self.middle, reach)
            covered, ends = self._covered(moved), moved.vertices[:, [0, 2]] - self._room.centre
            if (np.abs(ends) < self._room.half).all() and not (covered & full).any():
                self._taken |= cv2.dilate(covered, np.ones((2 * _APART + 1,) * 2, np.uint8))
                return [moved]
        return []
