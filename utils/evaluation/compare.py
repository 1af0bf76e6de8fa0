"""Evaluations side by side: their results.json, and the interval of a difference."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import UserError
from utils.evaluation.bootstrap import interval, resampled_means
from utils.evaluation.distances import BODY_PARTS


def read_results(path: Path) -> dict[str, Any]:
    """A results.json of demo.py; a folder stands for the one in it.

    Raises:
        UserError: for a file that is missing or none.
    """
    path = path / "results.json" if path.is_dir() else path
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise UserError(f"{path}: not valid json") from None
    complete = isinstance(content, dict) and all(
        key in content for key in (*BODY_PARTS, "characters", "data", "model")
    )
    if not complete:
        raise UserError(f"{path}: not the results.json of a demo.py run")
    return content


def sums_by_character(
    results: dict[str, Any], part: str, group: str, characters: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Sums (C, 1) of MPJPE over the frames of each character, and frames (C,)."""
    cells = [results["characters"].get(name, {}).get(part, {}).get(group) for name in characters]
    counts = np.array([cell["frames"] if cell else 0 for cell in cells], np.float64)
    means = np.array([cell["mpjpe"] if cell else 0.0 for cell in cells])
    return (means * counts)[:, None], counts


def same_frames(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether two runs measured the same characters with as many frames in each group."""

    def counts(results: dict[str, Any]) -> dict[str, dict[str, int]]:
        return {
            name: {group: cell["frames"] for group, cell in parts["full"].items()}
            for name, parts in results["characters"].items()
        }

    return counts(first) == counts(second)


def difference(
    first: dict[str, Any], second: dict[str, Any], part: str, group: str
) -> tuple[float, np.ndarray | None] | None:
    """MPJPE of the second run less that of the first, millimetres, with its 95 % interval.

    The same characters are drawn for both in each resample, so that what makes a character hard
    falls out of the difference.  Needs :func:`same_frames`.

    Returns:
        The difference and its (2,) ends, None with fewer than two characters; None for a group
        that has no frames.
    """
    characters = sorted(first["characters"])
    ours, counts = sums_by_character(first, part, group, characters)
    theirs, _ = sums_by_character(second, part, group, characters)
    if counts.sum() == 0:
        return None
    mean = float((theirs - ours).sum() / counts.sum())
    if np.count_nonzero(counts) < 2:
        return mean, None
    return mean, interval(resampled_means(theirs - ours, counts))[:, 0]
