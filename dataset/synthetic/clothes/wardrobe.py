"""Dressing people: the cloth over a body, and the sheets that stand off it."""

import numpy as np

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.clothes import outfit
from dataset.synthetic.clothes.cuts import draw_cut
from dataset.synthetic.clothes.outfit import BodyPart, Cut, Material, Outfit
from dataset.synthetic.clothes.sheets import Surface, make_sheets, smoothed, vertex_normals

_PATTERNS = ("plain", "stripes", "pinstripes", "checks", "block")
_UPPER = (Material.TOP, Material.COLLAR, Material.FASTENER)
_LOWER = (Material.BOTTOMS, Material.BELT)


def dress(body: Body, rng: np.random.Generator) -> Outfit:
    """Draw clothes for a body: cut first, then colours and pattern, then the shape that follows."""
    rig = body.rig
    joints, turns = (each[0] for each in Poser(body).place(stack([BodyPose()])))
    tpose = body.skin(joints, turns)
    top_kind, bottom_kind, cut = draw_cut(body, tpose, joints, rng)
    colours = outfit.material_colours(top_kind, bottom_kind, rng)
    heavy = top_kind in ("jacket", "coat", "hoodie")
    shares = [0.9, 0.0, 0.04, 0.02, 0.04] if heavy else [0.62, 0.14, 0.07, 0.09, 0.08]
    second = outfit.cloth_colour(rng).astype(np.float32)
    pattern, pitch = str(rng.choice(_PATTERNS, p=shares)), float(rng.uniform(2.5, 9.0))

    part = outfit.part_of_bones(rig.names)[rig.main_bone]
    vertices = _clothed_surface(body, cut, part, tpose)
    worn = body.skin(joints, turns, vertices, rig.weights)
    normals = vertex_normals(worn, rig.faces).astype(float)
    surface = Surface(worn.astype(float), normals, rig.weights, part)
    sheets = make_sheets(surface, cut, dict(zip(rig.names, joints, strict=True)))
    points, weights = (
        np.concatenate([getattr(s, name) for s in sheets]) for name in ("points", "weights")
    )
    rest = body.unskin(joints, turns, points, weights)
    starts = np.cumsum([len(vertices), *(len(sheet.points) for sheet in sheets)])
    faces = [sheet.faces + start for sheet, start in zip(sheets, starts, strict=False)]
    face_part = [np.full(len(sheet.faces), sheet.part) for sheet in sheets]
    return Outfit(
        np.concatenate([vertices, rest]).astype(np.float32),
        np.concatenate([rig.faces, *faces]).astype(np.int32),
        np.concatenate([rig.weights, weights]),
        np.concatenate([tpose, points]).astype(np.float32),
        np.concatenate([part[rig.faces[:, 0]], *face_part]),
        *(cut, colours, second, pattern, pitch),
    )


def _clothed_surface(body: Body, cut: Cut, part: np.ndarray, tpose: np.ndarray) -> np.ndarray:
    """(V, 3) float32 centimetres: the body's surface at rest with its cloth, smoother than skin and
    further out, of the (V,) parts of the body and its (V, 3) skin in the T-pose."""
    faces, material = body.rig.faces, outfit.material_at(cut, part, tpose)
    thickness = np.zeros(len(Material), np.float32)
    thickness[list(_UPPER)] = cut["thick_top"]
    thickness[Material.COLLAR] = cut["thick_top"] + 0.4
    thickness[list(_LOWER)] = cut["thick_bottoms"]
    thickness[[Material.SHOES, Material.SOLE]] = 0.6
    thickness[Material.HAIR] = 1.2
    depth = smoothed(thickness[material][:, None], faces, 1)
    cloth = np.isin(material, (*_UPPER, *_LOWER))
    base = np.where(cloth[:, None], smoothed(body.vertices, faces, 6), body.vertices)
    worn = base + vertex_normals(base, faces) * depth
    upper = np.isin(material, _UPPER) & (part == BodyPart.TRUNK)
    return _hanging(worn, upper, tpose[:, 1], cut).astype(np.float32)


def _hanging(worn: np.ndarray, upper: np.ndarray, height: np.ndarray, cut: Cut) -> np.ndarray:
    """Let a top hang from where the chest is widest: the outline of each slice of the trunk may
    fall inside the one above by a little only, followed by as much as the cut is loose."""
    columns, slices = 32, 24
    rows = np.flatnonzero(upper & (np.abs(worn[:, 0]) < cut["armpit"] + 2.0))
    centre = worn[rows].mean(0)[[0, 2]]
    top = cut["neck"] - 16.0
    level = (top - height[rows]) / (top - cut["hem"]) * slices
    rows, level = rows[level > 0], level[level > 0]
    flat = worn[rows][:, [0, 2]] - centre
    radius = np.hypot(*flat.T)
    cell = np.clip(level.astype(int), 0, slices - 1)
    turn = np.arctan2(flat[:, 1], flat[:, 0]) / (2 * np.pi) * columns % columns
    first, share = turn.astype(int) % columns, turn - turn.astype(int)
    outline = np.zeros((slices, columns))
    np.maximum.at(outline, (cell, first), radius)
    beside = np.maximum(np.roll(outline, 1, 1), np.roll(outline, -1, 1))
    outline = np.maximum(outline, 0.97 * beside)
    for each in range(1, slices):
        outline[each] = np.maximum(outline[each], outline[each - 1] - 0.15)
    for _ in range(2):
        outline = (np.roll(outline, 1, 1) + 2 * outline + np.roll(outline, -1, 1)) / 4
    wide = outline[cell, first] * (1 - share) + outline[cell, (first + 1) % columns] * share
    ramp = np.clip(level / 4.0, 0.0, 1.0) * cut["loose"]
    grown = np.maximum(wide - radius, 0.0) * ramp / np.maximum(radius, 1.0)
    moved = worn.copy()
    moved[np.ix_(rows, [0, 2])] += flat * grown[:, None]
    return moved
