"""Comparison of a synthetic set with real frames."""

import json

import cv2
import numpy as np
import pytest

from base.errors import UserError
from base.skeleton import JOINTS
from utils import compare_synthetic
from utils.compare_synthetic import REAL_JOINTS, compare_joints, picture_colours, share_inside


@pytest.mark.parametrize(
    ("points", "people", "share"),
    [
        (np.arange(100), np.arange(100), 0.99),
        (np.arange(100), np.zeros(100), 0.99),  # one person: each frame counts as another
        (np.arange(30), np.repeat([0, 1], [25, 5]), None),  # too few of other people
        # Two people far from each other: what is near to one only is inside all the same.
        (np.r_[np.arange(50), np.arange(50) + 1000], np.repeat([0, 1], 50), 1.0),
    ],
)
def test_a_region_needs_enough_other_people(points, people, share):
    cloud = np.stack([points, 0 * points], 1).astype(float)
    found = share_inside(cloud, cloud, people)
    assert found == share if share is None else found >= share
    if share == 0.99:
        beside = np.array([[-1.0, 0.0], [-2.0, 0.0], [50.0, 8.6], [50.0, 9.0]])
        # The distance is 10 for the ends of the line, which is the 99th percentile.
        assert share_inside(beside, cloud, people) == 0.5


def test_mirrored_joints_are_noticed():
    rng = np.random.default_rng(0)
    places = rng.uniform(40, 110, (len(JOINTS), 2))
    synthetic = places + rng.normal(0, 4, (200, len(JOINTS), 2))
    alike = places + rng.normal(0, 4, (60, len(JOINTS), 2))
    mirrored = alike * [-1, 1] + [256, 0]
    people = np.arange(200) % 10
    same, other = (compare_joints(each, synthetic, people) for each in (alike, mirrored))
    assert set(same["joints"]) == set(JOINTS) and "LeftArm-LeftForeArm" in same["bones"]
    assert np.mean(list(same["joints"].values())) > 0.95
    assert np.mean(list(other["joints"].values())) < 0.3
    assert np.mean(list(same["bones"].values())) > np.mean(list(other["bones"].values())) + 0.3
    # A bone that points at the viewer has no direction.
    synthetic[:, JOINTS.index("LeftForeArm")] = synthetic[:, JOINTS.index("LeftArm")] + 2.0
    assert "LeftArm-LeftForeArm" not in compare_joints(alike, synthetic, people)["bones"]


def test_the_command_writes_a_sheet_beside_real_pictures_and_statistics(
    tiny_data, tmp_path, capsys
):
    real = tmp_path / "real"
    real.mkdir()
    cv2.imwrite(str(real / "a.png"), np.full((256, 256, 3), 90, np.uint8))
    entries = [{"joints": [[128.0, 128.0]] * len(REAL_JOINTS)}]
    (real / "joints2d.json").write_text(json.dumps(entries))
    options = ["--data_root", str(tiny_data), "--real", str(real), "--save_dir", str(tmp_path)]
    compare_synthetic.main(options)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert (sheet[:100, -384:] == 90).all() and sheet.shape == (2 * 192, 8 * 192 + 12 + 384, 3)
    statistics = json.loads((tmp_path / "statistics.json").read_text())
    assert statistics["real"] == {"joints": {}, "bones": {}}
    # The picture is grey all over.
    assert statistics["colours"]["real"] == {
        "brightness": 90, "spread": 0, "saturation": 0, "chin": 90
    }  # fmt: skip
    assert 30 < statistics["colours"]["synthetic"]["brightness"] < 220
    printed = capsys.readouterr().out
    assert "Too few synthetic people" in printed and "saturation" in printed


def test_brightness_is_that_inside_the_rim_and_of_the_chin_at_its_top():
    dark = np.zeros((800, 800, 3), np.uint8)
    cv2.circle(dark, (400, 400), 400, (60, 60, 60), -1)
    dark[:50, 300:500] = (200, 100, 100)
    found = picture_colours([dark, dark])
    assert found["brightness"] == pytest.approx(60, abs=1) and found["spread"] == 0
    assert found["chin"] == pytest.approx(0.299 * 200 + 0.701 * 100, abs=1)
    assert found["saturation"] < 1
    assert picture_colours([dark, dark // 2])["spread"] == pytest.approx(15, abs=1)
    assert picture_colours([np.full((256, 256, 3), (200, 100, 100), np.uint8)])["saturation"] > 120


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--real", "nowhere"], "no such folder"),
        (["--data_root", "nowhere"], "no TrainSet in nowhere"),
        (["--real", "broken"], "joints2d.json cannot be read as a list"),
        (["--real", "nested"], "joints2d.json cannot be read as a list"),
        (["--real", "nan"], "joints2d.json: each frame must have 22 joints of 2 pixels"),
        (["--real", "few"], "joints2d.json: each frame must have 22 joints of 2 pixels"),
        (["--real", "empty"], "--real empty holds no .png"),
        (["--real", "wide"], "wide/1.png: 128×80: give squares"),
        (["--real", "cut"], "cut/1.png"),
    ],
)
def test_bad_input_is_refused(tiny_data, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    nested, square = "[" * 100_000, np.zeros((80, 80, 3), np.uint8)
    for name, content, picture in (
        *(("broken", "[{}]", square), ("nested", nested, square), ("empty", None, None)),
        *(("few", '[{"joints": [[1, 2]]}]', square), ("wide", None, np.zeros((80, 128), np.uint8))),
        *(("nan", json.dumps([{"joints": [[0, float("nan")]] * 22}]), square), ("cut", None, None)),
    ):
        (tmp_path / name).mkdir()
        if content:
            (tmp_path / name / "joints2d.json").write_text(content)
        if picture is not None:
            cv2.imwrite(str(tmp_path / name / "1.png"), picture)
    (tmp_path / "cut" / "1.png").write_bytes((tmp_path / "wide" / "1.png").read_bytes()[:40])
    with pytest.raises(UserError, match=message):
        compare_synthetic.main(["--data_root", str(tiny_data), "--save_dir", "x", *options])
    assert not (tmp_path / "x").exists()
