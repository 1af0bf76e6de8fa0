"""What a person wears: which material covers which point of the surface, and in what colour.

Everything is decided in the T-pose (x along the arms, y up, z forward, centimetres), per point, so
that borders, stripes and zips stay sharp however large the triangles are in the picture.
"""

from dataclasses import dataclass

import numpy as np

from dataset.synthetic.clothes.materials import BodyPart, Material


def _on_arm(cut: dict[str, float], part: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Points of arm and hand, told from the trunk by place and not by triangle."""
    upper = np.isin(part, (BodyPart.ARM, BodyPart.TRUNK)) & (x > cut["armpit"])
    return np.isin(part, (BodyPart.HAND, BodyPart.SLEEVE)) | upper


def material_at(cut: dict[str, float], part: np.ndarray, point: np.ndarray) -> np.ndarray:
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


@dataclass(frozen=True)
class Outfit:
    """Clothes and colours of one person."""

    # (V, 3) float32 clothed surface at rest, centimetres: the body's own vertices, then the sheets'
    vertices: np.ndarray
    faces: np.ndarray  # (F, 3) int32
    weights: np.ndarray  # (V, J) float32 skinning weights
    tpose: np.ndarray  # (V, 3) float32 the surface in the T-pose, where materials are decided
    face_part: np.ndarray  # (F,) part of the body, or kind of sheet, of each triangle
    cut: dict[str, float]  # measures of the garments, see :func:`cuts.draw_cut`
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
