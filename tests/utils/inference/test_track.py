"""Frames one by one or in batches have the same histories, and none over a gap."""

import pytest
import torch

from utils.inference.square_predictor import Track

LAGS = (0, 1, 3)
#: Number 6 is missing, and "b" is another video though its numbers go on.
PLACES = [*(("a", n) for n in (0, 1, 2, 3, 4, 5, 7, 8)), ("b", 9), ("b", 10), None, None]
HISTORIES = [
    *([0, None, None], [1, 0, None], [2, 1, None], [3, 2, 0], [4, 3, 1], [5, 4, 2]),
    *([6, None, None], [7, 6, None], [8, None, None], [9, 8, None]),
    *([10, None, None], [11, None, None]),
]


@pytest.mark.parametrize("sizes", [[12], [1] * 12, [3, 1, 4, 4]])
def test_histories_are_of_frames_that_follow_each_other_in_batches_of_any_size(sizes):
    track, found, row = Track(LAGS), [], 0
    for size in sizes:
        rows = torch.arange(row, row + size).float()
        memory = rows.view(-1, 1, 1).expand(-1, 16, 3), rows.view(-1, 1).expand(-1, 16)
        *values, known = track.history(memory, PLACES[row : row + size])
        assert torch.equal(values[0][..., 0], values[1])
        numbers = values[1][..., 0].int().tolist()
        found += [
            [number if there else None for number, there in zip(*both, strict=True)]
            for both in zip(numbers, known.tolist(), strict=True)
        ]
        row += size
    assert found == HISTORIES
    # As many frames are kept as a history reaches back.
    assert len(track._places) == len(track._memory[0]) == LAGS[-1]
