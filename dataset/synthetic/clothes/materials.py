"""Parts of body and clothes, what they are made of, and the colours of it."""

from enum import IntEnum

import numpy as np


class Material(IntEnum):
    """What a point of the surface is made of."""

    SKIN, TOP, COLLAR, FASTENER, BOTTOMS, SHOES, SOLE, HAIR, LIPS, BELT = range(10)


class BodyPart(IntEnum):
    """Part of the body, or kind of sheet that stands off it, that a triangle belongs to."""

    HEAD, TRUNK, ARM, HAND, LEG, FOOT = range(6)
    COLLAR, SLEEVE, HEM, TROUSER_LEG, SKIRT, LONG_HAIR = range(6, 12)


_PART_OF = {
    "Head": BodyPart.HEAD,
    **dict.fromkeys(("Neck", "Hips", "Spine", "Spine1", "Spine2", "Shoulder"), BodyPart.TRUNK),
    **dict.fromkeys(("Arm", "ForeArm"), BodyPart.ARM),
    **dict.fromkeys(("UpLeg", "Leg"), BodyPart.LEG),
    **dict.fromkeys(("Foot", "ToeBase"), BodyPart.FOOT),
}
#: Muted cloth most people wear, sRGB; the rest is drawn from the whole wheel.
_CLOTH = np.array(
    [
        (0.12, 0.12, 0.13), (0.20, 0.20, 0.22), (0.33, 0.34, 0.36), (0.55, 0.55, 0.56),
        (0.86, 0.86, 0.84), (0.93, 0.92, 0.88), (0.14, 0.18, 0.28), (0.22, 0.30, 0.42),
        (0.40, 0.50, 0.62), (0.30, 0.29, 0.22), (0.38, 0.38, 0.28), (0.48, 0.40, 0.30),
        (0.66, 0.56, 0.44), (0.36, 0.24, 0.18), (0.45, 0.14, 0.15), (0.62, 0.28, 0.24),
        (0.16, 0.28, 0.22), (0.34, 0.44, 0.36), (0.62, 0.48, 0.52), (0.30, 0.22, 0.32),
        (0.72, 0.60, 0.30), (0.78, 0.70, 0.62),
    ]
)  # fmt: skip
SKIN_TONES = np.array(
    [
        (0.91, 0.74, 0.65), (0.86, 0.66, 0.55), (0.80, 0.60, 0.47), (0.70, 0.50, 0.38),
        (0.55, 0.38, 0.28), (0.40, 0.27, 0.20), (0.30, 0.20, 0.15),
    ]
)  # fmt: skip


def part_of_bones(names: tuple[str, ...]) -> np.ndarray:
    """(J,) body part of each bone."""
    plain = [name.removeprefix("Left").removeprefix("Right") for name in names]
    return np.array([_PART_OF.get(name, BodyPart.HAND) for name in plain])


def cloth_colour(rng: np.random.Generator) -> np.ndarray:
    """A garment's colour, linear: mostly muted, at times vivid."""
    if rng.random() < 0.78:
        colour = _CLOTH[rng.integers(len(_CLOTH))] * rng.uniform(0.5, 1.2)
        return np.clip(colour * (1 + rng.normal(0, 0.06, 3)), 0.03, 0.95) ** 2
    hue, saturation, value = rng.random(), rng.uniform(0.35, 0.85), rng.uniform(0.3, 0.8)
    wheel = np.clip(np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    return (value * (1 - saturation + saturation * wheel)) ** 2


def material_colours(top_kind: str, bottom_kind: str, rng: np.random.Generator) -> np.ndarray:
    """Draw a colour for each material: (materials, 3) float32 linear."""
    tone = rng.uniform(0, len(SKIN_TONES) - 1)
    low, share = int(tone), tone % 1.0
    skin = SKIN_TONES[low] * (1 - share) + SKIN_TONES[min(low + 1, 6)] * share
    # Some people's skin is paler than the table's tones, hardly anyone's is redder.
    grey = skin @ np.array([0.3, 0.59, 0.11])
    skin = grey + rng.uniform(0.55, 1.0) * (skin - grey) + rng.normal(0, 0.02)
    skin = np.clip(skin + rng.normal(0, 0.008, 3), 0.05, 1.0) ** 2
    colours = np.zeros((len(Material), 3), np.float32)
    colours[Material.SKIN] = skin
    colours[Material.LIPS] = skin * np.array([0.98, 0.66, 0.64]) + np.array([0.03, 0.0, 0.0])
    colours[Material.TOP] = cloth_colour(rng)
    if top_kind in ("jacket", "coat"):  # outdoor clothes are darker
        colours[Material.TOP] *= rng.uniform(0.15, 1.0)
    colours[Material.COLLAR] = colours[Material.TOP] * rng.uniform(0.6, 1.1)
    if rng.random() < 0.45:
        colours[Material.COLLAR] = cloth_colour(rng)
    colours[Material.FASTENER] = rng.choice([0.05, 0.6, 0.8])
    colours[Material.BOTTOMS] = cloth_colour(rng)
    if bottom_kind == "jeans":
        colours[Material.BOTTOMS] = np.array([0.03, 0.045, 0.09]) * rng.uniform(0.4, 3.0)
    colours[Material.SHOES] = cloth_colour(rng)
    colours[Material.SOLE] = rng.choice([0.02, 0.35, 0.75])
    colours[Material.HAIR] = np.array([0.09, 0.06, 0.04]) * rng.uniform(0.15, 3.0)
    colours[Material.BELT] = np.array([0.06, 0.035, 0.02]) * rng.uniform(0.3, 2.0)
    return colours
