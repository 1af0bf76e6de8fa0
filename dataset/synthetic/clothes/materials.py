"""What a person wears: which material covers which point of the surface, and in what colour.

Decided per point of the T-pose (x along the arms, y up, z forward, centimetres), so that borders,
stripes and zips stay sharp however large the triangles are in the picture."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from dataset.synthetic.scene.textures import LUMA

#: Measures of what a person wears, by name: centimetres, or 0 and 1 for what there is not or is.
Cut = dict[str, float]


class Material(IntEnum):
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
_CLOTH = np.array([
    (0.12, 0.12, 0.13), (0.20, 0.20, 0.22), (0.33, 0.34, 0.36), (0.55, 0.55, 0.56),
    (0.86, 0.86, 0.84), (0.93, 0.92, 0.88), (0.14, 0.18, 0.28), (0.22, 0.30, 0.42),
    (0.40, 0.50, 0.62), (0.30, 0.29, 0.22), (0.38, 0.38, 0.28), (0.48, 0.40, 0.30),
    (0.66, 0.56, 0.44), (0.36, 0.24, 0.18), (0.45, 0.14, 0.15), (0.62, 0.28, 0.24),
    (0.16, 0.28, 0.22), (0.34, 0.44, 0.36), (0.62, 0.48, 0.52), (0.30, 0.22, 0.32),
    (0.72, 0.60, 0.30), (0.78, 0.70, 0.62),
])  # fmt: skip
SKIN_TONES = np.array([
    (0.91, 0.74, 0.65), (0.86, 0.66, 0.55), (0.80, 0.60, 0.47), (0.70, 0.50, 0.38),
    (0.55, 0.38, 0.28), (0.40, 0.27, 0.20), (0.30, 0.20, 0.15),
])  # fmt: skip


def part_of_bones(names: tuple[str, ...]) -> np.ndarray:
    """(J,) body part of each bone."""
    plain = (name.removeprefix("Left").removeprefix("Right") for name in names)
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
    grey = skin @ LUMA
    skin = grey + rng.uniform(0.55, 1.0) * (skin - grey) + rng.normal(0, 0.02)
    skin = np.clip(skin + rng.normal(0, 0.008, 3), 0.05, 1.0) ** 2
    colours, of = np.zeros((len(Material), 3), np.float32), Material
    colours[of.SKIN], colours[of.LIPS] = skin, skin * [0.98, 0.66, 0.64] + [0.03, 0.0, 0.0]
    colours[of.TOP] = cloth_colour(rng)
    if top_kind in ("jacket", "coat"):  # outdoor clothes are darker
        colours[of.TOP] *= rng.uniform(0.15, 1.0)
    colours[of.COLLAR] = colours[of.TOP] * rng.uniform(0.6, 1.1)
    if rng.random() < 0.45:
        colours[of.COLLAR] = cloth_colour(rng)
    colours[of.FASTENER] = rng.choice([0.05, 0.6, 0.8])
    colours[of.BOTTOMS] = cloth_colour(rng)
    if bottom_kind == "jeans":
        colours[of.BOTTOMS] = np.array([0.03, 0.045, 0.09]) * rng.uniform(0.4, 3.0)
    colours[of.SHOES] = cloth_colour(rng)
    colours[of.SOLE] = rng.choice([0.02, 0.35, 0.75])
    colours[of.HAIR] = np.array([0.09, 0.06, 0.04]) * rng.uniform(0.15, 3.0)
    colours[of.BELT] = np.array([0.06, 0.035, 0.02]) * rng.uniform(0.3, 2.0)
    return colours


def _on_arm(cut: Cut, part: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Points of arm and hand, told from the trunk by place and not by triangle."""
    upper = np.isin(part, (BodyPart.ARM, BodyPart.TRUNK)) & (x > cut["armpit"])
    return np.isin(part, (BodyPart.HAND, BodyPart.SLEEVE)) | upper


