"""Tables in three forms from one set of rows."""

import re

import numpy as np
from sample_poses import evaluated

from base.skeleton import JOINTS, NUM_JOINTS
from utils.evaluation.metrics import measure
from utils.evaluation.tables import (
    PUBLISHED,
    SET_HEADS,
    TABLE_GROUPS,
    Block,
    latex_table,
    markdown_table,
    result_table,
    set_blocks,
    text_summary,
    text_table,
)


def results(characters="aab", numbers=(0, 10, 20), **options):
    target = np.repeat(np.random.default_rng(0).normal(size=(1, NUM_JOINTS, 3)), 3, 0)
    predicted = target.copy()
    predicted[:, 1, 0] += [0.016, 0.032, 0.064]
    actions = ["walking", "walking", "unheard_of" if numbers[2] == 20 else "walking"]
    options["mean_pose"] = np.zeros((16, 3))
    return measure(evaluated(predicted, target, numbers, actions, characters, **options))


def test_the_numbers_stand_under_their_groups():
    found = results()
    mean = {group: f"{cell['mpjpe_mean_pose']:.1f}" for group, cell in found["lower"].items()}
    aligned = {group: f"{cell['pa_mpjpe']:.1f}" for group, cell in found["full"].items()}
    lines = text_table(*result_table(found)).splitlines()
    for name, expected, empty in (
        ("this model, full body", {"All": "2.3", "Walking": "1.5"}, "–"),
        ("this model, upper body", {"All": "4.7", "Walking": "3.0"}, "–"),
        ("this model, PA-MPJPE", aligned, "–"),
        ("this model, official evaluator", {"All": "2.3", "Walking": "1.5"}, "–"),
        ("mean pose, lower body", mean, "–"),
        ("frames", {"All": "3", "Walking": "2"}, "0"),
    ):
        [line] = [line for line in lines if line.startswith(name)]
        cells = re.split(r" {2,}", line)[1:11]
        assert cells == [expected.get(group, empty) for group in TABLE_GROUPS]


def test_the_published_rows_stand_below_with_all_their_values():
    lines = text_table(*result_table(results())).splitlines()
    for method, values in PUBLISHED.items():
        [line] = [line for line in lines if line.startswith(method)]
        cells = line.removeprefix(method).split()[: len(values)]
        assert cells == [f"{value:.1f}" for value in values.values()]
    dual = PUBLISHED["xR-EgoPose, dual branch (2019)"]
    assert len(PUBLISHED) == 9 and [dual["All"], dual["Talking"]] == [58.2, 43.9]


def test_published_rows_are_those_of_the_releases_headset_and_the_mean_pose_says_whose_it_is():
    about = {"headsets": ["xr-egopose"], "mean_pose": "of TrainSet"}
    text = text_table(*result_table(results() | about))
    assert "\nMean pose of TrainSet:\nmean pose, full body" in text and "Martinez" in text
    for table in (text_table, markdown_table, latex_table):
        text = table(*result_table(results() | about | {"headsets": ["", "quest"]}))
        assert "Not seen through the release's headset" in text and "Martinez" not in text


def test_titles_rules_and_columns_of_each_form():
    rows = [["50% & more_less", "−1.0"], ["b", "1234567890.0"], ["c", "–"]]
    blocks = [Block("", rows[:1]), Block("Others:", rows[1:])]
    assert text_table(blocks, ["mm", "All"]).splitlines() == [
        *("mm                        All", "─" * 29, "50% & more_less          −1.0"),
        *("", "Others:", "b                1234567890.0", "c                           –"),
    ]
    assert markdown_table(blocks, ["mm", "All"]).splitlines() == [
        *("| mm | All |", "|---|---:|", "| 50% & more_less | −1.0 |", "| *Others* | |"),
        *("| b | 1234567890.0 |", "| c | – |"),
    ]
    latex = latex_table(blocks, ["mm", "All"]).splitlines()
    assert latex[1:4] == [r"\begin{tabular}{lr}", r"\toprule", r"mm & All \\"]
    assert r"50\% \& more\_less & $-$1.0 \\" in latex and r"c & -- \\" in latex
    assert r"\multicolumn{2}{l}{\emph{Others}} \\" in latex


