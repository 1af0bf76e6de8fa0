"""The sheet of predictions."""

import json

import cv2
import numpy as np
import pytest

from base.errors import UserError
from base.skeleton import JOINTS
from utils import draw_predictions
from utils.draw_predictions import overlay, read_points
from utils.inference.predictor import EgoPosePredictor


def test_joints_are_drawn_where_they_are_in_the_central_square():
    picture = np.zeros((80, 128, 3), np.uint8)
    joints = np.full((16, 2), -500.0)
    joints[4] = (24 + 60.0, 20.0)  # the left hand, 60 px into the square
    drawn = overlay(picture, joints, np.ones(16), 160)
    assert drawn.shape == (160, 160, 3)
    red, _, blue = drawn[41, 121].astype(int)
    assert red > 200 and red > blue
    assert drawn[41, 38].max() == 0


def test_a_folder_becomes_a_sheet_without_what_cannot_be_read(tiny_runs, tmp_path, capsys):
    (tmp_path / "1_broken.png").write_bytes(b"")
    for number in range(3):
        picture = np.random.default_rng(number).integers(0, 255, (800, 1280, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    model = tiny_runs["finetune"] / "checkpoints" / "model_best.tar"
    options = ["--load_model", str(model), "--input_dir", str(tmp_path), "--gpu", "cpu"]
    options += ["--camera", "training", "--size", "50", "--columns", "2"]
    draw_predictions.main([*options, "--output", str(tmp_path / "sheet.jpg")])
    assert cv2.imread(str(tmp_path / "sheet.jpg")).shape == (100, 100, 3)
    told = capsys.readouterr().out
    assert "Left out 1_broken.png: not a picture" in told and "3 pictures" in told


def test_the_networks_view_is_turned_with_its_joints(tiny_runs, tmp_path):
    picture = np.zeros((800, 1280, 3), np.uint8)
    picture[:400] = 255
    cv2.imwrite(str(tmp_path / "half.png"), picture)
    model = tiny_runs["finetune"] / "checkpoints" / "model_best.tar"
    options = ["--load_model", str(model), "--input_dir", str(tmp_path), "--gpu", "cpu"]
    options += ["--camera", "training", "--size", "60", "--rotate", "180"]
    for flag, upper_is_white in ((["--network_view"], False), ([], True)):
        draw_predictions.main([*options, *flag, "--output", str(tmp_path / "sheet.png")])
        sheet = cv2.imread(str(tmp_path / "sheet.png"))
        (tmp_path / "sheet.png").unlink()
        upper, lower = np.median(sheet[5:25]), np.median(sheet[35:55])
        assert (upper > lower) == upper_is_white


def test_known_joints_that_are_met_are_counted(tiny_runs, tmp_path, capsys):
    picture = np.random.default_rng(0).integers(0, 255, (800, 800, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    model = tiny_runs["finetune"] / "checkpoints" / "model_best.tar"
    where = EgoPosePredictor(model, camera="training", gpu="cpu")(tmp_path / "a.png").joints2d
    x, y = (float(value) for value in where[JOINTS.index("LeftHand")])
    far = [float(value) + 40 for value in where[JOINTS.index("RightHand")]]
    points = {"a.png": {"LeftHand": [x + 9, y - 12], "RightHand": far}, "b.png": {"Neck": [0, 0]}}
    (tmp_path / "points.json").write_text(json.dumps(points))
    options = ["--load_model", str(model), "--input_dir", str(tmp_path), "--gpu", "cpu"]
    options += ["--camera", "training", "--output", str(tmp_path / "s.png"), "--points"]
    draw_predictions.main([*options, str(tmp_path / "points.json"), "--within", "15.1"])
    assert "50% of 2 known joints are met within 15.1 px" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ('{"a.png": [1]}', "not of the form"),
        ('{"a.png": {"Hand": [1, 2]}}', "no joint Hand"),
        ('{"b.png": {"Neck": [1, 2]}}', "names none"),
    ],
)
def test_wrong_points_are_refused(tmp_path, content, message):
    (tmp_path / "points.json").write_text(content)
    with pytest.raises(UserError, match=message):
        read_points(tmp_path / "points.json", ["a.png"])


def test_bad_input_is_refused(tmp_path):
    options = ["--load_model", "m.tar", "--input_dir", str(tmp_path)]
    with pytest.raises(UserError, match="holds no picture"):
        draw_predictions.main([*options, "--output", "a.png"])
    with pytest.raises(UserError, match=r"give a \.png"):
        draw_predictions.main([*options, "--output", "a.gif"])
