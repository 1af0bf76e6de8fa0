"""doc/quickstart.ipynb: its cells, one after the other as in Jupyter."""

import json
import re

import matplotlib.pyplot as plt
import numpy as np
from commands import one_process

from utils.common.paths import REPOSITORY

NOTEBOOK = REPOSITORY / "doc" / "quickstart.ipynb"


def test_the_cells_run_from_a_fresh_clone(tmp_path, monkeypatch, capsys):
    (tmp_path / "doc").mkdir()
    for name in ("base", "dataset", "model", "utils", "inference.py"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    monkeypatch.chdir(tmp_path / "doc")
    monkeypatch.syspath_prepend(REPOSITORY)  # restores what the notebook adds
    figures = []
    monkeypatch.setattr(plt, "show", lambda: figures.append(plt.gcf()))
    plt.switch_backend("agg")

    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert len(cells) <= 10
    variables = {}
    with one_process():
        for cell in cells:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), variables)

    assert variables["errors"].shape == (8, 16) and variables["errors"].mean() < 80
    # What is best in the sum of squares is no worse than what is not moved.
    assert ((variables["after"] ** 2).sum(1) < (variables["errors"] ** 2).sum(1)).all()
    # Another lens, the same pose: beside a hand's breadth it would be the wrong lens.
    assert variables["mine"].shape == (480, 640, 3) and 0 < variables["moved"].mean() < 20
    assert len(figures) == 2 and "MPJPE" in capsys.readouterr().out
    bones, bars = (figure.axes for figure in figures)
    assert len(bones) == 2 and bones[1].name == "3d" and len(bars[0].patches) == 16
    [line, *_] = bones[1].lines
    assert np.allclose(
        line.get_data_3d()[2], -variables["pose"].joints3d[list(variables["BONES"][0]), 2]
    )
    plt.close("all")


def test_what_is_stored_is_small_and_as_it_was_printed():
    text = NOTEBOOK.read_text(encoding="utf-8")
    cells = json.loads(text)["cells"]
    assert len(text) < 150_000 and not re.search(r"/(home|root|tmp|Users)/", text)
    run = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in run] == list(range(1, len(run) + 1))
    kinds = {output["output_type"] for cell in run for output in cell["outputs"]}
    assert kinds == {"stream", "display_data"}  # no error
