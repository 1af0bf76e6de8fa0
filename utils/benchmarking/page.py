"""From the results of a benchmark's runs to the tables of its page, with intervals."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import UserError
from utils.benchmarking import read
from utils.benchmarking.plan import Benchmark
from utils.evaluation.bootstrap import RESAMPLES, interval, resampled_means
from utils.evaluation.mpjpe import ALL
from utils.evaluation.results import Measured, read_results
from utils.evaluation.tables import Block, markdown_table

Contents = Sequence[dict[str, Any]]


def mean(contents: Contents, keys: str) -> float | None:
    """Mean of the values under nested keys, as "joints.LeftHand+RightHand.mpjpe"; None for none."""
    found = list(contents)
    for names in keys.split("."):
        parts = [one for one in found if isinstance(one, dict)]
        found = [part[key] for part in parts for key in names.split("+") if key in part]
    found = [value for value in found if type(value) in (int, float)]
    return float(np.mean(found)) if found else None


def _text(value: float | None, form: str = ".1f", samples: np.ndarray | None = None) -> str:
    """A value, with the 95 % interval of its resamples; a dash for none and 0."""
    ends = "" if samples is None else " [{:{f}}, {:{f}}]".format(*interval(samples), f=form)
    return f"{value:{form}}{ends}" if value else "–"


def resampled_mpjpe(results: Contents, draw: int) -> np.ndarray | None:
    """(R,) MPJPE of a row in resamples of its seeds and, within each, of the test characters. The
    same characters are drawn for every row, so that what makes a character hard cancels in ratios;
    the same seeds for the same ``draw``. None with fewer than two characters."""
    names = sorted(results[0]["characters"])
    if any(sorted(one["characters"]) != names for one in results):
        raise UserError("the results.json of a row's seeds are of different characters: delete one")
    cells = [[one["characters"][name]["full"][ALL] for name in names] for one in results]
    counts = np.array([cell["frames"] for cell in cells[0]], np.float64)
    errors = np.array([[cell["mpjpe"] for cell in row] for row in cells])
    means = resampled_means((errors * counts).T, counts)
    chosen = np.random.default_rng(draw).integers(len(results), size=(RESAMPLES, len(results)))
    return np.take_along_axis(means, chosen, 1).mean(1) if len(names) > 1 else None


def _cost(records: Contents, reference: Contents) -> dict[str, str]:
    own, theirs = mean(records, "parameters"), mean(reference, "parameters")
    minutes = (mean(records, "training_seconds") or 0) / 60
    took = f"{minutes:.1f} min" if minutes < 60 else f"{minutes / 60:.1f} h"
    return {
        "parameters, M": f"{own / 1e6:.1f} ({own / (theirs or own):.0%})" if own else "–",
        "training": took if minutes else "–",
        "pictures seen": _text(mean(records, "pictures"), ",.0f"),
        "labels seen": _text(mean(records, "labels"), ",.0f"),
        "seeds": str(len(records)) if own else "–",
    }


def _uncertainty(results: Contents) -> dict[str, str]:
    deciles = np.array([[d["error"] for d in one["uncertainty"]["deciles"]] for one in results])
    shown = " ".join(f"{value:.0f}" for value in deciles.mean(0))
    return {
        "90 % coverage": _text(mean(results, "uncertainty.coverage"), ".1%"),
        "joint error by uncertainty decile, lowest first, mm": shown,
        "monotonic": "yes" if (np.diff(deciles) > 0).all() else "no",  # with every seed
    }


def page_text(
    benchmark: Benchmark, name: str, checksum: dict[str, Any], finished: dict[str, list[Path]]
) -> str:
    """All tables of a benchmark, ``name`` being that of its file, as Markdown; ``finished`` are the
    folders of each row's seeds with test/results.json of demo.py and run.json, at least one."""
    results = {k: [read_results(p / "test", Measured) for p in of] for k, of in finished.items()}
    records = {row: [read(place / "run.json") for place in of] for row, of in finished.items()}
    # Equal seeds belong together where rows start from others' runs.
    paired, base = any(row.start for row in benchmark.rows.values()), benchmark.reference
    draws = {row: 0 if paired else draw for draw, row in enumerate(benchmark.rows)}
    samples = {row: resampled_mpjpe(of, draws[row]) for row, of in results.items()}
    theirs = mean(results.get(base, []), "full.All.mpjpe")
    errors, cost, uncertainty = {}, {}, {}
    for row, of in results.items():
        own, compared = mean(of, "full.All.mpjpe"), theirs and row != base
        ratios = samples[row] / samples[base] if compared and samples[row] is not None else None
        errors[row] = {
            "all [95 %]": _text(own, samples=samples[row]),
            "÷ reference [95 %]": _text(theirs and own / theirs, ".2f", ratios),
        }
        for head, keys in benchmark.columns.items():
            errors[row][head] = _text(mean(of, keys), ".1%" if "%" in head else ".1f")
        if paired:
            errors[row]["seeds"] = str(len(of))
            continue
        cost[row] = _cost(records[row], records.get(base, []))
        if of[0].get("uncertainty"):
            uncertainty[row] = _uncertainty(of)
    train, val, test = (f"{split['frames']:,}" for split in checksum.values())
    budget = f"; {benchmark.budget:,} pictures seen by each row" if benchmark.budget else ""
    machines = ", ".join(sorted({record["machine"] for of in records.values() for record in of}))
    parts = [
        f"Scale `{name}`, meant for {benchmark.meant_for}: {train} training, {val} validation and "
        f"{test} test frames at {benchmark.picture_size} px (checksum verified){budget}. "
        f"Trained on {machines}; `python utils/benchmark.py {name}`.\n"
    ]
    for corner, cells in {"MPJPE, mm": errors, "cost": cost, "uncertainty": uncertainty}.items():
        if cells:
            rows = [[benchmark.rows[row].title, *of.values()] for row, of in cells.items()]
            heads = [corner, *next(iter(cells.values()))]
            parts.append(markdown_table([Block("", rows)], heads))
    about = (benchmark.rows[row] for row in results)
    parts += [f"- **{row.title}**: {row.note}." for row in about if row.note]
    return "\n".join(parts).rstrip() + "\n"
