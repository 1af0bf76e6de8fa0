"""From the results of the runs to the figures of the table, with intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from base.errors import UserError
from utils.benchmarking.runs import Run
from utils.evaluation.bootstrap import RESAMPLES, character_weights, interval
from utils.evaluation.compare import sums_by_character
from utils.evaluation.distances import ALL

#: Joints of the parts of the body that demo.py does not report by itself.
HANDS = ("LeftHand", "RightHand")
FEET = ("LeftFoot", "LeftToeBase", "RightFoot", "RightToeBase")


def resampled_mpjpe(results: Sequence[dict[str, Any]], draw: int) -> np.ndarray | None:
    """(R,) MPJPE of a row in resamples of its seeds and, within each, of the test characters.

    The same characters are drawn for every row, so that what makes a character hard falls out of
    ratios; seeds are drawn for each row by itself.

    Args:
        results: of demo.py, one a seed, on the same frames.
        draw: seed of the drawing of seeds; another for each row.

    Returns:
        None with fewer than two characters.

    Raises:
        UserError: for results on different frames.
    """
    characters = sorted(results[0]["characters"])
    sums, counts = [], []
    for result in results:
        errors, frames = sums_by_character(result, "full", ALL, characters)
        sums.append(errors[:, 0])
        counts.append(frames)
    if any(sorted(result["characters"]) != characters for result in results) or any(
        not np.array_equal(frames, counts[0]) for frames in counts
    ):
        raise UserError("the seeds of a row were tested on different frames: run it anew")
    if len(characters) < 2:
        return None
    weights = character_weights(len(characters)).astype(np.float64)
    means = (weights @ np.stack(sums, 1)) / (weights @ counts[0])[:, None]
    rng = np.random.default_rng(draw)
    chosen = rng.integers(len(results), size=(RESAMPLES, len(results)))
    return np.take_along_axis(means, chosen, 1).mean(1)


def _ends(samples: np.ndarray | None) -> list[float] | None:
    return None if samples is None else interval(samples[:, None])[:, 0].tolist()


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def _joints(results: dict[str, Any], names: Sequence[str]) -> float:
    return float(np.mean([results["joints"][name]["mpjpe"] for name in names]))


def _visibility(results: dict[str, Any], kind: str) -> float | None:
    return ((results.get("visibility") or {}).get(kind) or {}).get("mpjpe")


def uncertainty(results: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Coverage of the 90 % region and error by decile of uncertainty, means over the seeds.

    Taken from ``uncertainty`` of results.json; None for models that state none.  It counts as
    rising where it rises from each tenth to the next with every seed.
    """
    stated = [result["uncertainty"] for result in results if result.get("uncertainty")]
    if len(stated) < len(results):
        return None
    deciles = np.array([[tenth["error"] for tenth in one["deciles"]] for one in stated])
    return {
        "coverage_90": _mean([one["coverage"] for one in stated]),
        "deciles": deciles.mean(0).tolist(),
        "rises": bool((np.diff(deciles, axis=1) > 0).all()),
    }


def row_figures(runs: Sequence[Run], draw: int) -> tuple[dict[str, Any], np.ndarray | None]:
    """Figures of one row, and its resampled MPJPE.

    Args:
        runs: its finished runs, one a seed.
        draw: as in :func:`resampled_mpjpe`.
    """
    results, records = [run.results() for run in runs], [run.record() for run in runs]
    whole = [result["full"][ALL] for result in results]
    samples = resampled_mpjpe(results, draw)
    motion = [result.get("motion") or {} for result in results]
    figures = {
        "seeds": [run.seed for run in runs],
        "frames": results[0]["frames"],
        "mpjpe": _mean([cell["mpjpe"] for cell in whole]),
        "mpjpe_interval": _ends(samples),
        "mpjpe_by_seed": [cell["mpjpe"] for cell in whole],
        "pa_mpjpe": _mean([cell["pa_mpjpe"] for cell in whole]),
        "upper": _mean([result["upper"][ALL]["mpjpe"] for result in results]),
        "lower": _mean([result["lower"][ALL]["mpjpe"] for result in results]),
        "hands": _mean([_joints(result, HANDS) for result in results]),
        "feet": _mean([_joints(result, FEET) for result in results]),
        "visible": _mean([_visibility(result, "visible") for result in results]),
        "hidden": _mean([_visibility(result, "hidden") for result in results]),
        "acceleration_error": _mean([one.get("acceleration_error") for one in motion]),
        "jitter": _mean([one.get("jitter") for one in motion]),
        "jitter_true": _mean([one.get("jitter_true") for one in motion]),
        "uncertainty": uncertainty(results),
        "machine": records[0]["machine"],
        "parameters": records[0]["parameters"],
        "pictures": records[0]["pictures"],
        "labels": records[0]["labels"],
        "training_seconds": _mean([record.get("training_seconds") for record in records]),
        "interruptions": sum(record.get("interruptions", 0) for record in records),
    }
    return figures, samples


def all_figures(
    names: Sequence[str], reference: str, runs: Sequence[Run], paired: bool = False
) -> dict[str, dict[str, Any]]:
    """Row → its figures, for rows with a finished run.

    Args:
        names: rows, in the order of the table.
        reference: the one that ratios are to.
        runs: of these rows.
        paired: equal seeds belong together, so that the same ones are drawn for every row.

    Raises:
        UserError: where rows were tested on different frames.
    """
    finished = {name: [run for run in runs if run.row == name and run.finished] for name in names}
    if paired:
        seeds = {run.seed for of in finished.values() for run in of}
        seeds = seeds.intersection(*({run.seed for run in of} for of in finished.values() if of))
        finished = {name: [run for run in of if run.seed in seeds] for name, of in finished.items()}
    figures, samples = {}, {}
    for draw, name in enumerate(names):
        if finished[name]:
            figures[name], samples[name] = row_figures(finished[name], 0 if paired else draw)
    if len({row["frames"] for row in figures.values()}) > 1:
        raise UserError("the rows were tested on different frames: delete those of an older set")
    base = figures.get(reference)
    for name, row in figures.items():
        if base is None:
            continue
        row["ratio"] = row["mpjpe"] / base["mpjpe"]
        ours, theirs = samples[name], samples[reference]
        if name != reference and ours is not None and theirs is not None:
            row["ratio_interval"] = _ends(ours / theirs)
    return figures
