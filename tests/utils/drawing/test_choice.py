"""Which frames are drawn."""

from utils.drawing.choice import best, evenly_spaced, evenly_spaced_runs, every, worst


def test_evenly_spaced_items_reach_from_the_first_to_the_last():
    assert evenly_spaced(range(101), 5) == [0, 25, 50, 75, 100]
    assert evenly_spaced([7, 8, 9], 1) == [7]
    assert evenly_spaced([7, 8, 9], 3) == evenly_spaced([7, 8, 9], 50) == [7, 8, 9]
    assert evenly_spaced([7, 8, 9], 0) == evenly_spaced([], 4) == []


def test_every_starts_with_the_first():
    assert every(list(range(7)), 3) == [0, 3, 6]
    assert every([1, 2], 1) == [1, 2]


def test_extremes_are_sorted_and_ties_keep_their_order():
    frames = [("a", 5.0), ("b", 9.0), ("c", 5.0), ("d", 9.0), ("e", 1.0)]

    def error(frame):
        return frame[1]

    assert [name for name, _ in worst(frames, 3, error)] == ["b", "d", "a"]
    assert [name for name, _ in best(frames, 3, error)] == ["e", "a", "c"]
    assert worst(frames, 0, error) == []
    assert len(best(frames, 99, error)) == 5


def test_runs_of_neighbours_are_spread_over_the_whole():
    chosen = evenly_spaced_runs(range(1000), 60, 20)
    assert chosen == [*range(20), *range(490, 510), *range(980, 1000)]
    assert evenly_spaced_runs(range(50), 60, 20) == list(range(50))
    # Runs that would overlap share their frames.
    assert evenly_spaced_runs(range(61), 60, 20) == sorted(set(evenly_spaced_runs(range(61), 60)))
