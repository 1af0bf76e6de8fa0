"""Dressing people: kinds of tops and bottoms, their cut, cloth and colours."""

from dataclasses import dataclass

import numpy as np

from dataset.synthetic import clothing as parts
from dataset.synthetic.body import Body
from dataset.synthetic.clothing import (
    BELT,
    BOTTOMS,
    COLLAR,
    FASTENER,
    HAIR,
    LIPS,
    MATERIALS,
    SHOES,
    SKIN,
    SOLE,
    TOP,
    Outfit,
    part_of_bones,
    vertex_normals,
)
from dataset.synthetic.garments import Sheet, Surface, collar, lock, tube
from dataset.synthetic.pose import Pose, stack
from dataset.synthetic.posing import Poser


@dataclass(frozen=True)
class _Top:
    """Ranges of a kind of top, centimetres: (least, greatest)."""

    share: float
    sleeve: str
    thick: tuple[float, float]
    neck: tuple[float, float]  # of the opening above the base of the neck
    v_depth: tuple[float, float]
    collar: tuple[float, float]  # points of a turned-down collar; 0 for none
    band: float  # painted edge of the neckline
    fastener: str  # "zip", "buttons" or ""
    hem: tuple[float, float]  # below the hips
    cuff: tuple[float, float]
    loose: tuple[float, float]


_TOPS = {
    "t-shirt": _Top(
        0.17, "short", (0.5, 1.1), (-1, 2), (1, 4), (0, 0), 1.5, "", (-4, 8), (0, 0), (0.2, 0.8)
    ),
    "v-neck": _Top(
        0.08, "short", (0.4, 1.0), (-1, 1), (6, 13), (0, 0), 1.2, "", (-4, 6), (0, 0), (0.1, 0.7)
    ),
    "pullover": _Top(
        0.13, "long", (1.0, 2.2), (0, 3), (0, 5), (0, 0), 2.5, "", (-2, 8), (0, 4), (0.4, 0.9)
    ),
    "shirt": _Top(
        0.14,
        "long",
        (0.6, 1.3),
        (0, 2),
        (6, 12),
        (7, 10),
        0.0,
        "buttons",
        (2, 12),
        (4, 6),
        (0.4, 0.9),
    ),
    "polo": _Top(
        0.08,
        "short",
        (0.5, 1.0),
        (0, 2),
        (6, 10),
        (5, 7),
        0.0,
        "buttons",
        (0, 8),
        (2, 2),
        (0.3, 0.8),
    ),
    "jacket": _Top(
        0.15,
        "long",
        (1.5, 3.0),
        (-1, 2),
        (7, 13),
        (10, 15),
        0.0,
        "zip",
        (0, 10),
        (0, 5),
        (0.7, 1.0),
    ),
    "hoodie": _Top(
        0.09, "long", (1.6, 3.0), (0, 3), (2, 6), (0, 0), 3.0, "zip", (2, 10), (4, 6), (0.6, 1.0)
    ),
    "turtleneck": _Top(
        0.05, "long", (0.8, 1.6), (4, 6), (0, 1), (0, 0), 4.0, "", (0, 6), (3, 4), (0.1, 0.6)
    ),
    "coat": _Top(
        0.06,
        "long",
        (1.8, 3.0),
        (0, 2),
        (9, 16),
        (11, 16),
        0.0,
        "buttons",
        (16, 32),
        (0, 5),
        (0.7, 1.0),
    ),
    "tank": _Top(
        0.05, "none", (0.3, 0.8), (-3, -1), (6, 11), (0, 0), 1.0, "", (-4, 6), (0, 0), (0.1, 0.6)
    ),
}

