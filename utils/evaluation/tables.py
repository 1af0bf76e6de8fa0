"""Errors by action group as a table: to print, as Markdown, as LaTeX."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from utils.evaluation.distances import BODY_PARTS
from utils.evaluation.published import PUBLISHED, TABLE_GROUPS

_SHORT = {
    "Gesticuling": "Gestic.",
    "LowerStretching": "LowerStr",
    "UpperStretching": "UpperStr",
}
_EMPTY = "–"
HEADS: tuple[str, ...] = tuple(_SHORT.get(group, group) for group in TABLE_GROUPS)


class Row(NamedTuple):
    """A line of a table: its name and a cell for each of :data:`TABLE_GROUPS`."""

    name: str
    cells: list[str]


class Block(NamedTuple):
    """Lines that belong together; ``title`` may be empty."""

    title: str
    rows: list[Row]


def _row(name: str, by_group: dict[str, Any], key: str) -> Row:
    found = [by_group.get(group, {}).get(key) for group in TABLE_GROUPS]
    return Row(name, [_EMPTY if value is None else f"{value:.1f}" for value in found])


def result_blocks(results: dict[str, Any]) -> list[Block]:
    """This model, the mean pose, the published rows.

    Args:
        results: of :func:`utils.evaluation.metrics.measure`.
    """
    frames = [str(results["full"].get(group, {}).get("frames", 0)) for group in TABLE_GROUPS]
    return [
        Block(
            "",
            [_row(f"this model, {part} body", results[part], "mpjpe") for part in BODY_PARTS]
            + [_row("this model, PA-MPJPE", results["full"], "pa_mpjpe")],
        ),
        Block(
            "",
            [
                _row(f"mean pose, {part} body", results[part], "mpjpe_mean_pose")
                for part in BODY_PARTS
            ],
        ),
        Block("", [Row("frames", frames)]),
        Block(
            "Published on the test set of xR-EgoPose, full body; for orientation:",
            [
                _row(row.method, {g: {"mpjpe": v} for g, v in row.mpjpe.items()}, "mpjpe")
                for row in PUBLISHED
            ],
        ),
    ]


def text_table(
    blocks: Sequence[Block], heads: Sequence[str] = HEADS, corner: str = "MPJPE, mm"
) -> str:
    """The table for a terminal."""
    rows = [row for block in blocks for row in block.rows]
    first = 1 + max(len(corner), *(len(row.name) for row in rows))
    width = 1 + max(8, *(len(cell) for row in rows for cell in row.cells), *map(len, heads))

    def line(name: str, cells: Sequence[str]) -> str:
        return f"{name:<{first}}" + "".join(f"{cell:>{width}}" for cell in cells)

    head = line(corner, heads)
    lines = [head]
    for block in blocks:
        lines += ["", block.title] if block.title else ["─" * len(head)]
        lines += [line(*row) for row in block.rows]
    return "\n".join(lines)


def markdown_table(
    blocks: Sequence[Block], heads: Sequence[str] = HEADS, corner: str = "MPJPE, mm"
) -> str:
    """The table for a README; a block's title becomes a line of its own."""
    lines = [
        "| " + " | ".join([corner, *heads]) + " |",
        "|---|" + "---:|" * len(heads),
    ]
    for block in blocks:
        if block.title:
            lines.append("| *" + block.title.rstrip(":") + "* |" + " |" * len(heads))
        lines += ["| " + " | ".join([row.name, *row.cells]) + " |" for row in block.rows]
    return "\n".join(lines) + "\n"


_LATEX = {
    "&": r"\&",
    "%": r"\%",
    "_": r"\_",
    "#": r"\#",
    "–": "--",
    "±": r"$\pm$",
    "−": "$-$",
    "…": r"\,\ldots\,",
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def latex_table(
    blocks: Sequence[Block], heads: Sequence[str] = HEADS, corner: str = "MPJPE, mm"
) -> str:
    """The table for a paper; needs the package booktabs."""
    lines = [
        r"% \usepackage{booktabs}",
        r"\begin{tabular}{l" + "r" * len(heads) + "}",
        r"\toprule",
        " & ".join(_latex(cell) for cell in [corner, *heads]) + r" \\",
    ]
    for block in blocks:
        lines.append(r"\midrule")
        if block.title:
            span = rf"\multicolumn{{{len(heads) + 1}}}{{l}}"
            lines.append(rf"{span}{{\emph{{{_latex(block.title.rstrip(':'))}}}}} \\")
        lines += [
            " & ".join(_latex(cell) for cell in [row.name, *row.cells]) + r" \\"
            for row in block.rows
        ]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _with_interval(cell: dict[str, Any], key: str, form: str = ".1f") -> str:
    ends = cell.get(f"{key}_interval")
    shown = f"{cell[key]:{form}}"
    return shown if ends is None else f"{shown} [{ends[0]:{form}}, {ends[1]:{form}}]"


def text_summary(results: dict[str, Any]) -> str:
    """The figures beyond the protocol, in a few lines."""
    everything, pck, swaps = results["full"]["All"], results["pck"], results["swaps"]
    lines = [
        f"MPJPE                {_with_interval(everything, 'mpjpe')} mm",
        f"PA-MPJPE             {_with_interval(everything, 'pa_mpjpe')} mm "
        f"(rigid {everything['pa_mpjpe_rigid']:.1f})",
        f"absolute             {_with_interval(everything, 'absolute')} mm, in the camera's frame",
        f"3D PCK               {pck['50']:.1%} at 50 mm, {pck['100']:.1%} at 100, "
        f"{pck['150']:.1%} at 150; AUC {pck['auc']:.1%}",
        f"bone length          {results['bones']['error']:.1f} mm off",
        f"left-right swaps     arms {swaps['arms']:.1%}, legs {swaps['legs']:.1%} of frames",
    ]
    kinds = results["visibility"] or {}
    seen = [f"{kind} {cell['mpjpe']:.1f} mm" for kind, cell in kinds.items() if "mpjpe" in cell]
    if len(seen) > 1:
        lines.append(f"joints               {', '.join(seen)}")
    if sure := results.get("uncertainty"):
        first, last = sure["deciles"][0], sure["deciles"][-1]
        lines.append(
            f"uncertainty          90 % regions cover {sure['coverage']:.1%} of the joints; "
            f"error {first['error']:.1f} mm in the lowest-uncertainty decile, {last['error']:.1f} "
            f"in the highest, {'rising' if sure['monotonic'] else 'not always rising'} between"
        )
    motion = results["motion"]
    if motion:
        lines.append(
            f"acceleration error   {motion['acceleration_error']:.1f} mm/frame² "
            f"(the truth's own acceleration: {motion['acceleration_true']:.1f})"
        )
    if left := results.get("averaging"):
        window = min(left, key=left.get)
        lines.append(
            f"averaging            {left[window]:.1f} mm would be left after averaging errors over "
            f"{window} past frames"
        )
    if "mpjpe_interval" in everything:
        lines.append("In brackets: 95 % intervals, characters resampled.")
    return "\n".join(lines)
