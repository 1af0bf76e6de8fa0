"""A history is made of frames that follow each other, and of no others."""

import numpy as np

from dataset.consecutive_frames import history_rows, run_lengths


def test_a_missing_number_another_sequence_a_picture_of_none_and_disorder_cut_the_history():
    places = [("a", n) for n in (3, 4, 5, 7, 8)]
    places += [("b", 9), None, ("b", 10), ("b", 11), ("b", 11), ("b", 10)]
    assert run_lengths(places).tolist() == [0, 1, 2, 0, 1, 0, 0, 0, 1, 0, 0]


def test_frames_that_are_not_there_are_replaced_by_the_newest_and_marked():
    rows, known = history_rows(np.array([0, 1, 2, 0]), (0, 1, 2))
    assert rows.tolist() == [[0, 0, 0], [1, 0, 1], [2, 1, 0], [3, 3, 3]]
    assert known.tolist() == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
        [True, False, False],
    ]
