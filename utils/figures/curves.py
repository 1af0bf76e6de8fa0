"""Training curves, read from the TensorBoard logs of a run."""

from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from utils.figures.style import MUTED_TONE, PREDICTED_TONE, TRUTH_TONE

_PREFIX = "validation/"
_TONES = (TRUTH_TONE, PREDICTED_TONE, MUTED_TONE)


class Curve(NamedTuple):
    """A scalar over steps or epochs: (n,) each."""

    steps: np.ndarray
    values: np.ndarray


def read_curves(log_dir: Path) -> dict[str, Curve]:
    """Scalars of a run by their tag; of a resumed run the later value where steps meet.

    Empty for a folder that holds no log.
    """
    if not any(log_dir.glob("events.out.tfevents.*")):
        return {}
    events = EventAccumulator(str(log_dir), size_guidance={"scalars": 0})
    events.Reload()
    curves = {}
    for tag in events.Tags()["scalars"]:
        values = {event.step: event.value for event in events.Scalars(tag)}
        steps = sorted(values)
        curves[tag] = Curve(np.array(steps), np.array([values[step] for step in steps]))
    return curves


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Running mean over a twentieth of the run."""
    width = max(1, len(values) // 20)
    sums = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - width)
    return (sums[ends] - sums[starts]) / (ends - starts)


def _draw_loss(axes: Axes, loss: Curve | None) -> None:
    if loss is None:
        # The loop logs every tenth step.
        axes.text(
            0.5, 0.5, "too short to have logged a loss", transform=axes.transAxes, ha="center"
        )
        return
    # A line through one point would not be seen.
    marker = "o" if len(loss.steps) < 5 else None
    axes.plot(*loss, color=MUTED_TONE, linewidth=0.6, alpha=0.5)
    axes.plot(loss.steps, _smoothed(loss.values), marker=marker, color=TRUTH_TONE, lw=1.6)
    if loss.values.min() > 0 and loss.values.max() > 20 * loss.values.min():
        axes.set_yscale("log")


def training_curves(runs: dict[str, dict[str, Curve]]) -> Figure:
    """Loss over steps and validation over epochs, a row a run.

    Args:
        runs: name → curves of :func:`read_curves`.
    """
    figure = Figure(figsize=(7.2, 2.2 * len(runs)), layout="constrained")
    grid = figure.subplots(len(runs), 2, squeeze=False)
    for (left, right), (name, curves) in zip(grid, runs.items(), strict=True):
        left.set(title=name, xlabel="step", ylabel="loss")
        _draw_loss(left, curves.get("loss/total"))
        validation = [item for item in curves.items() if item[0].startswith(_PREFIX)]
        for (tag, curve), colour in zip(validation, cycle(_TONES), strict=False):
            label = tag.removeprefix(_PREFIX)
            right.plot(*curve, "o-", color=colour, markersize=3, linewidth=1.4, label=label)
            best = int(curve.values.argmin())
            right.plot(curve.steps[best], curve.values[best], "o", color=colour, markersize=7)
        right.set(title="ValSet", xlabel="epoch", ylim=(0, None))
        right.xaxis.get_major_locator().set_params(integer=True)
        right.legend(fontsize=8)
    return figure
