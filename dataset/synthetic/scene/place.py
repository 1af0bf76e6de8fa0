"""Places: a floor at y = 0, four walls or a horizon, things standing about, and the light."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np

from dataset.synthetic.scene import textures
from dataset.synthetic.scene.floors import FLOORS, floor_texture
from dataset.synthetic.scene.furniture import Things, draw_furniture
from dataset.synthetic.scene.textures import INDOOR, LUMA, OUTDOOR, draw_colour, mipmap, noise

#: Side of the maps of the light on the floor and of what a glossy floor mirrors, in centimetres.
LIGHT_CM, LAMPS_CM = 700.0, 900.0
_SIZE = 256
#: Pixels: once around, and from the floor to the top.
WALL_WIDTH, WALL_HEIGHT = 4096, 512
_SKY = np.array([0.84, 0.89, 0.95])
#: Share of the places with photographed surroundings, and of their floors with its ground's colour.
_PHOTOGRAPHED, _TINTED = 2 / 3, 0.5
#: Sine of the main light's least elevation, most irradiance of it, and radiance of a floor.
_LOWEST, _MOST, _BURNT = np.sin(np.radians(25.0)), 1.3, 0.6
#: Maps of rooms, which come first in the files, and size of all.
_ROOMS, _HEIGHT, _WIDTH = 9, 256, 512
#: Radiance of white in pictures; the most that floors mirror; how wide the main light's source is.
_WHITE, _MIRRORED, _SOURCE = 2.0, 12.0, np.radians(25.0)


@lru_cache(maxsize=1)
def _maps() -> tuple[np.ndarray, np.ndarray]:
    """Pictures (18, 256, 512, 3) uint8 RGB, of roots of radiance, and (18, 32, 64, 3) radiance."""
    stem = Path(__file__).parent / "environments"
    coded = np.frombuffer(stem.with_suffix(".jpg").read_bytes(), np.uint8)
    pictures = cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    with np.load(stem.with_suffix(".npz")) as file:
        light = file["light"].astype(np.float32)
    return pictures.reshape(len(light), _HEIGHT, _WIDTH, 3), light


@dataclass(frozen=True)
class Environment:
    """Photographed surroundings so far away that only the direction counts.  Equirectangular, the
    first row at the top; from within, the middle column is ahead (+z), columns run to the right
    (-x).  A uniform sky of radiance 1 would light a level floor as the map."""

    picture: np.ndarray  # (H, W, 3) uint8: 255 times the root of radiance over _WHITE
    light: np.ndarray  # (h, w, 3) float32 radiance, means of cells, not cut off at white
    gain: float = 1.0  # on both

    def seen(self, directions: np.ndarray) -> np.ndarray:
        """Linear light (N, 3) from (N, 3) unit directions, cut off at white."""
        root = textures.sample(self.picture, *_pixels(directions, self.picture))
        return root * root * np.float32(self.gain * _WHITE / 255**2)

    def mirrored(self, directions: np.ndarray) -> np.ndarray:
        """Linear light (N, 3) that a polished floor mirrors to who looks along unit directions."""
        where = _pixels(directions * np.float32((1, -1, 1)), self._blurred)
        return textures.sample(self._blurred, *where)

    @cached_property
    def _blurred(self) -> np.ndarray:
        ring = np.pad(np.minimum(self.light, _MIRRORED), ((0, 0), (4, 4), (0, 0)), mode="wrap")
        large = cv2.GaussianBlur(cv2.resize(ring, None, fx=4, fy=4), (0, 0), 2.0)
        large[:12] *= np.linspace(0, 1, 12, dtype=np.float32)[:, None, None]  # the wearer is there
        return np.ascontiguousarray(large[:, 16:-16]) * np.float32(self.gain)

    def main_light(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the light from above: unit direction (3,) of the brightest region, the irradiance (3,)
        over pi of what faces it, beyond the mean, and that (3,) of the level floor without it."""
        height, width = self.light.shape[:2]
        v, u = np.mgrid[: height // 2, :width].reshape(2, -1) + 0.5
        up, right = np.pi * (0.5 - v / height), 2 * np.pi * (u / width - 0.5)
        level = np.cos(up)
        toward = np.stack([-level * np.sin(right), np.sin(up), level * np.cos(right)], -1)
        solid = 2 * np.pi * level / (width * height)  # angles of the cells over pi
        light = self.gain * self.light[: height // 2].reshape(-1, 3).astype(float)
        total, brightness = (solid * toward[:, 1]) @ light, light @ LUMA
        excess = solid * np.maximum(1 - total @ LUMA / np.maximum(brightness, 1e-9), 0)
        near = toward @ toward.T > np.cos(_SOURCE)
        excess *= near[np.argmax(near @ (excess * brightness))]
        direction = (excess * brightness) @ toward
        direction = direction / np.linalg.norm(direction) if direction.any() else toward[0]
        return direction, excess @ light, total - (excess * toward[:, 1]) @ light


def _pixels(directions: np.ndarray, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows (N,) of a map in which (N, 3) unit directions lie, 0 mid first pixel."""
    height, width = picture.shape[:2]
    x, y, z = directions.T
    right = np.arctan2(-x, z) * np.float32(width / (2 * np.pi)) + np.float32(width / 2 - 0.5)
    down = np.arccos(np.clip(y, -1, 1)) * np.float32(height / np.pi) - np.float32(0.5)
    return right, np.clip(down, 0, height - 1)


def draw_environment(rng: np.random.Generator, outdoors: bool) -> Environment:
    """Draw a map of a room or of outdoors, turned and at times mirrored."""
    pictures, lights = _maps()
    row = int(rng.integers(_ROOMS, len(lights)) if outdoors else rng.integers(_ROOMS))
    steps, mirrored = int(rng.integers(lights.shape[2])), bool(rng.random() < 0.5)
    return turned(Environment(pictures[row], lights[row]), steps, mirrored)


def turned(environment: Environment, steps: int, mirrored: bool) -> Environment:
    """The map mirrored left to right, then turned to the right by ``steps`` cells of its light."""
    maps = environment.picture, environment.light
    picture, light = (each[:, ::-1] if mirrored else each for each in maps)
    picture = np.roll(picture, steps * picture.shape[1] // light.shape[1], axis=1)
    return Environment(picture, np.roll(light, steps, axis=1), environment.gain)


@dataclass(frozen=True)
class Place:
    floor: list[np.ndarray]  # mipmap of (S, S, 3) uint8 textures, finest first, sRGB-like (gamma 2)
    walls: np.ndarray  # (WALL_HEIGHT, WALL_WIDTH, 3) uint8 panorama, its first row at the top
    centre: np.ndarray  # (2,) x and z of the middle of the room
    half: np.ndarray  # (2,) half its extent along x and z
    height: float  # of the walls
    above: np.ndarray  # (3,) linear colour over the walls: ceiling or sky
    floor_turn: float  # angle of the floor's pattern, radians
    gloss: float  # how much the floor mirrors at grazing angles
    light_map: np.ndarray  # share of the main light that reaches the floor around the origin
    lamps: np.ndarray  # what the floor mirrors from above
    things: Things  # what stands about
    sun: np.ndarray  # (3,) unit vector towards the main light
    sun_colour: np.ndarray  # (3,) linear
    ambient: np.ndarray  # (3,) linear
    outdoors: bool
    environment: Environment | None = None  # what is seen instead of walls and above

    @property
    def albedo(self) -> np.ndarray:
        """(3,) float32 mean linear colour of the floor."""
        return (self.floor[-1].astype(np.float32) ** 2).mean((0, 1)) / 255**2

    @cached_property
    def floor_light(self) -> np.ndarray:
        """(3,) float32 linear light that the floor throws back, its mean over the place."""
        sun = self.light_map.mean() * self.sun[1] * self.sun_colour
        return (self.albedo * (sun + self.ambient)).astype(np.float32)


def make_place(rng: np.random.Generator) -> Place:
    floor = list(FLOORS.values())[rng.integers(len(FLOORS))]
    outdoors = floor.outdoors
    half = rng.uniform(*((500, 1400) if outdoors else (300, 540)), 2)
    centre = rng.uniform(-1, 1, 2) * (half - 280.0) * 0.6
    height = float(rng.uniform(*((300, 700) if outdoors else (230, 320))))
    things = draw_furniture(rng, centre, half, OUTDOOR if outdoors else INDOOR)
    elevation, azimuth = np.radians(rng.uniform(38, 82)), rng.uniform(0, 2 * np.pi)
    level = np.cos(elevation)
    sun = np.array([level * np.cos(azimuth), np.sin(elevation), level * np.sin(azimuth)])
    warm = rng.uniform(*((-0.06, 0.1) if outdoors else (-0.05, 0.18)))
    tint = np.array([1 + warm, 1.0, 1 - warm])
    share = rng.uniform(*((0.4, 0.8) if outdoors else (0.25, 0.7)))
    above = (_SKY if outdoors else draw_colour(rng, INDOOR[:2], 0.0)) ** 2
    floors, walls = mipmap(floor_texture(floor, rng)), wall_panorama(rng, outdoors)
    turn, gloss = float(rng.uniform(0, np.pi)), float(floor.gloss * rng.uniform(0.3, 1.0))
    return Place(
        *(floors, walls, centre, half, height, above, turn, gloss),
        *(light_map(rng, outdoors), lamps(rng, outdoors), things, sun),
        *(tint * share * 1.6, (2 - tint) * (1 - share) * 1.25, outdoors),
    )


def photographed(place: Place, rng: np.random.Generator) -> Place:
    """The place, two times in three in the surroundings and the light of an environment map."""
    if rng.random() >= _PHOTOGRAPHED:
        return place
    environment = draw_environment(rng, place.outdoors)
    if rng.random() < _TINTED:
        # Of the roots that textures hold, and not all the way: no lawn gets red.
        ground = environment.light[len(environment.light) // 2 :].mean((0, 1))
        tint = ((ground / place.albedo) ** 0.35).clip(0.5, 1.6)
        table = np.clip(np.arange(256)[:, None] * tint, 0, 255).astype(np.uint8)
        place = replace(place, floor=[cv2.LUT(each, table[None]) for each in place.floor])
    toward, sun, rest = environment.main_light()
    up = max(toward[1], _LOWEST)
    flat = toward[[0, 2]] * (np.sqrt(1 - up**2) / max(np.hypot(*toward[[0, 2]]), 1e-9))
    bright, dim = sun @ LUMA, rest @ LUMA
    # The floor is lit as much as before, but none is burnt.
    reaches = place.light_map.mean()
    level = (reaches * place.sun[1] * place.sun_colour + place.ambient) @ LUMA
    level = min(level, _BURNT / (place.albedo @ LUMA))
    gain = level / (reaches * bright * up + dim)
    main = min(bright * gain, _MOST)
    return replace(
        place,
        gloss=min(2.5 * place.gloss, 1.0),  # as bright as reflections are in real frames
        sun=np.array([flat[0], up, flat[1]]),
        # A camera's white balance takes half of the tint away.
        sun_colour=np.sqrt(sun / max(bright, 1e-9)) * main,
        ambient=np.sqrt(rest / max(dim, 1e-9)) * (level - main * up * reaches),
        environment=replace(environment, gain=float(gain)),
    )


def light_map(rng: np.random.Generator, outdoors: bool) -> np.ndarray:
    """Share of the main light that reaches the floor: (S, S) float32 in [0, 1]."""
    kind = rng.random()
    if outdoors:
        if kind < 0.5:
            return np.ones((_SIZE, _SIZE), np.float32)
        leaves = noise(rng, _SIZE, (8, 16, 32))  # sun through leaves
        shade = np.clip(2.5 * (leaves + rng.uniform(-0.6, 0.8)) + 0.5, 0, 1)
        return cv2.GaussianBlur(shade, (0, 0), 1.0)
    if kind < 0.5:  # lamps: even, with a soft pool
        v, u = np.mgrid[:_SIZE, :_SIZE] / _SIZE - rng.uniform(0.3, 0.7, 2)[:, None, None]
        return np.exp(-(u**2 + v**2) / rng.uniform(0.1, 0.5)).astype(np.float32)
    light = np.full((_SIZE, _SIZE), rng.uniform(0.1, 0.35), np.float32)
    turn, slant = rng.uniform(0, np.pi), rng.uniform(-0.6, 0.6)
    c, s = np.cos(turn), np.sin(turn)
    for number in range(int(rng.integers(1, 4))):  # windows with their panes
        centre = rng.uniform(0.2, 0.8, 2) * _SIZE + number * 20
        panes = int(rng.integers(1, 4))
        wide, high = rng.uniform(14, 40), rng.uniform(24, 60)
        for pane, storey in np.ndindex(panes, 2):
            y = (storey - 1) * high * 1.1 + np.array([0, 0, high, high])
            x = (pane - panes / 2) * wide * 1.15 + np.array([0, wide, wide, 0]) + slant * y
            corners = np.stack([centre[0] + c * x - s * y, centre[1] + s * x + c * y], -1)
            cv2.fillConvexPoly(light, corners.astype(np.int32), 1.0)
    return cv2.GaussianBlur(light, (0, 0), rng.uniform(0.8, 3.0))


def lamps(rng: np.random.Generator, outdoors: bool) -> np.ndarray:
    """What a floor mirrors from above: (S, S) float32, 1 as bright as white."""
    if outdoors:  # sky between branches
        sky = noise(rng, _SIZE, (4, 8, 16, 32)) - rng.uniform(-0.3, 0.9)
        return np.float32(np.clip(1.6 * sky, 0, 1) * rng.uniform(1, 5))
    picture = np.full((_SIZE, _SIZE), rng.uniform(0.1, 0.3), np.float32)
    for _ in range(int(rng.integers(4, 18))):
        centre, bright = rng.integers(0, _SIZE, 2), float(rng.uniform(2.0, 14.0))
        if rng.random() < 0.5:
            cv2.circle(picture, centre.tolist(), int(rng.integers(3, 14)), bright, -1)
        else:
            half = rng.integers(4, 26, 2)
            cv2.rectangle(picture, (centre - half).tolist(), (centre + half).tolist(), bright, -1)
    return cv2.GaussianBlur(picture, (0, 0), rng.uniform(1.5, 5.0), borderType=cv2.BORDER_REFLECT)


def wall_panorama(rng: np.random.Generator, outdoors: bool) -> np.ndarray:
    """(WALL_HEIGHT, WALL_WIDTH, 3) uint8, its first row at the top."""
    picture = np.zeros((WALL_HEIGHT, WALL_WIDTH, 3), np.float32)
    blotch = noise(rng, WALL_HEIGHT, (8, 16, 64), WALL_WIDTH)[..., None]
    if outdoors:
        sky = np.float32(_SKY * rng.uniform(0.8, 1.0) * 255)
        far = np.float32(np.array([0.28, 0.36, 0.18]) * rng.uniform(0.6, 1.5, 3) * 255)
        skyline = 0.25 + 0.3 * rng.random() + 0.08 * blotch[WALL_HEIGHT // 2][None]
        up = np.linspace(1, 0, WALL_HEIGHT, dtype=np.float32)[:, None, None]
        picture[:] = np.where(up > skyline, sky, far * (1 + 0.25 * blotch))
    else:
        picture[:] = np.float32(draw_colour(rng, INDOOR[:4], 0.05) * 255) * (1 + 0.03 * blotch)
        skirting = int(rng.integers(6, 24))
        picture[-skirting:] = draw_colour(rng, INDOOR, 0.0) * 255
    palette = OUTDOOR if outdoors else INDOOR
    for _ in range(int(rng.integers(10, 40))):
        _paint_rectangle(rng, picture, palette)
    for _ in range(int(rng.integers(6, 60) if outdoors else rng.integers(0, 8))):
        _paint_bush(rng, picture)
    picture *= 1 + 0.05 * blotch
    return np.clip(picture, 0, 255, out=picture).astype(np.uint8)


def _paint_rectangle(rng: np.random.Generator, picture: np.ndarray, palette: np.ndarray) -> None:
    """Furniture, a door, a window or a picture."""
    x = int(rng.integers(0, WALL_WIDTH - 10))
    wide, kind = int(rng.uniform(30, 320)), rng.random()
    if kind < 0.3:  # stands on the floor
        low, high = 0, rng.uniform(0.15, 0.8) * WALL_HEIGHT
    else:  # a window or a picture, or anything
        spans = ((0.3, 0.5), (0.15, 0.4)) if kind < 0.65 else ((0.0, 0.6), (0.05, 0.3))
        low, high = (rng.uniform(*span) * WALL_HEIGHT for span in spans)
    high += low
    colour = draw_colour(rng, palette) * 255
    if kind >= 0.3 and rng.random() < 0.4:  # a window, with the light behind it
        colour = np.array([250.0, 250.0, 245.0]) * rng.uniform(0.85, 1.0)
    corners = (x, int(WALL_HEIGHT - high)), (x + wide, int(WALL_HEIGHT - low))
    cv2.rectangle(picture, *corners, colour.tolist(), -1)
    if rng.random() < 0.5:
        frame = (draw_colour(rng, palette, 0.0) * 255).tolist()
        cv2.rectangle(picture, *corners, frame, int(rng.integers(2, 10)))


def _paint_bush(rng: np.random.Generator, picture: np.ndarray) -> None:
    """A bush, or a plant in a room."""
    x, radius = int(rng.integers(0, WALL_WIDTH)), int(rng.integers(15, 110))
    colour = np.array([72, 86, 48]) * rng.uniform(0.5, 1.4) * rng.normal(1.0, 0.1, 3)
    for _ in range(14):
        dx, dy = rng.normal(0, 0.45, 2) * radius
        spot = (int(x + dx), int(WALL_HEIGHT - radius * 0.8 + dy))
        tone = (colour * rng.uniform(0.6, 1.4)).tolist()
        cv2.circle(picture, spot, max(3, int(radius * 0.35)), tone, -1)
