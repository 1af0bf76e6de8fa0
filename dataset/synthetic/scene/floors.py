"""Floors and grounds: seamless textures of named looks, and the light that falls on them."""

from dataclasses import dataclass

import cv2
import numpy as np

#: Floor texture: one repeat in centimetres and pixels.
FLOOR_CM, FLOOR_PX = 320.0, 1024
#: Maps of the light on the floor and of what a glossy floor mirrors.
LIGHT_PX, LIGHT_CM = 256, 700.0
LAMPS_PX, LAMPS_CM = 256, 900.0

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """A kind of floor.

    Attributes:
        kind: how it is drawn.
        colour: sRGB in [0, 1].
        second: of checks, joints, rugs and patches.
        count: tiles or boards in a repeat.
        gloss: greatest share of light mirrored at grazing angles.
        outdoors: whether it lies under the sky.
    """

    kind: str
    colour: Colour
    second: Colour
    count: int = 6
    gloss: float = 0.2
    outdoors: bool = False


LOOKS: dict[str, Look] = {
    "beige tiles": Look("tiles", (0.80, 0.71, 0.60), (0.55, 0.46, 0.38), 6, 0.9),
    "large beige tiles": Look("tiles", (0.76, 0.67, 0.56), (0.56, 0.48, 0.40), 4, 0.9),
    "terracotta tiles": Look("tiles", (0.62, 0.38, 0.27), (0.50, 0.42, 0.36), 10, 0.4),
    "white tiles": Look("tiles", (0.86, 0.85, 0.82), (0.62, 0.61, 0.59), 8, 0.9),
    "grey tiles": Look("tiles", (0.52, 0.52, 0.51), (0.38, 0.38, 0.38), 5, 0.6),
    "slate tiles": Look("tiles", (0.30, 0.31, 0.32), (0.22, 0.22, 0.23), 7, 0.5),
    "small mosaic": Look("tiles", (0.58, 0.62, 0.60), (0.74, 0.74, 0.71), 32, 0.5),
    "marble": Look("marble", (0.84, 0.82, 0.79), (0.55, 0.52, 0.49), 4, 1.0),
    "dark marble": Look("marble", (0.24, 0.23, 0.22), (0.50, 0.47, 0.42), 4, 1.0),
    "checkered tiles": Look("checks", (0.82, 0.79, 0.73), (0.24, 0.22, 0.21), 8, 0.7),
    "warm checks": Look("checks", (0.72, 0.58, 0.44), (0.52, 0.34, 0.25), 8, 0.5),
    "oak boards": Look("wood", (0.62, 0.46, 0.30), (0.40, 0.28, 0.18), 20, 0.5),
    "walnut boards": Look("wood", (0.36, 0.25, 0.17), (0.22, 0.15, 0.10), 20, 0.6),
    "pine boards": Look("wood", (0.76, 0.59, 0.38), (0.52, 0.37, 0.22), 16, 0.4),
    "ash boards": Look("wood", (0.70, 0.64, 0.55), (0.50, 0.45, 0.38), 26, 0.4),
    "grey laminate": Look("wood", (0.52, 0.49, 0.46), (0.36, 0.34, 0.32), 20, 0.5),
    "parquet": Look("parquet", (0.56, 0.40, 0.25), (0.38, 0.26, 0.16), 8, 0.7),
    "light parquet": Look("parquet", (0.70, 0.55, 0.37), (0.50, 0.37, 0.24), 12, 0.6),
    "beige carpet": Look("carpet", (0.64, 0.57, 0.48), (0.56, 0.49, 0.40), 4, 0.0),
    "grey carpet": Look("carpet", (0.42, 0.42, 0.42), (0.34, 0.34, 0.35), 4, 0.0),
    "blue carpet": Look("carpet", (0.24, 0.29, 0.38), (0.18, 0.22, 0.30), 4, 0.0),
    "patterned rug": Look("rug", (0.46, 0.17, 0.14), (0.68, 0.56, 0.40), 6, 0.0),
    "dark rug": Look("rug", (0.16, 0.19, 0.27), (0.58, 0.50, 0.40), 8, 0.0),
    "linoleum": Look("plain", (0.60, 0.62, 0.56), (0.52, 0.54, 0.50), 4, 0.7),
    "polished concrete": Look("plain", (0.56, 0.55, 0.53), (0.46, 0.45, 0.44), 4, 0.8),
    "sports hall": Look("lines", (0.66, 0.48, 0.29), (0.85, 0.85, 0.82), 3, 0.7),
    "gym mat": Look("checks", (0.26, 0.28, 0.32), (0.30, 0.32, 0.36), 4, 0.1),
    "lawn": Look("grass", (0.30, 0.36, 0.17), (0.44, 0.42, 0.24), 4, 0.0, True),
    "dry grass": Look("grass", (0.48, 0.43, 0.26), (0.36, 0.35, 0.20), 4, 0.0, True),
    "meadow": Look("grass", (0.25, 0.31, 0.14), (0.36, 0.30, 0.20), 4, 0.0, True),
    "asphalt": Look("gravel", (0.32, 0.32, 0.33), (0.24, 0.24, 0.25), 4, 0.05, True),
    "road": Look("lines", (0.36, 0.36, 0.36), (0.80, 0.79, 0.74), 2, 0.05, True),
    "gravel": Look("gravel", (0.56, 0.52, 0.46), (0.40, 0.37, 0.33), 4, 0.0, True),
    "sand": Look("plain", (0.76, 0.66, 0.49), (0.66, 0.56, 0.40), 4, 0.0, True),
    "earth": Look("gravel", (0.42, 0.33, 0.24), (0.32, 0.25, 0.18), 4, 0.0, True),
    "paving slabs": Look("tiles", (0.58, 0.56, 0.52), (0.40, 0.39, 0.35), 6, 0.1, True),
    "cobbles": Look("cobbles", (0.47, 0.45, 0.43), (0.27, 0.26, 0.24), 20, 0.1, True),
    "brick paving": Look("bricks", (0.56, 0.34, 0.26), (0.44, 0.38, 0.33), 16, 0.05, True),
    "terrace tiles": Look("tiles", (0.74, 0.64, 0.53), (0.52, 0.44, 0.37), 6, 0.8, True),
    "wooden deck": Look("wood", (0.52, 0.41, 0.31), (0.25, 0.19, 0.14), 24, 0.2, True),
}


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


