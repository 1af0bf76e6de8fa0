"""Parts of the body, sheets of cloth and hair that stand off it, and what they are made of."""

from enum import IntEnum, auto

import numpy as np


class Material(IntEnum):
    """What a point of the surface is made of."""

    SKIN = 0
    TOP = auto()
    COLLAR = auto()
    FASTENER = auto()
    BOTTOMS = auto()
    SHOES = auto()
    SOLE = auto()
    HAIR = auto()
    LIPS = auto()
    BELT = auto()


class Part(IntEnum):
    """Part of the body, or kind of sheet, that a triangle belongs to."""

    HEAD = 0
    TRUNK = auto()
    ARM = auto()
    HAND = auto()
    LEG = auto()
    FOOT = auto()
    COLLAR = auto()
    SLEEVE = auto()
    HEM = auto()
    TROUSER_LEG = auto()
    SKIRT = auto()
    LONG_HAIR = auto()


SHEET_MATERIAL = {
    Part.COLLAR: Material.COLLAR,
    Part.SLEEVE: Material.TOP,
    Part.HEM: Material.TOP,
    Part.TROUSER_LEG: Material.BOTTOMS,
    Part.SKIRT: Material.BOTTOMS,
    Part.LONG_HAIR: Material.HAIR,
}
_PART_OF = {
    "Head": Part.HEAD,
    **dict.fromkeys(("Neck", "Hips", "Spine", "Spine1", "Spine2", "Shoulder"), Part.TRUNK),
    **dict.fromkeys(("Arm", "ForeArm"), Part.ARM),
    **dict.fromkeys(("UpLeg", "Leg"), Part.LEG),
    **dict.fromkeys(("Foot", "ToeBase"), Part.FOOT),
}


def part_of_bones(names: tuple[str, ...]) -> np.ndarray:
    """(J,) body part of each bone."""
    plain = [name.removeprefix("Left").removeprefix("Right") for name in names]
    return np.array([_PART_OF.get(name, Part.HAND) for name in plain])
