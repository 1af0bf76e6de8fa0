"""The figures command on the run of a tiny network, and what its figures show."""

import shutil

import cv2
import numpy as np
import pytest

import demo
from base.errors import UserError
from utils import draw_figures
from utils.evaluation.compare import read_results
from utils.figures.curves import read_curves, training_curves
from utils.figures.errors import error_distribution, errors_by_action, errors_by_joint

FIGURES = [
    *("errors_by_action", "errors_by_joint", "error_distribution"),
    *("qualitative_grid", "heatmap_overlay", "training_curves"),
]


@pytest.fixture(scope="module")
def demo_run(tmp_path_factory, tiny_checkpoint, tiny_data):
    folder = tmp_path_factory.mktemp("figures") / "demo"
    demo.main(
        [
            *("--gpu", "cpu", "--load_model", str(tiny_checkpoint), "--data_root", str(tiny_data)),
            *("--save_dir", str(folder), "--num_vis", "0"),
        ]
    )
    return folder


def test_one_command_draws_every_figure_as_png_and_pdf(demo_run, capsys):
    draw_figures.main([str(demo_run), "--gpu", "cpu"])
    assert "left out" not in capsys.readouterr().err
    for name in FIGURES:
        picture = cv2.imread(str(demo_run / "figures" / f"{name}.png"))
        assert min(picture.shape[:2]) > 300
        assert picture.std() > 10  # something is drawn
        assert (demo_run / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_what_is_gone_is_left_out_and_said_so_but_refused_when_asked_for(
    demo_run, tmp_path, capsys
):
    flags = ["--data_root", str(tmp_path), "--load_model", str(tmp_path / "runs" / "c" / "m.tar")]
    draw_figures.main([str(demo_run), "--output", str(tmp_path / "out"), *flags])
    printed = capsys.readouterr()
    for name in FIGURES[3:]:
        assert f"left out {name}: " in printed.err
    assert {path.stem for path in (tmp_path / "out").iterdir()} == set(FIGURES[:3])
    for name, reason in (("qualitative_grid", "no TestSet"), ("training_curves", "--log_dir")):
        with pytest.raises(UserError, match=f"{name}: .*{reason}"):
            draw_figures.main([str(demo_run), "--only", name, *flags])


def test_bars_have_the_heights_and_intervals_of_the_results(demo_run):
    results = read_results(demo_run)
    axes = errors_by_action(results).axes[0]
    groups = len(results["full"])
    heights = [bar.get_height() for bar in axes.patches]
    assert heights[0] == pytest.approx(results["full"]["All"]["mpjpe"])
    assert heights[groups] == pytest.approx(results["full"]["All"]["mpjpe_mean_pose"])
    assert axes.get_xticklabels()[0].get_text() == "All\n6"

    axes = errors_by_joint(results).axes[0]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[:3] == ["Neck", "Head", "Arm"]
    heights = [bar.get_height() for bar in axes.patches]
    joints = results["joints"]
    assert heights[:2] == pytest.approx([joints["Neck"]["mpjpe"], joints["Head"]["mpjpe"]])
    assert heights[2] == pytest.approx(joints["LeftArm"]["mpjpe"])
    assert heights[2 + 7] == pytest.approx(joints["RightArm"]["mpjpe"])


def test_error_bars_reach_from_one_end_of_the_interval_to_the_other():
    cell = {"mpjpe": 50.0, "mpjpe_interval": [40.0, 65.0], "frames": 3}
    axes = errors_by_action({"full": {"All": cell}}).axes[0]
    bar = axes.collections[0].get_segments()[0]
    assert bar[:, 1] == pytest.approx([40.0, 65.0])


def test_the_distribution_names_median_and_95th_percentile():
    errors = np.linspace(10, 110, 201)
    axes = error_distribution(errors, errors + 50).axes[1]
    assert [text.get_text() for text in axes.texts] == ["50 %: 60 mm", "95 %: 105 mm"]


def test_curves_are_those_of_the_log(tiny_runs):
    curves = read_curves(tiny_runs["train3d"])
    assert curves["validation/mpjpe_mm"].steps.tolist() == [1, 2]
    figure = training_curves({"train3d": curves | {"loss/total": curves["validation/mpjpe_mm"]}})
    line = figure.axes[1].lines[0]
    assert np.array_equal(line.get_ydata(), curves["validation/mpjpe_mm"].values)
    assert read_curves(tiny_runs["train3d"].parent) == {}


def test_bad_input_is_one_clear_line(demo_run, tmp_path):
    with pytest.raises(UserError, match="give the --save_dir"):
        draw_figures.main([str(tmp_path / "missing")])
    with pytest.raises(UserError, match="at least 1"):
        draw_figures.main([str(demo_run), "--frames", "0"])
    partial = tmp_path / "partial"
    partial.mkdir()
    shutil.copy(demo_run / "results.json", partial)
    for name, message in (
        ("qualitative_grid", r"poses\.npz"),
        ("error_distribution", r"frames\.csv"),
    ):
        with pytest.raises(UserError, match=message):
            draw_figures.main([str(partial), "--only", name])
    (partial / "frames.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"not the frames\.csv"):
        draw_figures.main([str(partial), "--only", "error_distribution"])
