"""``--clutter``: things on the floor and in hands, people at rest, and all else as without it."""

import json

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree

from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.motion.timeline import Timeline
from dataset.synthetic.render.light import sunshine
from dataset.synthetic.scene import clutter
from dataset.synthetic.scene.clutter import draw_clutter, draw_held
from dataset.synthetic.scene.furniture import NO_THINGS
from dataset.synthetic.scene.place import make_place

OPTIONS = ["--ray_step", "4", "--frames_per_character", "4", "--seed", "7", "--train", "8"]
OPTIONS += ["--val", "0", "--test", "0"]


@pytest.fixture(scope="module")
def sets(make, tmp_path_factory):
    """Labels and pictures in order: without clutter, with it, and with something in every hand."""
    found = []
    for options, held in (((), 0.15), (("--clutter",), 0.15), (("--clutter",), 1.0)):
        root = tmp_path_factory.mktemp("clutter") / "set"
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(clutter, "_HELD", held)
            make(root, *OPTIONS, *options)
        labels = [json.loads(path.read_text()) for path in sorted(root.rglob("*.json"))[:8]]
        found.append((labels, [cv2.imread(str(p)) for p in sorted(root.rglob("*.png"))]))
    return found


def test_people_are_the_same_and_things_can_only_hide_them(sets):
    (plain, pictures), (cluttered, others), (holding, _) = sets
    same = [a["joints"] == b["joints"] for a, b in zip(plain, cluttered, strict=True)]
    assert sum(same) >= 2  # the others do what people do every day
    for row, (a, b, c) in enumerate(zip(plain, cluttered, holding, strict=True)):
        assert (pictures[row] != others[row]).any() and b["joints"] == c["joints"]
        assert b["action"] == a["action"] or not same[row]
        if same[row]:
            before, after = np.array(a.pop("visible")), np.array(b["visible"])
            assert not (after & ~before).any()
            assert a == {key: value for key, value in b.items() if key != "visible"}
    seen = [np.sum([label["visible"] for label in each]) for each in (cluttered, holding)]
    assert seen[1] < seen[0]


def test_things_lie_on_the_floor_clear_of_the_body(poser):
    body = poser.body.skin(*(each[0] for each in poser.place(stack([BodyPose()]))))
    body = body + np.array([60.0, 0.0, -40.0])
    low = cKDTree(body[body[:, 1] < 45.0][:, [0, 2]])
    place, kinds = make_place(np.random.default_rng(1)), set()
    for seed in range(30):
        things = draw_clutter(np.random.default_rng(seed), body, place.things, place)
        assert things.faces.max() == len(things.vertices) - 1 and len(things.ends) >= 4
        assert len(things.colours) == len(things.faces) and things.ends[-1] == len(things.vertices)
        assert things.colours.min() >= 0 and things.colours.max() <= 1
        for part in things.apart():
            kinds.add(len(part))
            assert -1e-3 <= part[:, 1].min() <= 0.5 and part[:, 1].max() < 45.0
            distance = low.query(part[:, [0, 2]])[0].min()
            assert distance > 2.0 or np.ptp(part[:, 1]) < 1e-3  # a rug
            assert np.linalg.norm(part[:, [0, 2]].mean(0) - (60, -40)) < 240.0
    assert len(kinds) >= 6


def test_what_is_held_moves_with_the_hand(monkeypatch):
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    joints, names = np.array([(10.0, 90.0, 5.0), (-10.0, 90.0, 5.0)]), ("LeftHand", "RightHand")
    share = 0
    for seed in range(300):
        still, moved = (
            draw_held(np.random.default_rng(seed), joints + shift, np.array([how, how]), names)
            for shift, how in ((0.0, np.eye(3)), (7.0, turn))
        )
        share += len(still.faces) > 0
        if len(still.faces):
            hand = joints[0 if still.vertices[:, 0].mean() > 0 else 1]
            assert np.allclose(
                (still.vertices - hand) @ turn.T, moved.vertices - hand - 7, atol=1e-3
            )
            assert -4 < cKDTree(still.vertices - hand).query((0, -2, 0))[0] < 13  # in the palm
            assert (still.vertices - hand)[:, 1].max() < 0
    assert 0.1 < share / 300 < 0.2
    monkeypatch.setattr(clutter, "_HELD", 0.0)
    assert draw_held(np.random.default_rng(0), joints, np.array([turn] * 2), names) is NO_THINGS


def test_the_sun_of_a_thing_is_that_of_the_floor_behind_it():
    place, trans = make_place(np.random.default_rng(3)), np.array([30.0, 160.0, -20.0])
    rng = np.random.default_rng(0)
    shadow = cv2.GaussianBlur(rng.random((384, 384), dtype=np.float32), (0, 0), 6.0)
    floor = np.insert(rng.uniform(-90, 90, (50, 2)), 1, 0.0, axis=1)
    lifted = floor + rng.uniform(0, 40, (50, 1)) * place.sun
    shares = [
        sunshine(place, shadow, (p - trans).astype(np.float32), trans) for p in (floor, lifted)
    ]
    assert np.allclose(*shares, atol=1e-3) and np.ptp(shares[0]) > 0.05


def test_half_of_the_time_people_rest_or_do_what_they_do_every_day(poser):
    def random(*key):
        return np.random.default_rng(np.random.SeedSequence(4, spawn_key=key))

    camera, frames = np.array([0.0, 0.0, 20.0]), range(0, 60000, 31)
    plain = Timeline(poser, random, camera)
    everyday = Timeline(poser, random, camera, everyday=random(9))
    before, after = ([each.pose(frame) for frame in frames] for each in (plain, everyday))
    changed = [a[0] != b[0] for a, b in zip(before, after, strict=True)]
    assert 0.42 < np.mean(changed) < 0.53
    walks = [row for row, each in enumerate(before) if each[0] == "walking"]
    assert not any(changed[row] for row in walks)
    used = [each[2] for each in after]
    assert not any(each[2] for each in before) and 0.15 < np.mean(np.array(used) != "") < 0.23
