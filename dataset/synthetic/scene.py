"""Places: a floor, four walls or a horizon, things standing about, and the light.

Axes and units are the world's: centimetres, y up, the floor at y = 0.
"""

from dataclasses import dataclass

import cv2
import numpy as np

#: Floor texture: one repeat in centimetres and pixels.
FLOOR_CM, FLOOR_PX = 320.0, 1024
#: Panorama of the walls, pixels: once around, and from the floor to the top.
WALL_WIDTH, WALL_HEIGHT = 4096, 512

#: Nothing stands nearer to the origin than this, so that people do not walk into it.
_CLEARANCE = 200.0


@dataclass(frozen=True)
class Place:
    """One environment.

    Attributes:
        floor: mipmap of (S, S, 3) uint8 textures, finest first, sRGB-like (gamma 2).
        walls: (WALL_HEIGHT, WALL_WIDTH, 3) uint8 panorama, its first row at the top.
        centre: (2,) x and z of the middle of the room.
        half: (2,) half its extent along x and z.
        height: of the walls.
        above: (3,) linear colour over the walls: ceiling or sky.
        floor_turn: angle of the floor's pattern, radians.
        gloss: how much the floor mirrors at grazing angles.
        vertices, faces: the things standing about, (B, 3) and (G, 3).
        face_colours: (G, 3) linear.
        sun: (3,) unit vector towards the main light.
        sun_colour, ambient: (3,) linear.
    """

    floor: list[np.ndarray]
    walls: np.ndarray
    centre: np.ndarray
    half: np.ndarray
    height: float
    above: np.ndarray
    floor_turn: float
    gloss: float
    vertices: np.ndarray
    faces: np.ndarray
    face_colours: np.ndarray
    sun: np.ndarray
    sun_colour: np.ndarray
    ambient: np.ndarray


