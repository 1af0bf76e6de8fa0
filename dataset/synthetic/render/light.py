"""Light on what rays meet: body and things, lit by sun, sky and floor; floor and walls beyond."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from dataset.synthetic.clothes.materials import Material, Outfit
from dataset.synthetic.meshes import Traced, vertex_normals
from dataset.synthetic.rotations import unit
from dataset.synthetic.scene.floors import FLOOR_CM, FLOOR_PX
from dataset.synthetic.scene.place import LAMPS_CM, LIGHT_CM, WALL_HEIGHT, WALL_WIDTH, Place
from dataset.synthetic.scene.textures import noise, sample

#: How much each material varies.
_WRINKLES = np.full(len(Material), 0.10, np.float32)
_WRINKLES[[Material.SKIN, Material.LIPS]] = 0.03
_WRINKLES[Material.HAIR], _WRINKLES[Material.SHOES] = 0.3, 0.05
#: Share of the sky's light that comes off walls and horizon, and so from all sides.
_WALLS = 0.35
#: The floor that lights what lies above it is the near one, most of it in the sun of its place.
_BOUNCE = 1.6
_SHADOW_PX, _SHADOW_CM, _FAR = 384, 480.0, 1e6
#: Share of the way to the end of the floor over which it fades into photographed ground.
_FADE = 0.2


def _ring(tilt: float, first: float) -> np.ndarray:
    """Four directions at an angle to straight up, degrees, the first seen at this bearing."""
    t, a = np.radians(tilt), np.radians(first + 90 * np.arange(4))
    return np.float32([np.sin(t) * np.cos(a), np.full(4, np.cos(t)), np.sin(t) * np.sin(a)]).T


#: Where light of the sky, and of the floor, comes from.
_SKY = np.concatenate([np.float32([(0, 1, 0)]), _ring(55.0, 20.0)])
_FLOOR = _ring(125.0, 65.0)


def shade(
    outfit: Outfit, place: Place, scene: Traced, vertices: np.ndarray, *hits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Linear light (N, 3) and material (N,) of ``hits`` (triangle of the outfit, u, v, each (N,))
    from light baked at the outfit's vertices (V, 3) float32 in a scene of body and things."""
    triangle, u, v = hits
    normals = vertex_normals(vertices, outfit.faces)
    corners = outfit.faces[triangle]
    used = np.flatnonzero(np.bincount(corners.ravel(), minlength=len(vertices)))
    packed = np.zeros((len(vertices), 6), np.float32)
    packed[:, :3] = outfit.tpose
    packed[used, 3:] = _bake(place, scene, vertices[used], normals[used])
    weights = 1 - u - v, u, v
    at = sum(packed[corner] * w[:, None] for corner, w in zip(corners.T, weights, strict=True))
    point, sun, sky, floor = np.split(at, (3, 4, 5), axis=1)
    colour, material = outfit.colour(outfit.face_part[triangle], point)
    cells = (point * 5.0).astype(np.int32)
    wrinkle = _cloth_noise()[cells[:, 1] & 511, (cells[:, 0] + cells[:, 2]) & 511]
    colour *= (1 + _WRINKLES[material] * wrinkle)[:, None]
    light = sun * np.float32(place.sun_colour) + sky * np.float32(place.ambient)
    return colour * (light + floor * place.floor_light), material


