"""The metrics of results.json: a function of the poses each.  A new one is a file and a line."""

from collections.abc import Callable
from typing import Any

from utils.evaluation.metrics.bones import bone_errors
from utils.evaluation.metrics.joints import errors_by_joint, errors_by_visibility
from utils.evaluation.metrics.motion import averaging, motion
from utils.evaluation.metrics.parts import errors_by_part, errors_of_characters
from utils.evaluation.metrics.pck import pck
from utils.evaluation.metrics.swaps import swap_rates
from utils.evaluation.metrics.uncertainty import uncertainty
from utils.evaluation.poses import Poses

#: Key of results.json → what it holds.
METRICS: dict[str, Callable[[Poses], Any]] = {
    "joints": errors_by_joint,
    "visibility": errors_by_visibility,
    "pck": pck,
    "bones": bone_errors,
    "swaps": swap_rates,
    "characters": errors_of_characters,
    "motion": motion,
    "averaging": averaging,
    "uncertainty": uncertainty,
}


def measure(poses: Poses) -> dict[str, Any]:
    """Everything measured on some frames, ready for JSON; the schema is in doc/evaluation.md.

    Raises:
        ValueError: for no frame at all.
    """
    if not poses.actions:
        raise ValueError("no frame was measured")
    return errors_by_part(poses) | {name: metric(poses) for name, metric in METRICS.items()}
