"""Things of a house as meshes: what stands about, what lies on the floor, and seats."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from dataset.synthetic.meshes import Traced
from dataset.synthetic.scene.furniture import Things, plain_seat, turned

#: Cells of the maps of heights.
CELL_CM = 2.0
#: How deep a body sinks into a seat; extents of what carries the hips, cells; how high seats reach;
#: how much they are stretched to fit.
_SINKS, _CARRIES, _REACH, _STRETCH = 4.0, (11, 9), 150.0, (0.8, 1.25)
#: Pieces, and places on each, that are tried for somebody who sits.
_PIECES, _PLACES = 8, 60


class Piece(NamedTuple):
    things: Things  # on the floor around the origin, its front towards +z
    seat: float  # height of a seat above the floor, centimetres; 0 for none
    small: bool  # lies about instead of standing about


@lru_cache(maxsize=1)
def pieces() -> tuple[Piece, ...]:
    """All there are: 64, of a collection under CC0 (doc/synthetic.md says which and how)."""
    with np.load(Path(__file__).with_name("furniture.npz")) as file:
        vertices, faces, colours, parts, ends, seats, small = (file[name] for name in file.files)
    found, (v, f, p) = [], (0, 0, 0)
    for (*end, last), seat, lies in zip(ends, seats, small, strict=True):
        things = Things(
            vertices[v : end[0]].astype(np.float32) / 10,
            faces[f : end[1]].astype(int),
            (colours[f : end[1]].astype(np.float32) / 255) ** 2,
            parts[p:last] - v,
        )
        found.append(Piece(things, float(seat), bool(lies)))
        v, f, p = *end, last
    return tuple(found)


def draw_piece(rng: np.random.Generator, small: bool) -> Things:
    """One that lies or one that stands about, in another size and colour each time."""
    kinds = [piece for piece in pieces() if piece.small == small]
    things = kinds[rng.integers(len(kinds))].things
    size = np.float32(rng.uniform(0.85, 1.15, 3))
    return _painted(rng, things._replace(vertices=things.vertices * size))


def _painted(rng: np.random.Generator, things: Things) -> Things:
    gain = rng.uniform(0.5, 1.3) * np.exp(rng.normal(0, 0.15, 3))
    return things._replace(colours=np.clip(things.colours * np.float32(gain), 0, 1))


def tops(things: Things) -> tuple[np.ndarray, np.ndarray]:
    """(R, C) heights of what a ray from above meets at the middle of each cell, rows along z, 0 for
    the floor, and (2,) x and z of the first cell's corner."""
    low, high = (edge(things.vertices, axis=0) for edge in (np.min, np.max))
    columns, rows = ((high - low)[[0, 2]] / CELL_CM).astype(int) + 5  # two beside, of floor
    corner, above = low[[0, 2]] - 2 * CELL_CM, high[1] + 1.0
    z, x = (np.indices((rows, columns)) + 0.5).reshape(2, -1) * CELL_CM
    origins = np.stack([x + corner[0], np.full(len(x), above), z + corner[1]], -1)
    hits = Traced(things.vertices, things.faces).first(np.float32([[0, -1, 0]] * len(x)), origins)
    heights = np.where(hits["primID"] >= 0, above - hits["tfar"], 0.0).reshape(rows, columns)
    return cv2.morphologyEx(heights, cv2.MORPH_CLOSE, np.ones((3, 3))), corner  # small holes


def fitting_seat(rng: np.random.Generator, seat: np.ndarray, body: np.ndarray) -> Things:
    """A piece below somebody who sits, (4,) as :attr:`timeline.Frames.seats`, clothed (V, 3) with
    what is held: as far back as it goes on a place that carries the hips and where nothing of the
    body is below what it touches, or else a box; nothing for height 0."""
    at, height, heading = np.array([seat[0], 0.0, seat[2]]), seat[1], seat[3]
    seats = [p for p in pieces() if p.seat and _STRETCH[0] < height / p.seat < _STRETCH[1]]
    if not seats:
        return plain_seat(seat)
    own = turned(body[body[:, 1] < _REACH] - at, -heading)
    size = 2 * int(np.abs(own[:, [0, 2]]).max() / CELL_CM) + 4
    lowest = np.full((size, size), np.inf)  # of the body over each cell, hips in the middle
    x, z = (own[:, [0, 2]] / CELL_CM + size // 2).astype(int).T
    np.minimum.at(lowest, (z, x), own[:, 1])
    for number in rng.permutation(len(seats))[:_PIECES]:
        piece = seats[number]
        stretch = np.float32([1.0, height / piece.seat, 1.0])
        things = piece.things._replace(vertices=piece.things.vertices * stretch)
        heights, low = tops(things)
        level = (np.abs(heights - height) < _SINKS).astype(np.uint8)
        carries = cv2.erode(level, np.ones(_CARRIES[::-1]), borderType=cv2.BORDER_CONSTANT)
        places = rng.permutation(np.argwhere(carries))[:_PLACES]
        around = np.pad(heights, size // 2)
        for z, x in places[np.argsort(places[:, 0], kind="stable")]:
            if (around[z : z + size, x : x + size] <= lowest + _SINKS).all():
                hips = np.insert((np.array([x, z]) + 0.5) * CELL_CM + low, 1, 0.0)
                vertices = turned(things.vertices - hips, heading) + at
                return _painted(rng, things._replace(vertices=vertices.astype(np.float32)))
    return plain_seat(seat)
