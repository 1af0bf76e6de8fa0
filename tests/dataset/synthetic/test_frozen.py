"""The same seed makes the same people, clothes, places and pictures as ever: sums, written down.

A change that moves them makes other sets: it raises ``recipe._VERSION``, and these numbers with it.
"""

import numpy as np
import pytest

from base.headset import RELEASE_HEADSET
from dataset.synthetic import PASSES
from dataset.synthetic.body.body_model import make_body
from dataset.synthetic.body.head_camera import camera_poses, mount
from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.body.release_joints import occluded, release_joints
from dataset.synthetic.clothes.wardrobe import dress
from dataset.synthetic.motion.performance import Clip, Performance
from dataset.synthetic.motion.programs import PROGRAMS, perform
from dataset.synthetic.render.camera_response import draw_response
from dataset.synthetic.render.renderer import Renderer
from dataset.synthetic.scene.floors import FLOORS, floor_texture
from dataset.synthetic.scene.place import make_place
from utils.benchmarking.checksum import signed_sums

#: By what is summed: tolerance as far as processors agree, and the sums.
FROZEN = {
    "joints": (1e-3, [79.4066, -42.2547, -98.7389, 2.2277]),
    "turns": (1e-3, [1.0340, 0.3173, -0.0135, 0.6188]),
    "skin": (1e-3, [-49.7423, -65.5995, -34.9284, -55.1778]),
    "labels": (1e-3, [-13.8285, 38.0428, 5.1786, 86.3738]),
    "wild joints": (1e-3, [33.2848, 49.0868, -31.3730, -26.5531]),
    "wild turns": (1e-3, [0.5714, -0.2154, 0.4062, 0.1238]),
    "collisions": (1e-3, [-0.2121, -0.0707, -0.2121, 0.2121]),
    "camera": (1e-3, [33.2352, 65.4958, -31.4905, -27.0944]),
    "hidden": (1e-3, [0.0555, -0.4438, 0.3328, 0.6656]),
    "seats": (1e-3, [-88.2575, -14.2973, 51.2774, 22.6828]),
    "clothes": (1e-3, [-61.7349, -30.8531, 1.5564, -9.3010]),
    "colours": (2e-3, [0.4988, 0.0835, 0.0692, -0.4858]),
    "kinds of floor": (1e-3, [-0.6061, 0.4912, 2.7649, -0.5386]),
    "floors": (0.05, [126.3365, -28.8017, -4.3970, -250.4464]),
    "walls": (0.05, [-15.1868, -105.5540, 69.4095, -74.4004]),
    "light_map": (1e-3, [1.5315, -0.0873, -0.7337, -0.3134]),
    "lamps": (1e-3, [1.9332, -1.1430, -0.6070, -0.7282]),
    "sun": (1e-3, [0.6260, -0.3998, -0.0484, 0.3290]),
    "sun_colour": (1e-3, [-0.6559, -0.0231, -0.0284, 1.7053]),
    "ambient": (1e-3, [-0.0738, 0.0218, 0.0340, 1.0337]),
    "above": (1e-3, [-0.1542, 0.0153, -0.1345, 1.3584]),
    "centre": (1e-3, [-147.4532, 12.6990, 239.0959, 113.4396]),
    "things": (1e-3, [-461.9231, 357.4203, -124.2756, -296.0983]),
    "paint": (1e-3, [-0.0598, 0.1893, -0.3476, 0.4626]),
    "rgba": (0.1, [-18.5270, 7.7282, -35.3296, -121.3186]),
    "depth": (2.0, [605.4207, 1611.7638, -224.8194, -2330.2902]),
    "objectId": (0.05, [1.2809, 0.0803, -0.3562, -2.9753]),
    "lead": (1e-3, [-4.8781, 4.2354, 3.0463, 109.1490]),
}


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def found(poser, other_poser):
    """What is summed, by its name."""
    body, found = poser.body, {}
    acts = [Performance(random(seed), Clip(clip)) for clip in PROGRAMS for seed in range(6)]
    joints, turns = poser.place(stack([perform(act, 1.7) for act in acts]))
    found["joints"], found["turns"] = joints, turns
    found["skin"] = [body.skin(joints[row], turns[row]) for row in range(0, len(joints), 20)]
    found["labels"] = [release_joints(body, joints[row], turns[row]) for row in range(9)]
    rng = random(0)
    # Far beyond what programs do: limits, collisions, legs that are too long or too short.
    spans = {name: 90.0 * (np.ndim(value) < 2) or 1.0 for name, value in vars(BodyPose()).items()}
    spans |= {"pelvis": 0.3, "curl": 0.5, "splay": 0.5, "balance": 1.0}
    poses = stack([BodyPose()] * 200)
    poses = {name: rng.normal(at, spans[name] / 2, at.shape) for name, at in poses.items()}
    wild, wild_turns = other_poser.place(poses)
    worn = mount(other_poser.body, RELEASE_HEADSET, rng)
    found["wild joints"], found["wild turns"] = wild, wild_turns
    found["collisions"] = other_poser.volumes.hit(wild, wild_turns, worn.offset)
    head = body.rig.index("Head")
    found["camera"] = camera_poses(worn, wild[:, head], wild_turns[:, head])
    found["hidden"] = [occluded(np.full(len(body.heads), lead), body) for lead in range(25)]
    found["seats"] = other_poser.seat_height(np.linspace(0, 1, 5))

    people = [
        make_body(seed % 2 == 0, seed % 3 == 0, seed % 4 == 0, random(seed)) for seed in range(4)
    ]
    outfits = [dress(people[seed % 4], random(seed)) for seed in range(24)]
    found["clothes"] = np.concatenate([outfit.vertices for outfit in outfits])
    centres = [outfit.tpose[outfit.faces].mean(1) for outfit in outfits]
    dyed = [o.colour(o.face_part, at)[0] for o, at in zip(outfits, centres, strict=True)]
    found["colours"] = np.concatenate(dyed)

    kinds = [(*f.colour, *f.second, f.count, f.gloss, f.outdoors) for f in FLOORS.values()]
    found["kinds of floor"] = kinds
    patterns = {floor.pattern: floor for floor in FLOORS.values()}.values()
    floors = [
        (floor, seed) for floor in patterns for seed in range(1 + (floor.pattern == "carpet"))
    ]
    found["floors"] = [floor_texture(floor, random(seed))[::2, ::2] for floor, seed in floors]
    places = [make_place(random(seed)) for seed in range(6)]
    found["walls"] = [place.walls[::4, ::4] for place in places]
    for name in ("light_map", "lamps", "sun", "sun_colour", "ambient", "above", "centre"):
        found[name] = [getattr(place, name) for place in places]
    things = [place.things.with_seat(np.array([10.0, 44.0, -5.0, 0.3])) for place in places]
    found["things"] = np.concatenate([thing.corners for thing in things])
    found["paint"] = np.concatenate([thing.colours for thing in things])
    pictures = {}
    for row, place in enumerate(places):
        body, outfit, rng = people[row % 4], outfits[row], random(row)
        at, turned = joints[5 * row], turns[5 * row]
        rig = mount(people[0], RELEASE_HEADSET, rng)
        trans, rot = (each[0] for each in camera_poses(rig, at[None, head], turned[None, head]))
        skin = body.skin(at, turned, outfit.vertices, outfit.weights)
        renderer = Renderer(outfit, place, draw_response(rng), (4, 2, 4, 4, 1, 4)[row])
        seat = np.array([0.0, 40.0 * (row % 2), -40.0, 0.5])
        drawn, lead = renderer.draw(skin, trans, rot, seat, at, rng, PASSES)
        for name, picture in (drawn | {"lead": lead}).items():
            pictures.setdefault(name, []).append(picture)
    return found | pictures


@pytest.mark.parametrize("name", FROZEN)
def test_what_a_seed_makes_is_as_written_down(name, found):
    tolerance, sums = FROZEN[name]
    assert np.allclose(signed_sums(np.array(found[name])), sums, rtol=0, atol=tolerance)
