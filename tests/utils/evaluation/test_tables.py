"""Tables in three forms from one set of rows."""

import re

import numpy as np

from base.frame import FrameId
from base.skeleton import NUM_JOINTS
from utils.evaluation.metrics import measure
from utils.evaluation.poses import Poses
from utils.evaluation.published import PUBLISHED, TABLE_GROUPS
from utils.evaluation.tables import (
    Block,
    Row,
    latex_table,
    markdown_table,
    result_blocks,
    text_summary,
    text_table,
)


def results():
    target = np.random.default_rng(0).normal(size=(3, NUM_JOINTS, 3))
    predicted = target.copy()
    predicted[:, 1, 0] += [0.016, 0.032, 0.064]
    actions = ["walking", "walking", "unheard_of"]
    frame_ids = [FrameId("a", "env_001", number) for number in (0, 10, 20)]
    return measure(Poses(predicted, target, actions, frame_ids, mean_pose=np.zeros((16, 3))))


def test_every_form_has_the_numbers_under_their_groups():
    found = results()
    blocks = result_blocks(found)
    expected = {"All": "2.3", "Walking": "1.5"}
    text = next(line for line in text_table(blocks).splitlines() if "full body" in line)
    markdown = next(line for line in markdown_table(blocks).splitlines() if "full body" in line)
    latex = next(line for line in latex_table(blocks).splitlines() if "full body" in line)
    for cells in (
        re.split(r" {2,}", text)[1:],
        [cell.strip() for cell in markdown.strip("|").split("|")][1:],
        [cell.strip() for cell in latex.removesuffix(r"\\").split("&")][1:],
    ):
        assert len(cells) == len(TABLE_GROUPS)
        for group, cell in zip(TABLE_GROUPS, cells, strict=True):
            assert cell == expected.get(group, "--" if cells[1] == "--" else "–")


def test_the_published_rows_stand_below_with_all_their_values():
    text = text_table(result_blocks(results()))
    assert len(PUBLISHED) == 9
    for row in PUBLISHED:
        line = next(line for line in text.splitlines() if line.startswith(row.method))
        values = re.findall(r"\d+\.\d", line.removeprefix(row.method))
        assert values == [f"{value:.1f}" for value in row.mpjpe.values()]
    dual = next(row for row in PUBLISHED if "dual branch (2019)" in row.method)
    assert dual.mpjpe["All"] == 58.2 and dual.mpjpe["Talking"] == 43.9
    assert dual.mpjpe["LowerStretching"] == 51.1 and dual.mpjpe["Walking"] == 57.7


def test_columns_line_up():
    lines = text_table(result_blocks(results())).splitlines()
    table = [line for line in lines if re.search(r"\d", line) and "xR-EgoPose, full" not in line]
    assert len({len(line) for line in table if not line.startswith("Published")}) == 1


def test_latex_escapes_what_it_must():
    latex = latex_table([Block("", [Row("50% & more_less", ["−1.0"])])], ["All"])
    assert r"50\% \& more\_less & $-$1.0 \\" in latex


def test_the_summary_says_what_lies_beyond_the_protocol():
    summary = text_summary(results())
    for word in ("PA-MPJPE", "absolute", "PCK", "bone length", "swaps"):
        assert word in summary
    assert "acceleration" not in summary and "intervals" not in summary
