"""Results others have published on the xR-EgoPose test set, for orientation beside our own."""

from typing import NamedTuple

from utils.evaluation.distances import ALL

#: Columns of every table by action, in the order of the published ones.
TABLE_GROUPS: tuple[str, ...] = (
    ALL,
    "Gaming",
    "Gesticuling",
    "Greeting",
    "LowerStretching",
    "Patting",
    "Reacting",
    "Talking",
    "UpperStretching",
    "Walking",
)


class PublishedRow(NamedTuple):
    """One method's result.

    Attributes:
        method: name, with the year or source.
        mpjpe: group → millimetres, full body.
        note: what the numbers need said beside them.
    """

    method: str
    mpjpe: dict[str, float]
    note: str = ""


def _row(method: str, *values: float, note: str = "") -> PublishedRow:
    return PublishedRow(method, dict(zip(TABLE_GROUPS, values, strict=False)), note)


#: Tome et al., ICCV 2019 (with Martinez et al. 2017 run by them); Tome et al., "SelfPose", 2020;
#: Park et al., "Domain-guided spatio-temporal self-attention for egocentric 3D pose estimation"
#: (Ego-STAN), 2022, with their re-runs of the dual branch.
PUBLISHED: tuple[PublishedRow, ...] = (
    _row("Martinez 2017", 122.1, 109.6, 105.4, 119.3, 125.8, 93.0, 119.7, 111.1, 124.5, 130.5),
    _row(
        "xR-EgoPose, one branch (2019)",
        *(130.4, 138.3, 108.5, 100.3, 133.3, 117.8, 175.6, 93.5, 129.0, 131.9),
    ),
    _row(
        "xR-EgoPose, dual branch (2019)",
        *(58.2, 56.0, 50.2, 44.6, 51.1, 59.4, 60.8, 43.9, 53.9, 57.7),
    ),
    _row("SelfPose (2020)", 54.7, note="with a rotation branch"),
    _row(
        "dual branch, Ego-STAN's re-run",
        *(61.3, 59.1, 49.0, 50.2, 61.3, 51.7, 60.0, 45.0, 63.9, 62.8),
        note="best of three",
    ),
    _row(
        "the same with L1 losses",
        *(57.9, 52.0, 44.8, 47.6, 57.3, 50.7, 52.4, 41.2, 61.4, 59.3),
        note="best of three",
    ),
    _row(
        "direct regression (2022)",
        *(50.1, 44.7, 41.1, 43.2, 45.9, 45.9, 43.2, 36.1, 54.3, 50.1),
        note="by the Ego-STAN authors",
    ),
    _row(
        "one-frame transformer (2022)",
        *(50.4, 39.4, 35.9, 40.0, 48.3, 43.6, 37.6, 34.0, 56.0, 50.2),
        note="by the Ego-STAN authors",
    ),
    _row(
        "Ego-STAN, 5 frames (2022)",
        *(40.5, 32.8, 30.2, 33.5, 37.2, 30.0, 29.8, 30.0, 43.6, 42.0),
        note="All: 39.8 to 40.5",
    ),
)
