"""Errors by action group as a table: to print, as Markdown, as LaTeX."""

import textwrap
from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

from base.actions import ACTION_GROUPS
from base.headset import RELEASE_HEADSET
from base.skeleton import JOINTS, NUM_JOINTS
from utils.evaluation.mpjpe import ALL, BODY_PARTS

#: Columns of every table by action, in the order of the published ones.
TABLE_GROUPS: tuple[str, ...] = (ALL, *sorted(ACTION_GROUPS))

# Tome et al., ICCV 2019 (Martinez et al. 2017 run by them); Tome et al., "SelfPose", 2020, with a
# rotation branch; Park et al., "Domain-guided spatio-temporal self-attention for egocentric 3D pose
# estimation" (Ego-STAN), 2022, with their runs of the dual branch, best of three; of their own
# method All is 39.8 to 40.5.
_TABLE = """
Martinez 2017                   122.1 109.6 105.4 119.3 125.8  93.0 119.7 111.1 124.5 130.5
xR-EgoPose, one branch (2019)   130.4 138.3 108.5 100.3 133.3 117.8 175.6  93.5 129.0 131.9
xR-EgoPose, dual branch (2019)   58.2  56.0  50.2  44.6  51.1  59.4  60.8  43.9  53.9  57.7
SelfPose (2020)                  54.7
dual branch, Ego-STAN's re-run   61.3  59.1  49.0  50.2  61.3  51.7  60.0  45.0  63.9  62.8
the same with L1 losses          57.9  52.0  44.8  47.6  57.3  50.7  52.4  41.2  61.4  59.3
direct regression (2022)         50.1  44.7  41.1  43.2  45.9  45.9  43.2  36.1  54.3  50.1
one-frame transformer (2022)     50.4  39.4  35.9  40.0  48.3  43.6  37.6  34.0  56.0  50.2
Ego-STAN, 5 frames (2022)        40.5  32.8  30.2  33.5  37.2  30.0  29.8  30.0  43.6  42.0
"""
#: Results that others have published on the xR-EgoPose test set, MPJPE of the full body, mm:
#: method → group → MPJPE; of some, All alone.
PUBLISHED: dict[str, dict[str, float]] = {
    line[:31].rstrip(): dict(zip(TABLE_GROUPS, map(float, line[31:].split()), strict=False))
    for line in _TABLE.strip().splitlines()
}
_SHORT = {"Gesticuling": "Gestic."}
#: Headings of the columns: of the names of the lines, then of :data:`TABLE_GROUPS`.
HEADS = (
    "MPJPE, mm",
    *(_SHORT.get(group, group.replace("Stretching", "Str")) for group in TABLE_GROUPS),
)


class Block(NamedTuple):
    """Lines that belong together, a cell for each heading; ``title`` may be empty. Without lines
    the title is a note below the table."""

    title: str
    rows: list[list[str]]


def row(name: str, by_group: dict[str, float], groups: Sequence[str] = TABLE_GROUPS) -> list[str]:
    """A line of one error per group, a dash where there is none."""
    return [name, *(f"{by_group[g]:.1f}" if g in by_group else "–" for g in groups)]


def why_unpublished(results: dict[str, Any]) -> str | None:
    """Why :data:`PUBLISHED` does not stand beside results; None where it does."""
    if results.get("headsets", [RELEASE_HEADSET.name]) != [RELEASE_HEADSET.name]:
        return "Not seen through the release's headset"
    if results.get("aligned_only"):
        return "Only errors after alignment"
    return "Not all joints were measured" if "joints_measured" in results else None


