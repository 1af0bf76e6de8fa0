"""The visual language of every picture: predicted poses are orange, true ones blue; the wearer's
left is the light shade of the hue and the right the dark one; opacity is confidence."""

from base.skeleton import JOINTS, LEFT_JOINTS, LIMBS, NECK, RIGHT_JOINTS

Colour = tuple[int, int, int]
#: Of the middle of the body, of its left and of its right: by :func:`side`.
Shades = tuple[Colour, Colour, Colour]

#: RGB.  Hues and shades are distinct for colour-blind eyes too, and on bright and dark pictures.
PREDICTED: Shades = (240, 112, 0), (255, 168, 46), (168, 66, 0)
TRUTH: Shades = (38, 118, 240), (100, 184, 255), (24, 70, 165)
#: Bars of the mean pose, which a model is compared with.
BASELINE: Colour = (184, 194, 204)

INK: Colour = (34, 48, 60)
MUTED: Colour = (107, 123, 136)
PAPER: Colour = (255, 255, 255)
BACKDROP: Colour = (246, 248, 250)
GRID: Colour = (205, 213, 220)
#: Around pictures.
OUTLINE: Colour = (16, 20, 24)

_LEFT_ARM, _RIGHT_ARM, *_HIPS = map(
    JOINTS.index, ("LeftArm", "RightArm", "LeftUpLeg", "RightUpLeg")
)
_HALVES = frozenset(LEFT_JOINTS), frozenset(RIGHT_JOINTS)
#: Lines of a drawn skeleton: the limbs of the loss, the shoulders joined to the Neck instead of to
#: each other, and the pelvis.
BONES: tuple[tuple[int, int], ...] = (
    *(limb for limb in LIMBS if limb != (_LEFT_ARM, _RIGHT_ARM)),
    *((NECK, _LEFT_ARM), (NECK, _RIGHT_ARM), tuple(_HIPS)),
)


def side(*joints: int) -> int:
    """Of a joint, or of a bone between two: 1 left, 2 right, 0 neither or both."""
    left, right = (not half.isdisjoint(joints) for half in _HALVES)
    return (left + 2 * right) % 3


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """``colour`` with a ``share`` in [0, 1] of ``other``."""
    return tuple(round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))


def hex_code(colour: Colour) -> str:
    """The colour for matplotlib, CSS and Plotly: ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
