"""Environment maps: which way is which, the light they throw, and places in them."""

from dataclasses import replace
from math import cos, radians, sin

import numpy as np
import pytest

from dataset.synthetic.render.light import Background, lambert
from dataset.synthetic.scene.place import Environment, _maps, make_place, photographed, turned
from dataset.synthetic.scene.textures import LUMA

FLIP = np.float32((1, -1, 1))


def toward(right: float, up: float) -> np.ndarray:
    """The unit direction so many degrees to the right of +z, seen by who looks along it, and up."""
    right, up = radians(right), radians(up)
    return np.array([-cos(up) * sin(right), sin(up), cos(up) * cos(right)], np.float32)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("column", "row", "steps"), [(32, 8, 0), (41, 12, 9), (3, 14, 40)])
def test_the_main_light_comes_from_where_the_bright_spot_is_seen(column, row, steps, mirrored):
    light, picture = np.full((32, 64, 3), 0.1, np.float32), np.zeros((256, 512, 3), np.uint8)
    light[row, column, 1] = 40.0  # one bright cell, 5.625 degrees wide and high, seen as green
    picture[8 * row : 8 * row + 8, 8 * column : 8 * column + 8, 1] = 255
    environment = turned(Environment(picture, light, gain=2.0), steps, mirrored)
    right, up = (column + 0.5) * 5.625 - 180, 90 - (row + 0.5) * 5.625
    right = (-right if mirrored else right) + steps * 5.625
    direction, sun, rest = environment.main_light()
    assert np.allclose(direction, toward(right, up), atol=1e-5)
    size = cos(radians(up)) * radians(5.625) ** 2 / np.pi
    assert sun[1] == pytest.approx(80 * size, rel=0.02)
    assert rest == pytest.approx([0.2] * 3, rel=0.1)
    there = np.array([toward(right + d, up + e) for d, e in ((0, 0), (7, 0), (-7, 0), (0, 7))])
    assert environment.seen(there)[:, 1] == pytest.approx([4, 0, 0, 0])
    mirror = environment.mirrored(there * FLIP)
    assert mirror[0, 1] > 2 * mirror[1:, 1].max() and mirror[3, 0] == pytest.approx(0.2)


def test_ahead_is_the_middle_left_is_a_quarter_and_no_light_comes_from_below():
    down, right = np.mgrid[:256, :512].astype(np.float32)
    light = np.repeat(np.float32([0, 0.3]), 16)[:, None, None] * np.ones((64, 3), np.float32)
    environment = Environment(np.stack([right, down, right], -1), light, gain=2.0)
    seen = np.sqrt(environment.seen(np.eye(3, dtype=np.float32)[[2, 0]]) / 4) * 255
    assert seen[:, :2] == pytest.approx(np.array([(255.5, 127.5), (127.5, 127.5)]), abs=0.05)
    assert not np.any(environment.main_light()[1:])


def test_places_are_lit_as_their_surroundings_suggest_and_as_brightly_as_before():
    drawn, tinted, kept = [make_place(np.random.default_rng(seed)) for seed in (5, 6, 7)], 0, 0
    drawn += [replace(drawn[0], floor=[each | 240 for each in drawn[0].floor])]
    rooms = _maps()[1][:9].max((1, 2, 3))
    rays = np.array([toward(30, up) for up in np.arange(-80, 5, 0.02)])
    for seed in range(40):
        before = drawn[seed % 4]
        place = photographed(before, np.random.default_rng(seed))
        if place is before:
            kept += 1
            continue
        environment, shade = place.environment, place.light_map.mean()
        assert (environment.light.max() in rooms) != place.outdoors
        direction, sun, rest = environment.main_light()
        old = (shade * before.sun[1] * before.sun_colour + before.ambient) @ LUMA
        old = min(old, 0.6 / (place.albedo @ LUMA))
        assert (shade * place.sun[1] * sun + rest) @ LUMA == pytest.approx(old)
        lit = (shade * place.sun[1] * place.sun_colour + place.ambient) @ LUMA
        assert lit == pytest.approx(old, rel=0.15) and place.sun_colour @ LUMA < 1.4
        assert np.linalg.norm(place.sun) == pytest.approx(1) and place.sun[1] > 0.42
        # Bright surroundings are on the bright side of a body.
        level = np.float32([place.sun, -place.sun]) * np.float32((1, 0, 1))
        bright = environment.mirrored(level - np.float32((0, place.sun[1], 0))) @ LUMA
        assert bright[0] > bright[1] or direction[1] > 0.98
        assert np.diff(lambert(place, level, -level) @ LUMA) < 0
        if place.floor is not before.floor:
            tinted += 1
            ground = environment.light[16:].mean((0, 1))
            off = [np.abs(np.log(each.albedo / ground)).sum() for each in (place, before)]
            assert off[0] < off[1]
        background = Background(place, np.array([0.0, 160, 0]), np.zeros((384, 384), "f4"), 100.0)
        seen, light, far = environment.seen(rays), background.light(rays), background.distance(rays)
        edge = np.flatnonzero(far > 1e5)[0]
        assert (seen[edge:] == light[edge:]).all() and far[0] < 170
        assert np.abs(seen - light)[edge - 1].max() < 0.02 and (seen != light)[0].any()
        dark = replace(place, environment=replace(environment, light=0 * environment.light))
        mirrored = light[0] - replace(background, place=dark).light(rays[:1])[0]
        assert (mirrored > 0).all() == (place.gloss > 0)
    assert 7 <= kept <= 20 and 7 <= tinted <= 20
