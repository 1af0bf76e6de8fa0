"""Light on the body: what faces down is lit by the floor, unless something is in between."""

from dataclasses import replace

import numpy as np
import pytest

from dataset.synthetic.body.body_model import make_body
from dataset.synthetic.body.pose import Pose, stack
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.clothes.sheets import vertex_normals
from dataset.synthetic.clothes.wardrobe import dress
from dataset.synthetic.render.ray_casting import Traced
from dataset.synthetic.render.shading import BodyShader
from dataset.synthetic.scene.place import make_place


@pytest.fixture(scope="module")
def brightness():
    """Mean light of faces turned up and down, by the floor's grey level and what lies below."""
    rng = np.random.default_rng(3)
    body = make_body(male=True, full=False, short=False, rng=rng)
    # Arms ahead: no part of a forearm is below the other.
    pose = Pose(hand=np.array([(0.3, -0.3, 0.8), (0.3, -0.3, 0.8)]))
    joints, turns = (each[0] for each in Poser(body).place(stack([pose])))
    outfit = dress(body, rng)
    skin = body.skin(joints, turns, outfit.vertices, outfit.weights).astype(np.float32)
    middle = skin[outfit.faces].mean(1)
    ahead = middle[:, 2] > joints[body.rig.index("LeftForeArm"), 2]
    slope = vertex_normals(skin, outfit.faces)[outfit.faces].mean(1)[:, 1]
    up, down = (np.flatnonzero(ahead & side) for side in (slope > 0.9, slope < -0.9))
    place = make_place(rng)

    def measure(floor, plate):
        grey = [np.full_like(level, floor) for level in place.floor]
        shader = BodyShader(outfit, replace(place, floor=grey))
        vertices, faces = skin, outfit.faces
        if plate:
            low = middle[ahead, 1].min() - 5.0
            corners = np.array([(-900, low, -900), (900, low, -900), (0, low, 900)], np.float32)
            faces = np.concatenate([faces, [np.arange(3) + len(skin)]])
            vertices = np.concatenate([vertices, corners])
        scene = Traced(vertices, faces)
        third = np.full(len(outfit.faces), 1 / 3, np.float32)
        light = [
            shader.shade(scene, skin, rows.astype(np.int32), third[rows], third[rows])[0].mean()
            for rows in (up, down)
        ]
        return np.array(light)

    assert min(len(up), len(down)) > 20
    return measure


def test_a_bright_floor_lights_what_faces_down(brightness):
    (up, down), (up_dark, down_dark) = brightness(230, False), brightness(10, False)
    assert down > 1.5 * down_dark
    assert up == pytest.approx(up_dark, rel=0.02)


def test_what_lies_between_takes_the_light_of_the_floor(brightness):
    assert np.allclose(brightness(230, True), brightness(10, True), rtol=0.05)
    assert brightness(230, True)[1] < brightness(230, False)[1] / 1.5
