"""Dressing people: an outfit of a drawn cut, with the sheets that stand off the body."""

import numpy as np

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.body.pose import Pose, stack
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.clothes import outfit as parts
from dataset.synthetic.clothes.cloth_colours import cloth_colour, material_colours
from dataset.synthetic.clothes.cuts import draw_cut
from dataset.synthetic.clothes.drape import clothed_surface
from dataset.synthetic.clothes.outfit import Outfit, part_of_bones, vertex_normals
from dataset.synthetic.clothes.sheets import Sheet, Surface, collar, lock, tube


def dress(body: Body, rng: np.random.Generator) -> Outfit:
    """Draw clothes for a body: cut first, then colours and pattern, then the shape that follows."""
    rig = body.rig
    joints, turns = (each[0] for each in Poser(body).place(stack([Pose()])))
    tpose = body.skin(joints, turns)
    part_of = part_of_bones(rig.names)
    top_kind, bottom_kind, cut = draw_cut(body, tpose, joints, rng)
    colours = material_colours(top_kind, bottom_kind, rng)
    patterns = ("plain", "stripes", "pinstripes", "checks", "block")
    shares = [0.62, 0.14, 0.07, 0.09, 0.08]
    if top_kind in ("jacket", "coat", "hoodie"):
        shares = [0.9, 0.0, 0.04, 0.02, 0.04]
    outfit = Outfit(
        vertices=body.vertices,
        faces=rig.faces,
        weights=rig.weights,
        tpose=tpose,
        face_part=part_of[rig.main_bone[rig.faces[:, 0]]],
        colours=colours,
        second=cloth_colour(rng).astype(np.float32),
        pattern=str(rng.choice(patterns, p=shares)),
        pitch=float(rng.uniform(2.5, 9.0)),
        cut=cut,
    )
    vertices = clothed_surface(body, outfit, part_of)
    clothed = body.skin(joints, turns, vertices)
    surface = Surface(
        clothed.astype(float), vertex_normals(clothed, rig.faces).astype(float), rig.weights
    )
    sheets = _sheets(surface, part_of[rig.main_bone], cut, joints, body)
    return _with_sheets(body, outfit, vertices, sheets, joints, turns)


def _with_sheets(
    body: Body,
    outfit: Outfit,
    vertices: np.ndarray,
    sheets: list[Sheet],
    joints: np.ndarray,
    turns: np.ndarray,
) -> Outfit:
    points = np.concatenate([np.zeros((0, 3)), *(sheet.points for sheet in sheets)])
    weights = np.concatenate([body.rig.weights, *(sheet.weights for sheet in sheets)])
    faces, face_part, start = [body.rig.faces], [outfit.face_part], len(vertices)
    for sheet in sheets:
        faces.append(sheet.faces + start)
        face_part.append(np.full(len(sheet.faces), sheet.part))
        start += len(sheet.points)
    rest = body.unskin(joints, turns, points, weights[len(vertices) :])
    return Outfit(
        **{
            **vars(outfit),
            "vertices": np.concatenate([vertices, rest]).astype(np.float32),
            "faces": np.concatenate(faces).astype(np.int32),
            "weights": weights.astype(np.float32),
            "tpose": np.concatenate([outfit.tpose, points]).astype(np.float32),
            "face_part": np.concatenate(face_part),
        }
    )


def _sheets(
    surface: Surface,
    part: np.ndarray,
    cut: dict[str, float],
    joints: np.ndarray,
    body: Body,
) -> list[Sheet]:
    """What stands off the body: collar, ends of sleeves, hem, trouser legs, skirt, hair."""
    sheets = []
    x = surface.points[:, 0]
    row = body.rig.index
    lower = (part == parts.TRUNK) | (part == parts.LEG)
    end, thick = cut["sleeve_end"], cut["thick_top"]
    for sign in (1.0, -1.0):
        arm = (part == parts.ARM) & (x * sign > cut["armpit"])
        if end > cut["armpit"] + 8.0:
            snug = 0.3 if cut["cuff"] > 3.0 else 1.0 + 0.3 * thick
            stations = [
                (sign * (end - 9.0), sign * (end - 9.0), 0.2),
                (sign * (end - 4.0), sign * (end - 4.0), 0.3 + 0.6 * snug),
                (sign * (end + 0.5), sign * (end - 2.5), 0.2 + snug),
            ]
            sheets.append(tube(surface, arm, 0, stations, parts.SLEEVE))
        leg = (part == parts.LEG) & (x * sign > 0)
        if not cut["skirt_end"]:
            bottom, wide = cut["trouser_end"], cut["thick_bottoms"]
            stations = [
                (bottom + 14.0, bottom + 14.0, 0.2),
                (bottom + 6.0, bottom + 6.0, 0.2 + 0.5 * wide),
                (bottom, bottom + 2.0, 0.2 + 1.1 * wide),
            ]
            sheets.append(tube(surface, leg, 1, stations, parts.TROUSER))
        if cut["hair"] > 0:
            head = joints[row("Head")]
            sheets.append(lock(surface, head, sign, cut["hair"], parts.LOCK))
    hips = float(joints[row("Hips"), 1])
    hem = cut["hem"]
    seat = max(hem, hips - 6.0)
    stations = [(hem + 9.0, max(hem + 9.0, seat), 0.2), (hem + 4.0, max(hem + 4.0, seat), 0.8)]
    stations.append((hem - 0.5, seat, 1.0 + 0.5 * thick * cut["loose"]))
    sheets.append(tube(surface, lower, 1, stations, parts.HEM, 36))
    if cut["skirt_end"]:
        waist, bottom = hips + 10.0, cut["skirt_end"]
        length = hips - bottom
        stations = [(waist, waist, 0.2), (hips, hips, 1.0)]
        stations += [
            (hips - length * s, hips - 4.0, 1.5 + 0.13 * length * s) for s in (0.3, 0.65, 1)
        ]
        sheets.append(tube(surface, lower, 1, stations, parts.SKIRT, 40, waves=1.2))
    if cut["lapel"] > 0:
        neck = joints[row("Neck")] + np.array(
            [0.0, cut["neck"] - joints[row("Neck"), 1] + 1.0, 1.5]
        )
        opening = 0.16 + 0.02 * cut["v_depth"]
        sheets.append(
            collar(surface, neck, 7.0, 5.0 + 0.15 * cut["lapel"], cut["lapel"], opening, parts.FLAP)
        )
    return sheets
