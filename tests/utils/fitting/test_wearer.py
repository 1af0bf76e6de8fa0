"""The average wearer."""

import numpy as np

from dataset.synthetic.body.body_model import make_body
from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.body.poser import Poser
from utils.fitting.wearer import MARKS, NECK, POSES, wearer


def marked(body):
    """Of a body in each of the poses, the place of each mark and the Neck, from the nose's tip."""
    row, bone, poser = body.rig.index, body.rig.main_bone, Poser(body)
    hanging = BodyPose(hand=np.array([(0.12, -0.97, 0.06)] * 2))
    for joints, turns in zip(*poser.place(stack([hanging, BodyPose()])), strict=True):
        skin = body.skin(joints, turns).astype(float)
        middle = skin[(bone == row("Head")) & (np.abs(skin[:, 0] - joints[row("Head"), 0]) < 0.8)]
        nose = middle[middle[:, 2].argmax()]
        jaw = middle[middle[:, 1] < nose[1] - 3]
        places = {"nose": nose, "chin": jaw[(jaw[:, 2] - jaw[:, 1]).argmax()]}
        for side in ("Left", "Right"):
            arm = joints[row(f"{side}Arm")]
            beside = np.hypot(*(skin - arm)[:, [0, 2]].T)
            above = skin[(beside < 1.5) & (np.abs(skin[:, 1] - arm[1]) < 12)]
            foot = skin[np.isin(bone, [row(f"{side}Foot"), row(f"{side}ToeBase")])]
            places[f"{side.lower()}_shoulder"] = above[above[:, 1].argmax()]
            places[f"{side.lower()}_wrist"] = joints[row(f"{side}Hand")]
            places[f"{side.lower()}_foot"] = foot[foot[:, 2].argmax()]
        yield np.array([places[name] for name in MARKS]) - nose, joints[row("Neck")] - nose


def test_the_table_is_that_of_the_synthetic_sets_people():
    rng = np.random.default_rng(3)
    off, necks = [], []
    for male in (False, True) * 4:
        body = make_body(male, False, False, rng)
        height = np.ptp(body.vertices[:, 1]) / 100
        for pose, (places, neck) in zip(POSES, marked(body), strict=True):
            mean, spread = wearer(pose, height)
            off.append(places - mean)
            necks.append(neck - NECK)
            assert (np.abs(off[-1]) < np.maximum(3 * spread, 0.3)).all()
    assert np.abs(np.mean(off, 0)).max() < 1.0
    assert np.abs(np.mean(necks, 0)).max() < 1.0
