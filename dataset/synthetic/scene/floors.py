"""Floors and grounds: seamless textures of named kinds."""

from typing import NamedTuple

import cv2
import numpy as np

from dataset.synthetic.scene.textures import noise

#: Floor texture: one repeat in centimetres and pixels.
FLOOR_CM, FLOOR_PX = 320.0, 1024

Colour = tuple[float, float, float]


class Floor(NamedTuple):
    pattern: str  # how it is drawn
    colour: Colour  # sRGB in [0, 1]
    second: Colour  # of checks, joints, rugs and patches
    count: int  # tiles or boards in a repeat
    gloss: float  # greatest share of light mirrored at grazing angles
    outdoors: bool = False  # whether it lies under the sky


FLOORS: dict[str, Floor] = {
    "beige tiles": Floor("tiles", (0.80, 0.71, 0.60), (0.55, 0.46, 0.38), 6, 0.9),
    "large beige tiles": Floor("tiles", (0.76, 0.67, 0.56), (0.56, 0.48, 0.40), 4, 0.9),
    "terracotta tiles": Floor("tiles", (0.62, 0.38, 0.27), (0.50, 0.42, 0.36), 10, 0.4),
    "white tiles": Floor("tiles", (0.86, 0.85, 0.82), (0.62, 0.61, 0.59), 8, 0.9),
    "grey tiles": Floor("tiles", (0.52, 0.52, 0.51), (0.38, 0.38, 0.38), 5, 0.6),
    "slate tiles": Floor("tiles", (0.30, 0.31, 0.32), (0.22, 0.22, 0.23), 7, 0.5),
    "small mosaic": Floor("tiles", (0.58, 0.62, 0.60), (0.74, 0.74, 0.71), 32, 0.5),
    "marble": Floor("marble", (0.84, 0.82, 0.79), (0.55, 0.52, 0.49), 4, 1.0),
    "dark marble": Floor("marble", (0.24, 0.23, 0.22), (0.50, 0.47, 0.42), 4, 1.0),
    "checkered tiles": Floor("checks", (0.82, 0.79, 0.73), (0.24, 0.22, 0.21), 8, 0.7),
    "warm checks": Floor("checks", (0.72, 0.58, 0.44), (0.52, 0.34, 0.25), 8, 0.5),
    "oak boards": Floor("wood", (0.62, 0.46, 0.30), (0.40, 0.28, 0.18), 20, 0.5),
    "walnut boards": Floor("wood", (0.36, 0.25, 0.17), (0.22, 0.15, 0.10), 20, 0.6),
    "pine boards": Floor("wood", (0.76, 0.59, 0.38), (0.52, 0.37, 0.22), 16, 0.4),
    "ash boards": Floor("wood", (0.70, 0.64, 0.55), (0.50, 0.45, 0.38), 26, 0.4),
    "grey laminate": Floor("wood", (0.52, 0.49, 0.46), (0.36, 0.34, 0.32), 20, 0.5),
    "parquet": Floor("parquet", (0.56, 0.40, 0.25), (0.38, 0.26, 0.16), 8, 0.7),
    "light parquet": Floor("parquet", (0.70, 0.55, 0.37), (0.50, 0.37, 0.24), 12, 0.6),
    "beige carpet": Floor("carpet", (0.64, 0.57, 0.48), (0.56, 0.49, 0.40), 4, 0.0),
    "grey carpet": Floor("carpet", (0.42, 0.42, 0.42), (0.34, 0.34, 0.35), 4, 0.0),
    "blue carpet": Floor("carpet", (0.24, 0.29, 0.38), (0.18, 0.22, 0.30), 4, 0.0),
    "patterned rug": Floor("rug", (0.46, 0.17, 0.14), (0.68, 0.56, 0.40), 6, 0.0),
    "dark rug": Floor("rug", (0.16, 0.19, 0.27), (0.58, 0.50, 0.40), 8, 0.0),
    "linoleum": Floor("plain", (0.60, 0.62, 0.56), (0.52, 0.54, 0.50), 4, 0.7),
    "polished concrete": Floor("plain", (0.56, 0.55, 0.53), (0.46, 0.45, 0.44), 4, 0.8),
    "sports hall": Floor("lines", (0.66, 0.48, 0.29), (0.85, 0.85, 0.82), 3, 0.7),
    "gym mat": Floor("checks", (0.26, 0.28, 0.32), (0.30, 0.32, 0.36), 4, 0.1),
    "lawn": Floor("grass", (0.30, 0.36, 0.17), (0.44, 0.42, 0.24), 4, 0.0, True),
    "dry grass": Floor("grass", (0.48, 0.43, 0.26), (0.36, 0.35, 0.20), 4, 0.0, True),
    "meadow": Floor("grass", (0.25, 0.31, 0.14), (0.36, 0.30, 0.20), 4, 0.0, True),
    "asphalt": Floor("gravel", (0.32, 0.32, 0.33), (0.24, 0.24, 0.25), 4, 0.05, True),
    "road": Floor("lines", (0.36, 0.36, 0.36), (0.80, 0.79, 0.74), 2, 0.05, True),
    "gravel": Floor("gravel", (0.56, 0.52, 0.46), (0.40, 0.37, 0.33), 4, 0.0, True),
    "sand": Floor("plain", (0.76, 0.66, 0.49), (0.66, 0.56, 0.40), 4, 0.0, True),
    "earth": Floor("gravel", (0.42, 0.33, 0.24), (0.32, 0.25, 0.18), 4, 0.0, True),
    "paving slabs": Floor("tiles", (0.58, 0.56, 0.52), (0.40, 0.39, 0.35), 6, 0.1, True),
    "cobbles": Floor("cobbles", (0.47, 0.45, 0.43), (0.27, 0.26, 0.24), 20, 0.1, True),
    "brick paving": Floor("bricks", (0.56, 0.34, 0.26), (0.44, 0.38, 0.33), 16, 0.05, True),
    "terrace tiles": Floor("tiles", (0.74, 0.64, 0.53), (0.52, 0.44, 0.37), 6, 0.8, True),
    "wooden deck": Floor("wood", (0.52, 0.41, 0.31), (0.25, 0.19, 0.14), 24, 0.2, True),
}
#: How much the pixels of a pattern vary, where it is not as the others.
_ROUGHNESS = {
    **{"marble": 0.01, "plain": 0.025, "lines": 0.05, "bricks": 0.06, "cobbles": 0.06},
    **{"rug": 0.07, "carpet": 0.08, "gravel": 0.16},
}


