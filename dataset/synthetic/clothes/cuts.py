"""Kinds of tops and bottoms, and the measures of what one person wears."""

from dataclasses import dataclass

import numpy as np

from dataset.synthetic.body.body_model import Body


@dataclass(frozen=True)
class Top:
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


TOPS = {
    "t-shirt": Top(
        0.17, "short", (0.5, 1.1), (-1, 2), (1, 4), (0, 0), 1.5, "", (-4, 8), (0, 0), (0.2, 0.8)
    ),
    "v-neck": Top(
        0.08, "short", (0.4, 1.0), (-1, 1), (6, 13), (0, 0), 1.2, "", (-4, 6), (0, 0), (0.1, 0.7)
    ),
    "pullover": Top(
        0.13, "long", (1.0, 2.2), (0, 3), (0, 5), (0, 0), 2.5, "", (-2, 8), (0, 4), (0.4, 0.9)
    ),
    "shirt": Top(
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
    "polo": Top(
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
    "jacket": Top(
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
    "hoodie": Top(
        0.09, "long", (1.6, 3.0), (0, 3), (2, 6), (0, 0), 3.0, "zip", (2, 10), (4, 6), (0.6, 1.0)
    ),
    "turtleneck": Top(
        0.05, "long", (0.8, 1.6), (4, 6), (0, 1), (0, 0), 4.0, "", (0, 6), (3, 4), (0.1, 0.6)
    ),
    "coat": Top(
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
    "tank": Top(
        0.05, "none", (0.3, 0.8), (-3, -1), (6, 11), (0, 0), 1.0, "", (-4, 6), (0, 0), (0.1, 0.6)
    ),
}

#: Kind → (share for men, for women).
BOTTOMS = {
    "trousers": (0.34, 0.2),
    "jeans": (0.38, 0.26),
    "shorts": (0.2, 0.12),
    "cropped": (0.08, 0.08),
    "leggings": (0.0, 0.12),
    "short skirt": (0.0, 0.12),
    "long skirt": (0.0, 0.1),
}


def _pick(rng: np.random.Generator, kinds: dict[str, float]) -> str:
    shares = np.array(list(kinds.values()))
    return str(rng.choice(list(kinds), p=shares / shares.sum()))


def _fastener_width(kind: str, rng: np.random.Generator) -> float:
    """Half the width of a zip, radius of a button, centimetres."""
    share = float(rng.random())
    return {"zip": 0.2 + 0.2 * share, "buttons": 0.35 + 0.25 * share, "": 0.0}[kind]


def draw_cut(
    body: Body, tpose: np.ndarray, joints: np.ndarray, rng: np.random.Generator
) -> tuple[str, str, dict[str, float]]:
    """Draw kinds of garments and the cut of all of them.

    Args:
        body: who wears them.
        tpose: (V, 3) skin in the T-pose, centimetres.
        joints: (J, 3) joints in the T-pose, centimetres.
        rng: source of all choices.

    Returns:
        The kind of the top and of the bottoms, and the measures that :class:`outfit.Outfit`
        has as ``cut``.
    """
    at = {name: joints[row] for row, name in enumerate(body.rig.names)}
    elbow, wrist = at["LeftForeArm"][0], at["LeftHand"][0]
    hips, knee, ankle = at["Hips"][1], at["LeftLeg"][1], at["LeftFoot"][1]
    head = np.isin(body.rig.main_bone, [body.rig.index("Head")])
    middle_line = tpose[head & (np.abs(tpose[:, 0]) < 0.8)]
    nose = middle_line[middle_line[:, 2].argmax()]
    top_kind = _pick(rng, {name: top.share for name, top in TOPS.items()})
    bottom_kind = _pick(rng, {name: shares[not body.male] for name, shares in BOTTOMS.items()})
    top = TOPS[top_kind]

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
