"""Comparison of a synthetic set with real frames."""

import json

import numpy as np
import pytest

from base.errors import UserError
from base.skeleton import JOINTS
from utils import compare_synthetic
from utils.compare_synthetic import REAL_JOINTS, compare_joints, share_inside


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


def test_the_command_prints_shares_and_refuses_what_are_no_joints(tiny_data, tmp_path, capsys):
    path, frame = tmp_path / "joints2d.json", {"joints": [[128.0, 128.0]] * len(REAL_JOINTS)}
    options = ["--data_root", str(tiny_data), "--real", str(path)]
    path.write_text(json.dumps([frame]))
    compare_synthetic.main(options)
    assert "Too few synthetic people" in capsys.readouterr().out
    for content, message in (
        ("[{}]", "cannot be read as a list"),
        ("[" * 100_000, "cannot be read as a list"),
        ('[{"joints": [[1, 2]]}]', "each frame must have 22 joints of 2 pixels"),
        (json.dumps([frame]).replace("128.0", "NaN", 1), "22 joints of 2 pixels"),
    ):
        path.write_text(content)
        with pytest.raises(UserError, match=message):
            compare_synthetic.main(options)
    with pytest.raises(UserError, match="no TrainSet in nowhere"):
        path.write_text(json.dumps([frame]))
        compare_synthetic.main(["--data_root", "nowhere", "--real", str(path)])