def _streaks(rng: np.random.Generator, wide: int, high: int) -> np.ndarray:
    """Periodic noise drawn out to ``wide`` by ``high`` pixels: float32 of about unit deviation."""
    grain = np.pad(rng.standard_normal((FLOOR_PX,) * 2, dtype=np.float32), 48, mode="wrap")
    return cv2.blur(grain, (wide, high))[48:-48, 48:-48] * np.float32((wide * high) ** 0.5)


def _jittered(rng: np.random.Generator, colour: Colour) -> np.ndarray:
    drawn = np.array(colour) * rng.uniform(0.82, 1.15) * rng.normal(1, 0.03, 3)
    return np.clip(drawn, 0.03, 0.95).astype(np.float32)


def floor_texture(floor: Floor, rng: np.random.Generator) -> np.ndarray:
    """(FLOOR_PX, FLOOR_PX, 3) uint8, seamless."""
    size, count, pattern = FLOOR_PX, floor.count, floor.pattern
    first, second = _jittered(rng, floor.colour), _jittered(rng, floor.second)
    fine, coarse = noise(rng, size, (128, 256)), noise(rng, size, (4, 8, 16))
    v, u = np.mgrid[:size, :size].astype(np.float32)
    cell = size / count
    row, column = (v / cell).astype(int), (u / cell).astype(int)
    # Of each pixel within its tile.
    x, y = u % cell, v % cell
    base = np.tile(first, (size, size, 1))

    def tones(deviation: float, row: np.ndarray, column: np.ndarray, *shape: int) -> np.ndarray:
        """How much lighter or darker each tile is: (…, 1) for pixels of (…) tiles."""
        tones = rng.standard_normal(shape or (count, count), dtype=np.float32)
        return 1 + (tones * np.float32(deviation))[row, column][..., None]

    def joints(x: np.ndarray, wide: float, width: float) -> np.ndarray:
        """The base with lines between tiles of a width, at ``x`` and ``y`` within each tile."""
        edge = np.minimum(np.minimum(x, wide - x), np.minimum(y, cell - y))
        return base + np.clip(width - edge, 0, 1)[..., None] * 0.75 * (second - base)

    if pattern in ("tiles", "checks"):
        if pattern == "checks":
            base[(row + column) % 2 == 0] = second
        base *= tones(0.03, row, column)
        if pattern == "tiles" or rng.random() < 0.5:
            base = joints(x, cell, rng.uniform(1.0, 2.4))
    elif pattern == "bricks":
        wide = 4 * cell
        along = u + np.where(row % 2 == 0, 0.0, wide / 2)
        base *= tones(0.09, row, (along / wide).astype(int) % (count // 4))
        base = joints(along % wide, wide, 2.0)
    elif pattern == "cobbles":
        base *= tones(0.08, row, column)
        x, y = x / cell - 0.5, y / cell - 0.5
        gap = np.clip((np.abs(x) ** 3 + np.abs(y) ** 3) ** (1 / 3) * 2 - 0.75, 0, 0.25) * 4
        base += gap[..., None] * (second - base)
    elif pattern in ("wood", "parquet"):
        if pattern == "parquet":  # squares of strips, turned by quarters
            turned, strip = (column + row) % 2 == 0, size / (4 * count)
            across, along = np.where(turned, u, v), np.where(turned, v, u)
            row, column = (across / strip).astype(int), (along / cell).astype(int)
            tone = tones(0.07, row, column, 4 * count, count)
            line = across % strip < 1.2
            streaks = _streaks(rng, 21, 1)
            grain = np.where(turned, streaks.T, streaks)
        else:
            along = (u + rng.integers(0, size, count)[row]) % size
            tone = tones(0.06, row, (along // (size // 2)).astype(int), count, 2)
            line = (y < 1.4) | (along % (size // 2) < 1.5)
            grain = _streaks(rng, 41, 1)
        base = first * (tone[..., 0] + 0.05 * grain + 0.03 * coarse)[..., None]
        base[line] = 0.4 * base[line] + 0.6 * second
    elif pattern == "marble":
        vein = np.exp(-np.abs(coarse + 0.6 * noise(rng, size, (16, 32))) * 9)
        base += (0.7 * vein)[..., None] * (second - first)
        base = joints(x, cell, 1.0)
    elif pattern == "rug":
        border = np.minimum(np.minimum(u, size - u), np.minimum(v, size - v)) * 2 / size
        star = np.abs(x / cell - 0.5) + np.abs(y / cell - 0.5)
        base[(star > 0.32) & (star < 0.45)] = second
        base[(border > 0.08) & (border < 0.12)] = second
    elif pattern == "lines":
        width = rng.uniform(6, 14)
        edge = np.abs(u - size * rng.uniform(0.2, 0.8)) < width
        edge |= np.abs(v - size * rng.uniform(0.2, 0.8)) < width * (rng.random() < 0.5)
        base[edge] = second
    else:  # grass, plain, carpet, gravel
        share = 0.5 if pattern == "grass" else 0.6
        base += share * np.clip(0.5 + 0.5 * coarse, 0, 1)[..., None] * (second - first)
        if pattern == "grass":
            base *= (1 + 0.11 * _streaks(rng, 2, 7) + 0.1 * fine)[..., None]
        elif pattern == "carpet" and rng.random() < 0.4:
            base[(row + column) % 2 == 0] *= rng.uniform(0.8, 1.15)
    base *= (1 + _ROUGHNESS.get(pattern, 0.02) * fine + 0.025 * coarse)[..., None]
    return (np.clip(base, 0, 1) * 255).astype(np.uint8)
