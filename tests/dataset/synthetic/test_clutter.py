"""``--clutter``: things on the floor and in hands, people at rest, and all else as without it."""

import json

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree

from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.motion.timeline import Timeline
from dataset.synthetic.render.background import sunshine
from dataset.synthetic.scene import clutter
from dataset.synthetic.scene.clutter import NO_THINGS, draw_clutter, draw_held
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
        found.append((labels, [cv2.imread(str(p)) for p in sorted(root.rglob("*.png"))], root))
    return found


def test_people_are_the_same_and_things_can_only_hide_them(sets):
    (plain, pictures, _), (cluttered, others, _), (holding, *_) = sets
    same = [a["joints"] == b["joints"] for a, b in zip(plain, cluttered, strict=True)]
    assert sum(same) >= 4  # the others rest
    for row, (a, b, c) in enumerate(zip(plain, cluttered, holding, strict=True)):
        assert (pictures[row] != others[row]).any() and b["joints"] == c["joints"]
        assert b["action"] == (a["action"] if same[row] else "Weight_Shift_Gesture")
        if same[row]:
            before, after = np.array(a.pop("visible")), np.array(b["visible"])
            assert not (after & ~before).any()
            assert a == {key: value for key, value in b.items() if key != "visible"}
    seen = [np.sum([label["visible"] for label in each]) for each in (cluttered, holding)]
    assert seen[1] < 0.97 * seen[0]


def test_any_part_and_process_gives_the_same_bytes(sets, tmp_path, make):
    with pytest.MonkeyPatch.context() as patched:  # real processes
        patched.setattr("dataset.synthetic.generate.ProcessPoolExecutor", make.processes)
        make(tmp_path, *OPTIONS, "--clutter", "--part", "2/2", "--workers", 2)
    made = sorted(path for path in tmp_path.rglob("*.*") if path.suffix in (".png", ".json"))
    assert len(made) > 2
    for path in made:
        assert path.read_bytes() == (sets[1][2] / path.relative_to(tmp_path)).read_bytes()


def test_what_cannot_be_is_refused(sets, tmp_path, refused):
    plain, cluttered = sets[0][2], sets[1][2]
    for root, options, message in (
        (plain, ("--clutter", "--resume"), "was made with another --clutter"),
        (cluttered, ("--resume",), "was made with another --clutter"),
        (tmp_path, ("--clutter", "--video"), "give --stride 30 or more"),
    ):
        assert message in refused("--output", root, *OPTIONS, *options)


def test_things_lie_on_the_floor_clear_of_the_body(poser):
    body = poser.body.skin(*(each[0] for each in poser.place(stack([BodyPose()]))))
    body = body + np.array([60.0, 0.0, -40.0])
    low = cKDTree(body[body[:, 1] < 45.0][:, [0, 2]])
    place, kinds = make_place(np.random.default_rng(1)), set()
    for seed in range(30):
        things = draw_clutter(np.random.default_rng(seed), body, place.things, place)
        again = draw_clutter(np.random.default_rng(seed), body, place.things, place)
        assert all(np.array_equal(a, b) for a, b in zip(things, again, strict=True))
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


def test_a_quarter_of_the_time_is_rest_and_the_rest_is_the_same(poser):
    def random(*key):
        return np.random.default_rng(np.random.SeedSequence(4, spawn_key=key))

    camera, frames = np.array([0.0, 0.0, 20.0]), range(0, 60000, 31)
    plain = Timeline(poser, random, camera)
    resting = Timeline(poser, random, camera, resting=random(9))
    actions = [[each.pose(frame)[0] for frame in frames] for each in (plain, resting)]
    changed = np.not_equal(*actions)
    assert 0.2 < np.mean(changed) < 0.3
    assert {a for a, other in zip(actions[1], changed, strict=True) if other} == {
        "Weight_Shift_Gesture"
    }
    same = kept = 0
    for frame, other in zip(frames[:400], changed, strict=False):
        if not other:
            kept += 1
            one, two = (each.pose(frame)[1] for each in (plain, resting))
            same += np.array_equal(one.hand, two.hand) and np.array_equal(one.root, two.root)
    assert same > 0.9 * kept  # but for blends from rest
