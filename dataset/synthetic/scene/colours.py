"""Colours of walls, and of what stands before them."""

import numpy as np

#: Walls and what stands before them, sRGB: mostly white, cream, wood and grey.
INDOOR = np.array(
    [
        (0.88, 0.86, 0.82), (0.84, 0.78, 0.68), (0.78, 0.70, 0.60), (0.70, 0.68, 0.64),
        (0.52, 0.38, 0.26), (0.36, 0.26, 0.18), (0.24, 0.18, 0.14), (0.62, 0.46, 0.32),
        (0.30, 0.30, 0.31), (0.48, 0.47, 0.45), (0.14, 0.14, 0.15), (0.93, 0.92, 0.90),
        (0.58, 0.34, 0.25), (0.36, 0.42, 0.36), (0.34, 0.40, 0.48), (0.44, 0.20, 0.17),
    ]
)  # fmt: skip
#: Houses, fences, stone, bark and soil.
OUTDOOR = np.array(
    [
        (0.62, 0.40, 0.30), (0.70, 0.60, 0.48), (0.52, 0.48, 0.42), (0.36, 0.28, 0.21),
        (0.80, 0.76, 0.68), (0.30, 0.34, 0.24), (0.44, 0.42, 0.38), (0.24, 0.22, 0.19),
    ]
)  # fmt: skip
#: Things of plastic and paint: one in eight.
_ACCENTS = np.array(
    [(0.78, 0.62, 0.16), (0.20, 0.33, 0.55), (0.62, 0.18, 0.14), (0.22, 0.42, 0.30)]
)


def draw_colour(
    rng: np.random.Generator, palette: np.ndarray, accents: float = 0.125
) -> np.ndarray:
    """An sRGB colour of a palette, never quite the same."""
    chosen = _ACCENTS if rng.random() < accents else palette
    colour = chosen[rng.integers(len(chosen))] * rng.uniform(0.75, 1.2)
    return np.clip(colour * rng.normal(1.0, 0.04, 3), 0.02, 0.98)
