"""Places: a floor, four walls or a horizon, things standing about, and the light.

Axes and units are the world's: centimetres, y up, the floor at y = 0.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from base.errors import UserError
from dataset.synthetic.scene.floors import LOOKS, floor_texture, lamps, light_map, mipmap, noise

_PANORAMA_WIDTH = 4096
#: Panorama of the walls, pixels: once around, and from the floor to the top.
WALL_WIDTH, WALL_HEIGHT = 4096, 512

#: Nothing stands nearer to the origin than this, so that people do not walk into it.
_CLEARANCE = 200.0


@dataclass(frozen=True)
class Place:
    """One environment.

    Attributes:
        name: of its look.
        floor: mipmap of (S, S, 3) uint8 textures, finest first, sRGB-like (gamma 2).
        walls: (WALL_HEIGHT, WALL_WIDTH, 3) uint8 panorama, its first row at the top.
        centre: (2,) x and z of the middle of the room.
        half: (2,) half its extent along x and z.
        height: of the walls.
        above: (3,) linear colour over the walls: ceiling or sky.
        floor_turn: angle of the floor's pattern, radians.
        gloss: how much the floor mirrors at grazing angles.
        light_map: share of the main light that reaches the floor around the origin.
        lamps: what the floor mirrors from above.
        vertices, faces: the things standing about, (B, 3) and (G, 3).
        face_colours: (G, 3) linear.
        sun: (3,) unit vector towards the main light.
        sun_colour, ambient: (3,) linear.
        panorama: (H, W, 3) uint8 equirectangular picture instead of floor and walls, or None.
    """

    name: str
    floor: list[np.ndarray]
    walls: np.ndarray
    centre: np.ndarray
    half: np.ndarray
    height: float
    above: np.ndarray
    floor_turn: float
    gloss: float
    light_map: np.ndarray
    lamps: np.ndarray
    vertices: np.ndarray
    faces: np.ndarray
    face_colours: np.ndarray
    sun: np.ndarray
    sun_colour: np.ndarray
    ambient: np.ndarray
    panorama: np.ndarray | None = None


#: Walls and what stands before them, sRGB: mostly white, cream, wood and grey.
_INDOOR = np.array(
    [
        (0.88, 0.86, 0.82), (0.84, 0.78, 0.68), (0.78, 0.70, 0.60), (0.70, 0.68, 0.64),
        (0.52, 0.38, 0.26), (0.36, 0.26, 0.18), (0.24, 0.18, 0.14), (0.62, 0.46, 0.32),
        (0.30, 0.30, 0.31), (0.48, 0.47, 0.45), (0.14, 0.14, 0.15), (0.93, 0.92, 0.90),
        (0.58, 0.34, 0.25), (0.36, 0.42, 0.36), (0.34, 0.40, 0.48), (0.44, 0.20, 0.17),
    ]
)  # fmt: skip
#: Houses, fences, stone, bark and soil.
_OUTDOOR = np.array(
    [
        (0.62, 0.40, 0.30), (0.70, 0.60, 0.48), (0.52, 0.48, 0.42), (0.36, 0.28, 0.21),
        (0.80, 0.76, 0.68), (0.30, 0.34, 0.24), (0.44, 0.42, 0.38), (0.24, 0.22, 0.19),
    ]
)  # fmt: skip
#: Things of plastic and paint: one in eight.
_ACCENTS = np.array(
    [(0.78, 0.62, 0.16), (0.20, 0.33, 0.55), (0.62, 0.18, 0.14), (0.22, 0.42, 0.30)]
)


def _colour(rng: np.random.Generator, palette: np.ndarray, accents: float = 0.125) -> np.ndarray:
    """An sRGB colour of a palette, never quite the same."""
    chosen = _ACCENTS if rng.random() < accents else palette
    colour = chosen[rng.integers(len(chosen))] * rng.uniform(0.75, 1.2)
    return np.clip(colour * rng.normal(1.0, 0.04, 3), 0.02, 0.98)


def _rectangles(
    rng: np.random.Generator, picture: np.ndarray, count: int, palette: np.ndarray
) -> None:
    """Paint furniture, doors, windows and pictures on a wall."""
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
        colour = _colour(rng, palette) * 255
        if kind >= 0.3 and rng.random() < 0.4:  # a window, with the light behind it
            colour = np.array([250.0, 250.0, 245.0]) * rng.uniform(0.85, 1.0)
        top, bottom = int(WALL_HEIGHT - high), int(WALL_HEIGHT - low)
        cv2.rectangle(picture, (x, top), (x + wide, bottom), colour.tolist(), -1)
        if rng.random() < 0.5:
            frame = (_colour(rng, palette, 0.0) * 255).tolist()
            cv2.rectangle(picture, (x, top), (x + wide, bottom), frame, int(rng.integers(2, 10)))


def _wall_panorama(rng: np.random.Generator, outdoors: bool) -> np.ndarray:
    shape = (WALL_HEIGHT, WALL_WIDTH, 3)
    picture = np.zeros(shape, np.float32)
    blotch = noise(rng, WALL_HEIGHT, (8, 16, 64), WALL_WIDTH)[..., None]
    up = np.linspace(1, 0, WALL_HEIGHT, dtype=np.float32)[:, None, None]
    if outdoors:
        sky = np.array([0.84, 0.89, 0.95]) * rng.uniform(0.8, 1.0)
        far = np.array([0.28, 0.36, 0.18]) * rng.uniform(0.6, 1.5, 3)
        skyline = 0.25 + 0.3 * rng.random() + 0.08 * blotch[WALL_HEIGHT // 2][None]
        sky, far = (sky * 255).astype(np.float32), (far * 255).astype(np.float32)
        picture[:] = np.where(up > skyline, sky, far * (1 + 0.25 * blotch))
    else:
        wall = (_colour(rng, _INDOOR[:4], 0.05) * 255).astype(np.float32)
        picture[:] = wall * (1 + 0.03 * blotch)
        rim = int(rng.integers(6, 24))
        picture[-rim:] = _colour(rng, _INDOOR, 0.0) * 255
    palette = _OUTDOOR if outdoors else _INDOOR
    _rectangles(rng, picture, int(rng.integers(10, 40)), palette)
    for _ in range(
        int(rng.integers(6, 60) if outdoors else rng.integers(0, 8))
    ):  # bushes and plants
        x, radius = int(rng.integers(0, WALL_WIDTH)), int(rng.integers(15, 110))
        colour = np.array([72, 86, 48]) * rng.uniform(0.5, 1.4) * rng.normal(1.0, 0.1, 3)
        for _ in range(14):
            dx, dy = rng.normal(0, 0.45, 2) * radius
            spot = (int(x + dx), int(WALL_HEIGHT - radius * 0.8 + dy))
            tone = (colour * rng.uniform(0.6, 1.4)).tolist()
            cv2.circle(picture, spot, max(3, int(radius * 0.35)), tone, -1)
    picture *= 1 + 0.05 * blotch
    return np.clip(picture, 0, 255, out=picture).astype(np.uint8)


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


def _clutter(rng: np.random.Generator, centre: np.ndarray, half: np.ndarray, palette: np.ndarray):
    vertices, faces, colours = [], [], []
    for _ in range(int(rng.integers(0, 10))):
        angle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(_CLEARANCE + 40, 480)
        at = np.array([radius * np.cos(angle), 0.0, radius * np.sin(angle)])
        if (np.abs(at[[0, 2]] - centre) > half - 20).any():
            continue
        turn = rng.uniform(0, 2 * np.pi)
        colour = _colour(rng, palette, 0.25) ** 2
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


def make_place(rng: np.random.Generator, panorama: Path | None = None) -> Place:
    """Draw an environment.

    Args:
        rng: source of all choices.
        panorama: an equirectangular picture that takes the place of floor and walls.
    """
    name = list(LOOKS)[rng.integers(len(LOOKS))]
    look = LOOKS[name]
    outdoors = look.outdoors
    half = rng.uniform(500, 1400, 2) if outdoors else rng.uniform(300, 540, 2)
    centre = rng.uniform(-1, 1, 2) * (half - 280.0) * 0.6
    height = rng.uniform(300, 700) if outdoors else rng.uniform(230, 320)
    palette = _OUTDOOR if outdoors else _INDOOR
    vertices, faces, colours = _clutter(rng, centre, half, palette)
    elevation, azimuth = np.radians(rng.uniform(38, 82)), rng.uniform(0, 2 * np.pi)
    sun = np.array(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.sin(elevation),
            np.cos(elevation) * np.sin(azimuth),
        ]
    )
    warm = rng.uniform(-0.06, 0.1) if outdoors else rng.uniform(-0.05, 0.18)
    tint = np.array([1 + warm, 1.0, 1 - warm])
    share = rng.uniform(0.4, 0.8) if outdoors else rng.uniform(0.25, 0.7)
    above = np.array([0.84, 0.89, 0.95]) if outdoors else _colour(rng, _INDOOR[:2], 0.0)
    if panorama is not None:
        vertices, faces, colours = vertices[:0], faces[:0], colours[:0]
    return Place(
        name=panorama.stem if panorama else name,
        floor=mipmap(floor_texture(look, rng)),
        walls=_wall_panorama(rng, outdoors),
        centre=centre,
        half=half,
        height=float(height),
        above=above**2,
        floor_turn=float(rng.uniform(0, np.pi)),
        gloss=float(look.gloss * rng.uniform(0.3, 1.0)),
        light_map=light_map(rng, outdoors),
        lamps=lamps(rng, outdoors),
        vertices=vertices.astype(np.float32),
        faces=faces.astype(np.int32),
        face_colours=colours.astype(np.float32),
        sun=sun,
        sun_colour=tint * share * 1.6,
        ambient=(2 - tint) * (1 - share) * 1.25,
        panorama=None if panorama is None else load_panorama(panorama, float(rng.random())),
    )


def load_panorama(path: Path, turn: float = 0.0) -> np.ndarray:
    """Read an equirectangular picture: (H, W, 3) uint8 RGB, turned by ``turn`` of a full circle.

    Raises:
        UserError: if it cannot be read, or is not twice as wide as high.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise UserError(f"{path} cannot be read as a picture: remove it from the panoramas")
    height, width = picture.shape[:2]
    if abs(width - 2 * height) > 0.02 * width:
        raise UserError(
            f"{path} is {width}x{height}: an equirectangular panorama is twice as wide as high"
        )
    if width > _PANORAMA_WIDTH:
        size = _PANORAMA_WIDTH, _PANORAMA_WIDTH // 2
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    picture = np.roll(picture, int(turn * picture.shape[1]), axis=1)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
