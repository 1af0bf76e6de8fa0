"""The sheet of predictions."""

import json

import cv2
import numpy as np
import pytest

from base.skeleton import JOINTS
from utils import draw_predictions
from utils.inference.predictor import EgoPosePredictor


@pytest.mark.usefixtures("tiny_kind")
def test_a_folder_becomes_a_sheet_and_known_joints_are_counted(tiny_network, tmp_path, capsys):
    (tmp_path / "1_broken.png").write_bytes(b"")
    picture = np.zeros((800, 1280, 3), np.uint8)
    picture[:400] = 255
    for number in range(5):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    predictor = EgoPosePredictor(tiny_network, camera="training", rotate=0.0, gpu="cpu")
    joints2d = predictor(tmp_path / "0.png").joints2d.astype(float)
    # 15 and 57 pixels off.
    off = {"LeftHand": [9, -12], "RightHand": [40, 40]}
    hands = {name: (joints2d[JOINTS.index(name)] + by).tolist() for name, by in off.items()}
    (tmp_path / "points.json").write_text(json.dumps({"0.png": hands, "b.png": {"Neck": [0, 0]}}))
    options = ["--load_model", tiny_network, "--input_dir", tmp_path, "--gpu", "cpu"]
    options += ["--points", tmp_path / "points.json", "--within", "15.1", "--camera", "training"]
    options += ["--rotate", "0", "--output", output := tmp_path / "sheet.jpg"]
    draw_predictions.main([*map(str, options)])
    sheet = cv2.imread(str(output))
    assert sheet.shape == (800 + 45, 1600, 3)
    assert np.median(sheet[20:180]) > 200 > 50 > np.median(sheet[220:380])
    # The central square of 800 pixels is a tile of 400: joints are the colour in a grey picture.
    places = np.rint((joints2d - [240, 0] + 0.5) / 2 - 0.5).astype(int)
    inside = places[((places >= 0) & (places < 400)).all(1)]
    assert len(inside) > 5 and (np.ptp(sheet[inside[:, 1], inside[:, 0]], -1) > 15).all()
    printed = capsys.readouterr().out
    assert "Left out 1_broken.png: not a picture" in printed and "5 pictures" in printed
    assert "50% of 2 known joints are found within 15.1 px; median distance 35.8 px" in printed
