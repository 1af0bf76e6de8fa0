"""The same seed makes the same frames as ever: sums over one person in every clip, written down.

A change that moves them makes other sets: it raises ``recipe._VERSION``, and these numbers with it.
"""

import numpy as np

from dataset.synthetic.body.pose import stack
from dataset.synthetic.motion.programs import PROGRAMS, perform
from dataset.synthetic.motion.take import Clip, Take
from utils.benchmarking.checksum import signed_sums

JOINTS = [79.4066, -42.2547, -98.7389, 2.2277]
TURNS = [1.034, 0.3173, -0.0135, 0.6188]
SKIN = [-49.7423, -65.5995, -34.9284, -55.1778]


def test_every_clip_moves_as_written_down(poser):
    takes = [
        Take(np.random.default_rng(seed), Clip(clip)) for clip in PROGRAMS for seed in range(6)
    ]
    joints, turns = poser.place(stack([perform(take, 1.7) for take in takes]))
    skin = [poser.body.skin(joints[row], turns[row]) for row in range(0, len(joints), 20)]
    # Centimetres and entries of matrices, as far as processors agree on them.
    for found, written in ((joints, JOINTS), (turns, TURNS), (np.array(skin), SKIN)):
        assert np.allclose(signed_sums(found), written, atol=1e-3)
