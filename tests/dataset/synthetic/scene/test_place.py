"""Places: many looks, seamless floors, light, and a user's own panoramas."""

import cv2
import numpy as np
import pytest

from base.errors import UserError
from dataset.synthetic.scene.floors import FLOOR_PX, FLOORS, floor_texture
from dataset.synthetic.scene.lights import lamps, light_map
from dataset.synthetic.scene.place import load_panorama, make_place


def test_there_are_at_least_thirty_looks_and_no_two_are_alike():
    assert len(FLOORS) >= 30
    means = []
    for number, look in enumerate(list(FLOORS.values())[::4]):
        texture = floor_texture(look, np.random.default_rng(number))
        assert texture.shape == (FLOOR_PX, FLOOR_PX, 3) and texture.std() > 1
        means.append((*texture.mean((0, 1)), texture.std()))
    apart = np.abs(np.array(means)[:, None] - np.array(means)).max(-1)
    assert apart[np.triu_indices(len(means), 1)].min() > 2


@pytest.mark.parametrize("name", ["beige tiles", "oak boards", "gravel", "brick paving", "lawn"])
def test_floors_go_on_without_a_seam(name):
    texture = floor_texture(FLOORS[name], np.random.default_rng(0)).astype(float)
    for axis in (0, 1):
        seam = np.abs(np.take(texture, 0, axis) - np.take(texture, -1, axis)).mean()
        inside = np.abs(np.diff(texture, axis=axis)).mean(axis=(1 - axis, 2))
        assert seam <= inside.max() + 2


def test_light_is_a_share_and_some_floors_have_spots_of_sun():
    maps = [light_map(np.random.default_rng(seed), seed % 2 == 0) for seed in range(12)]
    assert all(each.min() >= 0 and each.max() <= 1.001 for each in maps)
    assert max(each.std() for each in maps) > 0.15
    assert lamps(np.random.default_rng(0), outdoors=False).max() > 1


def test_a_panorama_takes_the_place_of_the_walls(tmp_path):
    picture = np.zeros((64, 128, 3), np.uint8)
    picture[:, :64] = (0, 0, 255)
    path = tmp_path / "garden.png"
    cv2.imwrite(str(path), picture)
    place = make_place(np.random.default_rng(0), path)
    assert place.panorama.shape == (64, 128, 3)
    assert (load_panorama(path)[5, 5] == (255, 0, 0)).all()
    assert len(place.things.faces) == 0


def test_a_seat_stands_on_the_floor_below_whoever_sits():
    things = make_place(np.random.default_rng(0)).things
    seat = things.with_seat(np.array([10.0, 44.0, -5.0, 0.3])).corners[len(things.corners) :]
    assert np.allclose((seat.min(0)[1], seat.max(0)[1]), (0.0, 44.0), atol=1e-4)
    assert np.allclose(seat[:, [0, 2]].mean(0), (10.0, -5.0), atol=1e-4)
    assert things.with_seat(np.zeros(4)) is things


def test_a_broken_or_flat_panorama_is_named(tmp_path):
    broken, flat = tmp_path / "broken.jpg", tmp_path / "flat.png"
    broken.write_bytes(b"no picture")
    cv2.imwrite(str(flat), np.zeros((50, 60, 3), np.uint8))
    with pytest.raises(UserError, match=r"broken\.jpg cannot be read"):
        load_panorama(broken)
    with pytest.raises(UserError, match="60x50"):
        load_panorama(flat)
