"""The height of the wearer gives poses their size, and changes nothing in the picture."""

import json

import numpy as np
import pytest
import torch
from commands import refused
from moving_body import standing

import inference
from base.release_camera import RELEASE_CAMERA
from base.skeleton import JOINTS
from utils.inference.body_size import with_height
from utils.inference.predictor import EgoPosePredictor
from utils.inference.square_predictor import Prediction, within_probability

LIMBS = {"Arm": "ForeArm", "ForeArm": "Hand", "UpLeg": "Leg", "Leg": "Foot", "Foot": "ToeBase"}


def length(pose):
    """Of both arms and legs, metres."""
    at = {name: np.asarray(pose[row], float) for row, name in enumerate(JOINTS)}
    pairs = ((side + a, side + b) for side in ("Left", "Right") for a, b in LIMBS.items())
    return sum(np.linalg.norm(at[a] - at[b]) for a, b in pairs)


def prediction(pose):
    neck, radii = np.array([[0.01, -0.19, 0.1]], np.float32), np.full((1, 16), 0.08, np.float32)
    given = pose[None].astype(np.float32), np.zeros((1, 16, 2)), radii, neck
    return Prediction(*given, uncertainty=radii, raw_neck=neck)


@pytest.mark.parametrize(("height", "expected"), [(1.72, 2.977), (1.92, 2.977 + 0.2 * 2.184)])
def test_arms_and_legs_get_the_length_of_a_person_of_that_height(height, expected):
    before = prediction(standing())
    found = with_height(before, height)
    assert length(found.joints3d[0]) == pytest.approx(expected, abs=1e-5)
    factor = expected / length(before.joints3d[0])
    assert abs(factor - 1) > 0.02
    assert found.neck == pytest.approx(factor * before.neck, abs=1e-6)
    assert found.uncertainty == pytest.approx(factor * before.uncertainty, abs=1e-6)
    probability = within_probability(torch.tensor(found.uncertainty[0, :1])).numpy()
    assert found.confidence == pytest.approx(np.full((1, 16), probability[0]))
    whole = (one.joints3d + one.neck[:, None] for one in (before, found))
    seen, now = (RELEASE_CAMERA.project(each, clamp=True) for each in whole)
    assert now == pytest.approx(seen, abs=1e-2)
    assert found.joints2d is before.joints2d and found.raw_neck is before.raw_neck


def test_a_pose_without_extent_stays_finite_and_a_model_of_heatmaps_keeps_its_confidence():
    heatmaps = prediction(np.zeros((16, 3)))._replace(uncertainty=None)
    with np.errstate(all="raise"):
        found = with_height(heatmaps, 1.8)
    assert np.isfinite(found.joints3d).all() and found.confidence is heatmaps.confidence


@pytest.mark.usefixtures("tiny_kind")
def test_the_command_and_the_predictor_take_it(tiny_network, tiny_data, tmp_path):
    picture = sorted(next((tiny_data / "TestSet").glob("*/*/cam_down/rgba")).iterdir())[0]
    options = {"camera": "training", "rotate": 0, "gpu": "cpu", "precision": "fp32"}
    pose = EgoPosePredictor(tiny_network, height=1.62, **options)(picture)
    plain = EgoPosePredictor(tiny_network, **options)(picture)
    factor = np.linalg.norm(pose.joints3d) / np.linalg.norm(plain.joints3d)
    assert pose.joints3d == pytest.approx(factor * plain.joints3d, abs=1e-5)
    assert abs(factor - 1) > 0.02 and (pose.joints2d == plain.joints2d).all()
    command = ["--load_model", tiny_network, "--gpu", "cpu", "--precision", "fp32", "--rotate", 0]
    command += ["--input", picture, "--camera", "training", "--height", 1.62, "--no_pictures"]
    inference.main([*map(str, command), "--save_dir", str(tmp_path)])
    written = json.loads((tmp_path / "poses.json").read_text())
    assert written["height"] == 1.62
    assert written["frames"][0]["joints3d"] == pytest.approx(pose.joints3d, abs=1e-4)


@pytest.mark.parametrize("height", [0, 1.1, 172, float("nan")])
def test_what_is_nobodys_height_is_refused(height):
    refused("--height .*: give metres, from 1.2 to 2.3", EgoPosePredictor, height=height)