def _streaks(rng: np.random.Generator, size: int, wide: int, high: int) -> np.ndarray:
    """Periodic noise drawn out to ``wide`` by ``high`` pixels: (size, size) float32, about unit."""
    grain = np.pad(rng.standard_normal((size, size), dtype=np.float32), 48, mode="wrap")
    return cv2.blur(grain, (wide, high))[48:-48, 48:-48] * np.float32((wide * high) ** 0.5)


def _tones(rng: np.random.Generator, deviation: float, *shape: int) -> np.ndarray:
    """How much lighter or darker each tile is."""
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(deviation)


def _jittered(rng: np.random.Generator, colour: Colour) -> np.ndarray:
    drawn = np.array(colour) * rng.uniform(0.82, 1.15) * rng.normal(1, 0.03, 3)
    return np.clip(drawn, 0.03, 0.95).astype(np.float32)


def floor_texture(look: Look, rng: np.random.Generator) -> np.ndarray:
    """(FLOOR_PX, FLOOR_PX, 3) uint8, seamless."""
    size = FLOOR_PX
    first, second = _jittered(rng, look.colour), _jittered(rng, look.second)
    fine, coarse = noise(rng, size, (128, 256)), noise(rng, size, (4, 8, 16))
    v, u = np.mgrid[:size, :size].astype(np.float32)
    cell = size / look.count
    row, column = (v / cell).astype(int) % look.count, (u / cell).astype(int) % look.count
    base = np.tile(first, (size, size, 1))
    rough = 0.02
    if look.kind in ("tiles", "checks"):
        if look.kind == "checks":
            base[(row + column) % 2 == 0] = second
        base *= 1 + _tones(rng, 0.03, look.count, look.count)[row, column][..., None]
        if look.kind == "tiles" or rng.random() < 0.5:
            base = _joints(base, u % cell, v % cell, cell, cell, second, rng.uniform(1.0, 2.4))
    elif look.kind == "bricks":
        wide = 4 * cell
        shift = np.where(row % 2 == 0, 0.0, wide / 2)
        number = ((u + shift) / wide).astype(int) % (look.count // 4)
        tone = _tones(rng, 0.09, look.count, look.count)
        base *= 1 + tone[row, number][..., None]
        base = _joints(base, (u + shift) % wide, v % cell, wide, cell, second, 2.0)
        rough = 0.06
    elif look.kind == "cobbles":
        base *= 1 + _tones(rng, 0.08, look.count, look.count)[row, column][..., None]
        x, y = (u % cell) / cell - 0.5, (v % cell) / cell - 0.5
        gap = np.clip((np.abs(x) ** 3 + np.abs(y) ** 3) ** (1 / 3) * 2 - 0.75, 0, 0.25) * 4
        base += gap[..., None] * (second - base)
        rough = 0.06
    elif look.kind in ("wood", "parquet"):
        base = _boards(look, rng, first, second, u, v, coarse)
    elif look.kind == "marble":
        vein = np.exp(-np.abs(coarse + 0.6 * noise(rng, size, (16, 32))) * 9)
        base += (0.7 * vein)[..., None] * (second - first)
        base = _joints(base, u % cell, v % cell, cell, cell, second, 1.0)
        rough = 0.01
    elif look.kind == "rug":
        border = np.minimum(np.minimum(u, size - u), np.minimum(v, size - v)) * 2 / size
        star = np.abs((u % cell) / cell - 0.5) + np.abs((v % cell) / cell - 0.5)
        base[(star > 0.32) & (star < 0.45)] = second
        base[(border > 0.08) & (border < 0.12)] = second
        rough = 0.07
    elif look.kind == "grass":
        patch = np.clip(0.5 + 0.5 * coarse, 0, 1)[..., None]
        base += 0.5 * patch * (second - first)
        blades = _streaks(rng, size, 2, 7)
        base *= (1 + 0.11 * blades + 0.1 * fine)[..., None]
    elif look.kind == "lines":
        width = rng.uniform(6, 14)
        edge = np.abs(u - size * rng.uniform(0.2, 0.8)) < width
        base[edge | (np.abs(v - size * rng.uniform(0.2, 0.8)) < width * (rng.random() < 0.5))] = (
            second
        )
        rough = 0.05
    else:  # plain, carpet, gravel
        rough = {"plain": 0.025, "carpet": 0.08, "gravel": 0.16}[look.kind]
        patch = np.clip(0.5 + 0.5 * coarse, 0, 1)[..., None]
        base += 0.6 * patch * (second - first)
        if look.kind == "carpet" and rng.random() < 0.4:
            base[(row + column) % 2 == 0] *= rng.uniform(0.8, 1.15)
    base *= (1 + rough * fine + 0.025 * coarse)[..., None]
    return (np.clip(base, 0, 1) * 255).astype(np.uint8)


def _joints(
    base: np.ndarray,
    across: np.ndarray,
    along: np.ndarray,
    wide: float,
    high: float,
    colour: np.ndarray,
    width: float,
) -> np.ndarray:
    """Lines between tiles, from the place of each pixel within its tile."""
    edge = np.minimum(np.minimum(across, wide - across), np.minimum(along, high - along))
    share = np.clip(width - edge, 0, 1)[..., None] * 0.75
    return base + share * (colour - base)


def _boards(look: Look, rng, first, second, u, v, coarse) -> np.ndarray:
    size = FLOOR_PX
    if look.kind == "parquet":  # squares of strips, turned by quarters
        cell = size / look.count
        turned = ((u / cell).astype(int) + (v / cell).astype(int)) % 2 == 0
        across = np.where(turned, u, v)
        strips = 4 * look.count
        row = (across / (size / strips)).astype(int) % strips
        other = (np.where(turned, v, u) / cell).astype(int) % look.count
        tone = _tones(rng, 0.07, strips, look.count)[row, other]
        line = across % (size / strips) < 1.2
        streaks = _streaks(rng, size, 21, 1)
        grain = np.where(turned, streaks.T, streaks)
    else:
        wide = size / look.count
        row = (v / wide).astype(int) % look.count
        shift = rng.integers(0, size, look.count)[row]
        board = (((u + shift) % size) // (size // 2)).astype(int)
        tone = _tones(rng, 0.06, look.count, 2)[row, board]
        line = (v % wide < 1.4) | ((u + shift) % (size // 2) < 1.5)
        grain = _streaks(rng, size, 41, 1)
    base = first * (1 + tone + 0.05 * grain + 0.03 * coarse)[..., None]
    base[line] = 0.4 * base[line] + 0.6 * second
    return base


def light_map(rng: np.random.Generator, outdoors: bool) -> np.ndarray:
    """Share of the main light that reaches the floor: (LIGHT_PX, LIGHT_PX) float32 in [0, 1]."""
    size = LIGHT_PX
    kind = rng.random()
    if outdoors:
        if kind < 0.5:
            return np.ones((size, size), np.float32)
        leaves = noise(rng, size, (8, 16, 32))  # sun through leaves
        shade = np.clip(2.5 * (leaves + rng.uniform(-0.6, 0.8)) + 0.5, 0, 1)
        return cv2.GaussianBlur(shade, (0, 0), 1.0)
    if kind < 0.5:  # lamps: even, with a soft pool
        v, u = np.mgrid[:size, :size] / size - rng.uniform(0.3, 0.7, 2)[:, None, None]
        return np.exp(-(u**2 + v**2) / rng.uniform(0.1, 0.5)).astype(np.float32)
    light = np.full((size, size), rng.uniform(0.1, 0.35), np.float32)
    turn, slant = rng.uniform(0, np.pi), rng.uniform(-0.6, 0.6)
    c, s = np.cos(turn), np.sin(turn)
    for number in range(int(rng.integers(1, 4))):  # windows with their panes
        centre = rng.uniform(0.2, 0.8, 2) * size + number * 20
        panes = int(rng.integers(1, 4))
        wide, high = rng.uniform(14, 40), rng.uniform(24, 60)
        for pane in range(panes):
            for storey in range(2):
                x = (pane - panes / 2) * wide * 1.15 + np.array([0, wide, wide, 0])
                y = (storey - 1) * high * 1.1 + np.array([0, 0, high, high])
                x = x + slant * y
                corners = np.stack([centre[0] + c * x - s * y, centre[1] + s * x + c * y], -1)
                cv2.fillConvexPoly(light, corners.astype(np.int32), 1.0)
    return cv2.GaussianBlur(light, (0, 0), rng.uniform(0.8, 3.0))


def lamps(rng: np.random.Generator, outdoors: bool) -> np.ndarray:
    """What a floor mirrors from above: (LAMPS_PX, LAMPS_PX) float32, 1 as bright as white."""
    size = LAMPS_PX
    if outdoors:  # sky between branches
        sky = noise(rng, size, (4, 8, 16, 32))
        return (np.clip(1.6 * (sky - rng.uniform(-0.3, 0.9)), 0, 1) * rng.uniform(1, 5)).astype(
            np.float32
        )
    picture = np.full((size, size), rng.uniform(0.1, 0.3), np.float32)
    for _ in range(int(rng.integers(4, 18))):
        centre = tuple(int(c) for c in rng.integers(0, size, 2))
        bright = float(rng.uniform(2.0, 14.0))
        if rng.random() < 0.5:
            cv2.circle(picture, centre, int(rng.integers(3, 14)), bright, -1)
        else:
            half = rng.integers(4, 26, 2)
            low = (centre[0] - int(half[0]), centre[1] - int(half[1]))
            cv2.rectangle(
                picture, low, (centre[0] + int(half[0]), centre[1] + int(half[1])), bright, -1
            )
    return cv2.GaussianBlur(picture, (0, 0), rng.uniform(1.5, 5.0), borderType=cv2.BORDER_REFLECT)


def mipmap(texture: np.ndarray, levels: int = 5) -> list[np.ndarray]:
    """The texture and its halves, finest first."""
    stack = [texture]
    for _ in range(levels - 1):
        stack.append(cv2.resize(stack[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return stack
