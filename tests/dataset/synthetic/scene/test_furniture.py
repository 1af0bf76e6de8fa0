"""Furniture: meshes with their front ahead, and seats below those who sit."""

import numpy as np
import pytest

from dataset.synthetic.meshes import Traced
from dataset.synthetic.motion.timeline import Timeline
from dataset.synthetic.scene.furniture import plain_seat, turned
from dataset.synthetic.scene.furniture_meshes import draw_piece, fitting_seat, pieces

CAMERA, CLIPS = np.array([0.0, 0.0, 20.0]), ("Sitting_Thumbs_Up", "Sitting_Disapproval")


def motion(*key):
    return np.random.default_rng([5, *key])


def heights(things, points):
    """Of the first surface under (N, 2) places of the floor, by rays; 0 for the floor."""
    down, origins = np.float32([[0, -1, 0]] * len(points)), np.insert(points, 1, 300.0, axis=1)
    hits = Traced(things.vertices, things.faces).first(down, origins)
    return np.where(hits["primID"] >= 0, 300.0 - hits["tfar"], 0.0)


def test_pieces_stand_on_the_floor_their_front_ahead():
    assert len(pieces()) == 64 and sum(piece.small for piece in pieces()) > 15
    for things, seat, small in pieces():
        low, high = things.vertices.min(0), things.vertices.max(0)
        assert 0 <= low[1] < 0.2 and (high - low < (70 if small else 260)).all()
        assert np.abs(low + high)[[0, 2]].max() < 0.2
        assert things.faces.max() == len(things.vertices) - 1 == things.ends[-1] - 1
        assert (np.diff(things.ends, prepend=0) > 0).all()
        assert len(things.colours) == len(things.faces) and np.ptp(things.colours) <= 1
        if seat:
            grid = np.mgrid[low[0] : high[0] : 40j, low[2] : high[2] : 40j].reshape(2, -1).T
            found = heights(things, grid)
            level = np.abs(found - seat) < 4
            assert level.mean() > 0.18
            if (found > seat + 20).mean() > 0.03:  # a back
                behind = grid[found > seat + 20, 1].mean()
                assert behind < grid[level, 1].mean() - 5


def test_pieces_are_drawn_in_many_sizes_and_colours():
    drawn = [draw_piece(np.random.default_rng(seed), seed % 2 == 1) for seed in range(40)]
    assert len({thing.vertices.max() for thing in drawn}) == 40
    assert max(np.ptp(thing.vertices) for thing in drawn[1::2]) < 100
    assert min(t.colours.min() for t in drawn) >= 0 and max(t.colours.max() for t in drawn) <= 1


@pytest.mark.parametrize("turn", [0.0, 2.0])
def test_seats_carry_the_hips_and_leave_the_body_free(poser, other_poser, turn):
    fitted, backs = [], 0
    for person in (poser, other_poser):
        frames = Timeline(person, motion, CAMERA, True, CLIPS).place([*range(60, 6000, 250)])
        for row in np.flatnonzero(frames.seats[:, 1] > 30):
            body = person.body.skin(frames.joints[row], frames.turns[row])
            body, (x, height, z, heading) = turned(body, turn), frames.seats[row]
            (x, _, z), heading = turned(np.array([x, 0, z]), turn), heading + turn
            seat = np.array([x, height, z, heading])
            found = fitting_seat(np.random.default_rng(row), seat, body)
            fitted.append(len(found.faces) > 12)
            if not fitted[-1]:
                continue
            # There are slats and small holes, and rays pass half a cell beside what was looked at.
            ahead = np.array([np.sin(heading), np.cos(heading)])
            hips = np.array([x, z]) + np.mgrid[-8:8:9j, -6:6:7j].reshape(2, -1).T
            assert (np.abs(heights(found, hips) - height) < 4.5).mean() > 0.85
            into = heights(found, body[:, [0, 2]]) - body[:, 1]
            assert (into > 4.5).mean() < 0.003 and into.max() > -10
            high = found.vertices[found.vertices[:, 1] > height + 20][:, [0, 2]] - (x, z)
            if len(high):
                backs += 1
                assert np.median(high @ ahead) < -8
            # Nothing goes where something is below the hips.
            blocked = np.concatenate([body, [[x, 0.0, z]]])
            other = fitting_seat(np.random.default_rng(row), seat, blocked)
            assert np.array_equal(other.vertices, plain_seat(seat).vertices)
    assert len(fitted) > 40 and np.mean(fitted) > 0.9 and backs > 20


def test_who_stands_has_no_seat():
    body = np.random.default_rng(1).uniform(0, 170, (99, 3))
    assert not len(fitting_seat(np.random.default_rng(0), np.zeros(4), body).faces)
