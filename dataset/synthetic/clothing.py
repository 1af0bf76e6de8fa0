"""What a person wears: which material covers which point of the skin, in what colour and how thick.

Everything is decided in the T-pose (x along the arms, y up, z forward, centimetres), per point, so
that borders, stripes and zips stay sharp however large the triangles are in the picture.
"""

from dataclasses import dataclass

import numpy as np

from dataset.synthetic.body import Body
from dataset.synthetic.posing import Pose, Poser, stack

SKIN, TOP, COLLAR, FASTENER, BOTTOMS, SHOES, SOLE, HAIR, LIPS, BELT = range(10)
_MATERIALS = 10

_HEAD, _TRUNK, _ARM, _HAND, _LEG, _FOOT = range(6)
_PART_OF = {
    "Head": _HEAD,
    "Neck": _TRUNK,
    "Hips": _TRUNK,
    "Spine": _TRUNK,
    "Spine1": _TRUNK,
    "Spine2": _TRUNK,
    "Shoulder": _TRUNK,
    "Arm": _ARM,
    "ForeArm": _ARM,
    "UpLeg": _LEG,
    "Leg": _LEG,
    "Foot": _FOOT,
    "ToeBase": _FOOT,
}

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


def part_of_bones(names: tuple[str, ...]) -> np.ndarray:
    """(J,) body part of each bone."""
    plain = [name.removeprefix("Left").removeprefix("Right") for name in names]
    return np.array([_PART_OF.get(name, _HAND) for name in plain])


