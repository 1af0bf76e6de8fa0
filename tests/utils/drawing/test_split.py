"""Which frames are drawn."""

import pytest

from demo import report_rows
from utils.drawing.split_painter import evenly_spaced


@pytest.mark.parametrize(
    ("items", "count", "chosen"),
    [
        (range(101), 5, [0, 25, 50, 75, 100]),
        ([7, 8, 9], 1, [7]),
        ([7, 8, 9], 3, [7, 8, 9]),
        ([7, 8, 9], 50, [7, 8, 9]),
        ([7, 8, 9], 0, []),
        ([], 4, []),
    ],
)
def test_evenly_spaced_items_reach_from_the_first_to_the_last(items, count, chosen):
    assert evenly_spaced(items, count) == chosen


@pytest.mark.parametrize(
    ("total", "count", "chosen"),
    [
        (1000, 60, [*range(20), *range(490, 510), *range(980, 1000)]),
        (61, 61, list(range(61))),
        (61, 60, [*range(40), *range(41, 61)]),
        (15, 10, list(range(15))),
    ],
)
def test_a_report_has_runs_of_twenty_neighbours_spread_over_the_whole(total, count, chosen):
    assert report_rows(total, count) == chosen
