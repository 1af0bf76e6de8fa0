"""Dressing people: an outfit of a drawn cut, with the sheets that stand off the body."""

import numpy as np

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.body.pose import Pose, stack
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.clothes.collars_and_hair import collar, long_hair
from dataset.synthetic.clothes.cuts import draw_cut
from dataset.synthetic.clothes.drape import clothed_surface
from dataset.synthetic.clothes.materials import cloth_colour, material_colours, part_of_bones
from dataset.synthetic.clothes.outfit import Outfit
from dataset.synthetic.clothes.sheets import Sheet, Surface, vertex_normals
from dataset.synthetic.clothes.sleeves_and_skirts import hem, skirt, sleeve, trouser_leg

_PATTERNS = ("plain", "stripes", "pinstripes", "checks", "block")


def dress(body: Body, rng: np.random.Generator) -> Outfit:
    """Draw clothes for a body: cut first, then colours and pattern, then the shape that follows."""
    rig = body.rig
    joints, turns = (each[0] for each in Poser(body).place(stack([Pose()])))
    tpose = body.skin(joints, turns)
    top_kind, bottom_kind, cut = draw_cut(body, tpose, joints, rng)
    colours = material_colours(top_kind, bottom_kind, rng)
    heavy = top_kind in ("jacket", "coat", "hoodie")
    shares = [0.9, 0.0, 0.04, 0.02, 0.04] if heavy else [0.62, 0.14, 0.07, 0.09, 0.08]
    second = cloth_colour(rng).astype(np.float32)
    pattern, pitch = str(rng.choice(_PATTERNS, p=shares)), float(rng.uniform(2.5, 9.0))

    part = part_of_bones(rig.names)[rig.main_bone]
    vertices = clothed_surface(body, cut, part, tpose)
    worn = body.skin(joints, turns, vertices)
    normals = vertex_normals(worn, rig.faces).astype(float)
    surface = Surface(worn.astype(float), normals, rig.weights, part)
    sheets = _sheets(surface, cut, dict(zip(rig.names, joints, strict=True)))
    points = np.concatenate([sheet.points for sheet in sheets])
    weights = np.concatenate([sheet.weights for sheet in sheets])
    rest = body.unskin(joints, turns, points, weights)
    faces, face_part, start = [rig.faces], [part[rig.faces[:, 0]]], len(vertices)
    for sheet in sheets:
        faces.append(sheet.faces + start)
        face_part.append(np.full(len(sheet.faces), sheet.part))
        start += len(sheet.points)
    return Outfit(
        vertices=np.concatenate([vertices, rest]).astype(np.float32),
        faces=np.concatenate(faces).astype(np.int32),
        weights=np.concatenate([rig.weights, weights]),
        tpose=np.concatenate([tpose, points]).astype(np.float32),
        face_part=np.concatenate(face_part),
        cut=cut,
        colours=colours,
        second=second,
        pattern=pattern,
        pitch=pitch,
    )


def _sheets(surface: Surface, cut: dict[str, float], at: dict[str, np.ndarray]) -> list[Sheet]:
    """What stands off the body, by where its joints are."""
    hips = float(at["Hips"][1])
    sheets = []
    for sign in (1.0, -1.0):
        sheets += [sleeve(surface, cut, sign), trouser_leg(surface, cut, sign)]
        sheets.append(long_hair(surface, cut, at["Head"], sign))
    sheets += [hem(surface, cut, hips), skirt(surface, cut, hips), collar(surface, cut, at["Neck"])]
    return [sheet for sheet in sheets if sheet is not None]