@dataclass(frozen=True)
class Outfit:
    """Clothes and colours of one person.

    Attributes:
        vertices: (V, 3) float32 clothed surface at rest, centimetres.
        tpose: (V, 3) float32 the skin in the T-pose, where materials are decided.
        face_part: (F,) body part of each triangle.
        colours: (materials, 3) linear colours in [0, 1].
        second: (3,) linear colour of the top's pattern.
        pattern: name of the pattern.
        pitch: repeat of the pattern, centimetres.
        cut: measures of the garments, centimetres.
    """

    vertices: np.ndarray
    tpose: np.ndarray
    face_part: np.ndarray
    colours: np.ndarray
    second: np.ndarray
    pattern: str
    pitch: float
    cut: dict[str, float]

    def _on_arm(self, part: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Points of arm and hand, told from the trunk by place and not by triangle."""
        return (part == _HAND) | (((part == _ARM) | (part == _TRUNK)) & (x > self.cut["armpit"]))

    def material(self, part: np.ndarray, point: np.ndarray) -> np.ndarray:
        """Material of (N, 3) T-pose points on parts (N,): (N,) ids."""
        cut = self.cut
        x, y, z = np.abs(point[:, 0]), point[:, 1], point[:, 2]
        front = z > cut["middle"]
        arm = self._on_arm(part, x)
        trunk, leg = ((part == _TRUNK) | (part == _ARM)) & ~arm, part == _LEG
        material = np.zeros(len(point), np.int8)

        material[leg & (y > cut["trouser_end"])] = BOTTOMS
        material[trunk] = TOP
        below = (trunk | leg) & (y < cut["hem"])
        material[trunk & below] = BOTTOMS
        material[leg & (y >= cut["hem"])] = TOP
        if cut["belt"]:
            material[trunk & below & (y > cut["hem"] - 3.5)] = BELT

        line = cut["neck"] - front * cut["v_depth"] * np.clip(1 - x / cut["v_width"], 0, 1)
        material[trunk & (y > line)] = SKIN
        collar = trunk & (y <= line) & (y > line - cut["collar"]) & (x < 13.0)
        material[collar & (y > cut["neck"] - cut["v_depth"] - cut["collar"])] = COLLAR
        if cut["fastener"] > 0:
            middle = trunk & front & (x < cut["fastener"]) & (y < line) & (y > cut["hem"])
            if cut["buttons"]:
                middle &= x**2 + ((y % 9.0) - 4.5) ** 2 < cut["fastener"] ** 2
            material[middle] = FASTENER

        material[arm & (x < cut["sleeve_end"])] = TOP
        material[arm & (x < cut["sleeve_end"]) & (x > cut["sleeve_end"] - cut["cuff"])] = COLLAR

        shod = (part == _FOOT) | (leg & (y < cut["shoe_top"]))
        material[shod] = SHOES
        material[shod & (y < cut["sole"])] = SOLE

        head = part == _HEAD
        material[head & ((z < cut["hair_front"]) & (y > cut["hair_low"]))] = HAIR
        material[head & (y > cut["hair_top"])] = HAIR
        thin = 0.95 - 0.05 * np.minimum(x, 2.7)  # towards the corners of the mouth
        lips = (x / 2.7) ** 2 + ((y - cut["mouth"]) / thin) ** 2 < 1
        material[head & (z > cut["lip_front"]) & lips] = LIPS
        return material

    def colour(self, part: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Linear colour (N, 3) float32 and material (N,) of T-pose points on parts."""
        material = self.material(part, point)
        colour = self.colours[material]
        if self.pattern != "plain":
            rows = np.flatnonzero(material == TOP)
            arm = self._on_arm(part[rows], np.abs(point[rows, 0]))
            along = np.where(arm, np.abs(point[rows, 0]), point[rows, 1])
            across = np.where(arm, point[rows, 1], point[rows, 0])
            first = (along / self.pitch) % 1.0 < 0.42
            other = (across / self.pitch) % 1.0 < 0.42
            marked = {
                "stripes": first,
                "pinstripes": (across / self.pitch) % 1.0 < 0.15,
                "checks": first ^ other,
                "block": along > self.pitch * 13.0,
            }[self.pattern]
            colour[rows[marked]] = self.second
        if self.cut["stubble"] > 0:
            x, y, z = np.abs(point[:, 0]), point[:, 1], point[:, 2]
            shaved = (part == _HEAD) & (material == SKIN) & (y < self.cut["mouth"] + 1.6)
            shaved &= z > self.cut["middle"] + 1.0
            colour[shaved] *= 1 - self.cut["stubble"]
            moustache = shaved & (x < 1.5) & (y > self.cut["mouth"] + 0.8)
            colour[moustache] *= 1 - 0.3 * self.cut["stubble"]
        return colour, material


def _cloth_colour(rng: np.random.Generator) -> np.ndarray:
    """A garment's colour: often dark or muted, sometimes vivid or white; linear."""
    hue = rng.random()
    kind = rng.random()
    if kind < 0.35:
        saturation, value = rng.uniform(0.0, 0.35), rng.uniform(0.08, 0.4)
    elif kind < 0.6:
        saturation, value = rng.uniform(0.1, 0.4), rng.uniform(0.3, 0.75)
    elif kind < 0.85:
        saturation, value = rng.uniform(0.5, 0.95), rng.uniform(0.3, 0.85)
    else:
        saturation, value = rng.uniform(0.0, 0.08), rng.uniform(0.75, 0.95)
    wheel = np.clip(np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    return (value * (1 - saturation + saturation * wheel)) ** 2


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals of a mesh, weighted by area."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    corners = faces.ravel()
    weight = np.repeat(normal, 3, axis=0)
    total = np.stack(
        [np.bincount(corners, weight[:, k], minlength=len(vertices)) for k in range(3)], -1
    )
    return (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)).astype(
        np.float32
    )


def _smoothed(vertices: np.ndarray, faces: np.ndarray, rounds: int) -> np.ndarray:
    """Vertices moved to the mean of their neighbours, ``rounds`` times."""
    start = faces[:, [0, 1, 2, 1, 2, 0]].ravel()
    end = faces[:, [1, 2, 0, 0, 1, 2]].ravel()
    count = np.maximum(np.bincount(start, minlength=len(vertices)), 1)[:, None]
    for _ in range(rounds):
        total = [np.bincount(start, vertices[end, k], minlength=len(vertices)) for k in range(3)]
        vertices = np.stack(total, -1) / count
    return vertices


def _dress_code(body: Body, tpose: np.ndarray, joints: np.ndarray, rng: np.random.Generator):
    """Draw the cut of all garments."""
    at = {name: joints[row] for row, name in enumerate(body.rig.names)}
    elbow, wrist = at["LeftForeArm"][0], at["LeftHand"][0]
    hips, knee, ankle = at["Hips"][1], at["LeftLeg"][1], at["LeftFoot"][1]
    head = np.isin(body.rig.main_bone, [body.rig.index("Head")])
    middle_line = tpose[head & (np.abs(tpose[:, 0]) < 0.8)]
    nose = middle_line[middle_line[:, 2].argmax()]
    top = float(tpose[:, 1].max())
    jacket = rng.random() < 0.4
    sleeve = rng.choice(["long", "short", "none"], p=[0.62, 0.33, 0.05])
    if jacket:
        sleeve = "long"
    sleeve_end = {
        "long": wrist - rng.uniform(-1.0, 4.0),
        "short": elbow - rng.uniform(2.0, 14.0),
        "none": at["LeftArm"][0] - 3.0,
    }[sleeve]
    legs = rng.choice(["long", "shorts", "cropped"], p=[0.74, 0.18, 0.08])
    trouser_end = {
        "long": ankle - rng.uniform(-1.0, 5.0),
        "shorts": knee + rng.uniform(-4.0, 14.0),
        "cropped": (knee + ankle) / 2,
    }[legs]
    v_neck = rng.random() < 0.45
    return {
        "armpit": float(at["LeftArm"][0] + 1.5),
        "middle": float(at["Neck"][2] + 1.0),
        "neck": float(at["Neck"][1] + rng.uniform(-1.0, 3.0)),
        "v_depth": float(rng.uniform(6.0, 15.0) if v_neck or jacket else rng.uniform(1.5, 4.0)),
        "v_width": float(rng.uniform(6.0, 9.0)),
        "collar": float(rng.uniform(4.0, 8.0) if jacket else rng.choice([0.0, 1.5, 2.5])),
        "fastener": float(rng.uniform(0.5, 0.9) if jacket or rng.random() < 0.25 else 0.0),
        "buttons": float(rng.random() < 0.5),
        "cuff": float(rng.choice([0.0, 2.0, 4.0])),
        "sleeve_end": float(sleeve_end),
        "hem": float(hips - rng.uniform(-6.0, 8.0) - (rng.uniform(0, 18) if jacket else 0.0)),
        "belt": float(rng.random() < 0.4),
        "trouser_end": float(trouser_end),
        "shoe_top": float(ankle + rng.choice([0.0, 2.0, 8.0], p=[0.5, 0.35, 0.15])),
        "sole": float(tpose[:, 1].min() + rng.uniform(1.2, 3.0)),
        "hair_front": float(at["Head"][2] + 1.0),
        "hair_low": float(at["Head"][1] + (-2.0 if not body.male else 3.0)),
        "hair_top": top - rng.uniform(5.0, 7.0),
        "mouth": float(nose[1] - 3.6),
        "lip_front": float(nose[2] - 4.5),
        "stubble": float(rng.uniform(0.15, 0.6) if body.male and rng.random() < 0.4 else 0.0),
        "thick_top": float(rng.uniform(1.2, 2.4) if jacket else rng.uniform(0.5, 1.4)),
        "thick_bottoms": float(rng.uniform(0.5, 1.8)),
    }


def dress(body: Body, rng: np.random.Generator) -> Outfit:
    """Draw clothes for a body."""
    rig = body.rig
    joints, turns = Poser(body).place(stack([Pose()]))
    tpose = body.skin(joints[0], turns[0])
    parts = part_of_bones(rig.names)
    cut = _dress_code(body, tpose, joints[0], rng)

    tone = rng.uniform(0, len(_SKIN_TONES) - 1)
    low = int(tone)
    high = min(low + 1, len(_SKIN_TONES) - 1)
    skin = _SKIN_TONES[low] * (1 - (tone - low)) + _SKIN_TONES[high] * (tone - low)
    skin = np.clip(skin + rng.normal(0, 0.015, 3), 0.05, 1.0) ** 2
    colours = np.zeros((_MATERIALS, 3), np.float32)
    colours[SKIN] = skin
    colours[LIPS] = skin * np.array([0.95, 0.55, 0.55]) + np.array([0.03, 0.0, 0.0])
    colours[TOP] = _cloth_colour(rng)
    colours[COLLAR] = _cloth_colour(rng) if rng.random() < 0.4 else colours[TOP] * 0.75
    colours[FASTENER] = rng.choice([0.05, 0.6, 0.8])
    colours[BOTTOMS] = _cloth_colour(rng)
    if rng.random() < 0.4:  # denim
        colours[BOTTOMS] = np.array([0.03, 0.05, 0.11]) * rng.uniform(0.4, 3.0)
    colours[SHOES] = _cloth_colour(rng)
    colours[SOLE] = rng.choice([0.02, 0.35, 0.75])
    colours[HAIR] = np.array([0.09, 0.06, 0.04]) * rng.uniform(0.15, 3.0)
    colours[BELT] = np.array([0.06, 0.035, 0.02]) * rng.uniform(0.3, 2.0)

    patterns = ("plain", "stripes", "pinstripes", "checks", "block")
    outfit = Outfit(
        vertices=body.vertices,
        tpose=tpose,
        face_part=parts[rig.main_bone[rig.faces[:, 0]]],
        colours=colours,
        second=_cloth_colour(rng).astype(np.float32),
        pattern=str(rng.choice(patterns, p=[0.5, 0.18, 0.08, 0.1, 0.14])),
        pitch=float(rng.uniform(2.5, 9.0)),
        cut=cut,
    )
    return Outfit(**{**vars(outfit), "vertices": _clothed(body, outfit, parts)})


def _clothed(body: Body, outfit: Outfit, parts: np.ndarray) -> np.ndarray:
    """The rest surface with the thickness of the cloth: smoother than skin and further out."""
    rig, cut = body.rig, outfit.cut
    material = outfit.material(parts[rig.main_bone], outfit.tpose)
    thickness = np.zeros(_MATERIALS, np.float32)
    thickness[[TOP, FASTENER]] = cut["thick_top"]
    thickness[COLLAR] = cut["thick_top"] + 0.5
    thickness[[BOTTOMS, BELT]] = cut["thick_bottoms"]
    thickness[[SHOES, SOLE]] = 0.6
    thickness[HAIR] = 1.2
    depth = _smoothed(thickness[material][:, None].repeat(3, 1), rig.faces, 1)[:, :1]
    cloth = np.isin(material, (TOP, COLLAR, FASTENER, BOTTOMS, BELT))
    smooth = _smoothed(body.vertices, rig.faces, 6)
    base = np.where(cloth[:, None], smooth, body.vertices)
    return (base + vertex_normals(base, rig.faces) * depth).astype(np.float32)
