"""The sheet of predictions."""

import json

import cv2
import numpy as np
import pytest

from base.skeleton import JOINTS, LEFT_JOINTS, RIGHT_JOINTS
from utils import draw_predictions
from utils.draw_predictions import overlay
from utils.inference.predictor import EgoPosePredictor

HANDS = [JOINTS.index("LeftHand"), JOINTS.index("RightHand")]


def test_joints_are_drawn_where_they_are_in_the_central_square_of_the_picture():
    # 60 and 30 pixels into the square of 80, which begins 24 pixels into the picture.
    joints, confidence = np.full((16, 2), -500.0), np.ones(16)
    joints[list(LEFT_JOINTS)], joints[list(RIGHT_JOINTS)] = [24 + 60, 20], [24 + 30, 60]
    confidence[list(RIGHT_JOINTS)] = 0.1
    drawn = overlay(np.zeros((80, 128, 3), np.uint8), joints, confidence, 800)
    assert drawn.shape == (800, 800, 3)
    left = np.argwhere((drawn == (255, 150, 40)).all(-1))
    assert left.mean(0) == pytest.approx([20.5 * 10 - 0.5, 60.5 * 10 - 0.5], abs=0.6)
    # Right joints, of low confidence, are a ring.
    assert drawn[607, 301].max() == 0 and drawn[604, 294].tolist() == [60, 170, 255]


def test_a_folder_becomes_a_sheet_and_known_joints_are_counted(tiny_checkpoint, tmp_path, capsys):
    (tmp_path / "1_broken.png").write_bytes(b"")
    picture = np.zeros((800, 1280, 3), np.uint8)
    picture[:400] = 255
    for number in range(5):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    predictor = EgoPosePredictor(tiny_checkpoint, camera="training", rotate=0.0, gpu="cpu")
    left, right = predictor(tmp_path / "0.png").joints2d[HANDS].astype(float)
    # 15 and 57 pixels off.
    hands = {"LeftHand": [left[0] + 9, left[1] - 12], "RightHand": (right + 40).tolist()}
    (tmp_path / "points.json").write_text(json.dumps({"0.png": hands, "b.png": {"Neck": [0, 0]}}))
    options = ["--load_model", str(tiny_checkpoint), "--input_dir", str(tmp_path), "--gpu", "cpu"]
    options += ["--points", str(tmp_path / "points.json"), "--within", "15.1"]
    output = tmp_path / "sheet.jpg"
    draw_predictions.main(
        [*options, "--camera", "training", "--rotate", "0", "--output", str(output)]
    )
    sheet = cv2.imread(str(output))
    assert sheet.shape == (800, 1600, 3)
    assert np.median(sheet[20:180]) > 200 > 50 > np.median(sheet[220:380])
    printed = capsys.readouterr().out
    assert "Left out 1_broken.png: not a picture" in printed and "5 pictures" in printed
    assert "50% of 2 known joints are found within 15.1 px; median distance 35.8 px" in printed
