"""Mounts fitted to marks in pictures, and the average wearer."""

import numpy as np
import pytest
from commands import refused

from base.cameras.fisheye import equidistant_camera
from base.headset import RELEASE_HEADSET, Headset
from base.release_camera import RELEASE_CAMERA
from dataset.synthetic.body.body_model import make_body
from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.body.poser import Poser
from utils.fitting.mount import fit_mount
from utils.fitting.wearer import MARKS, NECK, POSES, wearer

OTHER = equidistant_camera(872, 872, (430.0, 440.0), 436.0, 190.0)
SHIFTED = (0.0, 4.8, 10.3)  # 8 cm up and ahead of the release's


def marks_of(headset, rng, pose="hanging", height=1.72):
    """What is seen of the average wearer, 3 px off."""
    left, up, ahead = (wearer(pose, height)[0] - headset.position).T
    points = np.stack([left, ahead, -up], -1) @ headset.rotation.T
    pixels = headset.camera.project(points) + rng.normal(0, 3, (len(MARKS), 2))
    seen = np.isfinite(pixels).all(-1) & headset.camera.in_picture(pixels)
    return {name: pixel for name, pixel, see in zip(MARKS, pixels, seen, strict=True) if see}


@pytest.mark.parametrize(
    "headset, pose, height",
    [
        (RELEASE_HEADSET, "tpose", 1.85),
        (Headset(RELEASE_CAMERA, SHIFTED, forward=-20.0, left=-15.0, rotate=180.0), "tpose", 1.85),
        (Headset(OTHER, (6.0, 3.0, 9.0), 10.0, 25.0, 97.0), "hanging", 1.6),
    ],
)
def test_a_known_mount_is_found_again(headset, pose, height):
    rng = np.random.default_rng(0)
    marks = [marks_of(headset, rng, pose, height) for _ in range(2)]
    fit = fit_mount(headset.camera, marks, pose, height)
    off = np.subtract(fit.angles, (headset.rotate, headset.forward, headset.left))
    assert np.abs((off + 180) % 360 - 180).max() < 1.5 and fit.residual < 6
    assert np.abs(fit.position - headset.position).max() < 0.5
    # Nobody is built as the average.
    assert ((fit.position_error > 0.2) & (fit.position_error < 3)).all()
    assert ((fit.angle_error > 1) & (fit.angle_error < 6)).all()
    for name, pixel in marks[0].items():
        assert np.linalg.norm(fit.reprojected[0][name] - pixel) < 20
    other = fit_mount(headset.camera, marks, pose, height - 0.35)
    assert np.abs(other.position - fit.position).sum() > 1


def seen(*names):
    marks = marks_of(Headset(OTHER, SHIFTED), np.random.default_rng(0))
    return {name: marks[name] for name in names or MARKS}


EXCHANGED = [*MARKS[:2], *(MARKS[row ^ 1] for row in range(2, 8))]


@pytest.mark.parametrize(
    "marks, message",
    [
        (seen("chin", "left_foot", "right_foot"), "3 parts .*mark at least 4"),
        (seen("left_wrist", "right_wrist", "left_foot", "right_foot"), "do not tell"),
        (dict(zip(MARKS, seen(*EXCHANGED).values(), strict=True)), "no mount fits"),
        (seen() | {"nose": (5.0, 5.0)}, "nose is marked at .*sees nothing"),
        (seen() | {"left_foot": (700.0, 300.0)}, "no mount fits .*left foot"),
    ],
)
def test_marks_that_tell_no_mount_are_refused(marks, message):
    refused(message, fit_mount, OTHER, [marks])


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
    rng, off, necks = np.random.default_rng(3), [], []
    for male in (False, True) * 4:
        body = make_body(male, False, False, rng)
        height = np.ptp(body.vertices[:, 1]) / 100
        for pose, (places, neck) in zip(POSES, marked(body), strict=True):
            mean, spread = wearer(pose, height)
            off.append(places - mean)
            necks.append(neck - NECK)
            assert (np.abs(off[-1]) < np.maximum(3 * spread, 0.3)).all()
    assert max(np.abs(np.mean(off, 0)).max(), np.abs(np.mean(necks, 0)).max()) < 1.0
