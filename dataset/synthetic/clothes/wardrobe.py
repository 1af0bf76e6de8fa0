"""Dressing people: kinds and measures of clothes, the cloth over a body, and the sheets off it."""

from typing import NamedTuple

import numpy as np

from dataset.synthetic.body.body_model import Body
from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.clothes import materials
from dataset.synthetic.clothes.garment_meshes import Surface, make_sheets
from dataset.synthetic.clothes.materials import BodyPart, Cut, Material, Outfit
from dataset.synthetic.meshes import smoothed, vertex_normals

_PATTERNS = ("plain", "stripes", "pinstripes", "checks", "block")
_UPPER = (Material.TOP, Material.COLLAR, Material.FASTENER)
_LOWER = (Material.BOTTOMS, Material.BELT)
Span = tuple[float, float]


class Top(NamedTuple):
    """A kind of top; spans are least and greatest centimetres."""

    share: float  # of people
    sleeve: str
    fastener: str
    band: float  # painted edge of the neckline
    thick: Span
    neck: Span  # of the opening above the base of the neck
    v_depth: Span
    collar: Span  # points of a turned-down collar; 0 for none
    hem: Span  # below the hips
    cuff: Span
    loose: Span


TOPS = {kind: Top(*row) for kind, row in {
    "t-shirt": (.17, "short", "", 1.5, (.5,1.1), (-1,2), (1,4), (0,0), (-4,8), (0,0), (.2,.8)),
    "v-neck": (.08, "short", "", 1.2, (.4,1.0), (-1,1), (6,13), (0,0), (-4,6), (0,0), (.1,.7)),
    "pullover": (.13, "long", "", 2.5, (1.0,2.2), (0,3), (0,5), (0,0), (-2,8), (0,4), (.4,.9)),
    "shirt": (.14, "long", "buttons", 0, (.6,1.3), (0,2), (6,12), (7,10), (2,12), (4,6), (.4,.9)),
    "polo": (.08, "short", "buttons", 0, (.5,1.0), (0,2), (6,10), (5,7), (0,8), (2,2), (.3,.8)),
    "jacket": (.15, "long", "zip", 0, (1.5,3.0), (-1,2), (7,13), (10,15), (0,10), (0,5), (.7,1.0)),
    "hoodie": (.09, "long", "zip", 3.0, (1.6,3.0), (0,3), (2,6), (0,0), (2,10), (4,6), (.6,1.0)),
    "turtleneck": (.05, "long", "", 4.0, (.8,1.6), (4,6), (0,1), (0,0), (0,6), (3,4), (.1,.6)),
    "coat": (.06, "long", "buttons", 0, (1.8,3), (0,2), (9,16), (11,16), (16,32), (0,5), (.7,1.0)),
    "tank": (.05, "none", "", 1.0, (.3,.8), (-3,-1), (6,11), (0,0), (-4,6), (0,0), (.1,.6)),
}.items()}  # fmt: skip
#: Kind → (share for men, for women).
BOTTOMS = {
    "trousers": (0.34, 0.2), "jeans": (0.38, 0.26), "shorts": (0.2, 0.12), "cropped": (0.08, 0.08),
    "leggings": (0.0, 0.12), "short skirt": (0.0, 0.12), "long skirt": (0.0, 0.1),
}  # fmt: skip
#: Half the width of a zip or radius of a button, centimetres: least, and what is added at most.
_FASTENERS = {"zip": (0.2, 0.2), "buttons": (0.35, 0.25), "": (0.0, 0.0)}


