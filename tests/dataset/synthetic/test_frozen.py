"""The same seed makes the same frames as ever: sums over one person, written down.

A change that moves them makes other sets: it raises ``recipe._VERSION``, and these numbers with it.
"""

import bvh_files
import numpy as np

from dataset.synthetic.body.pose import stack
from dataset.synthetic.motion.bvh_timeline import BvhTimeline
from dataset.synthetic.motion.performance import Clip, Performance
from dataset.synthetic.motion.programs import PROGRAMS, perform
from dataset.synthetic.motion.timeline import Timeline
from utils.benchmarking.checksum import signed_sums

JOINTS = [79.4066, -42.2547, -98.7389, 2.2277]
TURNS = [1.034, 0.3173, -0.0135, 0.6188]
SKIN = [-49.7423, -65.5995, -34.9284, -55.1778]
TIMELINE_JOINTS = [159.4032, -62.4167, -75.7076, 20.1488]
SEATS = [12.1996, 10.8203, -9.9367, 83.4268]
BVH_JOINTS = [-29.5785, 76.45, -57.7974, -20.7944]


def random(*key):
    return np.random.default_rng(np.random.SeedSequence(5, spawn_key=key))


def assert_as_written(*pairs):
    """Centimetres and entries of matrices, as far as processors agree on them."""
    found = [signed_sums(values) for values, _ in pairs]
    assert np.allclose(found, [written for _, written in pairs], atol=1e-3), np.round(found, 4)


def test_every_clip_moves_as_written_down(poser):
    performances = [
        Performance(np.random.default_rng(seed), Clip(clip))
        for clip in PROGRAMS
        for seed in range(6)
    ]
    joints, turns = poser.place(stack([perform(act, 1.7) for act in performances]))
    skin = [poser.body.skin(joints[row], turns[row]) for row in range(0, len(joints), 20)]
    assert_as_written((joints, JOINTS), (turns, TURNS), (np.array(skin), SKIN))


def test_timelines_blend_clips_and_passages_as_written_down(poser, other_poser, tmp_path):
    camera = np.array([0.0, 5.0, 21.0])
    frames = Timeline(poser, random, camera, checked=True).place(list(range(0, 1800, 5)))
    path = tmp_path / "a.bvh"
    walk = frames.joints[40:100], frames.turns[40:100]
    path.write_text(bvh_files.bvh_text(poser, *walk, frame_time=1 / 25))
    passages = BvhTimeline(other_poser, random, (path,)).place(list(range(0, 300, 4)))
    assert_as_written(
        (frames.joints, TIMELINE_JOINTS), (frames.seats, SEATS), (passages.joints, BVH_JOINTS)
    )
