"""Errors by action group as a table."""

from typing import Any

from utils.metrics import BODY_PARTS
from utils.published import PUBLISHED, TABLE_GROUPS

_SHORT = {
    "Gesticuling": "Gestic.",
    "LowerStretching": "LowerStr",
    "UpperStretching": "UpperStr",
}
_EMPTY = "–"


def _line(name: str, values: list[str], width: int) -> str:
    return f"{name:<{width}}" + "".join(f"{value:>9}" for value in values)


def _cells(by_group: dict[str, Any], key: str) -> list[str]:
    return [
        f"{by_group[group][key]:.1f}" if key in by_group.get(group, {}) else _EMPTY
        for group in TABLE_GROUPS
    ]


def text_table(results: dict[str, Any]) -> str:
    """The table that is printed: this model, the mean pose, the published rows.

    Args:
        results: part of the body → group → {"mpjpe", "mpjpe_mean_pose", "frames"}, millimetres.
    """
    ours = [(f"this model, {part} body", _cells(results[part], "mpjpe")) for part in BODY_PARTS]
    baseline = [
        (f"mean pose, {part} body", _cells(results[part], "mpjpe_mean_pose")) for part in BODY_PARTS
    ]
    frames = [str(results["full"].get(group, {}).get("frames", 0)) for group in TABLE_GROUPS]
    published = [
        (row.method, [f"{row.mpjpe[g]:.1f}" if g in row.mpjpe else _EMPTY for g in TABLE_GROUPS])
        for row in PUBLISHED
    ]
    width = 1 + max(len(name) for name, _ in (*ours, *baseline, *published))
    head = _line("MPJPE, mm", [_SHORT.get(group, group) for group in TABLE_GROUPS], width)
    rule = "─" * len(head)
    return "\n".join(
        [
            head,
            rule,
            *(_line(*row, width) for row in ours),
            rule,
            *(_line(*row, width) for row in baseline),
            rule,
            _line("frames", frames, width),
            "Mean pose: that of the training set, on the same frames.",
            "",
            "Published on the test set of xR-EgoPose, full body; for orientation:",
            *(_line(*row, width) for row in published),
        ]
    )
