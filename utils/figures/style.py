"""What all figures share: colours, type, and how they are saved."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from base.files import replacing
from base.skeleton import LIMBS, RIGHT_JOINTS
from utils.drawing.style import GRID, INK, MUTED, PREDICTED, TRUTH, Colour

_DPI = 200

Tone = tuple[float, float, float]


def tone(colour: Colour) -> Tone:
    """An 8-bit colour as matplotlib takes it."""
    return tuple(value / 255 for value in colour)


INK_TONE, MUTED_TONE, GRID_TONE = tone(INK), tone(MUTED), tone(GRID)
PREDICTED_TONE, TRUTH_TONE = tone(PREDICTED), tone(TRUTH)
BASELINE_TONE: Tone = (0.72, 0.76, 0.80)

_RIGHT = frozenset(RIGHT_JOINTS)

_TYPE = {
    "font.size": 9,
    "axes.edgecolor": MUTED_TONE,
    "axes.labelcolor": INK_TONE,
    "text.color": INK_TONE,
    "xtick.color": INK_TONE,
    "ytick.color": INK_TONE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": GRID_TONE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    # Text stays text in the PDF, so that it can be searched and edited.
    "pdf.fonttype": 42,
}


def figure_style() -> matplotlib.RcParams:
    """Context in which every figure is drawn and saved."""
    return matplotlib.rc_context(_TYPE)


def save_figure(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write NAME.png and NAME.pdf; returns their paths."""
    paths = [folder / f"{name}.png", folder / f"{name}.pdf"]
    for path in paths:
        # Dates would make every run's file another one.
        metadata = {"CreationDate": None} if path.suffix == ".pdf" else {"Software": None}
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=_DPI, metadata=metadata)
    return paths


def draw_skeleton(
    axes: Axes, points: np.ndarray, colour: Tone, outline: Tone, width: float
) -> None:
    """Draw a skeleton as vector lines, left and right told apart as in ``utils/drawing``.

    Args:
        axes: where to.
        points: (16, 2) in the axes' data coordinates; NaN joints are left out.
        colour: of the pose.
        outline: of the rim around lines.
        width: of a limb, points.
    """
    for limb in LIMBS:
        ends = points[list(limb)].T
        for shade, thickness in ((outline, width * 1.7), (colour, width)):
            axes.plot(*ends, color=shade, linewidth=thickness, solid_capstyle="round")
        if _RIGHT.issuperset(limb):
            axes.plot(*ends, color="white", linewidth=width * 0.4, solid_capstyle="round")
    hollow = np.isin(np.arange(len(points)), RIGHT_JOINTS)
    for rows, face in ((~hollow, colour), (hollow, (1.0, 1.0, 1.0))):
        axes.plot(
            *points[rows].T,
            "o",
            color=face,
            markeredgecolor=colour,
            markersize=width * 1.7,
            markeredgewidth=width * 0.5,
        )
