"""The table of the benchmark as Markdown."""

from collections.abc import Sequence
from typing import Any

from utils.benchmarking.spec import MEAN, Benchmark
from utils.benchmarking.videos import video_titles

_NONE = "–"


def _number(value: float | None, form: str = ".1f") -> str:
    return _NONE if value is None else f"{value:{form}}"


def _with_ends(value: float | None, ends: Sequence[float] | None, form: str = ".1f") -> str:
    if value is None or ends is None:
        return _number(value, form)
    return f"{value:{form}} [{ends[0]:{form}}, {ends[1]:{form}}]"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return _NONE
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its first column to the left and the others to the right."""
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def error_table(benchmark: Benchmark, rows: dict[str, dict[str, Any]]) -> str:
    """Errors on the test set."""
    reference = rows.get(benchmark.reference)
    heads = ["MPJPE, mm", "all [95 %]"]
    heads += ["÷ reference [95 %]"] if reference else []
    heads += ["PA-MPJPE", "upper", "lower", "hands", "feet", "visible", "hidden"]
    moving = any(row["jitter"] is not None for row in rows.values())
    heads += ["jitter, mm/frame³ (true)"] if moving else []
    lines = []
    for name, row in rows.items():
        cells = [benchmark.rows[name].title, _with_ends(row["mpjpe"], row["mpjpe_interval"])]
        if reference:
            cells.append(_with_ends(row["ratio"], row.get("ratio_interval"), ".2f"))
        cells.append(_number(row["pa_mpjpe"]))
        cells += [_number(row[part]) for part in ("upper", "lower", "hands", "feet")]
        cells += [_number(row[kind]) for kind in ("visible", "hidden")]
        if moving:
            cells.append(f"{_number(row['jitter'])} ({_number(row['jitter_true'])})")
        lines.append(cells)
    return markdown(heads, lines)


def _sizes(rates: dict[str, dict[str, float]]) -> list[str]:
    return list(dict.fromkeys(size for row in rates.values() for size in row))


def _rate_heads(sizes: Sequence[str]) -> list[str]:
    return [
        f"frames/s, {'CPU' if size.startswith('cpu') else 'GPU'}, batch {size.partition('_')[2]}"
        for size in sizes
    ]


def _parameters(own: int | None, reference: int | None) -> str:
    if not own:
        return _NONE
    return f"{own / 1e6:.1f}" + (f" ({own / reference:.0%})" if reference else "")


def _rates(own: dict[str, float], base: dict[str, float], sizes: Sequence[str]) -> list[str]:
    cells = []
    for size in sizes:
        rate = own.get(size)
        times = f" (× {rate / base[size]:.2f})" if rate and size in base else ""
        cells.append(_NONE if rate is None else f"{rate:.1f}{times}")
    return cells


def cost_table(
    benchmark: Benchmark, rows: dict[str, dict[str, Any]], speed: dict[str, Any] | None
) -> str:
    """Parameters, frames per second and what training took."""
    rates = (speed or {}).get("rows", {})
    sizes = _sizes(rates)
    base = rates.get(benchmark.reference, {})
    parameters = rows.get(benchmark.reference, {}).get("parameters")
    heads = ["cost", "parameters, M", *_rate_heads(sizes)]
    heads += ["training", "pictures seen", "labels seen", "seeds"]
    lines = []
    for name, row in rows.items():
        cells = [benchmark.rows[name].title, _parameters(row["parameters"], parameters)]
        cells += _rates(rates.get(name, {}), base, sizes)
        cells.append(_duration(row["training_seconds"]))
        cells += [f"{row['pictures']:,}" if row["pictures"] else _NONE]
        cells += [f"{row['labels']:,}" if row["labels"] else _NONE]
        cells.append(_NONE if name == MEAN else str(len(row["seeds"])))
        lines.append(cells)
    return markdown(heads, lines)


def full_size_table(benchmark: Benchmark, full_size: dict[str, Any]) -> str:
    """Parameters and frames per second of the networks at the largest scale."""
    rates, parameters = full_size["rows"], full_size["parameters"]
    sizes = _sizes(rates)
    heads = [f"cost at scale `{full_size['scale']}`", "parameters, M", *_rate_heads(sizes)]
    base, reference = rates.get(benchmark.reference, {}), parameters.get(benchmark.reference)
    return markdown(
        heads,
        [
            [
                benchmark.rows[name].title,
                _parameters(parameters[name], reference),
                *_rates(own, base, sizes),
            ]
            for name, own in rates.items()
        ],
    )


def uncertainty_table(benchmark: Benchmark, rows: dict[str, dict[str, Any]]) -> str | None:
    """Coverage and deciles, of the rows that state an uncertainty; None where none does."""
    stated = {name: row["uncertainty"] for name, row in rows.items() if row["uncertainty"]}
    if not stated:
        return None
    heads = [
        "uncertainty",
        "coverage of the 90 % region",
        "error of the joints by tenths, surest first, mm",
        "rises",
    ]
    lines = [
        [
            benchmark.rows[name].title,
            f"{found['coverage_90']:.1%}",
            " ".join(f"{value:.0f}" for value in found["deciles"]),
            "yes" if found["rises"] else "no",
        ]
        for name, found in stated.items()
    ]
    return markdown(heads, lines)


def video_table(benchmark: Benchmark, rows: dict[str, dict[str, Any]]) -> str:
    """Errors on videos, of single frames and of the temporal form."""
    heads = [
        "MPJPE on videos, mm",
        "all [95 %]",
        "÷ single frames [95 %]",
        "PA-MPJPE",
        "acceleration error, mm/frame²",
        "jitter, mm/frame³ (true)",
        "coverage of the 90 % region",
        "seeds",
    ]
    titles = video_titles(benchmark.videos)
    return markdown(
        heads,
        [
            [
                titles[name],
                _with_ends(row["mpjpe"], row["mpjpe_interval"]),
                _with_ends(row.get("ratio"), row.get("ratio_interval"), ".2f"),
                _number(row["pa_mpjpe"]),
                _number(row["acceleration_error"]),
                f"{_number(row['jitter'])} ({_number(row['jitter_true'])})",
                _number(row["uncertainty"] and row["uncertainty"]["coverage_90"], ".1%"),
                str(len(row["seeds"])),
            ]
            for name, row in rows.items()
        ],
    )


def _about_videos(benchmark: Benchmark, summary: dict[str, Any]) -> list[str]:
    videos, sizes = benchmark.videos, benchmark.scales[summary["scale"]].videos
    rows = summary["videos"]["rows"]
    return [
        "",
        f"On videos: {sizes.train:,} training, {sizes.val:,} validation and "
        f"{next(iter(rows.values()))['frames']:,} test frames at 30 a second "
        f"({summary['videos']['set']}), people and places of their own. Every row starts from the "
        f"networks of “{benchmark.rows[videos.base].title}” above, each seed from its own.",
        "",
        video_table(benchmark, rows),
    ]


def document(benchmark: Benchmark, summary: dict[str, Any]) -> str:
    """Everything the command says of a scale, as Markdown.

    Args:
        benchmark: what it consists of.
        summary: the content of table.json.
    """
    rows, scale = summary["rows"], benchmark.scales[summary["scale"]]
    speed = summary["speed"]
    tests = {row["frames"] for row in rows.values()}
    lines = [
        f"Scale `{summary['scale']}`, meant for {scale.meant_for}: {scale.train:,} training, "
        f"{scale.val:,} validation and {tests.pop() if tests else scale.test:,} test frames at "
        f"{scale.picture_size} px ({summary['set']}); "
        f"{scale.budget:,} pictures seen by each row. Trained on {summary['trained_on']}; "
        f"`{summary['command']}`.",
        "",
        error_table(benchmark, rows),
        "",
        cost_table(benchmark, rows, speed),
    ]
    if speed and speed.get("full_size"):
        lines += ["", full_size_table(benchmark, speed["full_size"])]
    if table := uncertainty_table(benchmark, rows):
        lines += ["", table]
    if summary.get("videos"):
        lines += _about_videos(benchmark, summary)
    if speed:
        where = speed["machine"] + (f" and {speed['gpu']}" if speed["gpu"] else "")
        lines += [
            "",
            f"Frames/s: pictures in memory to poses, medians of {speed['rounds']} rounds in which "
            f"all rows took turns, on {where}.",
        ]
    lines.append("")
    for name in rows:
        note = benchmark.rows[name].notes.get(summary["scale"])
        if note:
            lines.append(f"- **{benchmark.rows[name].title}**: {note}.")
    if any(row["interruptions"] for row in rows.values()):
        lines.append("- Training was interrupted and gone on with; its time holds what was redone.")
    return "\n".join(lines).rstrip() + "\n"
