"""``--clutter``: things on the floor and in hands, people at rest, and all else as without it."""

import itertools
import json

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree

from dataset.synthetic import job
from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.motion.timeline import Timeline
from dataset.synthetic.render.light import Background
from dataset.synthetic.scene import clutter
from dataset.synthetic.scene.clutter import draw_clutter, draw_held
from dataset.synthetic.scene.free_floor import FreeFloor
from dataset.synthetic.scene.furniture import NO_THINGS, _box
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


def test_things_lie_on_the_floor_clear_of_the_body(poser, monkeypatch):
    body = poser.body.skin(*(each[0] for each in poser.place(stack([BodyPose()]))))
    angle = np.linspace(0, 2 * np.pi, 400)
    around = np.stack([60 * np.cos(angle), 90 + 0 * angle, 60 * np.sin(angle)], -1)  # of hands, say
    body = np.concatenate([body, around]) + np.array([60.0, 0.0, -40.0])
    places = [make_place(np.random.default_rng(seed)) for seed in (1, 2, 5)]
    assert [place.outdoors for place in places] == [False, True, False]
    kinds = set()
    for furnished, place in itertools.product((0.0, 1.0), places):
        monkeypatch.setattr(clutter, "_FURNISHED", furnished)
        for seed in range(50 if furnished and not place.outdoors else 6):
            things = draw_clutter(np.random.default_rng(seed), body, place.things, place)
            assert things.faces.max() == len(things.vertices) - 1 == things.ends[-1] - 1
            assert len(things.colours) == len(things.faces) and len(things.ends) >= 4
            assert things.colours.min() >= 0 and things.colours.max() <= 1
            assert things.vertices[:, 1].min() >= -1e-3
            lying = things.vertices[things.vertices[:, 1] > 0.301]  # a rug may be below the feet
            for low in range(0, 250, 10):
                points = lying[(lying[:, 1] >= low) & (lying[:, 1] < low + 10)][:, [0, 2]]
                beside = body[body[:, 1] < max(low, 45)][:, [0, 2]]
                near = cKDTree(beside).query(points)[0].min(initial=99.0)
                assert near > (10.0 if low > 60 else 2.0)
            tall = lying[lying[:, 1] > 75]
            kinds.add((place.outdoors, furnished, bool(len(tall))))
            for part in things.apart():
                at = part[:, [0, 2]]
                assert np.linalg.norm(at.mean(0) - (60, -40)) < 500.0
                if len(part) > 4 and np.ptp(part[:, 1]) > 1e-3:
                    assert (np.abs(at - place.centre) <= place.half + 1e-3).all()
    assert (False, 1.0, True) in kinds and not {(True, 1.0, True), (False, 0.0, True)} & kinds


def test_nothing_is_put_where_something_is():
    body, room = np.zeros((9, 3)), make_place(np.random.default_rng(1))
    box = _box(np.array([(x, y, z) for x in (-9, 9) for y in (0, 30) for z in (-20, 20)]), 0.5)
    stands = box._replace(vertices=box.vertices + np.float32([60, 0, 0]))
    floor, rng, put = FreeFloor(room, body, stands), np.random.default_rng(2), [stands]
    for _ in range(40):
        put += floor.add(rng, box, 90.0, floor.beside(45.0, 2))
    assert 5 < len(put) < 30
    covered = np.zeros((300, 300), np.uint8)
    for each in put:
        hull = cv2.convexHull((each.vertices[:, [0, 2]] + 150).astype(np.int32))
        covered += cv2.fillConvexPoly(np.zeros_like(covered), hull, 1)
    assert covered.max() == 1


@pytest.mark.parametrize(("name", "more"), [("plain_seat", []), ("fitting_seat", ["--clutter"])])
def test_who_sits_is_drawn_with_a_seat(make, tmp_path, monkeypatch, name, more):
    def made(where):
        few = ["--actions", "Sitting_Disapproval", "--frames_per_character", "1", "--train", "3"]
        root = make(tmp_path / where, *OPTIONS, *few, *more)
        return np.array([cv2.imread(str(path)) for path in sorted(root.rglob("*.png"))])

    before = made("with")
    monkeypatch.setattr(job, name, lambda *_: NO_THINGS)
    assert (made("without") != before).any((1, 2, 3)).sum() >= 2


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