def noise(rng: np.random.Generator, size: int, octaves: tuple[int, ...], wide: int = 0):
    """Periodic smooth noise: (size, wide or size) float32 of about zero mean, unit deviation."""
    wide = wide or size
    total = np.zeros((size, wide), np.float32)
    for cells in octaves:
        grid = rng.standard_normal((cells, max(1, cells * wide // size))).astype(np.float32)
        padded = np.pad(grid, 2, mode="wrap")
        scale = size // cells
        big = cv2.resize(padded, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        total += big[2 * scale : 2 * scale + size, 2 * scale : 2 * scale + wide] / cells**0.5
    return total / max(float(total.std()), 1e-6)


def _colour(rng: np.random.Generator, saturation: float, low: float, high: float) -> np.ndarray:
    grey = rng.uniform(low, high)
    tint = rng.normal(0.0, 0.35, 3)
    return np.clip(grey * (1 + saturation * np.clip(tint - tint.mean(), -1, 1)), 0.02, 0.98)


def _floor_texture(rng: np.random.Generator) -> np.ndarray:
    """(FLOOR_PX, FLOOR_PX, 3) uint8, seamless."""
    size = FLOOR_PX
    kind = rng.choice(["tiles", "wood", "carpet", "grass", "asphalt", "checks", "concrete"])
    fine = noise(rng, size, (64, 128, 256))
    coarse = noise(rng, size, (4, 8, 16))
    v, u = np.mgrid[:size, :size]
    if kind in ("tiles", "checks"):
        count = int(rng.choice([4, 6, 8, 12]))
        tile = size / count
        base = np.tile(_colour(rng, 0.25, 0.35, 0.85), (size, size, 1))
        shade = rng.normal(0.0, 0.03, (count, count))
        cells = (v // tile).astype(int) % count, (u // tile).astype(int) % count
        base += shade[cells][..., None]
        if kind == "checks":
            base[(cells[0] + cells[1]) % 2 == 0] = _colour(rng, 0.3, 0.1, 0.9)
        edge = np.minimum(
            np.minimum(u % tile, tile - u % tile), np.minimum(v % tile, tile - v % tile)
        )
        base[edge < rng.uniform(0.8, 2.2)] *= rng.uniform(0.55, 0.85)
        base += 0.02 * fine[..., None] + 0.04 * coarse[..., None]
    elif kind == "wood":
        planks = int(rng.choice([16, 20, 26]))
        wide = size / planks
        row = (v // wide).astype(int) % planks
        shift = rng.integers(0, size, planks)[row]
        board = ((u + shift) % size) // (size // 2)
        tone = rng.normal(0.0, 0.06, (planks, 2))[row, board]
        grain = cv2.blur(rng.standard_normal((size, size)).astype(np.float32), (41, 1)) * 6
        wood = np.array([0.62, 0.44, 0.28]) * rng.uniform(0.55, 1.35) * rng.uniform(0.9, 1.1, 3)
        base = wood * (1 + tone + 0.08 * grain + 0.04 * coarse)[..., None]
        base[(v % wide < 1.2) | ((u + shift) % (size // 2) < 1.5)] *= 0.6
    elif kind == "carpet":
        base = _colour(rng, 0.7, 0.2, 0.65) * (1 + 0.12 * fine + 0.03 * coarse)[..., None]
        if rng.random() < 0.5:
            band = ((u // int(rng.choice([64, 128]))) + (v // int(rng.choice([64, 128])))) % 2 == 0
            base[band] = (base * _colour(rng, 0.6, 0.6, 1.0) * 1.1)[band]
    elif kind == "grass":
        green = np.array([0.30, 0.42, 0.16]) * rng.uniform(0.7, 1.3, 3)
        base = green * (1 + 0.28 * fine + 0.16 * coarse)[..., None]
        base += (0.05 * coarse)[..., None] * np.array([1.0, 0.6, 0.0])
    elif kind == "asphalt":
        base = _colour(rng, 0.05, 0.25, 0.5) * (1 + 0.16 * fine + 0.06 * coarse)[..., None]
        if rng.random() < 0.4:
            base[np.abs(u - rng.integers(100, 900)) < 20] = 0.85
    else:
        base = _colour(rng, 0.1, 0.4, 0.75) * (1 + 0.05 * fine + 0.08 * coarse)[..., None]
    return (np.clip(base, 0, 1) * 255).astype(np.uint8)


def _mipmap(texture: np.ndarray, levels: int = 5) -> list[np.ndarray]:
    stack = [texture]
    for _ in range(levels - 1):
        stack.append(cv2.resize(stack[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return stack


def _rectangles(rng: np.random.Generator, picture: np.ndarray, count: int, height: float) -> None:
    """Paint furniture, doors, windows and pictures on a wall; heights in pixels."""
    for _ in range(count):
        x = int(rng.integers(0, WALL_WIDTH - 10))
        wide = int(rng.uniform(30, 320))
        kind = rng.random()
        if kind < 0.3:  # stands on the floor
            low, high = 0, rng.uniform(0.15, 0.8) * WALL_HEIGHT
        elif kind < 0.65:  # window or picture
            low = rng.uniform(0.3, 0.5) * WALL_HEIGHT
            high = low + rng.uniform(0.15, 0.4) * WALL_HEIGHT
        else:
            low = rng.uniform(0.0, 0.6) * WALL_HEIGHT
            high = low + rng.uniform(0.05, 0.3) * WALL_HEIGHT
        colour = _colour(rng, 0.8, 0.08, 0.95) * 255
        top, bottom = int(WALL_HEIGHT - high), int(WALL_HEIGHT - low)
        cv2.rectangle(picture, (x, top), (x + wide, bottom), colour.tolist(), -1)
        if rng.random() < 0.5:
            frame = (_colour(rng, 0.3, 0.1, 0.9) * 255).tolist()
            cv2.rectangle(picture, (x, top), (x + wide, bottom), frame, int(rng.integers(2, 10)))


def _wall_panorama(rng: np.random.Generator, outdoors: bool) -> np.ndarray:
    shape = (WALL_HEIGHT, WALL_WIDTH, 3)
    picture = np.zeros(shape, np.float32)
    blotch = noise(rng, WALL_HEIGHT, (8, 16, 64), WALL_WIDTH)[..., None]
    up = np.linspace(1, 0, WALL_HEIGHT)[:, None, None]
    if outdoors:
        sky = _colour(rng, 0.25, 0.7, 0.95)
        far = np.array([0.28, 0.36, 0.18]) * rng.uniform(0.6, 1.5, 3)
        skyline = 0.25 + 0.3 * rng.random() + 0.08 * blotch[WALL_HEIGHT // 2][None]
        picture[:] = np.where(up > skyline, sky * 255, far * 255 * (1 + 0.25 * blotch))
    else:
        picture[:] = _colour(rng, 0.35, 0.35, 0.92) * 255 * (1 + 0.03 * blotch)
        rim = int(rng.integers(6, 24))
        picture[-rim:] = _colour(rng, 0.2, 0.1, 0.9) * 255
    _rectangles(rng, picture, int(rng.integers(10, 45)), WALL_HEIGHT)
    for _ in range(int(rng.integers(0, 26 if outdoors else 8))):  # bushes and plants
        x, radius = int(rng.integers(0, WALL_WIDTH)), int(rng.integers(15, 110))
        colour = np.array([60, 90, 40]) * rng.uniform(0.4, 1.6, 3)
        for _ in range(14):
            dx, dy = rng.normal(0, 0.45, 2) * radius
            spot = (int(x + dx), int(WALL_HEIGHT - radius * 0.8 + dy))
            tone = (colour * rng.uniform(0.6, 1.4)).tolist()
            cv2.circle(picture, spot, max(3, int(radius * 0.35)), tone, -1)
    picture *= 1 + 0.05 * blotch
    return np.clip(picture, 0, 255).astype(np.uint8)


_BOX_FACES = np.array(
    [
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
        (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
    ]
)  # fmt: skip


def box(centre: np.ndarray, size: np.ndarray, turn: float) -> tuple[np.ndarray, np.ndarray]:
    """A box turned about the vertical: (8, 3) corners and (12, 3) triangles."""
    corners = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    corners = corners * size
    c, s = np.cos(turn), np.sin(turn)
    corners = corners @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    return corners + centre, _BOX_FACES


def _thing(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Boxes of one piece of furniture around its own origin, as (centre, size)."""
    kind = rng.random()
    wide, deep = rng.uniform(25, 90, 2)
    if kind < 0.4:
        tall = rng.uniform(15, 120)
        return [(np.array([0, tall / 2, 0]), np.array([wide, tall, deep]))]
    tall = rng.uniform(40, 80)
    leg = rng.uniform(2.5, 6.0)
    parts = [(np.array([0, tall, 0]), np.array([wide, 4.0, deep]))]
    for x in (-1, 1):
        for z in (-1, 1):
            at = np.array([x * (wide - leg) / 2, tall / 2, z * (deep - leg) / 2])
            parts.append((at, np.array([leg, tall, leg])))
    if kind < 0.75:  # a chair has a back
        parts.append((np.array([0, tall * 1.45, deep / 2]), np.array([wide, tall * 0.9, 4.0])))
    return parts


def _clutter(rng: np.random.Generator, centre: np.ndarray, half: np.ndarray):
    vertices, faces, colours = [], [], []
    for _ in range(int(rng.integers(0, 10))):
        angle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(_CLEARANCE + 40, 480)
        at = np.array([radius * np.cos(angle), 0.0, radius * np.sin(angle)])
        if (np.abs(at[[0, 2]] - centre) > half - 20).any():
            continue
        turn = rng.uniform(0, 2 * np.pi)
        colour = _colour(rng, 0.9, 0.05, 0.9) ** 2
        for middle, size in _thing(rng):
            corners, triangles = box(middle, size, 0.0)
            c, s = np.cos(turn), np.sin(turn)
            corners = corners @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) + at
            faces.append(triangles + 8 * len(vertices))
            vertices.append(corners)
            colours.append(np.tile(colour, (12, 1)))
    if not vertices:
        return np.zeros((0, 3)), np.zeros((0, 3), int), np.zeros((0, 3))
    return np.concatenate(vertices), np.concatenate(faces), np.concatenate(colours)


def make_place(rng: np.random.Generator) -> Place:
    """Draw an environment."""
    outdoors = rng.random() < 0.4
    half = rng.uniform(500, 1400, 2) if outdoors else rng.uniform(300, 540, 2)
    centre = rng.uniform(-1, 1, 2) * (half - 280.0) * 0.6
    height = rng.uniform(300, 700) if outdoors else rng.uniform(230, 320)
    vertices, faces, colours = _clutter(rng, centre, half)
    elevation, azimuth = np.radians(rng.uniform(38, 82)), rng.uniform(0, 2 * np.pi)
    sun = np.array(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.sin(elevation),
            np.cos(elevation) * np.sin(azimuth),
        ]
    )
    warm = rng.uniform(-0.12, 0.16)
    tint = np.array([1 + warm, 1.0, 1 - warm])
    share = rng.uniform(0.25, 0.75)  # of the light that comes from one direction
    return Place(
        floor=_mipmap(_floor_texture(rng)),
        walls=_wall_panorama(rng, outdoors),
        centre=centre,
        half=half,
        height=float(height),
        above=_colour(rng, 0.15, 0.75, 1.0) ** 2,
        floor_turn=float(rng.uniform(0, np.pi)),
        gloss=float(rng.choice([0.0, rng.uniform(0.1, 0.9)])),
        vertices=vertices.astype(np.float32),
        faces=faces.astype(np.int32),
        face_colours=colours.astype(np.float32),
        sun=sun,
        sun_colour=tint * share * 1.25,
        ambient=(2 - tint) * (1 - share) * 1.25,
    )