def _bake(place: Place, scene: Traced, vertices: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """(V, 3) shares of the sun's, the sky's and the floor's light at vertices, all shadowed."""
    origins = vertices + normals * 0.8

    def open_share(direction: np.ndarray, slack: float = 0.0) -> np.ndarray:
        share = np.clip(normals @ direction + slack, 0, 1)
        rows = np.flatnonzero(share > 0)
        share[rows] *= ~scene.blocked(np.broadcast_to(direction, (len(rows), 3)), origins[rows])
        return share

    sun = open_share(np.float32(place.sun))
    sky = sum(open_share(direction, 0.15) for direction in _SKY) / (0.5 * len(_SKY))
    # What lies face down over an open floor, the chin above all, is lit from below.
    floor = sum(open_share(direction) for direction in _FLOOR) / -_FLOOR[:, 1].sum()
    return np.stack([sun, np.minimum(_WALLS + 0.7 * sky, 1.2), _BOUNCE * floor], axis=1)


def lambert(place: Place, normal: np.ndarray, direction: np.ndarray, share=1.0) -> np.ndarray:
    """Linear light (N, 3) on plain surfaces of normals (N, 3), seen along directions (N, 3), to
    which a ``share`` (N, 1) of the sun's comes."""
    normal = unit(normal)
    normal = np.where((normal * direction).sum(1, keepdims=True) > 0, -normal, normal)
    sun = np.clip(normal @ np.float32(place.sun), 0, 1)[:, None]
    sky = (0.65 + 0.35 * normal[:, 1:2]) * np.float32(place.ambient)
    return sun * share * np.float32(place.sun_colour) + sky


@lru_cache(maxsize=1)
def _cloth_noise() -> np.ndarray:
    return np.clip(noise(np.random.default_rng(7), 512, (16, 32, 64, 256)), -2.5, 2.5)


def shadow_below(
    sun: np.ndarray, body: np.ndarray, parts: list[np.ndarray], trans: np.ndarray
) -> np.ndarray:
    """Shadow on the floor around a camera at ``trans`` (3,): (S, S) float32 in [0, 1], of (V, 3)
    vertices close enough for their shadows to join, and of the corners of convex parts."""

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
    for part in parts:
        cv2.fillConvexPoly(mask, cv2.convexHull(on_floor(part)), 255)
    return cv2.GaussianBlur(mask, (0, 0), 2.0).astype(np.float32) / 255


@dataclass
class Background:
    """A place seen from ``trans``: methods get (N, 3) float32 directions of rays, world axes."""

    place: Place
    trans: np.ndarray  # (3,) of the camera, world centimetres
    shadow: np.ndarray  # (S, S) as of :func:`shadow_below`
    per_radian: float  # rays side by side, for how fine the floor is drawn

    def light(self, directions: np.ndarray) -> np.ndarray:
        """Linear light (N, 3) of rays that meet neither body nor things."""
        (down, wall), environment = self._room(directions), self.place.environment
        light = np.empty((len(directions), 3), np.float32)
        floor, rest = np.flatnonzero(down < wall), np.flatnonzero(down >= wall)
        light[floor] = self._floor(directions[floor], down[floor])
        if environment is None:
            light[rest] = self._walls(directions[rest], wall[rest])
            return light
        light[rest] = environment.seen(directions[rest])
        # The floor goes over into the photographed ground.
        share = (down[floor] / wall[floor] - (1 - _FADE)) / _FADE
        edge, share = floor[share > 0], share[share > 0, None]
        light[edge] += share * (environment.seen(directions[edge]) - light[edge])
        return light

    def distance(self, directions: np.ndarray) -> np.ndarray:
        """(N,) centimetres to the floor or the walls; photographed surroundings are far away."""
        down, wall = self._room(directions)
        return np.where(down < wall, down, wall if self.place.environment is None else _FAR)

    def sunshine(self, points: np.ndarray) -> np.ndarray:
        """(N, 1) share of the main light that comes to points (N, 3) near the floor, relative to
        the camera: where its way on leads to the floor, the shadow is theirs."""
        sun, up = self.place.sun, points[:, 1:2] + np.float32(self.trans[1])
        x, z = (points[:, [0, 2]] - up * (sun[[0, 2]] / sun[1])).astype(np.float32).T
        return self._sun(x, z)

    def _sun(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """(N, 1) share of the main light at places (N,) of the floor, relative to the camera's."""

        def around(picture: np.ndarray, x, z, extent: float, border: int) -> np.ndarray:
            scale, middle = np.float32(len(picture) / extent), len(picture) / 2
            return sample(picture, x * scale + middle, z * scale + middle, border)

        lit = 1 - around(self.shadow, x, z, _SHADOW_CM, cv2.BORDER_CONSTANT)
        x, z = x + np.float32(self.trans[0]), z + np.float32(self.trans[2])
        lit *= around(self.place.light_map, x, z, LIGHT_CM, cv2.BORDER_REPLICATE)
        return lit[:, None]

    def _room(self, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N,) distances to the floor and to the walls, centimetres."""
        place, trans = self.place, self.trans
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1.0 / directions
        down = np.where(directions[:, 1] < 0, -trans[1] * inverse[:, 1], _FAR)
        flat = directions[:, [0, 2]]
        edge = place.centre + np.sign(flat) * place.half - trans[[0, 2]]
        wall = np.where(flat != 0, edge * inverse[:, [0, 2]], _FAR).min(1)
        return down, np.minimum(wall, _FAR)

    def _floor(self, directions: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Linear light (N, 3) of the floor at (N,) distances along rays."""
        place = self.place
        x, z = directions[:, 0] * distance, directions[:, 2] * distance
        wx, wz = x + np.float32(self.trans[0]), z + np.float32(self.trans[2])
        c, s = np.cos(place.floor_turn), np.sin(place.floor_turn)
        scale = np.float32(FLOOR_PX / FLOOR_CM)
        u, v = (flat.astype(np.float32) * scale for flat in (wx * c - wz * s, wx * s + wz * c))
        # A pixel covers more floor the further and the flatter it is seen.
        footprint = np.float32((FLOOR_PX / FLOOR_CM) / self.per_radian) * distance
        footprint /= np.sqrt(np.maximum(-directions[:, 1], np.float32(0.02)))
        level = np.searchsorted(2.0 ** np.arange(1, len(place.floor)), footprint, "right")
        albedo = np.empty((len(x), 3), np.float32)
        for number, texture in enumerate(place.floor):
            rows, shrink = np.flatnonzero(level == number), np.float32(0.5**number)
            albedo[rows] = sample(texture, u[rows] * shrink, v[rows] * shrink)
        albedo *= albedo * np.float32(1 / 255**2)
        light = self._sun(x, z) * np.float32(place.sun[1] * place.sun_colour) + np.float32(
            place.ambient
        )
        light *= albedo
        if place.gloss > 0:
            # Schlick's term: much of what is above shows in a glossy floor seen at a flat angle.
            share = np.float32(place.gloss) * (0.05 + 0.95 * (1 + directions[:, 1]) ** 3)
            if place.environment is not None:
                return light + share[:, None] * place.environment.mirrored(directions)
            climb = np.float32(place.height) / np.maximum(-directions[:, 1], 0.05)
            scale = np.float32(len(place.lamps) / LAMPS_CM)
            above = (w + directions[:, axis] * climb for w, axis in ((wx, 0), (wz, 2)))
            mirrored = sample(place.lamps, *(each * scale for each in above))
            light += (share * mirrored)[:, None] * np.float32(place.above)
        return light

    def _walls(self, directions: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Linear light (N, 3) of the walls, and of what is above them, likewise."""
        place = self.place
        point = directions * distance[:, None] + np.float32(self.trans)
        flat = (point[:, [0, 2]] - place.centre) / place.half
        along_x = np.abs(flat[:, 0]) > np.abs(flat[:, 1])
        side = np.where(along_x, flat[:, 0] > 0, flat[:, 1] > 0)
        turn = np.where(along_x, flat[:, 1], flat[:, 0])
        around = (np.where(along_x, 0, 2) + side + (turn + 1) / 2) / 4 * WALL_WIDTH
        up = point[:, 1] / place.height
        colour = sample(place.walls, around, (1 - np.clip(up, 0, 1)) * (WALL_HEIGHT - 1))
        light = colour * colour * np.float32(1 / 255**2)
        light *= np.float32(place.ambient + 0.6 * place.sun_colour)
        light[up > 1] = place.above
        return light
