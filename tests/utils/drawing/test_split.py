"""Which frames are drawn."""

from demo import report_rows
from utils.drawing.split_painter import evenly_spaced


def test_evenly_spaced_items_reach_from_the_first_to_the_last():
    assert evenly_spaced(range(101), 5) == [0, 25, 50, 75, 100]
    for count, chosen in ((0, []), (1, [7]), (3, [7, 8, 9]), (50, [7, 8, 9])):
        assert evenly_spaced([7, 8, 9], count) == chosen
    assert evenly_spaced([], 4) == []


def test_a_report_has_runs_of_twenty_neighbours_spread_over_the_whole():
    assert report_rows(1000, 60) == [*range(20), *range(490, 510), *range(980, 1000)]
    assert report_rows(61, 60) == [*range(40), *range(41, 61)]
    assert report_rows(61, 61) == [*range(61)] and report_rows(15, 10) == [*range(15)]
