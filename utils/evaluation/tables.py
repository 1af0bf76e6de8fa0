"""Errors by action group as a table: to print, as Markdown, as LaTeX."""

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

from base.headset import RELEASE_HEADSET
from utils.evaluation.mpjpe import BODY_PARTS
from utils.evaluation.published import PUBLISHED, TABLE_GROUPS

_SHORT = {"Gesticuling": "Gestic."}
#: Headings of the columns: of the names of the lines, then of :data:`TABLE_GROUPS`.
HEADS = (
    "MPJPE, mm",
    *(_SHORT.get(group, group.replace("Stretching", "Str")) for group in TABLE_GROUPS),
)


class Block(NamedTuple):
    """Lines that belong together, a cell for each heading; ``title`` may be empty."""

    title: str
    rows: list[list[str]]


def row(name: str, by_group: dict[str, float], groups: Sequence[str] = TABLE_GROUPS) -> list[str]:
    """A line of one error per group, a dash where there is none."""
    return [name, *(f"{by_group[g]:.1f}" if g in by_group else "–" for g in groups)]


def result_blocks(results: dict[str, Any]) -> list[Block]:
    """This model, the mean pose, and under the release's headset the published rows; ``results`` as
    of results.json or as measured."""

    def cells(part: str, key: str) -> dict[str, Any]:
        return {group: cell[key] for group, cell in results[part].items() if key in cell}

    frames = cells("full", "frames")
    others = {
        "this model, PA-MPJPE": "pa_mpjpe",
        "this model, official evaluator": "mpjpe_official",
    }
    own = [row(f"this model, {part} body", cells(part, "mpjpe")) for part in BODY_PARTS]
    mean = [row(f"mean pose, {part} body", cells(part, "mpjpe_mean_pose")) for part in BODY_PARTS]
    blocks = [Block("", [*own, *(row(name, cells("full", key)) for name, key in others.items())])]
    if cells("full", "mpjpe_mean_pose"):
        whose = results.get("mean_pose")
        blocks.append(Block(f"Mean pose {whose}:" if whose else "", mean))
    blocks.append(Block("", [["frames", *(str(frames.get(g, 0)) for g in TABLE_GROUPS)]]))
    title = "Published on the test set of xR-EgoPose, full body; for orientation:"
    published = [row(*each) for each in PUBLISHED.items()]
    if results.get("headsets", [RELEASE_HEADSET.name]) != [RELEASE_HEADSET.name]:
        title = "Not seen through the release's headset: what is published is not shown."
        published = []
    return [*blocks, Block(title, published)]


def text_table(blocks: Sequence[Block], heads: Sequence[str] = HEADS) -> str:
    """The table for a terminal."""
    rows = [heads, *(row for block in blocks for row in block.rows)]
    first = 1 + max(len(name) for name, *_ in rows)
    width = 1 + max(8, *(len(cell) for _, *cells in rows for cell in cells))

    def line(name: str, *cells: str) -> str:
        return f"{name:<{first}}" + "".join(f"{cell:>{width}}" for cell in cells)

    lines = [line(*heads)]
    for title, rows in blocks:
        lines += ["", title] if title else ["─" * len(lines[0])]
        lines += [line(*row) for row in rows]
    return "\n".join(lines)


def markdown_table(blocks: Sequence[Block], heads: Sequence[str] = HEADS) -> str:
    """The table for a README; a block's title becomes a line of its own."""
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for title, rows in blocks:
        if title:
            lines.append("| *" + title.rstrip(":") + "* |" + " |" * (len(heads) - 1))
        lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


_LATEX = {character: f"\\{character}" for character in "&%_#"}
_LATEX = str.maketrans(_LATEX | {"–": "--", "−": "$-$", "…": r"\,\ldots\,"})


def latex_table(blocks: Sequence[Block], heads: Sequence[str] = HEADS) -> str:
    """The table for a paper; needs the package booktabs."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\"

    start = rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}"
    lines = [r"% \usepackage{booktabs}", start, r"\toprule", line(heads)]
    for title, rows in blocks:
        lines.append(r"\midrule")
        if title:
            title = title.rstrip(":").translate(_LATEX)
            lines.append(rf"\multicolumn{{{len(heads)}}}{{l}}{{\emph{{{title}}}}} \\")
        lines += map(line, rows)
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def text_summary(results: dict[str, Any]) -> str:
    """The figures beyond the protocol, in a few lines."""
    everything, pck, swaps = results["full"]["All"], results["pck"], results["swaps"]

    def millimetres(key: str) -> str:
        ends = everything.get(f"{key}_interval")
        shown = " [{:.1f}, {:.1f}]".format(*ends) if ends else ""
        return f"{everything[key]:.1f}{shown} mm"

    rigid = everything["pa_mpjpe_rigid"]
    shares = [f"{pck['50']:.1%} at 50 mm", f"{pck['100']:.1%} at 100", f"{pck['150']:.1%} at 150"]
    lines = {
        "MPJPE": millimetres("mpjpe"),
        "PA-MPJPE": f"{millimetres('pa_mpjpe')} (rigid {rigid:.1f})",
        "absolute": f"{millimetres('absolute')}, in the camera's frame",
        "3D PCK": f"{', '.join(shares)}; AUC {pck['auc']:.1%}",
        "bone length": f"{results['bones']['error']:.1f} mm off",
        "impossible limbs": "in {predicted:.1%} of the frames (true poses: {true:.1%})".format_map(
            results["impossible"]
        ),
        "left-right swaps": f"arms {swaps['arms']:.1%}, legs {swaps['legs']:.1%} of frames",
    }
    kinds = results["visibility"] or {}
    seen = [f"{kind} {cell['mpjpe']:.1f} mm" for kind, cell in kinds.items() if "mpjpe" in cell]
    if len(seen) > 1:
        lines["joints"] = ", ".join(seen)
    if hands := results["hidden_hands"]:
        lines["hidden hands"] = f"{hands['near']:.1%} of {hands['hands']} within 250 mm"
    if uncertainty := results["uncertainty"]:
        low, high = (uncertainty["deciles"][place]["error"] for place in (0, -1))
        lines["uncertainty"] = (
            f"90 % regions cover {uncertainty['coverage']:.1%} of the joints; "
            f"error {low:.1f} mm in the lowest-uncertainty decile, {high:.1f} in the highest, "
            f"{'rising' if uncertainty['monotonic'] else 'not always rising'} between"
        )
    if motion := results["motion"]:
        lines["acceleration error"] = (
            f"{motion['acceleration_error']:.1f} mm/frame² "
            f"(the truth's own acceleration: {motion['acceleration_true']:.1f})"
        )
    wrap = textwrap.TextWrapper(96, subsequent_indent=" " * 21, break_on_hyphens=False)
    text = "\n".join(wrap.fill(f"{name:<21}{value}") for name, value in lines.items())
    brackets = "\nIn brackets: 95 % intervals, characters resampled."
    return text + (brackets if "mpjpe_interval" in everything else "")
