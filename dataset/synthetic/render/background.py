"""What rays see beyond body and things: floor and walls, and the shadow on them."""

from dataclasses import dataclass

import cv2
import numpy as np

from dataset.synthetic.scene.floors import FLOOR_CM, FLOOR_PX
from dataset.synthetic.scene.lights import LAMPS_CM, LIGHT_CM
from dataset.synthetic.scene.place import Place
from dataset.synthetic.scene.textures import sample
from dataset.synthetic.scene.walls import WALL_HEIGHT, WALL_WIDTH

_SHADOW_PX, _SHADOW_CM = 384, 480.0
_FAR = 1e6


def shadow_below(
    sun: np.ndarray, body: np.ndarray, boxes: np.ndarray, trans: np.ndarray
) -> np.ndarray:
    """Shadow on the floor around a camera at ``trans`` (3,): (S, S) float32 in [0, 1].

    Of (V, 3) vertices close enough for their shadows to join, and of (B, 8, 3) corners.
    """

    def on_floor(points: np.ndarray) -> np.ndarray:
        flat = points[:, [0, 2]] - points[:, 1:2] * (sun[[0, 2]] / sun[1])
        flat = (flat - trans[[0, 2]]) * (_SHADOW_PX / _SHADOW_CM) + _SHADOW_PX / 2
        return flat.astype(np.int32)

    mask = np.zeros((_SHADOW_PX, _SHADOW_PX), np.uint8)
    spots = on_floor(body)
    spots = spots[((spots >= 0) & (spots < _SHADOW_PX)).all(1)]
    mask[spots[:, 1], spots[:, 0]] = 255
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
    for box in boxes:
        cv2.fillConvexPoly(mask, cv2.convexHull(on_floor(box)), 255)
    return cv2.GaussianBlur(mask, (0, 0), 2.0).astype(np.float32) / 255


def sunshine(place: Place, shadow: np.ndarray, points: np.ndarray, trans: np.ndarray) -> np.ndarray:
    """(N, 1) share of the main light that comes to points (N, 3) near the floor, relative to a
    camera at ``trans``: where its way on leads to the floor, the ``shadow`` is theirs."""
    up = points[:, 1:2] + np.float32(trans[1])
    x, z = (points[:, [0, 2]] - up * (place.sun[[0, 2]] / place.sun[1])).astype(np.float32).T
    dark = _around(shadow, x, z, _SHADOW_CM, cv2.BORDER_CONSTANT)
    x, z = x + np.float32(trans[0]), z + np.float32(trans[2])
    return ((1 - dark) * _around(place.light_map, x, z, LIGHT_CM, cv2.BORDER_REPLICATE))[:, None]


