"""Clothes: sheets that stand off the body and move with it."""

import numpy as np

from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.clothes.outfit import BodyPart
from dataset.synthetic.clothes.wardrobe import dress


def test_sheets_follow_the_body(other_poser):
    outfits = [dress(other_poser.body, np.random.default_rng(seed)) for seed in range(12)]
    assert set(np.concatenate([outfit.face_part for outfit in outfits])) == set(BodyPart)
    body = other_poser.body
    lifted = BodyPose(hand=np.array([(0.1, 0.6, 0.5), (0.25, -0.9, 0.1)]))
    joints, turns = other_poser.place(stack([BodyPose(), lifted]))
    outfit = next(o for o in outfits if (o.face_part == BodyPart.SLEEVE).any())
    assert np.allclose(outfit.weights.sum(1), 1.0, atol=1e-4)
    skins = [body.skin(joints[k], turns[k], outfit.vertices, outfit.weights) for k in (0, 1)]
    # In the T-pose they are where they were built.
    own = len(body.vertices)
    assert np.abs(skins[0][own:] - outfit.tpose[own:]).max() < 0.05
    sleeve = np.unique(outfit.faces[outfit.face_part == BodyPart.SLEEVE])
    left = skins[1][sleeve[outfit.tpose[sleeve, 0] > 0]]
    elbow, wrist = (joints[1, body.rig.index(name)] for name in ("LeftForeArm", "LeftHand"))
    along = ((left - elbow) @ (wrist - elbow)) / ((wrist - elbow) ** 2).sum()
    nearest = elbow + np.clip(along, -1, 1)[:, None] * (wrist - elbow)
    assert np.linalg.norm(left - nearest, axis=1).max() < 14.0
