"""Light on body and things: of the sun, of the sky, and of the floor."""

from functools import lru_cache

import numpy as np

from dataset.synthetic.clothes.materials import Material
from dataset.synthetic.clothes.outfit import Outfit
from dataset.synthetic.clothes.sheets import vertex_normals
from dataset.synthetic.render.ray_casting import Traced
from dataset.synthetic.scene.place import Place
from dataset.synthetic.scene.textures import noise

#: How much each material varies.
_WRINKLES = np.full(len(Material), 0.10, np.float32)
_WRINKLES[[Material.SKIN, Material.LIPS]] = 0.03
_WRINKLES[Material.HAIR], _WRINKLES[Material.SHOES] = 0.3, 0.05
#: Share of the sky's light that comes off walls and horizon, and so from all sides.
_WALLS = 0.35
#: The floor that lights what lies above it is the near one, most of it in the sun of its place.
_BOUNCE = 1.6


def _ring(tilt: float, first: float) -> np.ndarray:
    """Four directions at an angle to straight up, degrees, the first seen at this bearing."""
    t, a = np.radians(tilt), np.radians(first + 90 * np.arange(4))
    ring = np.stack([np.sin(t) * np.cos(a), np.full(4, np.cos(t)), np.sin(t) * np.sin(a)], -1)
    return ring.astype(np.float32)


#: Where light of the sky, and of the floor, comes from.
_SKY = np.concatenate([np.array([(0, 1, 0)], np.float32), _ring(55.0, 20.0)])
_FLOOR = _ring(125.0, 65.0)


def shade(
    outfit: Outfit, place: Place, scene: Traced, vertices: np.ndarray, *hits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Linear light (N, 3) and material (N,) of hits, from light baked at the vertices.

    ``hits`` are the triangle of the outfit, u and v, each (N,).  The scene is of body and things,
    which shadow each other; ``vertices`` (V, 3) float32 are the outfit's in it.
    """
    triangle, u, v = hits
    normals = vertex_normals(vertices, outfit.faces)
    corners = outfit.faces[triangle]
    seen = np.zeros(len(vertices), bool)
    seen[corners] = True
    used = np.flatnonzero(seen)
    packed = np.zeros((len(vertices), 6), np.float32)
    packed[:, :3] = outfit.tpose
    packed[used, 3:] = _bake(place, scene, vertices[used], normals[used])
    at = np.take(packed, corners[:, 0], axis=0)
    at *= (1 - u - v)[:, None]
    for column, weight in ((1, u), (2, v)):
        corner = np.take(packed, corners[:, column], axis=0)
        corner *= weight[:, None]
        at += corner
    point, sun, sky, floor = at[:, :3], at[:, 3:4], at[:, 4:5], at[:, 5:6]
    colour, material = outfit.colour(outfit.face_part[triangle], point)
    cells = (point * 5.0).astype(np.int32)
    wrinkle = _cloth_noise()[cells[:, 1] & 511, (cells[:, 0] + cells[:, 2]) & 511]
    colour *= (1 + _WRINKLES[material] * wrinkle)[:, None]
    light = sun * place.sun_colour.astype(np.float32)
    light += sky * place.ambient.astype(np.float32)
    light += floor * place.floor_light
    return colour * light, material


def _bake(place: Place, scene: Traced, vertices: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """(V, 3) shares of the sun's, the sky's and the floor's light at vertices, all shadowed."""
    origins = vertices + normals * 0.8

    def open_share(direction: np.ndarray, slack: float = 0.0) -> np.ndarray:
        share = np.clip(normals @ direction + slack, 0, 1)
        rows = np.flatnonzero(share > 0)
        toward = np.broadcast_to(direction, (len(rows), 3))
        share[rows] *= ~scene.blocked(toward, origins[rows])
        return share

    sun = open_share(place.sun.astype(np.float32))
    sky = sum(open_share(direction, 0.15) for direction in _SKY) / (0.5 * len(_SKY))
    # What lies face down over an open floor, the chin above all, is lit from below.
    floor = sum(open_share(direction) for direction in _FLOOR) / -_FLOOR[:, 1].sum()
    return np.stack([sun, np.minimum(_WALLS + 0.7 * sky, 1.2), _BOUNCE * floor], axis=1)


def lambert(
    place: Place, normal: np.ndarray, direction: np.ndarray, share: np.ndarray | float = 1.0
) -> np.ndarray:
    """Linear light (N, 3) on plain surfaces of normals (N, 3), seen along directions (N, 3), to
    which a ``share`` (N, 1) of the sun's comes."""
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    normal = np.where((normal * direction).sum(1, keepdims=True) > 0, -normal, normal)
    sun = np.clip(normal @ place.sun.astype(np.float32), 0, 1)[:, None]
    sky = (0.65 + 0.35 * normal[:, 1:2]) * place.ambient.astype(np.float32)
    return sun * share * place.sun_colour.astype(np.float32) + sky


@lru_cache(maxsize=1)
def _cloth_noise() -> np.ndarray:
    return np.clip(noise(np.random.default_rng(7), 512, (16, 32, 64, 256)), -2.5, 2.5)