def material_at(cut: Cut, part: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Material of (N, 3) T-pose points on parts (N,), by the measures of the clothes: (N,) ids."""
    x, y, z = np.abs(point[:, 0]), point[:, 1], point[:, 2]
    front, arm = z > cut["middle"], _on_arm(cut, part, x)
    trunk, leg = np.isin(part, (BodyPart.TRUNK, BodyPart.ARM)) & ~arm, part == BodyPart.LEG
    material = np.zeros(len(point), np.int8)

    material[leg & (y > cut["trouser_end"])] = Material.BOTTOMS
    material[trunk] = Material.TOP
    below = y < cut["hem"]
    material[trunk & below] = Material.BOTTOMS
    material[leg & ~below] = Material.TOP
    if cut["belt"]:
        material[trunk & below & (y > cut["hem"] - 3.5)] = Material.BELT

    line = cut["neck"] - front * cut["v_depth"] * np.clip(1 - x / cut["v_width"], 0, 1)
    material[trunk & (y > line)] = Material.SKIN
    collar = trunk & (y <= line) & (y > line - cut["collar"]) & (x < 13.0)
    material[collar & (y > cut["neck"] - cut["v_depth"] - cut["collar"])] = Material.COLLAR
    if cut["fastener"] > 0:
        chest = trunk & front & (y < line)
        middle = chest & (x < cut["fastener"]) & (y > cut["hem"])
        if cut["buttons"]:
            middle &= x**2 + ((y % 9.0) - 4.5) ** 2 < cut["fastener"] ** 2
        else:  # the slider of a zip
            middle |= chest & (x < 0.65) & (y < line - 1.0) & (y > line - 4.0)
        material[middle] = Material.FASTENER

    cuff = x > cut["sleeve_end"] - cut["cuff"]
    sleeve = arm & (x < cut["sleeve_end"])
    material[sleeve] = Material.TOP
    material[sleeve & cuff] = Material.COLLAR

    if not cut["barefoot"]:
        shod = (part == BodyPart.FOOT) | (leg & (y < cut["shoe_top"]))
        material[shod] = Material.SHOES
        material[shod & (y < cut["sole"])] = Material.SOLE
        laces = shod & (y > cut["sole"] + 2.0) & (np.abs(x - cut["foot_middle"]) < 1.6)
        laces &= (z > cut["middle"] + 2.0) & (z % 1.4 < 0.5) & (cut["laces"] > 0)
        material[laces] = Material.SOLE

    head = part == BodyPart.HEAD
    material[head & (z < cut["hair_front"]) & (y > cut["hair_low"])] = Material.HAIR
    material[head & (y > cut["hair_top"])] = Material.HAIR
    thin = 0.95 - 0.05 * np.minimum(x, 2.7)  # towards the corners of the mouth
    lips = (x / 2.7) ** 2 + ((y - cut["mouth"]) / thin) ** 2 < 1
    material[head & (z > cut["lip_front"]) & lips] = Material.LIPS
    material[np.isin(part, (BodyPart.SLEEVE, BodyPart.HEM))] = Material.TOP
    material[np.isin(part, (BodyPart.TROUSER_LEG, BodyPart.SKIRT))] = Material.BOTTOMS
    material[part == BodyPart.LONG_HAIR] = Material.HAIR
    material[(part == BodyPart.COLLAR) | ((part == BodyPart.SLEEVE) & cuff)] = Material.COLLAR
    return material


class Outfit(NamedTuple):
    # (V, 3) float32 clothed surface at rest, centimetres: the body's own vertices, then the sheets'
    vertices: np.ndarray
    faces: np.ndarray  # (F, 3) int32
    weights: np.ndarray  # (V, J) float32 skinning weights
    tpose: np.ndarray  # (V, 3) float32 the surface in the T-pose, where materials are decided
    face_part: np.ndarray  # (F,) part of the body, or kind of sheet, of each triangle
    cut: Cut  # measures of the garments, see :func:`wardrobe.draw_cut`
    colours: np.ndarray  # (materials, 3) linear colours in [0, 1]
    second: np.ndarray  # (3,) linear colour of the top's pattern
    pattern: str  # name of the pattern
    pitch: float  # repeat of the pattern, centimetres

    def colour(self, part: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Linear colour (N, 3) float32 and material (N,) of T-pose points on parts."""
        material = material_at(self.cut, part, point)
        colour = self.colours[material]
        if self.pattern != "plain":
            rows = np.flatnonzero(material == Material.TOP)
            x, y = point[rows, 0], point[rows, 1]
            arm = _on_arm(self.cut, part[rows], np.abs(x))
            along, across = np.where(arm, np.abs(x), y), np.where(arm, y, x)
            first = (along / self.pitch) % 1.0 < 0.42
            marked = {
                "stripes": first,
                "pinstripes": (across / self.pitch) % 1.0 < 0.15,
                "checks": first ^ ((across / self.pitch) % 1.0 < 0.42),
                "block": along > self.pitch * 13.0,
            }[self.pattern]
            colour[rows[marked]] = self.second
        if self.cut["stubble"] > 0:
            x, y, z = np.abs(point[:, 0]), point[:, 1], point[:, 2]
            shaved = (part == BodyPart.HEAD) & (material == Material.SKIN)
            shaved &= (y < self.cut["mouth"] + 1.6) & (z > self.cut["middle"] + 1.0)
            colour[shaved] *= 1 - self.cut["stubble"]
            moustache = shaved & (x < 1.5) & (y > self.cut["mouth"] + 0.8)
            colour[moustache] *= 1 - 0.3 * self.cut["stubble"]
        return colour, material
