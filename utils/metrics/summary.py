"""From sums to the figures of results.json."""

from collections.abc import Callable
from typing import Any

import numpy as np

from base.actions import ACTION_GROUPS
from base.skeleton import JOINTS
from utils.metrics.bootstrap import mean_interval
from utils.metrics.errors import ALL, BODY_PARTS
from utils.metrics.measures import BONES, PART_ERRORS, PCK_THRESHOLDS, SWAPS
from utils.metrics.sums import SumTable

#: Thresholds reported one by one, millimetres.
_PCK_SHOWN = (50, 100, 150)


def _group_filters(sums: SumTable) -> dict[str, Callable[[str], bool]]:
    """Group that has frames → which rows of the table it takes; All first."""
    filters: dict[str, Callable[[str], bool]] = {ALL: lambda group: True}
    for name in ACTION_GROUPS:
        if name in sums.groups:
            filters[name] = lambda group, name=name: group == name
    return filters


def _mean_with_interval(
    sums: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, list[list[float]] | None]:
    """Mean (n,) over all frames, and its n intervals; arguments as in ``mean_interval``."""
    frames = counts.reshape(len(counts), -1).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums.sum(0) / frames
    ends = mean_interval(sums, counts)
    return mean, None if ends is None else ends.T.tolist()


def _put(cell: dict[str, Any], name: str, value: float, ends: list[float] | None) -> None:
    cell[name] = float(value)
    if ends is not None:
        cell[f"{name}_interval"] = ends


def _by_part_and_group(sums: SumTable) -> dict[str, Any]:
    names = [*PART_ERRORS, *(["mpjpe_mean_pose"] if sums.has("mpjpe_mean_pose") else [])]
    parts: dict[str, Any] = {part: {} for part in BODY_PARTS}
    for group, keep in _group_filters(sums).items():
        for part in BODY_PARTS:
            parts[part][group] = {}
        for name in names:
            totals, counts = sums.by_character(name, keep)
            means, ends = _mean_with_interval(totals, counts)
            for column, part in enumerate(BODY_PARTS):
                _put(parts[part][group], name, means[column], ends and ends[column])
                parts[part][group]["frames"] = int(counts.sum())
    return parts


def _by_joint(sums: SumTable) -> dict[str, Any]:
    means, ends = _mean_with_interval(*sums.by_character("joints"))
    joints: dict[str, Any] = {}
    for column, joint in enumerate(JOINTS):
        joints[joint] = {}
        _put(joints[joint], "mpjpe", means[column], ends and ends[column])
    return joints


def _by_visibility(sums: SumTable) -> dict[str, Any] | None:
    """Errors of visible and of hidden joints, all together and each; null where there is none."""
    if not sums.has("visible"):
        return None
    errors, frames = sums.by_character("joints")
    seen_errors, _ = sums.by_character("joints_visible")
    seen, _ = sums.by_character("visible")
    kinds = {
        "visible": (seen_errors, seen),
        "hidden": (errors - seen_errors, frames[:, None] - seen),
    }
    report: dict[str, Any] = {}
    for kind, (totals, counts) in kinds.items():
        cell: dict[str, Any] = {"joints": int(counts.sum())}
        if cell["joints"]:
            mean, ends = _mean_with_interval(totals.sum(1)[:, None], counts.sum(1)[:, None])
            _put(cell, "mpjpe", mean[0], ends and ends[0])
        per_joint = zip(JOINTS, totals.sum(0), counts.sum(0), strict=True)
        cell["by_joint"] = {
            joint: {"mpjpe": float(total / count) if count else None, "frames": int(count)}
            for joint, total, count in per_joint
        }
        report[kind] = cell
    return report


def _pck(sums: SumTable) -> dict[str, Any]:
    """3D PCK: shares in [0, 1]."""
    means, ends = _mean_with_interval(*sums.by_character("pck"))
    report: dict[str, Any] = {}
    for threshold in _PCK_SHOWN:
        column = PCK_THRESHOLDS.index(threshold)
        _put(report, str(threshold), means[column], ends and ends[column])
    totals, counts = sums.by_character("pck")
    mean, ends = _mean_with_interval(totals.mean(1)[:, None], counts)
    _put(report, "auc", mean[0], ends and ends[0])
    report["curve"] = dict(zip(map(str, PCK_THRESHOLDS), means.tolist(), strict=True))
    return report


def _bones(sums: SumTable) -> dict[str, Any]:
    errors, _ = _mean_with_interval(*sums.by_character("bone_error"))
    biases, _ = _mean_with_interval(*sums.by_character("bone_bias"))
    rows = zip(BONES, errors.tolist(), biases.tolist(), strict=True)
    return {
        "error": float(errors.mean()),
        "by_bone": {name: {"error": error, "bias": bias} for name, error, bias in rows},
    }


def _swaps(sums: SumTable) -> dict[str, Any]:
    means, ends = _mean_with_interval(*sums.by_character("swaps"))
    report: dict[str, Any] = {}
    for column, pair in enumerate(SWAPS):
        _put(report, pair, means[column], ends and ends[column])
    return report


def _characters(sums: SumTable) -> dict[str, Any]:
    """Character → part → group → MPJPE and frames: what a paired comparison resamples."""
    report: dict[str, Any] = {
        character: {part: {} for part in BODY_PARTS} for character in sums.characters
    }
    for group, keep in _group_filters(sums).items():
        totals, counts = sums.by_character("mpjpe", keep)
        for row, character in enumerate(sums.characters):
            for column, part in enumerate(BODY_PARTS):
                if counts[row]:
                    report[character][part][group] = {
                        "mpjpe": float(totals[row, column] / counts[row]),
                        "frames": int(counts[row]),
                    }
    return report


def summarise(sums: SumTable) -> dict[str, Any]:
    """All means with their intervals, ready for JSON.

    Raises:
        ValueError: for an empty table.
    """
    if not sums.characters:
        raise ValueError("no frame was measured")
    return _by_part_and_group(sums) | {
        "joints": _by_joint(sums),
        "visibility": _by_visibility(sums),
        "pck": _pck(sums),
        "bones": _bones(sums),
        "swaps": _swaps(sums),
        "characters": _characters(sums),
    }
