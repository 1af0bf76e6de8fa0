"""Confidence as a probability: fitted, held out, stored, used."""

import json

import cv2
import numpy as np
import pytest
from commands import refused

from utils import calibrate_confidence
from utils.inference.confidence import (
    ConfidenceMap,
    confidence_path,
    fit_confidence,
    load_confidence,
    save_confidence,
)
from utils.inference.predictor import EgoPosePredictor

pytestmark = pytest.mark.usefixtures("tiny_kind")


def joints(count, seed=0):
    """Heights, and whether each joint is right, which it is with probability height²."""
    rng = np.random.default_rng(seed)
    heights = rng.uniform(0, 1, count)
    return heights, rng.uniform(0, 1, count) < heights**2


def test_the_map_finds_how_often_joints_of_a_height_are_right():
    fitted = fit_confidence(*joints(8000), 100.0, "a set")
    grid = np.linspace(0.1, 0.9, 9)
    assert np.abs(fitted(grid) - grid**2).max() < 0.06
    assert (np.diff(fitted(np.linspace(-1, 2, 100))) >= 0).all()
    assert fitted(np.array(0.0)) > 0 and fitted(np.array(1.0)) < 1
    empty = fit_confidence(np.zeros(200), np.zeros(200, bool), 100.0, "a set")
    # Eight bins of 25 wrong joints, and one right and one wrong more in each.
    assert len(empty.heights) == 8 and empty(np.array([0.0, 0.5])) == pytest.approx(1 / 27, 1e-4)


def test_joints_held_out_are_said_as_often_right_as_they_are():
    heights, right = joints(3200)
    said = calibrate_confidence.held_out(heights.reshape(200, 16), right.reshape(200, 16), 100.0)
    before = calibrate_confidence.calibration_error(heights, right)
    after = calibrate_confidence.calibration_error(said.ravel(), right)
    assert before > 0.12 and after < 0.04
    # Joints without labels are no evidence.
    known = np.random.default_rng(1).random(3200) < 0.7
    some = np.where(known, right, np.nan).reshape(200, 16)
    said = calibrate_confidence.held_out(heights.reshape(200, 16), some, 100.0).ravel()
    assert calibrate_confidence.calibration_error(said[known], right[known]) < 0.05
    # Two tenths said 0.9 of which half are right, the others as they are.
    halves = np.repeat([0.0, 0.9], [80, 20]), np.repeat([False, True], [90, 10])
    assert calibrate_confidence.calibration_error(*halves) == pytest.approx(0.1 * 0.9 + 0.1 * 0.1)


def test_a_map_is_stored_and_read_again(tmp_path):
    fitted = fit_confidence(*joints(1000), 80.0, "30 frames of x/ValSet")
    path = confidence_path(tmp_path / "model_best.tar")
    save_confidence(path, fitted)
    assert path.name == "model_best.confidence.json" and load_confidence(path) == fitted
    good = json.loads(path.read_text())
    wrong = ({"joints": -3}, {"joints": float("inf")}, {"within_mm": 0}, {"within_mm": -1e999})
    wrong += ({"probabilities": [9] * len(good["heights"])}, {"probabilities": [0.5]})
    wrong += ({"heights": good["heights"][::-1]},)
    for text in ("", "[]", "[" * 100_000, *(json.dumps(good | change) for change in wrong)):
        path.write_text(text)
        refused("not a confidence map", load_confidence, path)
    refused("calibrate_confidence", load_confidence, tmp_path / "none.json")


def test_inference_uses_the_map_beside_the_model(tiny_network, tmp_path):
    model = tmp_path / "model.tar"
    model.symlink_to(tiny_network)
    picture = cv2.resize(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8), (64, 64))
    plain = EgoPosePredictor(model, gpu="cpu", precision="fp32")
    assert plain.confidence is None
    halves = {"heights": (0, 1), "probabilities": (0.25, 0.75), "within_mm": 100}
    halves = ConfidenceMap(**halves, joints=640, data="a set")
    save_confidence(confidence_path(model), halves)
    calibrated = EgoPosePredictor(model, gpu="cpu", precision="fp32")
    heights, probabilities = plain(picture).confidence, calibrated(picture).confidence
    assert np.allclose(probabilities, 0.25 + 0.5 * heights, atol=1e-6)
    assert plain(picture).residual == calibrated(picture).residual
    assert EgoPosePredictor(model, confidence=None, gpu="cpu").confidence is None


def test_what_is_printed_is_of_held_out_frames(
    tiny_network, tiny_data, tmp_path, monkeypatch, capsys
):
    output = tmp_path / "map.json"
    flags = ["--gpu", "cpu", "--load_model", str(tiny_network), "--within", "50"]
    flags += ["--data_root", str(tiny_data), "--output", str(output)]
    # The tiny set has only four validation frames.
    refused("too few to calibrate on", calibrate_confidence.main, flags)
    heights, right = (values.reshape(100, 16) for values in joints(1600))
    collected = heights, np.where(right, 10.0, 500.0)
    monkeypatch.setattr(calibrate_confidence, "collect", lambda network, dataset: collected)
    calibrate_confidence.main(flags)
    assert json.loads(output.read_text())["within_mm"] == 50
    assert "calibrated, held out: off by" in capsys.readouterr().out
