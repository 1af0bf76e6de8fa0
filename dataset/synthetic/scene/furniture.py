"""Things that stand about, made of boxes."""

from typing import NamedTuple

import numpy as np

from dataset.synthetic.scene.textures import draw_colour

#: Nothing stands nearer to the origin than this, so that people do not walk into it.
_CLEARANCE = 240.0
#: Of a box of side 1, and its triangles.
_CORNERS = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
_TRIANGLES = np.array([
    (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
    (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
])  # fmt: skip


class Things(NamedTuple):
    """Meshes: V vertices, F triangles."""

    vertices: np.ndarray  # (V, 3) float32 centimetres
    faces: np.ndarray  # (F, 3) rows of vertices
    colours: np.ndarray  # (F, 3) float32 linear
    ends: np.ndarray  # where the vertices of each convex part end, for their shadows

    def apart(self) -> list[np.ndarray]:
        return np.split(self.vertices, self.ends[:-1]) if len(self.ends) else []


_NONE = np.zeros((0, 3), np.float32)
NO_THINGS = Things(_NONE, _NONE.astype(int), _NONE, np.zeros(0, int))


def together(things: list[Things]) -> Things:
    moved, start = [NO_THINGS], 0
    for thing in things:
        moved.append(thing._replace(faces=thing.faces + start, ends=thing.ends + start))
        start += len(thing.vertices)
    return Things(*map(np.concatenate, zip(*moved, strict=True)))


def _box(corners: np.ndarray, colour: np.ndarray) -> Things:
    """A box of (8, 3) corners and (3,) colour."""
    colours = np.tile(np.float32(colour), (len(_TRIANGLES), 1))
    return Things(corners.astype(np.float32), _TRIANGLES, colours, np.array([len(corners)]))


def turned(points: np.ndarray, turn: float) -> np.ndarray:
    """Points (N, 3) turned about the vertical, radians."""
    c, s = np.cos(turn), np.sin(turn)
    return points @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])


def plain_seat(seat: np.ndarray) -> Things:
    """A box to sit on, (4,) as :attr:`timeline.Frames.seats`; nothing for height 0."""
    x, height, z, heading = seat
    if height <= 0:
        return NO_THINGS
    corners = turned(_CORNERS * np.array([36.0, max(height, 1.0), 36.0]), heading)
    return _box(corners + np.array([x, height / 2, z]), np.full(3, 0.12))


def draw_furniture(
    rng: np.random.Generator, centre: np.ndarray, half: np.ndarray, palette: np.ndarray
) -> Things:
    """Up to nine pieces in a room of (2,) centre and half extent along x and z."""
    boxes = []
    for _ in range(int(rng.integers(0, 10))):
        angle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(_CLEARANCE, 480)
        at = np.array([radius * np.cos(angle), 0.0, radius * np.sin(angle)])
        if (np.abs(at[[0, 2]] - centre) > half - 20).any():
            continue
        turn, colour = rng.uniform(0, 2 * np.pi), draw_colour(rng, palette, 0.25) ** 2
        for middle, size in _piece(rng):
            boxes.append(_box(turned(_CORNERS * size + middle, turn) + at, colour))
    return together(boxes)


def _piece(rng: np.random.Generator) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """(centre, size) of the boxes of a cupboard, a table or a chair, around its own origin."""
    kind = rng.random()
    wide, deep = rng.uniform(25, 90, 2)
    if kind < 0.4:
        return [((0, (tall := rng.uniform(15, 120)) / 2, 0), (wide, tall, deep))]
    tall, leg = rng.uniform(40, 80), rng.uniform(2.5, 6.0)
    parts = [((0, tall, 0), (wide, 4.0, deep))]
    x, z = (wide - leg) / 2, (deep - leg) / 2
    parts += [((i * x, tall / 2, j * z), (leg, tall, leg)) for i in (-1, 1) for j in (-1, 1)]
    if kind < 0.75:  # a chair has a back
        parts.append(((0, tall * 1.45, deep / 2), (wide, tall * 0.9, 4.0)))
    return parts
