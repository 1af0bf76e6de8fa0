"""The same seed makes the same people, clothes, places and pictures as ever: sums, written down.

A change that moves them makes other sets: it raises ``recipe._VERSION``, and these numbers with it.
"""

import bvh_files
import numpy as np
import pytest

from base.headset import RELEASE_HEADSET
from dataset.synthetic import PASSES
from dataset.synthetic.body.body_model import make_body
from dataset.synthetic.body.head_camera import camera_poses, mount
from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.body.release_joints import release_joints
from dataset.synthetic.clothes.wardrobe import dress
from dataset.synthetic.motion.bvh_timeline import BvhTimeline
from dataset.synthetic.motion.performance import Clip, Performance
from dataset.synthetic.motion.programs import PROGRAMS, perform
from dataset.synthetic.motion.timeline import Timeline
from dataset.synthetic.render.picture_camera import draw_response
from dataset.synthetic.render.renderer import Renderer
from dataset.synthetic.scene.floors import FLOORS, floor_texture
from dataset.synthetic.scene.furniture import plain_seat, together
from dataset.synthetic.scene.place import make_place
from utils.benchmarking.checksum import signed_sums

#: By what is summed: tolerance as far as processors agree, and the sums.
FROZEN = {
    "joints": (1e-3, [79.4066, -42.2547, -98.7389, 2.2277]),
    "skin": (1e-3, [-49.7423, -65.5995, -34.9284, -55.1778]),
    "labels": (1e-3, [-13.8285, 38.0428, 5.1786, 86.3738]),
    "wild joints": (1e-3, [33.2848, 49.0868, -31.3730, -26.5531]),
    "collisions": (1e-3, [-0.2121, -0.0707, -0.2121, 0.2121]),
    "camera": (1e-3, [33.2352, 65.4958, -31.4905, -27.0944]),
    "seats": (1e-3, [-88.2575, -14.2973, 51.2774, 22.6828]),
    "clothes": (1e-3, [-61.7349, -30.8531, 1.5564, -9.3010]),
    "colours": (2e-3, [0.4988, 0.0835, 0.0692, -0.4858]),
    "kinds of floor": (1e-3, [-0.6061, 0.4912, 2.7649, -0.5386]),
    "floors": (0.05, [126.3365, -28.8017, -4.3970, -250.4464]),
    "walls": (0.05, [-15.1868, -105.5540, 69.4095, -74.4004]),
    "things": (1e-3, [-461.9231, 357.4203, -124.2756, -296.0983]),
    "paint": (1e-3, [-0.0598, 0.1893, -0.3476, 0.4626]),
    "rgba": (0.1, [-18.5270, 7.7282, -35.3296, -121.3186]),
    "depth": (2.0, [605.4207, 1611.7638, -224.8194, -2330.2902]),
    "objectId": (0.05, [1.2809, 0.0803, -0.3562, -2.9753]),
    "lead": (1e-3, [-4.8781, 4.2354, 3.0463, 109.1490]),
    "timeline": (1e-3, [159.4032, -62.4167, -75.7076, 20.1488]),
    "passages": (1e-3, [-29.5785, 76.45, -57.7974, -20.7944]),
}


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def motion(*key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(5, spawn_key=key))


