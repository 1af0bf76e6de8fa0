"""Everyday activities: hands where they belong, things in the hands, people who can do it."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from base.actions import action_group
from dataset.synthetic.body.pose import stack
from dataset.synthetic.motion.everyday import ACTIVITIES, instead
from dataset.synthetic.motion.performance import Clip, Performance
from dataset.synthetic.motion.programs import perform
from dataset.synthetic.scene.in_use import draw_in_use

CAMERA = np.array([0.0, 1.0, 16.5])


@pytest.fixture(scope="module", params=ACTIVITIES)
def seen(request, poser, other_poser):
    """Of one activity: its name, and of 30 possible moments (joints and palms by name, things)."""
    name, found = request.param, []
    for each in (poser, other_poser):
        clip, legs = Clip("", everyday=name), (each.bones.leg_length, each.bones.hip)
        acts = [Performance(np.random.default_rng(seed), clip, *legs) for seed in range(50)]
        joints, turns = each.place(stack([perform(act, 1.5) for act in acts]))
        possible = np.flatnonzero(~each.volumes.hit(joints, turns, CAMERA))
        assert len(possible) > 22  # of 50
        row = each.bones.row
        for j, t in zip(joints[possible[:15]], turns[possible[:15]], strict=True):
            at = {bone: j[place] for bone, place in row.items()}
            for side in ("Left", "Right"):
                at[f"{side}Palm"] = (at[f"{side}Hand"] + at[f"{side}HandMiddle1"]) / 2
                at[f"{side}Facing"] = -t[row[f"{side}Hand"]][:, 1]
            at["Camera"] = at["Head"] + t[row["Head"]] @ CAMERA
            at["Face"] = at["Head"] + t[row["Head"]] @ np.array([0.0, 5.0, 8.0])
            what = ACTIVITIES[name].uses, each, j, t, at["Camera"]
            things = draw_in_use(np.random.default_rng(3), *what) if what[0] else None
            found.append((at, things))
    return name, found


def test_hands_are_where_they_belong(seen):
    name, found = seen
    for at, _ in found:
        left, right = at["LeftPalm"], at["RightPalm"]
        near = min(
            ("Left", "Right"), key=lambda side: np.linalg.norm(at[f"{side}Palm"] - at["Face"])
        )
        if name in ("hand at face", "hands behind head"):
            tips = [at[f"{near}Hand{finger}"] for finger in ("Middle3", "Index3", "Middle1")]
            assert min(np.linalg.norm(tip - at["Face"]) for tip in tips) < 17.0
        elif name == "hands at hips":
            assert max(abs(palm[1] - at["Hips"][1]) for palm in (left, right)) < 22.0
        elif name == "kneeling":
            assert min(at["LeftLeg"][1], at["RightLeg"][1]) < 16.0
        elif name == "squatting":
            assert at["Hips"][1] < 0.75 * at["LeftFoot"][1] + 55.0
            assert max(at["LeftFoot"][1], at["RightFoot"][1]) < 22.0
        elif name == "phone":
            sight = at["Face"] - at[f"{near}Palm"]
            assert at[f"{near}Facing"] @ sight / np.linalg.norm(sight) > np.cos(np.radians(50))


def test_things_are_in_the_hands_and_nowhere_else(seen):
    name, found = seen
    if not (what := ACTIVITIES[name].uses):
        return
    fits = [(at, things) for at, things in found if len(things.faces)]
    assert len(fits) >= 0.75 * len(found)
    for at, things in fits:
        tree, palms = cKDTree(things.vertices), [at["LeftPalm"], at["RightPalm"]]
        assert tree.query(at["Camera"])[0] > 6.0 and things.vertices[:, 1].min() > -0.5
        assert things.faces.max() < len(things.vertices) == things.ends[-1]
        near = tree.query(palms)[0]
        if what == "wheel":  # the rim, its thickness and the palm's
            assert near.max() < 6.0
        elif what in ("sheet", "box"):
            middle, across = np.mean(palms, 0), palms[0] - palms[1]
            sides = (things.vertices - middle) @ across / (across @ across)
            assert 0.3 < sides.max() < 0.85 and -0.85 < sides.min() < -0.3  # of the way between
            assert (things.vertices - at["Hips"])[:, 1].max() < 85.0
        elif what in ("phone", "vessel"):
            assert near.min() < 8.0
        else:
            top = things.ends[0], things.vertices[: things.ends[0], 1].max()
            hands = [
                at[side + bone] for side in ("Left", "Right") for bone in ("Hand", "HandMiddle3")
            ]
            assert min(hand[1] for hand in hands) > top[1] > at["LeftUpLeg"][1] + 9.0
            if what == "keyboard":
                assert tree.query([at["LeftHandMiddle3"], at["RightHandMiddle3"]])[0].min() < 11.0


def test_shares_and_labels():
    done = [instead(lot) for lot in np.linspace(0, 1, 2000)]
    assert 0.89 * np.mean([bool(what) for what in done]) == pytest.approx(0.5, abs=0.02)
    assert 0.89 * done.count("at rest") / 2000 == pytest.approx(1 / 6, abs=0.01)
    assert set(done) == {*ACTIVITIES, ""}
    assert all(action_group(each.action) for each in ACTIVITIES.values())
