"""What a person wears: which material covers which point of the surface, and in what colour.

Everything is decided in the T-pose (x along the arms, y up, z forward, centimetres), per point, so
that borders, stripes and zips stay sharp however large the triangles are in the picture.
"""

from dataclasses import dataclass

import numpy as np

SKIN, TOP, COLLAR, FASTENER, BOTTOMS, SHOES, SOLE, HAIR, LIPS, BELT = range(10)
MATERIALS = 10

HEAD, TRUNK, ARM, HAND, LEG, FOOT = range(6)
#: Sheets that stand off the body, see :mod:`sheets`.
FLAP, SLEEVE, HEM, TROUSER, SKIRT, LOCK = range(6, 12)
_SHEET_MATERIAL = {
    FLAP: COLLAR,
    SLEEVE: TOP,
    HEM: TOP,
    TROUSER: BOTTOMS,
    SKIRT: BOTTOMS,
    LOCK: HAIR,
}
_PART_OF = {
    "Head": HEAD,
    "Neck": TRUNK,
    "Hips": TRUNK,
    "Spine": TRUNK,
    "Spine1": TRUNK,
    "Spine2": TRUNK,
    "Shoulder": TRUNK,
    "Arm": ARM,
    "ForeArm": ARM,
    "UpLeg": LEG,
    "Leg": LEG,
    "Foot": FOOT,
    "ToeBase": FOOT,
}


def part_of_bones(names: tuple[str, ...]) -> np.ndarray:
    """(J,) body part of each bone."""
    plain = [name.removeprefix("Left").removeprefix("Right") for name in names]
    return np.array([_PART_OF.get(name, HAND) for name in plain])


@dataclass(frozen=True)
class Outfit:
    """Clothes and colours of one person.

    Attributes:
        vertices: (V, 3) float32 clothed surface at rest, centimetres: the body's own vertices,
            then those of collars, open sleeves, skirts and hair.
        faces: (F, 3) int32.
        weights: (V, J) float32 skinning weights.
        tpose: (V, 3) float32 the surface in the T-pose, where materials are decided.
        face_part: (F,) part of the body, or kind of sheet, of each triangle.
        colours: (materials, 3) linear colours in [0, 1].
        second: (3,) linear colour of the top's pattern.
        pattern: name of the pattern.
        pitch: repeat of the pattern, centimetres.
        cut: measures of the garments, centimetres.
    """

    vertices: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    tpose: np.ndarray
    face_part: np.ndarray
    colours: np.ndarray
    second: np.ndarray
    pattern: str
    pitch: float
    cut: dict[str, float]

    def _on_arm(self, part: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Points of arm and hand, told from the trunk by place and not by triangle."""
        return (
            (part == HAND)
            | (part == SLEEVE)
            | (((part == ARM) | (part == TRUNK)) & (x > self.cut["armpit"]))
        )

    def material(self, part: np.ndarray, point: np.ndarray) -> np.ndarray:
        """Material of (N, 3) T-pose points on parts (N,): (N,) ids."""
        cut = self.cut
        x, y, z = np.abs(point[:, 0]), point[:, 1], point[:, 2]
        front = z > cut["middle"]
        arm = self._on_arm(part, x)
        trunk, leg = ((part == TRUNK) | (part == ARM)) & ~arm, part == LEG
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
            if not cut["buttons"]:  # the slider of a zip
                middle |= trunk & front & (x < 0.65) & (y < line - 1.0) & (y > line - 4.0)
            else:
                middle &= x**2 + ((y % 9.0) - 4.5) ** 2 < cut["fastener"] ** 2
            material[middle] = FASTENER

        material[arm & (x < cut["sleeve_end"])] = TOP
        material[arm & (x < cut["sleeve_end"]) & (x > cut["sleeve_end"] - cut["cuff"])] = COLLAR

        shod = (part == FOOT) | (leg & (y < cut["shoe_top"]))
        if not cut["barefoot"]:
            material[shod] = SHOES
            material[shod & (y < cut["sole"])] = SOLE
            laces = shod & (y > cut["sole"] + 2.0) & (np.abs(x - cut["foot_middle"]) < 1.6)
            laces &= (z > cut["middle"] + 2.0) & (z % 1.4 < 0.5) & (cut["laces"] > 0)
            material[laces] = SOLE

        head = part == HEAD
        material[head & ((z < cut["hair_front"]) & (y > cut["hair_low"]))] = HAIR
        material[head & (y > cut["hair_top"])] = HAIR
        thin = 0.95 - 0.05 * np.minimum(x, 2.7)  # towards the corners of the mouth
        lips = (x / 2.7) ** 2 + ((y - cut["mouth"]) / thin) ** 2 < 1
        material[head & (z > cut["lip_front"]) & lips] = LIPS
        for sheet, cloth in _SHEET_MATERIAL.items():
            material[part == sheet] = cloth
        cuffed = (part == SLEEVE) & (x > cut["sleeve_end"] - cut["cuff"])
        material[cuffed] = COLLAR
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
            shaved = (part == HEAD) & (material == SKIN) & (y < self.cut["mouth"] + 1.6)
            shaved &= z > self.cut["middle"] + 1.0
            colour[shaved] *= 1 - self.cut["stubble"]
            moustache = shaved & (x < 1.5) & (y > self.cut["mouth"] + 0.8)
            colour[moustache] *= 1 - 0.3 * self.cut["stubble"]
        return colour, material


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
