"""Errors as charts: by action, by joint, and how they are distributed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from base.skeleton import LEFT_JOINTS, RIGHT_JOINTS
from utils.evaluation.published import PUBLISHED, TABLE_GROUPS
from utils.evaluation.tables import HEADS
from utils.figures.style import (
    BASELINE_TONE,
    GRID_TONE,
    INK_TONE,
    MUTED_TONE,
    PREDICTED_TONE,
    Tone,
)

#: The published method that the paper's own protocol is known by.
_REFERENCE = "xR-EgoPose, dual branch (2019)"


def _intervals(cells: Sequence[dict[str, Any]], key: str) -> np.ndarray | None:
    """(2, n) lengths of error bars, NaN where there is no interval; None where there is none."""
    lengths = np.full((2, len(cells)), np.nan)
    for column, cell in enumerate(cells):
        ends = cell.get(f"{key}_interval")
        if ends:
            lengths[:, column] = max(0.0, cell[key] - ends[0]), max(0.0, ends[1] - cell[key])
    return None if np.isnan(lengths).all() else lengths


def _bars(
    axes: Axes,
    places: np.ndarray,
    cells: Sequence[dict[str, Any]],
    key: str,
    colour: Tone,
    **style: Any,
) -> None:
    axes.bar(
        places,
        [cell[key] for cell in cells],
        yerr=_intervals(cells, key),
        color=colour,
        error_kw={"elinewidth": 0.9, "capsize": 2, "ecolor": INK_TONE},
        **style,
    )


def errors_by_action(results: dict[str, Any]) -> Figure:
    """MPJPE of each action group with its interval, beside the mean pose and the paper's."""
    groups = [group for group in TABLE_GROUPS if group in results["full"]]
    cells = [results["full"][group] for group in groups]
    places = np.arange(len(groups))
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    axes = figure.add_subplot()
    _bars(axes, places - 0.2, cells, "mpjpe", PREDICTED_TONE, width=0.38, label="this model")
    if all("mpjpe_mean_pose" in cell for cell in cells):
        style = {"width": 0.38, "label": "mean pose"}
        _bars(axes, places + 0.2, cells, "mpjpe_mean_pose", BASELINE_TONE, **style)
    published = next(row.mpjpe for row in PUBLISHED if row.method == _REFERENCE)
    axes.hlines(
        [published[group] for group in groups],
        places - 0.42,
        places + 0.42,
        color=INK_TONE,
        linestyle=(0, (2, 1.5)),
        linewidth=1.0,
        label=f"{_REFERENCE}, on its own test set",
    )
    short = dict(zip(TABLE_GROUPS, HEADS, strict=True))
    names = [f"{short[group]}\n{results['full'][group]['frames']}" for group in groups]
    axes.set_xticks(places, names, fontsize=7.5)
    axes.set(ylabel="MPJPE, mm", ylim=(0, None))
    axes.legend(loc="upper left", ncols=3, fontsize=7.5, bbox_to_anchor=(0, 1.14))
    axes.annotate(
        "frames",
        (0, 0),
        (-4, -15),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=7.5,
        color=MUTED_TONE,
    )
    return figure


def errors_by_joint(results: dict[str, Any]) -> Figure:
    """Mean error of each joint with its interval, left and right side by side."""
    joints = results["joints"]
    names = list(joints)
    figure = Figure(figsize=(7.2, 2.8), layout="constrained")
    axes = figure.add_subplot()
    middle = [name for i, name in enumerate(names) if i not in (*LEFT_JOINTS, *RIGHT_JOINTS)]
    limbs = [names[i].removeprefix("Left") for i in LEFT_JOINTS]
    places = np.arange(len(middle) + len(limbs))
    _bars(
        axes,
        places[: len(middle)],
        [joints[name] for name in middle],
        "mpjpe",
        MUTED_TONE,
        width=0.5,
    )
    for side, shift, style in (
        ("Left", -0.2, {}),
        ("Right", 0.2, {"hatch": "////", "edgecolor": "white"}),
    ):
        cells = [joints[side + limb] for limb in limbs]
        at = places[len(middle) :] + shift
        _bars(axes, at, cells, "mpjpe", PREDICTED_TONE, width=0.38, label=side.lower(), **style)
    axes.set_xticks(places, [*middle, *limbs], fontsize=7.5)
    axes.set(ylabel="error, mm (Neck at the origin)", ylim=(0, None))
    axes.legend(loc="upper left", ncols=2, fontsize=8)
    return figure


def error_distribution(errors: np.ndarray, baseline: np.ndarray) -> Figure:
    """How the errors of frames are distributed.

    Args:
        errors: (N,) MPJPE of each frame, millimetres.
        baseline: (N,) the same of the mean pose.
    """
    figure = Figure(figsize=(7.2, 2.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    top = max(errors.max(), np.percentile(baseline, 99))
    bins = np.linspace(0, top, min(60, max(10, int(np.sqrt(len(errors)) * 2))))
    left.hist(baseline, bins, color=BASELINE_TONE, label="mean pose")
    left.hist(errors, bins, color=PREDICTED_TONE, alpha=0.85, label="this model")
    left.set(xlabel="MPJPE of a frame, mm", ylabel="frames", xlim=(0, top))
    left.legend(fontsize=8)

    shares = np.arange(1, len(errors) + 1) / len(errors)
    right.step(np.sort(baseline), shares, where="post", color=BASELINE_TONE, linewidth=1.6)
    right.step(np.sort(errors), shares, where="post", color=PREDICTED_TONE, linewidth=1.8)
    for percent in (50, 95):
        at = float(np.percentile(errors, percent))
        right.plot([at, at, 0], [0, percent / 100, percent / 100], color=MUTED_TONE, linewidth=0.8)
        right.annotate(
            f"{percent} %: {at:.0f} mm",
            (at, percent / 100),
            (5, -11),
            textcoords="offset points",
            fontsize=8,
        )
    right.set(xlabel="MPJPE, mm", ylabel="share of frames below", xlim=(0, top), ylim=(0, 1.02))
    right.grid(axis="x", color=GRID_TONE)
    return figure
