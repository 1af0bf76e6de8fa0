"""The figures command on the run of a tiny network, and what its figures show."""

import shutil

import cv2
import numpy as np
import pytest
from commands import run_demo
from sample_poses import standing

from base.errors import UserError
from base.release_camera import RELEASE_SQUARE
from utils import draw_figures
from utils.drawing.frame_painter import DrawnPose, FramePainter
from utils.drawing.style import PREDICTED, TRUTH
from utils.evaluation.results import read_results

FIGURES = [
    *("errors_by_action", "errors_by_joint", "error_distribution"),
    *("qualitative_grid", "heatmap_overlay", "training_curves"),
]


@pytest.fixture(scope="module")
def demo_run(tmp_path_factory, tiny_checkpoint, tiny_data):
    folder = tmp_path_factory.mktemp("figures") / "demo"
    run_demo(tiny_checkpoint, tiny_data, folder, "--num_vis", 0)
    return folder


def test_one_command_draws_every_figure_as_png_and_pdf(demo_run, tiny_runs, capsys):
    # The model that the heatmaps are of is the pretrained one, which sees the camera's rays.
    options = ["--load_model", "pretrained", "--log_dir", str(tiny_runs["train3d"])]
    draw_figures.main([str(demo_run), "--gpu", "cpu", *options])
    assert "left out" not in capsys.readouterr().err
    for name in FIGURES:
        picture = cv2.imread(str(demo_run / "figures" / f"{name}.png"))
        assert min(picture.shape[:2]) > 300
        assert picture.std() > 10  # something is drawn
        assert (demo_run / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_what_is_gone_is_left_out_and_named(demo_run, tmp_path, capsys):
    flags = ["--data_root", str(tmp_path), "--load_model", str(tmp_path / "runs" / "c" / "m.tar")]
    draw_figures.main([str(demo_run), "--output", str(tmp_path / "out"), *flags])
    left_out = capsys.readouterr().err.splitlines()
    for name, reason in zip(FIGURES[3:], ("no TestSet", "no TestSet", "--log_dir"), strict=True):
        assert any(line.startswith(f"left out {name}: ") and reason in line for line in left_out)
    assert {path.stem for path in (tmp_path / "out").iterdir()} == set(FIGURES[:3])


def test_bars_have_the_heights_and_intervals_of_the_results(demo_run):
    results = read_results(demo_run)
    groups, joints = results["full"], results["joints"]
    groups["All"]["mpjpe_interval"] = [groups["All"]["mpjpe"] - 10, groups["All"]["mpjpe"] + 15]
    axes = draw_figures.errors_by_action(results).axes[0]
    heights = [bar.get_height() for bar in axes.patches]
    assert heights[0] == pytest.approx(groups["All"]["mpjpe"])
    assert heights[len(groups)] == pytest.approx(groups["All"]["mpjpe_mean_pose"])
    assert axes.get_xticklabels()[0].get_text() == "All\nn = 6"
    interval = axes.collections[0].get_segments()[0][:, 1]
    assert interval == pytest.approx(groups["All"]["mpjpe_interval"])
    assert axes.collections[-1].get_segments()[0][0, 1] == 58.2

    axes = draw_figures.errors_by_joint(results).axes[0]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[:3] == ["Neck", "Head", "Arm"] and len(labels) == 9
    bars = {0: "Neck", 1: "Head", 2: "LeftArm", 2 + 7: "RightArm"}
    for bar, name in bars.items():
        patch = axes.patches[bar]
        assert patch.get_height() == pytest.approx(joints[name]["mpjpe"])
        middle = patch.get_x() + patch.get_width() / 2
        assert middle == pytest.approx({"LeftArm": 1.8, "RightArm": 2.2}.get(name, bar))


def test_the_distribution_names_median_and_95th_percentile():
    errors = np.linspace(10, 110, 201)
    left, right = draw_figures.error_distribution(errors, errors + 50).axes
    assert [text.get_text() for text in right.texts] == ["50 %: 60 mm", "95 %: 105 mm"]
    shares = [np.interp(60, *line.get_data()) for line in right.lines[:2]]
    assert shares == pytest.approx([0, 0.5], abs=0.01)
    # Bins from 0 to the baseline's 99th percentile, 159 mm: 28 edges for 201 frames.
    counts = [bar.get_height() for bar in left.patches]
    assert len(counts) == 2 * 27 and sum(counts[27:]) == 201 and left.get_xlim()[1] == 159


def test_a_cell_of_the_grid_is_the_picture_above_the_view_with_both_poses():
    truth, image = standing(), np.full((800, 800, 3), 90, np.uint8)
    camera = RELEASE_SQUARE.resized(800, 800)
    poses = [DrawnPose.through_camera(pose, camera) for pose in (truth[::-1], truth)]
    figure = draw_figures.qualitative_grid([(image, *poses, "walking, 50 mm")] * 5)
    assert [axes.get_title() for axes in figure.axes] == ["walking, 50 mm"] * 5
    assert [axes.get_subplotspec().num1 for axes in figure.axes] == list(range(5))
    painter = FramePainter()
    drawn = [(poses[1], TRUTH), (poses[0], PREDICTED)]
    shown = np.asarray(figure.axes[4].images[0].get_array())
    assert np.array_equal(shown[:640], painter.picture(image, drawn))
    assert np.array_equal(shown[640:], painter.view(drawn))


def test_the_lowest_peaks_of_the_heatmaps_are_shown_alone():
    image, heatmaps = np.full((64, 64, 3), 100, np.uint8), np.zeros((15, 16, 16))
    for row in range(15):
        heatmaps[row, row, 3] = 1 - row / 20
    axes = draw_figures.heatmap_overlay(image, heatmaps).axes
    titles = [one.get_title() for one in axes]
    assert titles[2] == "RightToeBase, peak 0.30" and titles[5] == "RightUpLeg, peak 0.45"
    # The last joint: cell (14, 3) of 16 is about pixel (58, 14) of 64.
    alone = np.asarray(axes[2].images[0].get_array()).max(-1)
    assert abs(alone[58, 14] - 255 * 0.3) < 60 and np.all(alone[:50] == 45)


def test_curves_are_those_of_the_log(tiny_runs):
    curves = draw_figures.read_curves(tiny_runs["train3d"])
    epochs, errors = curves["validation/mpjpe_mm"]
    assert epochs.tolist() == [1, 2]
    losses = np.array([np.arange(60), np.r_[np.ones(30), np.zeros(30)]])
    figure = draw_figures.training_curves({"train3d": curves | {"loss/total": losses}})
    left, right = figure.axes
    assert np.array_equal(right.lines[0].get_ydata(), errors)
    best = right.lines[1].get_xydata()
    assert best.tolist() == [[epochs[errors.argmin()], errors.min()]]
    # A mean over the last three steps, at the start over those there are.
    means = left.lines[1].get_ydata()
    assert means[[0, 1, 29, 30, 31, 32]] == pytest.approx([1, 1, 1, 2 / 3, 1 / 3, 0])
    assert draw_figures.read_curves(tiny_runs["train3d"].parent) == {}


def test_bad_input_is_one_clear_line(demo_run, tmp_path, monkeypatch, capsys):
    shutil.copy(demo_run / "results.json", tmp_path)
    with pytest.raises(UserError, match="give the --save_dir"):
        draw_figures.main([str(tmp_path / "missing")])
    drawn = ("qualitative_grid", "error_distribution")
    figures = {name: draw_figures._FIGURES[name] for name in drawn}
    monkeypatch.setattr(draw_figures, "_FIGURES", figures)
    draw_figures.main([str(tmp_path)])
    printed = capsys.readouterr().err
    assert "poses.npz" in printed and "frames.csv: cannot be read" in printed
    (tmp_path / "frames.csv").write_text("a,b\n1,2\n")
    draw_figures.main([str(tmp_path)])
    assert "not the frames.csv" in capsys.readouterr().err
