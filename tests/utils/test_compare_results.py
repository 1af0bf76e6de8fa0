"""Runs side by side, with differences that are paired by character."""

import json

import numpy as np
import pytest
from commands import refused
from sample_poses import evaluated

from utils import compare_results
from utils.compare_results import difference, short_names
from utils.evaluation.metrics import measure


def run(errors_by_character: dict[str, list[float]]) -> dict:
    """Results in which each frame has the MPJPE asked for, millimetres."""
    errors = np.concatenate([*errors_by_character.values()])
    target = np.repeat(np.random.default_rng(0).normal(size=(1, 16, 3)), len(errors), 0)
    predicted = target.copy()
    # All but the Neck are off by the same, so that the mean over 16 is the error.
    predicted[:, 1:, 0] += errors[:, None] / 1000 * 16 / 15
    characters = "".join(name * len(of) for name, of in errors_by_character.items())
    about = {"schema": 1, "model": "m.tar", "data": "test", "data_root": "d", "frames": len(errors)}
    return measure(evaluated(predicted, target, characters=characters)) | about


def written(folder, **runs):
    """Write runs, name → errors by character, and give their paths."""
    paths = [folder / name / "results.json" for name in runs]
    for path, errors in zip(paths, runs.values(), strict=True):
        path.parent.mkdir()
        path.write_text(json.dumps(run(errors)))
    return [*map(str, paths)]


HARD_AND_EASY = {"a": [100.0, 120.0], "b": [20.0, 30.0], "c": [60.0]}
BETTER = {"a": [90.0, 110.0], "b": [10.0, 20.0], "c": [50.0]}


@pytest.mark.parametrize(
    ("first", "second", "mean", "ends"),
    [
        # A small gain on every character is clear, though characters differ widely.
        (HARD_AND_EASY, BETTER, -10.0, [-10.0, -10.0]),
        # The mean weighs frames, the interval resamples characters.
        ({"a": [10.0] * 3, "b": [10.0]}, {"a": [14.0] * 3, "b": [6.0]}, 2.0, [-4.0, 4.0]),
        ({"a": [10.0]}, {"a": [12.0]}, 2.0, None),
    ],
)
def test_a_difference_is_paired_by_character(first, second, mean, ends):
    first, second = run(first), run(second)
    for group in ("All", "Walking"):
        found = difference(first, second, "full", group)
        assert found[0] == pytest.approx(mean)
        assert found[1] is None if ends is None else found[1] == pytest.approx(ends)
    assert difference(first, second, "full", "Patting") is None


def test_the_table_marks_differences_whose_interval_leaves_out_zero(tmp_path, capsys):
    odd = BETTER | {"c": [95.0]}
    one, other, third = written(tmp_path, base=HARD_AND_EASY, wide=BETTER, odd=odd)
    compare_results.main([one, str(tmp_path / "wide"), third, "--output", str(tmp_path / "t.txt")])
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "t.txt").read_text()
    lines = [line.split() for line in printed.splitlines()]
    assert lines[0] == ["MPJPE,", "mm,", "full", "body", "All", "Walking"]
    assert ["base", "66.0", "66.0"] in lines and ["wide", "56.0", "56.0"] in lines
    # 4 frames 10 mm better and one 35 mm worse.
    changes = [line[1:] for line in lines if line[:1] == ["difference"]]
    assert changes == [["-10.0*", "-10.0*"], ["-1.0", "-1.0"]]
    assert ["95", "%", "interval", "-10.0…-10.0", "-10.0…-10.0"] in lines
    assert "Difference to base, negative is better" in printed
    compare_results.main([other, one])
    assert "+10.0*" in capsys.readouterr().out
    same = [str(tmp_path / "base"), "--output", one]
    refused("is read, and would be replaced", compare_results.main, same)


def test_errors_after_alignment_are_compared_where_there_are_no_others(tmp_path, capsys):
    rng = np.random.default_rng(0)
    target = rng.normal(size=(4, 16, 3))
    paths, errors = [], []
    for name, off in (("a", 0.05), ("b", 0.02)):
        poses = evaluated(target + off * rng.normal(size=target.shape), target, characters="aabb")
        poses.aligned_only = "the truth was elsewhere"
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps(run(HARD_AND_EASY) | measure(poses)))
        errors.append(poses.part_errors["pa_mpjpe"][:, 0].mean())
    plain = written(tmp_path, plain=HARD_AND_EASY)
    compare_results.main([*map(str, paths), *plain])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["PA-MPJPE,", "mm,", "full", "body", "All", "Walking"]
    assert ["a.json", *[f"{errors[0]:.1f}"] * 2] in lines
    assert ["difference", *[f"{errors[1] - errors[0]:+.1f}*"] * 2] in lines
    aligned = f"{run(HARD_AND_EASY)['full']['All']['pa_mpjpe']:.1f}"
    assert ["results.json", aligned, aligned] in lines
    assert sum(line[:1] == ["difference"] for line in lines) == 1


def test_another_part_of_the_body_in_another_form(tmp_path, capsys):
    paths = written(tmp_path, x=HARD_AND_EASY, y=BETTER)
    compare_results.main([*paths, "--format", "latex", "--part", "upper"])
    printed = capsys.readouterr().out
    # Seven of the eight upper joints carry the error, fifteen of all sixteen.
    assert f"{-10.0 * (7 / 8) / (15 / 16):+.1f}*" in printed and "upper body" in printed
    assert "\n% Difference" in printed


def test_what_has_no_interval_or_no_difference_says_why(tmp_path, capsys):
    one, *others = written(tmp_path, x={"a": [10.0]}, y={"a": [12.0]}, z=BETTER)
    compare_results.main([one, others[0]])
    printed = capsys.readouterr().out
    assert "no interval, for all frames are of one character" in printed and "*" not in printed
    compare_results.main([one, others[1]])
    printed = capsys.readouterr().out
    assert "z: measured on other frames than x" in printed and "ifference to" not in printed


def test_names_are_as_short_as_they_can_be_and_as_many_as_results(tmp_path):
    paths = [tmp_path / "a" / "demo" / "results.json", tmp_path / "b" / "demo" / "results.json"]
    assert short_names(paths) == ["a/demo", "b/demo"] and short_names(paths[:1]) == ["demo"]
    assert short_names([tmp_path / "one.json", tmp_path / "two.json"]) == ["one.json", "two.json"]