#: Kind → (share for men, for women).
_BOTTOMS = {
    "trousers": (0.34, 0.2),
    "jeans": (0.38, 0.26),
    "shorts": (0.2, 0.12),
    "cropped": (0.08, 0.08),
    "leggings": (0.0, 0.12),
    "short skirt": (0.0, 0.12),
    "long skirt": (0.0, 0.1),
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

_SKIN_TONES = np.array(
    [
        (0.91, 0.74, 0.65),
        (0.86, 0.66, 0.55),
        (0.80, 0.60, 0.47),
        (0.70, 0.50, 0.38),
        (0.55, 0.38, 0.28),
        (0.40, 0.27, 0.20),
        (0.30, 0.20, 0.15),
    ]
)


def _cloth_colour(rng: np.random.Generator) -> np.ndarray:
    """A garment's colour, linear: mostly muted, at times vivid."""
    if rng.random() < 0.78:
        colour = _CLOTH[rng.integers(len(_CLOTH))] * rng.uniform(0.5, 1.2)
        return np.clip(colour * (1 + rng.normal(0, 0.06, 3)), 0.03, 0.95) ** 2
    hue, saturation, value = rng.random(), rng.uniform(0.35, 0.85), rng.uniform(0.3, 0.8)
    wheel = np.clip(np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    return (value * (1 - saturation + saturation * wheel)) ** 2


def _smoothed(vertices: np.ndarray, faces: np.ndarray, rounds: int) -> np.ndarray:
    """Vertices moved to the mean of their neighbours, ``rounds`` times."""
    start = faces[:, [0, 1, 2, 1, 2, 0]].ravel()
    end = faces[:, [1, 2, 0, 0, 1, 2]].ravel()
    count = np.maximum(np.bincount(start, minlength=len(vertices)), 1)[:, None]
    for _ in range(rounds):
        total = [np.bincount(start, vertices[end, k], minlength=len(vertices)) for k in range(3)]
        vertices = np.stack(total, -1) / count
    return vertices


def _pick(rng: np.random.Generator, kinds: dict[str, float]) -> str:
    shares = np.array(list(kinds.values()))
    return str(rng.choice(list(kinds), p=shares / shares.sum()))


def _fastener_width(kind: str, rng: np.random.Generator) -> float:
    """Half the width of a zip, radius of a button, centimetres."""
    share = float(rng.random())
    return {"zip": 0.2 + 0.2 * share, "buttons": 0.35 + 0.25 * share, "": 0.0}[kind]


def _dress_code(
    body: Body, tpose: np.ndarray, joints: np.ndarray, rng: np.random.Generator
) -> tuple[str, str, dict[str, float]]:
    """Draw kinds of garments and the cut of all of them."""
    at = {name: joints[row] for row, name in enumerate(body.rig.names)}
    elbow, wrist = at["LeftForeArm"][0], at["LeftHand"][0]
    hips, knee, ankle = at["Hips"][1], at["LeftLeg"][1], at["LeftFoot"][1]
    head = np.isin(body.rig.main_bone, [body.rig.index("Head")])
    middle_line = tpose[head & (np.abs(tpose[:, 0]) < 0.8)]
    nose = middle_line[middle_line[:, 2].argmax()]
    top_kind = _pick(rng, {name: top.share for name, top in _TOPS.items()})
    bottom_kind = _pick(rng, {name: shares[not body.male] for name, shares in _BOTTOMS.items()})
    top = _TOPS[top_kind]

    def within(span: tuple[float, float]) -> float:
        return float(rng.uniform(*span))

    sleeve_end = {
        "long": wrist - rng.uniform(-1.0, 4.0),
        "short": elbow - rng.uniform(2.0, 14.0),
        "none": at["LeftArm"][0] - 3.0,
    }[top.sleeve]
    trouser_end = {
        "shorts": knee + rng.uniform(-4.0, 14.0),
        "cropped": (knee + ankle) / 2,
        "short skirt": hips - 14.0,
        "long skirt": hips - 14.0,
    }.get(bottom_kind, ankle - rng.uniform(-1.0, 4.0))
    skirt_end = {
        "short skirt": knee + rng.uniform(0.0, 14.0),
        "long skirt": ankle + rng.uniform(4.0, 22.0),
    }.get(bottom_kind, 0.0)
    buttons = top.fastener == "buttons"
    return (
        top_kind,
        bottom_kind,
        {
            "armpit": float(at["LeftArm"][0] + 1.5),
            "middle": float(at["Neck"][2] + 1.0),
            "neck": float(at["Neck"][1]) + within(top.neck),
            "v_depth": within(top.v_depth),
            "v_width": float(rng.uniform(5.5, 8.5)),
            "collar": top.band,
            "lapel": within(top.collar),
            "fastener": _fastener_width(top.fastener, rng),
            "buttons": float(buttons),
            "cuff": within(top.cuff),
            "sleeve_end": float(sleeve_end),
            "hem": float(hips - within(top.hem)),
            "belt": float(rng.random() < 0.4),
            "trouser_end": float(trouser_end),
            "skirt_end": float(skirt_end),
            "shoe_top": float(ankle + rng.choice([0.0, 2.0, 8.0], p=[0.5, 0.35, 0.15])),
            "sole": float(tpose[:, 1].min() + rng.uniform(1.2, 3.0)),
            "barefoot": float(rng.random() < 0.12),
            "laces": float(rng.random() < 0.6),
            "foot_middle": float(at["LeftToeBase"][0]),
            "hair_front": float(at["Head"][2] + 1.0),
            "hair_low": float(at["Head"][1] + (-2.0 if not body.male else 3.0)),
            "hair_top": float(tpose[:, 1].max()) - rng.uniform(5.0, 7.0),
            "hair": float(rng.uniform(18.0, 36.0) if not body.male and rng.random() < 0.5 else 0.0),
            "mouth": float(nose[1] - 3.6),
            "lip_front": float(nose[2] - 4.5),
            "stubble": float(rng.uniform(0.15, 0.6) if body.male and rng.random() < 0.4 else 0.0),
            "thick_top": within(top.thick),
            "thick_bottoms": 0.3 if bottom_kind == "leggings" else float(rng.uniform(0.6, 1.8)),
            "loose": within(top.loose),
        },
    )


def _colours(bottom_kind: str, rng: np.random.Generator) -> np.ndarray:
    """(materials, 3) float32 linear."""
    tone = rng.uniform(0, len(_SKIN_TONES) - 1)
    low = int(tone)
    high = min(low + 1, len(_SKIN_TONES) - 1)
    skin = _SKIN_TONES[low] * (1 - (tone - low)) + _SKIN_TONES[high] * (tone - low)
    # Some people's skin is paler than the table's tones, hardly anyone's is redder.
    grey = skin @ np.array([0.3, 0.59, 0.11])
    skin = grey + rng.uniform(0.55, 1.0) * (skin - grey) + rng.normal(0, 0.02)
    skin = np.clip(skin + rng.normal(0, 0.008, 3), 0.05, 1.0) ** 2
    colours = np.zeros((MATERIALS, 3), np.float32)
    colours[SKIN] = skin
    colours[LIPS] = skin * np.array([0.98, 0.66, 0.64]) + np.array([0.03, 0.0, 0.0])
    colours[TOP] = _cloth_colour(rng)
    colours[COLLAR] = colours[TOP] * rng.uniform(0.6, 1.1)
    if rng.random() < 0.45:
        colours[COLLAR] = _cloth_colour(rng)
    colours[FASTENER] = rng.choice([0.05, 0.6, 0.8])
    colours[BOTTOMS] = _cloth_colour(rng)
    if bottom_kind == "jeans":
        colours[BOTTOMS] = np.array([0.03, 0.045, 0.09]) * rng.uniform(0.4, 3.0)
    colours[SHOES] = _cloth_colour(rng)
    colours[SOLE] = rng.choice([0.02, 0.35, 0.75])
    colours[HAIR] = np.array([0.09, 0.06, 0.04]) * rng.uniform(0.15, 3.0)
    colours[BELT] = np.array([0.06, 0.035, 0.02]) * rng.uniform(0.3, 2.0)
    return colours


def dress(body: Body, rng: np.random.Generator) -> Outfit:
    """Draw clothes for a body."""
    rig = body.rig
    joints, turns = (each[0] for each in Poser(body).place(stack([Pose()])))
    tpose = body.skin(joints, turns)
    part_of = part_of_bones(rig.names)
    top_kind, bottom_kind, cut = _dress_code(body, tpose, joints, rng)
    colours = _colours(bottom_kind, rng)
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
        second=_cloth_colour(rng).astype(np.float32),
        pattern=str(rng.choice(patterns, p=shares)),
        pitch=float(rng.uniform(2.5, 9.0)),
        cut=cut,
    )
    vertices = _clothed(body, outfit, part_of)
    clothed = body.skin(joints, turns, vertices)
    surface = Surface(
        clothed.astype(float), vertex_normals(clothed, rig.faces).astype(float), rig.weights
    )
    sheets = _sheets(surface, part_of[rig.main_bone], cut, top_kind, joints, body)
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
    top_kind: str,
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


def _clothed(body: Body, outfit: Outfit, part_of: np.ndarray) -> np.ndarray:
    """The rest surface with the thickness of the cloth: smoother than skin and further out."""
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