def draw_cut(
    body: Body, tpose: np.ndarray, joints: np.ndarray, rng: np.random.Generator
) -> tuple[str, str, Cut]:
    """Draw the kinds of top and bottoms, and the measures of all garments, of
    a body with skin (V, 3) and joints (J, 3) in the T-pose."""

    def pick(shares: dict[str, float]) -> str:
        p = np.array(list(shares.values()))
        return str(rng.choice(list(shares), p=p / p.sum()))

    at = {name: joints[row] for row, name in enumerate(body.rig.names)}
    elbow, wrist = at["LeftForeArm"][0], at["LeftHand"][0]
    hips, knee, ankle = at["Hips"][1], at["LeftLeg"][1], at["LeftFoot"][1]
    head = body.rig.main_bone == body.rig.index("Head")
    middle_line = tpose[head & (np.abs(tpose[:, 0]) < 0.8)]
    _, nose, nose_front = middle_line[middle_line[:, 2].argmax()]
    top_kind = pick({name: top.share for name, top in TOPS.items()})
    bottom_kind = pick({name: shares[not body.male] for name, shares in BOTTOMS.items()})
    top, arm = TOPS[top_kind], at["LeftArm"][0]
    # All are drawn, so that one choice does not change the others.
    long, short = wrist - rng.uniform(-1.0, 4.0), elbow - rng.uniform(2.0, 14.0)
    sleeve_end = {"long": long, "short": short, "none": arm - 3.0}[top.sleeve]
    shorts, trousers = knee + rng.uniform(-4.0, 14.0), ankle - rng.uniform(-1.0, 4.0)
    trouser_end = {
        **{"shorts": shorts, "cropped": (knee + ankle) / 2},
        **dict.fromkeys(("short skirt", "long skirt"), hips - 14.0),
    }.get(bottom_kind, trousers)
    short, long = knee + rng.uniform(0.0, 14.0), ankle + rng.uniform(4.0, 22.0)
    skirt_end = {"short skirt": short, "long skirt": long}.get(bottom_kind, 0.0)
    fastener, wider = _FASTENERS[top.fastener]
    cut = {
        "armpit": arm + 1.5, "middle": at["Neck"][2] + 1.0,
        "neck": at["Neck"][1] + rng.uniform(*top.neck),
        "v_depth": rng.uniform(*top.v_depth), "v_width": rng.uniform(5.5, 8.5),
        "collar": top.band, "lapel": rng.uniform(*top.collar),
        "fastener": fastener + wider * rng.random(), "buttons": top.fastener == "buttons",
        "cuff": rng.uniform(*top.cuff), "sleeve_end": sleeve_end,
        "hem": hips - rng.uniform(*top.hem), "belt": rng.random() < 0.4,
        "trouser_end": trouser_end, "skirt_end": skirt_end,
        "shoe_top": ankle + rng.choice([0.0, 2.0, 8.0], p=[0.5, 0.35, 0.15]),
        "sole": tpose[:, 1].min() + rng.uniform(1.2, 3.0), "barefoot": rng.random() < 0.12,
        "laces": rng.random() < 0.6, "foot_middle": at["LeftToeBase"][0],
        "hair_front": at["Head"][2] + 1.0, "hair_low": at["Head"][1] + (3.0 if body.male else -2.0),
        "hair_top": float(tpose[:, 1].max()) - rng.uniform(5.0, 7.0),
        "hair": rng.uniform(18.0, 36.0) if not body.male and rng.random() < 0.5 else 0.0,
        "mouth": nose - 3.6, "lip_front": nose_front - 4.5,
        "stubble": rng.uniform(0.15, 0.6) if body.male and rng.random() < 0.4 else 0.0,
        "thick_top": rng.uniform(*top.thick),
        "thick_bottoms": 0.3 if bottom_kind == "leggings" else rng.uniform(0.6, 1.8),
        "loose": rng.uniform(*top.loose),
    }  # fmt: skip
    return top_kind, bottom_kind, {name: float(value) for name, value in cut.items()}


def dress(body: Body, rng: np.random.Generator) -> Outfit:
    """Draw clothes for a body: cut first, then colours and pattern, then the shape that follows."""
    rig = body.rig
    joints, turns = (each[0] for each in Poser(body).place(stack([BodyPose()])))
    tpose = body.skin(joints, turns)
    top_kind, bottom_kind, cut = draw_cut(body, tpose, joints, rng)
    colours = materials.material_colours(top_kind, bottom_kind, rng)
    heavy = top_kind in ("jacket", "coat", "hoodie")
    shares = [0.9, 0.0, 0.04, 0.02, 0.04] if heavy else [0.62, 0.14, 0.07, 0.09, 0.08]
    second = materials.cloth_colour(rng).astype(np.float32)
    pattern, pitch = str(rng.choice(_PATTERNS, p=shares)), float(rng.uniform(2.5, 9.0))

    part = materials.part_of_bones(rig.names)[rig.main_bone]
    vertices = _clothed_surface(body, cut, part, tpose)
    worn = body.skin(joints, turns, vertices, rig.weights)
    normals = vertex_normals(worn, rig.faces).astype(float)
    surface = Surface(worn.astype(float), normals, rig.weights, part)
    sheets = make_sheets(surface, cut, dict(zip(rig.names, joints, strict=True)))
    points, faces, weights, parts = zip(*sheets, strict=True)
    starts = np.cumsum([len(vertices), *map(len, points)])
    faces = [own + start for own, start in zip(faces, starts, strict=False)]
    face_part = [np.full(len(own), kind) for own, kind in zip(faces, parts, strict=True)]
    points, weights = np.concatenate(points), np.concatenate(weights)
    rest = body.unskin(joints, turns, points, weights)
    return Outfit(
        np.concatenate([vertices, rest]).astype(np.float32),
        np.concatenate([rig.faces, *faces]).astype(np.int32),
        np.concatenate([rig.weights, weights]),
        np.concatenate([tpose, points]).astype(np.float32),
        np.concatenate([part[rig.faces[:, 0]], *face_part]),
        *(cut, colours, second, pattern, pitch),
    )


def _clothed_surface(body: Body, cut: Cut, part: np.ndarray, tpose: np.ndarray) -> np.ndarray:
    """(V, 3) float32 centimetres: the rest pose in cloth, smoother than skin and further out."""
    faces, material = body.rig.faces, materials.material_at(cut, part, tpose)
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
    """Let a top hang from where the chest is widest: the outline of a slice of the trunk may fall
    inside the one above by a little only, followed by as much as the cut is loose."""
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