@dataclass(frozen=True)
class Background:
    """A place seen from ``trans``: methods get (N, 3) float32 directions of rays, world axes."""

    place: Place
    trans: np.ndarray  # (3,) of the camera, world centimetres
    shadow: np.ndarray  # (S, S) as of :func:`shadow_below`
    per_radian: float  # rays side by side, for how fine the floor is drawn

    def light(self, directions: np.ndarray) -> np.ndarray:
        """Linear light (N, 3) of rays that meet neither body nor things."""
        down, wall = self._room(directions)
        light = np.empty((len(directions), 3), np.float32)
        floor, rest = np.flatnonzero(down < wall), np.flatnonzero(down >= wall)
        light[floor] = self._floor(directions[floor], down[floor])
        light[rest] = self._walls(directions[rest], wall[rest])
        return light

    def distance(self, directions: np.ndarray) -> np.ndarray:
        """(N,) centimetres to the floor or the walls."""
        return np.minimum(*self._room(directions))

    def _room(self, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N,) distances to the floor and to the walls, centimetres."""
        place, trans = self.place, self.trans
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1.0 / directions
        down = np.where(directions[:, 1] < 0, -trans[1] * inverse[:, 1], _FAR)
        wall = np.full(len(directions), _FAR, np.float32)
        for k, axis in enumerate((0, 2)):
            along = directions[:, axis]
            edge = place.centre[k] + np.sign(along) * place.half[k] - trans[axis]
            wall = np.minimum(wall, np.where(along != 0, edge * inverse[:, axis], _FAR))
        return down, wall

    def _floor(self, directions: np.ndarray, distance: np.ndarray) -> np.ndarray:
        place = self.place
        x, z = directions[:, 0] * distance, directions[:, 2] * distance
        wx, wz = x + np.float32(self.trans[0]), z + np.float32(self.trans[2])
        albedo = self._floor_albedo(wx, wz, -directions[:, 1], distance)
        dark = _around(self.shadow, x, z, _SHADOW_CM, cv2.BORDER_CONSTANT)
        spots = _around(place.light_map, wx, wz, LIGHT_CM, cv2.BORDER_REPLICATE)
        sun = ((1 - dark) * spots)[:, None] * (place.sun[1] * place.sun_colour).astype(np.float32)
        light = albedo * (sun + place.ambient.astype(np.float32))
        if place.gloss > 0:
            # Schlick's term: much of what is above shows in a glossy floor seen at a flat angle.
            share = np.float32(place.gloss) * (0.05 + 0.95 * (1 + directions[:, 1]) ** 3)
            climb = np.float32(place.height) / np.maximum(-directions[:, 1], 0.05)
            scale = np.float32(len(place.lamps) / LAMPS_CM)
            above = (w + directions[:, axis] * climb for w, axis in ((wx, 0), (wz, 2)))
            mirrored = sample(place.lamps, *(each * scale for each in above))
            light += (share * mirrored)[:, None] * place.above.astype(np.float32)
        return light

    def _floor_albedo(
        self, x: np.ndarray, z: np.ndarray, steep: np.ndarray, distance: np.ndarray
    ) -> np.ndarray:
        """Linear colour (N, 3) of points of the floor, seen down by ``steep`` from a distance."""
        place = self.place
        c, s = np.cos(place.floor_turn), np.sin(place.floor_turn)
        scale = np.float32(FLOOR_PX / FLOOR_CM)
        u, v = (flat.astype(np.float32) * scale for flat in (x * c - z * s, x * s + z * c))
        # A pixel covers more floor the further and the flatter it is seen.
        footprint = np.float32((FLOOR_PX / FLOOR_CM) / self.per_radian) * distance
        footprint /= np.sqrt(np.maximum(steep, np.float32(0.02)))
        albedo = np.empty((len(x), 3), np.float32)
        last = len(place.floor) - 1
        for number, texture in enumerate(place.floor):
            low, high = 2**number if number else 0, 2 ** (number + 1) if number < last else np.inf
            rows = np.flatnonzero((footprint >= low) & (footprint < high))
            shrink = np.float32(0.5**number)
            albedo[rows] = sample(texture, u[rows] * shrink, v[rows] * shrink)
        return albedo * (albedo * np.float32(1 / 255**2))

    def _walls(self, directions: np.ndarray, distance: np.ndarray) -> np.ndarray:
        place = self.place
        point = directions * distance[:, None] + self.trans.astype(np.float32)
        flat = (point[:, [0, 2]] - place.centre) / place.half
        along_x = np.abs(flat[:, 0]) > np.abs(flat[:, 1])
        side = np.where(along_x, flat[:, 0] > 0, flat[:, 1] > 0)
        turn = np.where(along_x, flat[:, 1], flat[:, 0])
        around = (np.where(along_x, 0, 2) + side + (turn + 1) / 2) / 4 * WALL_WIDTH
        up = point[:, 1] / place.height
        row = (1 - np.clip(up, 0, 1)) * (WALL_HEIGHT - 1)
        colour = sample(place.walls, around, row)
        light = colour * colour * np.float32(1 / 255**2)
        light *= (place.ambient + 0.6 * place.sun_colour).astype(np.float32)
        light[up > 1] = place.above
        return light


def _around(
    texture: np.ndarray, x: np.ndarray, z: np.ndarray, extent: float, border: int
) -> np.ndarray:
    """Samples (N,) of a square map of ``extent`` centimetres at (N,) x and z from its middle."""
    scale, middle = np.float32(len(texture) / extent), len(texture) / 2
    return sample(texture, x * scale + middle, z * scale + middle, border)
