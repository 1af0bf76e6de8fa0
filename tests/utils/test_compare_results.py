"""Runs side by side, with differences that are paired by character."""

import json

import numpy as np
import pytest

from base.errors import UserError
from base.frame import FrameId
from base.skeleton import NUM_JOINTS
from utils import compare_results
from utils.compare_results import short_names
from utils.evaluation.compare import difference
from utils.evaluation.metrics import measure
from utils.evaluation.poses import Poses


def run(errors_by_character: dict[str, list[float]], action: str = "walking") -> dict:
    """Results in which each frame has the MPJPE asked for, millimetres."""
    target = np.random.default_rng(0).normal(size=(NUM_JOINTS, 3))
    predicted, frame_ids = [], []
    for character, errors in errors_by_character.items():
        for number, error in enumerate(errors):
            # All but the Neck are off by the same, so that the mean over 16 is the error.
            predicted.append(target.copy())
            predicted[-1][1:, 0] += error / 1000 * NUM_JOINTS / (NUM_JOINTS - 1)
            frame_ids.append(FrameId(character, "env_001", number))
    count = len(frame_ids)
    poses = Poses(np.stack(predicted), np.stack([target] * count), [action] * count, frame_ids)
    return measure(poses) | {"model": "model.tar", "data": "test"}


def write(path, results) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results))
    return str(path)


HARD_AND_EASY = {"a": [100.0, 120.0], "b": [20.0, 30.0], "c": [60.0]}
BETTER = {"a": [90.0, 110.0], "b": [10.0, 20.0], "c": [50.0]}


def test_a_small_gain_on_every_character_is_clear_though_characters_differ_widely():
    first, second = run(HARD_AND_EASY), run(BETTER)
    mean, ends = difference(first, second, "full", "All")
    assert mean == pytest.approx(-10.0) and ends == pytest.approx([-10.0, -10.0])
    # Unpaired, the two intervals overlap almost wholly.
    low, high = first["full"]["All"]["mpjpe_interval"]
    assert low < second["full"]["All"]["mpjpe"] < high


def test_the_difference_weighs_frames_and_its_interval_resamples_characters():
    first = run({"a": [10.0] * 3, "b": [10.0]})
    second = run({"a": [14.0] * 3, "b": [6.0]})
    mean, ends = difference(first, second, "full", "All")
    assert mean == pytest.approx((3 * 4 - 4) / 4)
    assert ends == pytest.approx([-4.0, 4.0])


def test_one_character_gives_no_interval_and_an_empty_group_no_difference():
    first, second = run({"a": [10.0]}), run({"a": [12.0]})
    mean, ends = difference(first, second, "full", "Walking")
    assert mean == pytest.approx(2.0) and ends is None
    assert difference(first, second, "full", "Patting") is None


def test_the_table_marks_what_is_sure(tmp_path, capsys):
    paths = [
        write(tmp_path / "base" / "results.json", run(HARD_AND_EASY)),
        write(tmp_path / "wide" / "results.json", run(BETTER)),
    ]
    compare_results.main([paths[0], str(tmp_path / "wide"), "--output", str(tmp_path / "t.txt")])
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "t.txt").read_text()
    lines = printed.splitlines()
    assert lines[0].split()[-2:] == ["All", "Walking"]
    assert next(line for line in lines if line.startswith("base")).split() == [
        "base",
        "66.0",
        "66.0",
    ]
    changed = next(line for line in lines if line.startswith("  difference"))
    assert changed.split()[1:] == ["-10.0*", "-10.0*"]


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_other_forms_hold_the_same_numbers(form, tmp_path, capsys):
    paths = [
        write(tmp_path / n / "results.json", run(r))
        for n, r in (("x", HARD_AND_EASY), ("y", BETTER))
    ]
    compare_results.main([*paths, "--format", form, "--part", "upper"])
    printed = capsys.readouterr().out
    # Seven of the eight upper joints carry the error, fifteen of all sixteen.
    expected = -10.0 * (7 / 8) / (15 / 16)
    assert f"{expected:+.1f}*" in printed and "upper body" in printed


def test_runs_on_other_frames_are_shown_without_a_difference(tmp_path, capsys):
    paths = [
        write(tmp_path / "x" / "results.json", run(HARD_AND_EASY)),
        write(tmp_path / "y" / "results.json", run({"a": [1.0]})),
    ]
    compare_results.main(paths)
    printed = capsys.readouterr().out
    assert "y: measured on other frames than x" in printed and "  difference" not in printed


def test_names_are_as_short_as_they_can_be(tmp_path):
    paths = [tmp_path / "a" / "demo" / "results.json", tmp_path / "b" / "demo" / "results.json"]
    assert short_names(paths) == ["a/demo", "b/demo"]
    assert short_names([tmp_path / "one.json", tmp_path / "two.json"])[0].endswith("(one.json)")


def test_bad_input_is_one_clear_line(tmp_path):
    good = write(tmp_path / "good" / "results.json", run(BETTER))
    for content, message in (
        ("{", "not valid json"),
        ("{}", "not the results.json"),
        ("[]", "not the"),
    ):
        bad = tmp_path / "bad.json"
        bad.write_text(content)
        with pytest.raises(UserError, match=message):
            compare_results.main([good, str(bad)])
    with pytest.raises(UserError, match="cannot be read"):
        compare_results.main([str(tmp_path / "missing.json")])
    with pytest.raises(UserError, match="2 names for 1 results"):
        compare_results.main([good, "--names", "a", "b"])