@pytest.fixture(scope="module")
def found(poser, other_poser, tmp_path_factory):
    """What is summed, by its name."""
    body, found = poser.body, {}
    acts = [Performance(random(seed), Clip(clip)) for clip in PROGRAMS for seed in range(6)]
    joints, turns = poser.place(stack([perform(act, 1.7) for act in acts]))
    found["joints"] = joints
    found["skin"] = [body.skin(joints[row], turns[row]) for row in range(0, len(joints), 20)]
    found["labels"] = [release_joints(body, joints[row], turns[row]) for row in range(9)]
    rng, head = random(0), body.rig.index("Head")
    # Far beyond what programs do: limits, collisions, legs that are too long or too short.
    spans = {name: 90.0 * (np.ndim(value) < 2) or 1.0 for name, value in vars(BodyPose()).items()}
    spans |= {"pelvis": 0.3, "curl": 0.5, "splay": 0.5, "balance": 1.0}
    poses = stack([BodyPose()] * 200)
    poses = {name: rng.normal(at, spans[name] / 2, at.shape) for name, at in poses.items()}
    wild, wild_turns = other_poser.place(poses)
    worn = mount(other_poser.body, RELEASE_HEADSET, rng)
    found["wild joints"] = wild
    found["collisions"] = other_poser.volumes.hit(wild, wild_turns, worn.offset)
    found["camera"] = camera_poses(worn, wild[:, head], wild_turns[:, head])
    found["seats"] = other_poser.seat_height(np.linspace(0, 1, 5))

    frames = Timeline(poser, motion, np.array([0.0, 5.0, 21.0]), checked=True)
    frames = frames.place(list(range(0, 1800, 5)))
    path = tmp_path_factory.mktemp("bvh") / "a.bvh"
    walk = frames.joints[40:100], frames.turns[40:100]
    path.write_text(bvh_files.bvh_text(poser, *walk, frame_time=1 / 25))
    found["timeline"] = frames.joints
    passages = BvhTimeline(other_poser, motion, (path,)).place(list(range(0, 300, 4)))
    found["passages"] = passages.joints

    people = [make_body(n % 2 == 0, n % 3 == 0, n % 4 == 0, random(n)) for n in range(4)]
    outfits = [dress(people[seed % 4], random(seed)) for seed in range(24)]
    found["clothes"] = np.concatenate([outfit.vertices for outfit in outfits])
    centres = [outfit.tpose[outfit.faces].mean(1) for outfit in outfits]
    dyed = [o.colour(o.face_part, at)[0] for o, at in zip(outfits, centres, strict=True)]
    found["colours"] = np.concatenate(dyed)

    kinds = [(*f.colour, *f.second, f.count, f.gloss, f.outdoors) for f in FLOORS.values()]
    found["kinds of floor"] = kinds
    patterns = {floor.pattern: floor for floor in FLOORS.values()}.values()
    drawn = [(floor, n) for floor in patterns for n in range(1 + (floor.pattern == "carpet"))]
    found["floors"] = [floor_texture(floor, random(seed))[::2, ::2] for floor, seed in drawn]
    places = [make_place(random(seed)) for seed in range(6)]
    found["walls"] = [place.walls[::4, ::4] for place in places]
    seat = plain_seat(np.array([10.0, 44.0, -5.0, 0.3]))
    things = [together([place.things, seat]) for place in places]
    found["things"] = np.concatenate([thing.vertices for thing in things])
    found["paint"] = np.concatenate([thing.colours[::12] for thing in things])
    for row, place in enumerate(places):
        body, outfit, rng = people[row % 4], outfits[row], random(row)
        at, turned = joints[5 * row], turns[5 * row]
        rig = mount(people[0], RELEASE_HEADSET, rng)
        trans, rot = (each[0] for each in camera_poses(rig, at[None, head], turned[None, head]))
        skin = body.skin(at, turned, outfit.vertices, outfit.weights)
        renderer = Renderer(outfit, place, draw_response(rng), (4, 2, 4, 4, 1, 4)[row])
        seat = plain_seat(np.array([0.0, 40.0 * (row % 2), -40.0, 0.5]))
        stands = together([place.things, seat])
        drawn, lead = renderer.draw(skin, trans, rot, stands, at, rng, PASSES)
        for name, picture in (drawn | {"lead": lead}).items():
            found.setdefault(name, []).append(picture)
    return found


@pytest.mark.parametrize("name", FROZEN)
def test_what_a_seed_makes_is_as_written_down(name, found):
    tolerance, sums = FROZEN[name]
    assert np.allclose(signed_sums(np.array(found[name])), sums, rtol=0, atol=tolerance)
