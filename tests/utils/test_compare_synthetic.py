"""Comparison of a synthetic set with real frames."""

import json

import cv2
import numpy as np
import pytest

from base.errors import UserError
from base.skeleton import JOINTS
from utils import compare_synthetic
from utils.compare_synthetic import (
    REAL_JOINTS,
    compare_joints,
    diversity,
    picture_colours,
    share_inside,
)


def test_points_of_the_same_distribution_lie_inside_and_far_ones_do_not():
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(1500, 2))
    assert share_inside(rng.normal(size=(400, 2)), cloud) > 0.96
    assert share_inside(rng.normal(size=(400, 2)) + 12.0, cloud) == 0.0


def test_a_few_people_have_no_region():
    """Ten neighbours of other people are what a region is made of."""
    points = np.random.default_rng(0).normal(size=(30, 2))
    two, many = np.repeat([0, 1], [25, 5]), np.repeat(np.arange(10), 3)
    assert share_inside(points, points, two) is None
    assert share_inside(points, points, many) > 0.9


def test_mirrored_joints_are_noticed():
    rng = np.random.default_rng(0)
    places = rng.uniform(40, 110, (len(JOINTS), 2))
    synthetic = places + rng.normal(0, 4, (800, len(JOINTS), 2))
    alike = places + rng.normal(0, 4, (60, len(JOINTS), 2))
    mirrored = alike * [-1, 1] + [256, 0]
    same, other = compare_joints(alike, synthetic), compare_joints(mirrored, synthetic)
    assert np.mean(list(same["joints"].values())) > 0.95
    assert np.mean(list(other["joints"].values())) < 0.3
    assert np.mean(list(same["bones"].values())) > np.mean(list(other["bones"].values())) + 0.3


def test_a_test_set_copied_from_training_has_no_distance():
    poses = np.random.default_rng(0).normal(0, 100, (50, 16, 3))
    copied = diversity(poses, poses[:20])
    assert copied["test to train"] == 0.0 and copied["train to train"] > 10.0
    moved = poses[:20].copy()
    moved[:, 5, 0] += 40.0  # one joint of 16
    assert abs(diversity(poses, moved)["test to train"] - 10.0) < 1e-9


def test_the_command_writes_a_sheet_beside_real_pictures_and_statistics(tiny_data, tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    cv2.imwrite(str(real / "a.png"), np.full((256, 256, 3), 90, np.uint8))
    entries = [{"joints": [[128.0, 128.0]] * len(REAL_JOINTS)}]
    (real / "joints2d.json").write_text(json.dumps(entries))
    options = ["--data_root", str(tiny_data), "--real", str(real), "--save_dir", str(tmp_path)]
    compare_synthetic.main(options)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert (sheet[:100, -100:] == 90).all()
    statistics = json.loads((tmp_path / "statistics.json").read_text())
    assert statistics["frames"]["train"] == 28
    assert 0 < statistics["visibility"]["All"]["LeftHand"] <= 1
    assert statistics["diversity_mm"]["test to train"] > 0
    assert set(statistics["real"]) == {"joints", "bones"}
    # The picture is grey all over.
    assert statistics["colours"]["real"] == {
        "brightness": 90, "spread": 0, "saturation": 0, "chin": 90
    }  # fmt: skip
    assert 30 < statistics["colours"]["synthetic"]["brightness"] < 220


def test_brightness_is_that_inside_the_rim_and_of_the_chin_at_its_top():
    dark = np.zeros((800, 800, 3), np.uint8)
    cv2.circle(dark, (400, 400), 400, (60, 60, 60), -1)
    dark[:50, 300:500] = (200, 100, 100)
    found = picture_colours([dark, dark])
    assert found["brightness"] == pytest.approx(60, abs=1) and found["spread"] == 0
    assert found["chin"] == pytest.approx(0.299 * 200 + 0.701 * 100, abs=1)
    assert picture_colours([dark, dark // 2])["spread"] == pytest.approx(15, abs=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--real", "nowhere", "--save_dir", "x"], "no such folder"),
        (["--count", "3", "--save_dir", "x"], "at least"),
        (["--data_root", "nowhere", "--save_dir", "x"], "no TrainSet in nowhere"),
    ],
)
def test_bad_input_is_refused(options, message):
    with pytest.raises(UserError, match=message):
        compare_synthetic.main(options)
