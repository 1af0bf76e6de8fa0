"""Cloth over a body's surface: thicker and smoother than skin, and hanging from the chest."""

import numpy as np

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.clothes import outfit as parts
from dataset.synthetic.clothes.outfit import (
    BELT,
    BOTTOMS,
    COLLAR,
    FASTENER,
    HAIR,
    MATERIALS,
    SHOES,
    SOLE,
    TOP,
    Outfit,
    vertex_normals,
)


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
    thickness = np.zeros(MATERIALS, np.float32)
    thickness[[TOP, FASTENER]] = cut["thick_top"]
    thickness[COLLAR] = cut["thick_top"] + 0.4
    thickness[[BOTTOMS, BELT]] = cut["thick_bottoms"]
    thickness[[SHOES, SOLE]] = 0.6
    thickness[HAIR] = 1.2
    depth = _smoothed(thickness[material][:, None].repeat(3, 1), rig.faces, 1)[:, :1]
    cloth = np.isin(material, (TOP, COLLAR, FASTENER, BOTTOMS, BELT))
    smooth = _smoothed(body.vertices, rig.faces, 6)
    base = np.where(cloth[:, None], smooth, body.vertices)
    worn = base + vertex_normals(base, rig.faces) * depth
    upper = np.isin(material, (TOP, COLLAR, FASTENER)) & (part == parts.TRUNK)
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
    outline = np.zeros((slices, columns))
    np.maximum.at(outline, (cell, turn.astype(int) % columns), radius[below])
    for each in range(slices):
        beside = np.maximum(np.roll(outline[each], 1), np.roll(outline[each], -1))
        outline[each] = np.maximum(outline[each], 0.97 * beside)
        if each:
            outline[each] = np.maximum(outline[each], outline[each - 1] - 0.15)
    for _ in range(2):
        outline = (np.roll(outline, 1, 1) + 2 * outline + np.roll(outline, -1, 1)) / 4
    first = turn.astype(int) % columns
    share = turn - turn.astype(int)
    wide = outline[cell, first] * (1 - share) + outline[cell, (first + 1) % columns] * share
    ramp = np.clip(level[below] / 4.0, 0.0, 1.0) * cut["loose"]
    grown = np.maximum(wide - radius[below], 0.0) * ramp / np.maximum(radius[below], 1.0)
    moved = worn.copy()
    target = rows[below]
    moved[target, 0] += flat[below, 0] * grown
    moved[target, 2] += flat[below, 1] * grown
    return moved


def _smoothed(vertices: np.ndarray, faces: np.ndarray, rounds: int) -> np.ndarray:
    """Vertices moved to the mean of their neighbours, ``rounds`` times."""
    start = faces[:, [0, 1, 2, 1, 2, 0]].ravel()
    end = faces[:, [1, 2, 0, 0, 1, 2]].ravel()
    count = np.maximum(np.bincount(start, minlength=len(vertices)), 1)[:, None]
    for _ in range(rounds):
        total = [np.bincount(start, vertices[end, k], minlength=len(vertices)) for k in range(3)]
        vertices = np.stack(total, -1) / count
    return vertices
