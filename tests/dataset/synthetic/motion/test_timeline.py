"""Which clips are done: all, or those asked for."""

import numpy as np

from base.actions import action_group
from dataset.synthetic.motion.programs import SHARES, clips_named, shares_of
from dataset.synthetic.motion.timeline import Timeline, draw_frames


def random(*key):
    return np.random.default_rng(np.random.SeedSequence(4, spawn_key=key))


CAMERA = np.array([0.0, 5.0, 21.0])


def test_only_what_was_asked_for_is_done(poser):
    wanted = clips_named(["Boxing", "Walking"])
    assert [clip for clip in wanted if action_group(clip) != "Walking"] == ["Boxing"]
    timeline = Timeline(poser, random, CAMERA, clips=wanted)
    done = {timeline.pose(frame)[0] for frame in range(0, 9000, 150)}
    assert done == set(wanted)
    assert np.array_equal(shares_of(()), SHARES)


def test_a_few_frames_far_apart_are_varied(poser):
    timeline = Timeline(poser, random, CAMERA)
    starts = [150 * n for n in range(60)]
    draws = [random(9, n) for n in range(60)]
    frames = draw_frames(poser, CAMERA, timeline.place, starts, 150, draws)
    assert len(set(frames.actions)) > 20
    assert len({action_group(action) for action in frames.actions}) >= 8
    assert not poser.volumes.hit(frames.joints, frames.turns, CAMERA)[:50].mean() > 0.06
