"""``--clutter``: things on the floor and in hands, people at rest, and all else as without it."""

import json

import cv2
import numpy as np
from scipy.spatial import cKDTree

from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.motion.timeline import Timeline
from dataset.synthetic.render.light import Background
from dataset.synthetic.scene import clutter
from dataset.synthetic.scene.clutter import draw_clutter, draw_held
from dataset.synthetic.scene.place import make_place

OPTIONS = ["--ray_step", "4", "--frames_per_character", "4", "--seed", "7", "--train", "8"]
OPTIONS += ["--val", "0", "--test", "0"]


def test_people_are_the_same_and_things_can_only_hide_them(make, tmp_path, monkeypatch):
    # Without clutter, with it, and with something in every hand.
    sets, cases = (
        [],
        (("plain", 0.15, ()), ("things", 0.15, ["--clutter"]), ("held", 1.0, ["--clutter"])),
    )
    for name, held, options in cases:
        monkeypatch.setattr(clutter, "_HELD", held)
        root = make(tmp_path / name, *OPTIONS, *options)
        paths = sorted(root.rglob("*_0*.json"))
        pictures = [cv2.imread(str(path)) for path in sorted(root.rglob("*.png"))]
        sets.append(([json.loads(path.read_text()) for path in paths], pictures))
    (plain, pictures), (cluttered, others), (holding, _) = sets
    same = [a["joints"] == b["joints"] for a, b in zip(plain, cluttered, strict=True)]
    assert len(same) == 8 and sum(same) >= 2  # the others do what people do every day
    for row, (a, b, c) in enumerate(zip(plain, cluttered, holding, strict=True)):
        assert (pictures[row] != others[row]).any() and b["joints"] == c["joints"]
        if same[row]:
            assert not (np.array(b["visible"]) & ~np.array(a["visible"])).any()
            assert a == b | {"visible": a["visible"]}
    seen = [np.sum([label["visible"] for label in each]) for each in (cluttered, holding)]
    assert seen[1] < seen[0]


def test_things_lie_on_the_floor_clear_of_the_body(poser):
    body = poser.body.skin(*(each[0] for each in poser.place(stack([BodyPose()]))))
    body = body + np.array([60.0, 0.0, -40.0])
    low = cKDTree(body[body[:, 1] < 45.0][:, [0, 2]])
    place, kinds = make_place(np.random.default_rng(1)), set()
    for seed in range(30):
        things = draw_clutter(np.random.default_rng(seed), body, place.things, place)
        assert things.faces.max() == len(things.vertices) - 1 == things.ends[-1] - 1
        assert len(things.colours) == len(things.faces) and len(things.ends) >= 4
        assert things.colours.min() >= 0 and things.colours.max() <= 1
        for part in things.apart():
            kinds.add(len(part))
            assert -1e-3 <= part[:, 1].min() <= 0.5 and part[:, 1].max() < 45.0
            distance = low.query(part[:, [0, 2]])[0].min()
            assert distance > 2.0 or np.ptp(part[:, 1]) < 1e-3  # a rug
            assert np.linalg.norm(part[:, [0, 2]].mean(0) - (60, -40)) < 240.0
    assert len(kinds) >= 6


def test_what_is_held_moves_with_the_hand():
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    joints, names = np.array([(10.0, 90.0, 5.0), (-10.0, 90.0, 5.0)]), ("LeftHand", "RightHand")
    share = 0
    for seed in range(300):
        still, moved = (
            draw_held(np.random.default_rng(seed), joints + shift, np.array([how, how]), names)
            for shift, how in ((0.0, np.eye(3)), (7.0, turn))
        )
        if len(still.faces):
            share += 1 / 300
            hand = joints[0 if still.vertices[:, 0].mean() > 0 else 1]
            local = still.vertices - hand
            assert np.allclose(local @ turn.T, moved.vertices - hand - 7, atol=1e-3)
            assert -4 < cKDTree(local).query((0, -2, 0))[0] < 13  # in the palm
            assert local[:, 1].max() < 0
    assert 0.1 < share < 0.2


def test_the_sun_of_a_thing_is_that_of_the_floor_behind_it():
    place, trans = make_place(np.random.default_rng(3)), np.array([30.0, 160.0, -20.0])
    rng = np.random.default_rng(0)
    shadow = cv2.GaussianBlur(rng.random((384, 384), dtype=np.float32), (0, 0), 6.0)
    floor = np.insert(rng.uniform(-90, 90, (50, 2)), 1, 0.0, axis=1)
    lifted = floor + rng.uniform(0, 40, (50, 1)) * place.sun
    at = ((points - trans).astype(np.float32) for points in (floor, lifted))
    shares = [*map(Background(place, trans, shadow, 1.0).sunshine, at)]
    assert np.allclose(*shares, atol=1e-3) and np.ptp(shares[0]) > 0.05


def test_half_of_the_time_people_rest_or_do_what_they_do_every_day(poser):
    def random(*key):
        return np.random.default_rng(np.random.SeedSequence(4, spawn_key=key))

    camera, frames = np.array([0.0, 0.0, 20.0]), range(0, 60000, 31)
    lines = Timeline(poser, random, camera), Timeline(poser, random, camera, everyday=random(9))
    before, after = ([each.pose(frame) for frame in frames] for each in lines)
    changed = np.array([a[0] != b[0] for a, b in zip(before, after, strict=True)])
    assert 0.42 < changed.mean() < 0.53
    assert not changed[[each[0] == "walking" for each in before]].any()
    assert not any(each[2] for each in before)
    assert 0.15 < np.mean([each[2] != "" for each in after]) < 0.23