def test_a_set_of_another_headset_has_the_columns_that_it_has_frames_of_and_notes_below():
    protocol = {"set": "X & Y", "metrics": {}, "mm": {}, "published": {}, "note": "a " * 80}
    found = results() | {"headsets": ["quest"], "protocol": protocol}
    blocks, heads = result_table(found)
    assert heads == ["MPJPE, mm", "All", "Walking"]
    assert all(len(row) == 3 for block in blocks for row in block.rows)
    text = text_table(blocks, heads)
    assert "–" not in text and max(map(len, text.splitlines())) <= 96
    table, *notes = markdown_table(blocks, heads).split("\n\n")
    assert all(line.startswith("| ") for line in table.splitlines()[2:]) and len(notes) == 2
    assert "|" not in "".join(notes) and notes[1].startswith("X & Y's own protocol")
    table, below = latex_table(blocks, heads).split("\\end{tabular}")
    assert "multicolumn" not in table and r"{\footnotesize X \& Y's own protocol" in below
    assert r"\midrule" + "\n" + r"\bottomrule" not in table
    few = {name: found[name] for name in ("full", "upper", "lower")}
    every = {part: {"All": groups["All"]} for part, groups in few.items()}
    assert result_table(found | every)[1] == ["MPJPE, mm", "All"]


def test_where_occlusion_is_unknown_joints_are_in_the_picture_or_outside_and_no_hand_is_hidden():
    visible = np.arange(16) < np.array([[7], [8], [16]])
    told = results("aba", visible=visible)
    found = results("aba", visible=visible, occlusion_known=False)
    assert "occlusion_known" not in told and told["hidden_hands"]["hands"] == 1
    assert found["occlusion_known"] is False and found["hidden_hands"] is None
    text, seen = text_summary(found), found["visibility"]["visible"]["mpjpe"]
    assert re.search(rf"^joints in the picture +{seen:.1f} .*\njoints outside of it ", text, re.M)
    assert "hidden" not in text and "visible" not in text


def test_a_table_of_sets_says_where_an_error_cannot_be_had():
    found = {"one": results(), "other": results(aligned_only="the truth was elsewhere")}
    table = text_table(set_blocks(found, JOINTS[:3]), SET_HEADS)
    one, other = (line.split() for line in table.splitlines() if line.startswith(("one", "other ")))
    assert (one[1], one[3], other[1], other[3]) == ("2.3", "3", "–", "3") and one[2] == other[2]
    assert "\nother: the truth was elsewhere\n" in table
    assert table.endswith(f"Over the 3 joints {', '.join(JOINTS[:3])}.")


def test_the_summary_says_what_lies_beyond_the_protocol():
    plain = text_summary(results("aaa"))
    for word in ("MPJPE                         2.3 mm\n", "frame", "AUC", "arms exchanged"):
        assert word in plain
    for word in ("acceleration", "intervals", "regions", "joints  "):
        assert word not in plain
    visible = np.arange(16) < np.array([[7], [8], [16]])
    radii = np.full((3, 16), 0.05)
    full = text_summary(results("aba", (0, 1, 20), visible=visible, uncertainty=radii))
    assert re.search(r"^MPJPE +2\.3 \[2\.0, 2\.5\] mm$", full, re.M)
    assert re.search(r"^hidden hands within 250 mm +100\.0 %$", full, re.M)
    assert re.search(r"^joints in their 90 % regions +97\.9 %$", full, re.M)
    assert "\nvisible joints " in full and "In brackets: 95 %" in full
    moving = text_summary(results("aaa", (0, 1, 2)))
    assert re.search(r"^acceleration error +1\.0 mm/frame²$", moving, re.M)
