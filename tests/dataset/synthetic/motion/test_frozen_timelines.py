"""The same seed makes the same motion as ever: sums over timelines, written down.

A change that moves them makes other sets: it raises ``recipe._VERSION``, and these numbers with it.
"""

import bvh_files
import numpy as np

from dataset.synthetic.motion.bvh_timeline import BvhTimeline
from dataset.synthetic.motion.timeline import Timeline
from utils.benchmarking.checksum import signed_sums

TIMELINE_JOINTS = [159.4032, -62.4167, -75.7076, 20.1488]
SEATS = [12.1996, 10.8203, -9.9367, 83.4268]
BVH_JOINTS = [-29.5785, 76.45, -57.7974, -20.7944]


def random(*key):
    return np.random.default_rng(np.random.SeedSequence(5, spawn_key=key))


def assert_as_written(*pairs):
    """Centimetres and entries of matrices, as far as processors agree on them."""
    found = [signed_sums(values) for values, _ in pairs]
    assert np.allclose(found, [written for _, written in pairs], atol=1e-3), np.round(found, 4)


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
