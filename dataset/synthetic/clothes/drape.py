"""Cloth over a body's surface: thicker and smoother than skin, and hanging from the chest."""

import numpy as np

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.clothes.materials import Material, Part
from dataset.synthetic.clothes.mesh import smoothed, vertex_normals
from dataset.synthetic.clothes.outfit import Outfit

_UPPER = (Material.TOP, Material.COLLAR, Material.FASTENER)
_LOWER = (Material.BOTTOMS, Material.BELT)


def clothed_surface(body: Body, outfit: Outfit, part_of: np.ndarray) -> np.ndarray:
    """The rest surface with the thickness of the cloth: smoother than skin and further out.

    Args:
        body: who wears the outfit.
        outfit: of the body's own surface, without sheets.
        part_of: (J,) body part of each bone.

    Returns:
        (V, 3) float32 centimetres.
    """
    rig, cut = body.rig, outfit.cut
    part = part_of[rig.main_bone]
    material = outfit.material(part, outfit.tpose)
    thickness = np.zeros(len(Material), np.float32)
    thickness[list(_UPPER)] = cut["thick_top"]
    thickness[Material.COLLAR] = cut["thick_top"] + 0.4
    thickness[list(_LOWER)] = cut["thick_bottoms"]
    thickness[[Material.SHOES, Material.SOLE]] = 0.6
    thickness[Material.HAIR] = 1.2
    depth = smoothed(thickness[material][:, None].repeat(3, 1), rig.faces, 1)[:, :1]
    cloth = np.isin(material, (*_UPPER, *_LOWER))
    base = np.where(cloth[:, None], smoothed(body.vertices, rig.faces, 6), body.vertices)
    worn = base + vertex_normals(base, rig.faces) * depth
    upper = np.isin(material, _UPPER) & (part == Part.TRUNK)
    return _hanging(worn, upper, outfit.tpose[:, 1], cut).astype(np.float32)


def _hanging(
    worn: np.ndarray, upper: np.ndarray, height: np.ndarray, cut: dict[str, float]
) -> np.ndarray:
    """Let a top hang from where the chest is widest instead of following the waist.

    Around the trunk the outline of each slice may fall inside the one above by a little only; how
    much of that is followed is the cut's looseness.
    """
    columns, slices = 32, 24
    rows = np.flatnonzero(upper & (np.abs(worn[:, 0]) < cut["armpit"] + 2.0))
    centre = worn[rows].mean(0)[[0, 2]]
    flat = worn[rows][:, [0, 2]] - centre
    radius = np.hypot(flat[:, 0], flat[:, 1])
    top = cut["neck"] - 16.0
    level = (top - height[rows]) / (top - cut["hem"]) * slices
    below = np.flatnonzero(level > 0)
    cell = np.clip(level[below].astype(int), 0, slices - 1)
    turn = np.arctan2(flat[below, 1], flat[below, 0]) / (2 * np.pi) * columns % columns
    first, share = turn.astype(int) % columns, turn - turn.astype(int)
    outline = np.zeros((slices, columns))
    np.maximum.at(outline, (cell, first), radius[below])
    for each in range(slices):
        beside = np.maximum(np.roll(outline[each], 1), np.roll(outline[each], -1))
        above = outline[each - 1] - 0.15 if each else 0.0
        outline[each] = np.maximum(np.maximum(outline[each], 0.97 * beside), above)
    for _ in range(2):
        outline = (np.roll(outline, 1, 1) + 2 * outline + np.roll(outline, -1, 1)) / 4
    wide = outline[cell, first] * (1 - share) + outline[cell, (first + 1) % columns] * share
    ramp = np.clip(level[below] / 4.0, 0.0, 1.0) * cut["loose"]
    grown = np.maximum(wide - radius[below], 0.0) * ramp / np.maximum(radius[below], 1.0)
    moved = worn.copy()
    moved[rows[below], 0] += flat[below, 0] * grown
    moved[rows[below], 2] += flat[below, 1] * grown
    return moved
