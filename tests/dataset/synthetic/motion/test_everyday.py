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
    """An activity's name and, of 30 possible moments, points by name and the things."""
    name, found = request.param, []
    for each in (poser, other_poser):
        clip, legs = Clip("", everyday=name), (each.bones.leg_length, each.bones.hip)
        acts = [Performance(np.random.default_rng(seed), clip, *legs) for seed in range(50)]
        joints, turns = each.place(stack([perform(act, 1.5) for act in acts]))
        possible = np.flatnonzero(~each.volumes.hit(joints, turns, CAMERA))
        assert len(possible) > 12
        row = each.bones.row
        for j, t in zip(joints[possible[:15]], turns[possible[:15]], strict=True):
            at = {bone: j[place] for bone, place in row.items()}
            camera, at["Eyes"] = j[row["Head"]] + [CAMERA, (0, 5, 8)] @ t[row["Head"]].T
            for side in ("Left", "Right"):
                at[f"{side}Palm"] = (at[f"{side}Hand"] + at[f"{side}HandMiddle1"]) / 2
                at[f"{side}Facing"] = -t[row[f"{side}Hand"]][:, 1]
            if what := ACTIVITIES[name].uses:
                how = what, each, j, t
                what = draw_in_use(np.random.default_rng(3), *how, camera)
                assert np.linalg.norm(what.vertices - camera, axis=1).min(initial=9.0) > 6.0
                if len(what.faces):
                    assert not len(
                        draw_in_use(np.random.default_rng(3), *how, what.vertices[0] + 3.0).faces
                    )
            found.append((at, what))
    return name, found


def test_hands_and_legs_are_where_they_belong(seen):
    name, found = seen
    for at, _ in found:
        low = {bone: min(at[f"Left{bone}"][1], at[f"Right{bone}"][1]) for bone in ("Leg", "Foot")}
        away = [np.linalg.norm(at[f"{side}Palm"] - at["Eyes"]) for side in ("Left", "Right")]
        near = ("Left", "Right")[int(np.argmin(away))]
        if name in ("hand at face", "hands behind head"):
            tips = [at[f"{near}Hand{finger}"] for finger in ("Middle3", "Index3", "Middle1")]
            assert np.linalg.norm(tips - at["Eyes"], axis=1).min() < 23.0
        elif name == "hands at hips":
            assert max(abs(at[f"{side}Palm"] - at["Hips"])[1] for side in ("Left", "Right")) < 22.0
        elif name in ("kneeling", "squatting"):
            assert low["Leg" if name == "kneeling" else "Foot"] < 20.0 and at["Hips"][1] < 72.0
        elif name == "phone":
            sight = (at["Eyes"] - at[f"{near}Palm"]) / min(away)
            assert at[f"{near}Facing"] @ sight > np.cos(np.radians(50))


def test_things_are_in_the_hands(seen):
    name, found = seen
    what = ACTIVITIES[name].uses
    fits = [(at, things) for at, things in found if what and len(things.faces)]
    assert len(fits) >= 0.75 * len(found) * bool(what)
    for at, things in fits:
        palms, points = np.array([at["LeftPalm"], at["RightPalm"]]), things.vertices
        assert points[:, 1].min() > -0.5 and len(points) == things.ends[-1] > things.faces.max()
        near, middle = cKDTree(points).query(palms)[0], palms.mean(0)
        if what == "wheel":  # on the rim: half a hand's thickness and that of the rim
            assert near.max() < 4.5 and points.mean(0)[1] < middle[1] + 2.0
        elif what in ("sheet", "box"):  # from hand to hand; a sheet goes up from there
            across = palms[0] - palms[1]
            sides = (points - middle) @ across / (across @ across)
            assert 0.3 < sides.max() < 0.85 and -0.85 < sides.min() < -0.3
            assert what == "box" or points[:, 1].mean() > middle[1] - 3.0
        elif what in ("phone", "vessel"):
            assert near[np.linalg.norm(palms - at["Eyes"], axis=1).argmin()] < 7.0
        else:
            top = points[: things.ends[0], 1].max()
            ends = [at[f"{side}HandMiddle3"] for side in ("Left", "Right")]
            assert min(end[1] for end in ends) > top > at["LeftUpLeg"][1] + 9.0
            if what == "keyboard":  # comes after the top and four legs
                off = things.apart()[5].mean(0) - np.mean(ends, 0)
                assert np.linalg.norm(off[[0, 2]]) < 4.0 and -12.0 < off[1] < 0.0


def test_shares_and_labels():
    done = [instead(lot) for lot in np.linspace(0, 1, 2000)]
    assert 0.89 * np.mean([what != "" for what in done]) == pytest.approx(0.5, abs=0.02)
    assert 0.89 * done.count("at rest") / 2000 == pytest.approx(1 / 6, abs=0.01)
    assert all(action_group(each.action) for each in ACTIVITIES.values())
