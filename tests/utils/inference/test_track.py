"""Frames one by one or in batches have the same histories, and none over a gap."""

import torch

from utils.inference.track import Track

LAGS = (0, 1, 3)


def memory(first, count):
    numbers = torch.arange(first, first + count).float()
    return numbers.view(-1, 1, 1).expand(-1, 16, 3), numbers.view(-1, 1).expand(-1, 16)


def read(history):
    """Frame numbers of each history, None where there is no frame."""
    return [
        [int(value) if there else None for value, there in zip(row, known, strict=True)]
        for row, known in zip(history[1][..., 0].tolist(), history[-1].tolist(), strict=True)
    ]


def through(places, sizes):
    track, found, row = Track(LAGS), [], 0
    for size in sizes:
        history = track.history(memory(row, size), places[row : row + size])
        found += read(history)
        row += size
    return found


PLACES = [("a", n) for n in range(6)] + [("a", n) for n in (7, 8)] + [("b", n) for n in (9, 10)]


def test_histories_are_of_frames_that_follow_each_other():
    found = through(PLACES, [len(PLACES)])
    assert found[5] == [5, 4, 2]
    assert found[0] == [0, None, None] and found[2] == [2, 1, None]
    # Number 6 is missing, and "b" is another video though its numbers go on.
    assert found[6:] == [[6, None, None], [7, 6, None], [8, None, None], [9, 8, None]]


def test_batches_of_any_size_give_the_same():
    whole = through(PLACES, [len(PLACES)])
    assert through(PLACES, [1] * len(PLACES)) == whole
    assert through(PLACES, [3, 1, 4, 2]) == whole


def test_only_as_many_frames_are_kept_as_a_history_reaches_back():
    track = Track(LAGS)
    for row in range(50):
        track.history(memory(row, 1), [("a", row)])
    assert len(track._places) == len(track._memory[0]) == LAGS[-1]


def test_pictures_of_no_sequence_stand_alone():
    assert through([None, None], [1, 1]) == [[0, None, None], [1, None, None]]
