"""Open tubes of cloth: sleeves, trouser legs, hems of tops, skirts."""

import numpy as np

from dataset.synthetic.clothes.materials import BodyPart
from dataset.synthetic.clothes.sheets import Sheet, Surface


def sleeve(surface: Surface, cut: dict[str, float], sign: float) -> Sheet | None:
    """The open end of a sleeve; ``sign`` 1 for the left.  None where there is no sleeve."""
    end = cut["sleeve_end"]
    if end <= cut["armpit"] + 8.0:
        return None
    snug = 0.3 if cut["cuff"] > 3.0 else 1.0 + 0.3 * cut["thick_top"]
    rings = [
        (sign * (end - 9.0), sign * (end - 9.0), 0.2),
        (sign * (end - 4.0), sign * (end - 4.0), 0.3 + 0.6 * snug),
        (sign * (end + 0.5), sign * (end - 2.5), 0.2 + snug),
    ]
    return _tube(
        surface.of(BodyPart.ARM, side=sign, beyond=cut["armpit"]), 0, rings, BodyPart.SLEEVE
    )


def trouser_leg(surface: Surface, cut: dict[str, float], sign: float) -> Sheet | None:
    """The open end of a trouser leg; ``sign`` 1 for the left.  None below a skirt."""
    if cut["skirt_end"]:
        return None
    bottom, wide = cut["trouser_end"], cut["thick_bottoms"]
    rings = [
        (bottom + 14.0, bottom + 14.0, 0.2),
        (bottom + 6.0, bottom + 6.0, 0.2 + 0.5 * wide),
        (bottom, bottom + 2.0, 0.2 + 1.1 * wide),
    ]
    return _tube(surface.of(BodyPart.LEG, side=sign), 1, rings, BodyPart.TROUSER_LEG)


def hem(surface: Surface, cut: dict[str, float], hips: float) -> Sheet:
    """The lower end of a top; ``hips`` is the height of the Hips joint."""
    low = cut["hem"]
    seat = max(low, hips - 6.0)
    rings = [(low + 9.0, max(low + 9.0, seat), 0.2), (low + 4.0, max(low + 4.0, seat), 0.8)]
    rings.append((low - 0.5, seat, 1.0 + 0.5 * cut["thick_top"] * cut["loose"]))
    return _tube(surface.of(BodyPart.TRUNK, BodyPart.LEG), 1, rings, BodyPart.HEM, 36)


def skirt(surface: Surface, cut: dict[str, float], hips: float) -> Sheet | None:
    """A skirt; None for trousers."""
    if not cut["skirt_end"]:
        return None
    waist, length = hips + 10.0, hips - cut["skirt_end"]
    rings = [(waist, waist, 0.2), (hips, hips, 1.0)]
    rings += [(hips - length * s, hips - 4.0, 1.5 + 0.13 * length * s) for s in (0.3, 0.65, 1)]
    return _tube(surface.of(BodyPart.TRUNK, BodyPart.LEG), 1, rings, BodyPart.SKIRT, 40, waves=1.2)


def _tube(
    limb: Surface,
    axis: int,
    rings: list[tuple[float, float, float]],
    part: BodyPart,
    columns: int = 28,
    waves: float = 0.0,
) -> Sheet:
    """An open tube of cloth along ``axis`` (0 for an arm, 1 for trunk and legs) of a limb.

    A ring of ``columns`` points states where it is on the axis, where the limb is measured for it,
    and the gap to the limb; the last has folds ``waves`` deep.  All in centimetres.
    """
    grid = []
    around = np.arange(columns) * 2 * np.pi / columns
    for number, (at, measured, gap) in enumerate(rings):
        apart, flat = np.abs(limb.points[:, axis] - measured), np.delete(limb.points, axis, 1)
        near = flat[apart < 4.0] if (apart < 4.0).sum() > 3 else flat
        centre = (near.max(0) + near.min(0)) / 2
        radius = _girth(flat[apart < 3.0] - centre, around)
        radius = (np.roll(radius, 1) + radius + np.roll(radius, -1)) / 3 + gap
        radius = radius + waves * number / (len(rings) - 1) * np.sin(5 * around + axis)
        ring = centre + radius[:, None] * np.stack([np.cos(around), np.sin(around)], -1)
        grid.append(np.insert(ring, axis, at, axis=1))
    return limb.sheet(np.concatenate(grid), len(rings), True, part)


def _girth(section: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Outline of a section (N, 2) of a limb: (C,) radius by (C,) angles."""
    if len(section) < 4:
        return np.full(len(around), 6.0)
    angle, radius = np.arctan2(section[:, 1], section[:, 0]), np.hypot(section[:, 0], section[:, 1])
    apart = np.abs((angle[None] - around[:, None] + np.pi) % (2 * np.pi) - np.pi)
    found = np.where(apart < 2.2 * np.pi / len(around), radius, 0.0).max(1)
    return np.where(found == 0, np.median(radius), found)
