"""Movement: continuous at 30 frames a second, feet that do not slide, arms outside the body."""

import numpy as np
import pytest

from base.actions import action_group
from base.headset import RELEASE_HEADSET
from dataset.synthetic.body.body_model import make_body
from dataset.synthetic.body.head_camera import mount
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.motion.programs import SHARES, clips_named, shares_of
from dataset.synthetic.motion.timeline import Timeline, draw_frames

FRAMES = 2400  # 80 seconds


def random(*key):
    return np.random.default_rng(np.random.SeedSequence(4, spawn_key=key))


@pytest.fixture(scope="module")
def person():
    rng = np.random.default_rng(3)
    body = make_body(male=False, full=False, short=False, rng=rng)
    return Poser(body), mount(body, RELEASE_HEADSET, rng)


@pytest.fixture(scope="module")
def video(person):
    poser, rig = person
    timeline = Timeline(poser, random, rig.offset, checked=True)
    return timeline.place(list(range(FRAMES)))


def test_nothing_jumps_and_arms_stay_outside_the_body(video, person):
    poser, rig = person
    assert poser.volumes.hit(video.joints, video.turns, rig.offset).mean() < 0.04
    main = [poser.body.rig.index(name) for name in ("Hips", "Head", "LeftHand", "RightFoot")]
    steps = np.linalg.norm(np.diff(video.joints[:, main], axis=0), axis=-1)
    assert steps.max() < 20.0  # centimetres in 1/30 s: 6 m/s, a fast punch
    assert np.median(steps[:, 0]) < 1.0
    turned = np.diff(video.turns[:, main[1]], axis=0)
    assert np.linalg.norm(turned, axis=(1, 2)).max() < np.radians(20) * np.sqrt(2)


def test_feet_on_the_floor_do_not_slide(video, person):
    poser, _ = person
    for side in ("Left", "Right"):
        toe = video.joints[:, poser.body.rig.index(f"{side}ToeBase")]
        moved = np.linalg.norm(np.diff(toe[:, [0, 2]], axis=0), axis=1)
        low = np.maximum(toe[1:, 1], toe[:-1, 1]) < np.percentile(toe[:, 1], 10) + 1.0
        assert low.mean() > 0.5
        assert np.percentile(moved[low], 95) < 0.7  # centimetres a frame
    walking = np.array([action == "walking" for action in video.actions])
    hips = video.joints[:, 0]
    assert walking.any() and np.ptp(hips[walking], axis=0)[[0, 2]].max() > 40.0
    assert np.abs(hips[:, [0, 2]]).max() < 180.0  # there is room


def test_only_what_was_asked_for_is_done(person):
    poser, rig = person
    wanted = clips_named(["Boxing", "Walking"])
    assert [clip for clip in wanted if action_group(clip) != "Walking"] == ["Boxing"]
    timeline = Timeline(poser, random, rig.offset, clips=wanted)
    done = {timeline.pose(frame)[0] for frame in range(0, 9000, 150)}
    assert done == set(wanted)
    assert np.array_equal(shares_of(()), SHARES)


def test_a_few_frames_far_apart_are_varied(person):
    poser, rig = person
    timeline = Timeline(poser, random, rig.offset)
    starts = [150 * n for n in range(60)]
    draws = [random(9, n) for n in range(60)]
    frames = draw_frames(poser, rig.offset, timeline.place, starts, 150, draws)
    assert len(set(frames.actions)) > 20
    assert len({action_group(action) for action in frames.actions}) >= 8
    assert not poser.volumes.hit(frames.joints, frames.turns, rig.offset)[:50].mean() > 0.06