def result_table(results: dict[str, Any]) -> tuple[list[Block], list[str]]:
    """Blocks and headings: this model, the mean pose, and under the release's headset the published
    rows; ``results`` as of results.json or as measured."""
    unpublished = why_unpublished(results)
    groups = [g for g in TABLE_GROUPS if g in results["full"] or not unpublished]

    def line(name: str, part: str, key: str) -> list[str]:
        return row(name, {group: c[key] for group, c in results[part].items() if key in c}, groups)

    rows = [(f"this model, {part} body", part, "mpjpe") for part in BODY_PARTS]
    rows.append(("this model, PA-MPJPE", "full", "pa_mpjpe"))
    rows.append(("this model, official evaluator", "full", "mpjpe_official"))
    aligned_only = results.get("aligned_only")
    blocks = [Block("", [line(*each) for each in rows if not aligned_only or "PA-" in each[0]])]
    if "mpjpe_mean_pose" in results["full"][ALL]:
        whose = results.get("mean_pose")
        mean = [line(f"mean pose, {part} body", part, "mpjpe_mean_pose") for part in BODY_PARTS]
        blocks.append(Block(f"Mean pose {whose}:" if whose else "", mean))
    frames = [str(results["full"].get(group, {}).get("frames", 0)) for group in groups]
    blocks.append(Block("", [["frames", *frames]]))
    if unpublished:
        blocks.append(Block(f"{unpublished}: what is published is not shown.", []))
    else:
        title = "Published on the test set of xR-EgoPose, full body; for orientation:"
        blocks.append(Block(title, [row(*each) for each in PUBLISHED.items()]))
    if measured := results.get("joints_measured"):
        others = ", ".join(joint for joint in JOINTS if joint not in measured)
        title = f"Over {len(measured)} of the {NUM_JOINTS} joints: without {others}."
        blocks.append(Block(title, []))
    if aligned_only:
        blocks.append(Block(f"Only errors after alignment can be had: {aligned_only}.", []))
    if protocol := results.get("protocol"):
        blocks.append(Block(_protocol_line(protocol), []))
    corner = f"PA-{HEADS[0]}" if aligned_only else HEADS[0]
    return blocks, [corner, *(HEADS[1 + TABLE_GROUPS.index(group)] for group in groups)]


def _protocol_line(protocol: dict[str, Any]) -> str:
    """What a set's own protocol gives, beside what others state."""

    def listed(errors: dict[str, float]) -> str:
        names = [name for name in protocol["metrics"] if name in errors]
        return ", ".join(f"{name} {errors[name]:.1f} mm" for name in names)

    over = protocol.get("over")
    over = f" over {over}, not comparable with the published figures" if over else ""
    text = f"{protocol['set']}'s own protocol{over}: {listed(protocol['mm']) or 'none'}"
    for method, errors in protocol["published"].items():
        text += f"; published: {method}: {listed(errors)}"
    return f"{text} ({protocol['note']})" if protocol["note"] else text


#: Headings of a table over several sets.
SET_HEADS = ("mm", "MPJPE", "PA-MPJPE", "frames")


def set_blocks(results: dict[str, dict[str, Any]], joints: Sequence[str]) -> list[Block]:
    """A line for each set, by its name, of the results over these joints; below them why an error
    cannot be had, where there is a dash."""
    cells = {name: found["full"][ALL] for name, found in results.items()}
    rows = [[*row(n, c, ("mpjpe", "pa_mpjpe")), str(c["frames"])] for n, c in cells.items()]
    notes = [f"{n}: {r['aligned_only']}" for n, r in results.items() if r.get("aligned_only")]
    if len(joints) < NUM_JOINTS:
        notes.append(f"Over the {len(joints)} joints {', '.join(joints)}.")
    return [Block("", rows), *(Block(note, []) for note in notes)]


def text_table(blocks: Sequence[Block], heads: Sequence[str] = HEADS) -> str:
    """The table for a terminal."""
    rows = [heads, *(row for block in blocks for row in block.rows)]
    first = 1 + max(len(name) for name, *_ in rows)
    width = 1 + max(8, *(len(cell) for _, *cells in rows for cell in cells))

    def line(name: str, *cells: str) -> str:
        return f"{name:<{first}}" + "".join(f"{cell:>{width}}" for cell in cells)

    lines = [line(*heads)]
    for title, rows in blocks:
        shown = title if rows else textwrap.fill(title, 96, break_on_hyphens=False)
        lines += ["", shown] if title else ["─" * len(lines[0])]
        lines += [line(*row) for row in rows]
    return "\n".join(lines)


def markdown_table(blocks: Sequence[Block], heads: Sequence[str] = HEADS) -> str:
    """The table for a README; a block's title becomes a line of its own, notes stand below."""
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for title, rows in blocks:
        if title and rows:
            lines.append("| *" + title.rstrip(":") + "* |" + " |" * (len(heads) - 1))
        lines += ["| " + " | ".join(row) + " |" for row in rows]
    notes = (f"\n{title}\n" for title, rows in blocks if not rows)
    return "\n".join(lines) + "\n" + "".join(notes)


_LATEX = {character: f"\\{character}" for character in "&%_#"}
_LATEX = str.maketrans(_LATEX | {"–": "--", "−": "$-$", "…": r"\,\ldots\,"})


def latex_table(blocks: Sequence[Block], heads: Sequence[str] = HEADS) -> str:
    """The table for a paper; needs the package booktabs."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\"

    start = rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}"
    lines = [r"% \usepackage{booktabs}", start, r"\toprule", line(heads)]
    for title, rows in blocks:
        if not rows:
            continue
        lines.append(r"\midrule")
        if title:
            title = title.rstrip(":").translate(_LATEX)
            lines.append(rf"\multicolumn{{{len(heads)}}}{{l}}{{\emph{{{title}}}}} \\")
        lines += map(line, rows)
    lines += [r"\bottomrule", r"\end{tabular}"]
    for note in (title.translate(_LATEX) for title, rows in blocks if not rows):
        lines += ["", rf"{{\footnotesize {note}\par}}"]
    return "\n".join(lines) + "\n"


#: Figures beyond the table: what, its keys in the results, and its unit.
_FIGURES = (
    ("MPJPE", "full/All/mpjpe", "mm"),
    ("PA-MPJPE", "full/All/pa_mpjpe", "mm"),
    ("PA-MPJPE without scaling", "full/All/pa_mpjpe_rigid", "mm"),
    ("MPJPE, known size", "size_known/mpjpe", "mm"),
    ("in the camera's frame", "full/All/absolute", "mm"),
    ("visible joints", "visibility/visible/mpjpe", "mm"),
    ("hidden joints", "visibility/hidden/mpjpe", "mm"),
    ("3D PCK at 100 mm", "pck/100", "%"),
    ("3D PCK at 150 mm", "pck/150", "%"),
    ("AUC", "pck/auc", "%"),
    ("bone lengths", "bones/error", "mm"),
    ("impossible limbs", "impossible/predicted", "% of the frames"),
    ("the same of true poses", "impossible/true", "% of the frames"),
    ("arms exchanged", "swaps/arms", "% of the frames"),
    ("legs exchanged", "swaps/legs", "% of the frames"),
    ("hidden hands within 250 mm", "hidden_hands/near", "%"),
    ("joints in their 90 % regions", "uncertainty/coverage", "%"),
    ("rotation error", "rotations/mpjae", "°"),
    ("acceleration error", "motion/acceleration_error", "mm/frame²"),
)
#: What these two are of labels that do not tell what the body hides.
_PLACES = {"visible joints": "joints in the picture", "hidden joints": "joints outside of it"}


def text_summary(results: dict[str, Any]) -> str:
    """Those of :data:`_FIGURES` that there are, a line each."""
    names = {} if results.get("occlusion_known", True) else _PLACES
    lines = []
    for name, path, unit in _FIGURES:
        *above, key = path.split("/")
        found = reduce(lambda part, step: part.get(step) or {}, above, results)
        if found.get(key) is not None:
            scale = 100 if unit.startswith("%") else 1
            value, *ends = (v * scale for v in (found[key], *found.get(f"{key}_interval", ())))
            shown = " [{:.1f}, {:.1f}]".format(*ends) if ends else ""
            lines.append(f"{names.get(name, name):<30}{value:.1f}{shown} {unit}")
    brackets = "In brackets: 95 % intervals, characters resampled."
    return "\n".join([*lines, brackets] if "[" in "".join(lines) else lines)
