"""The figures command on the run of a tiny network, and what its figures show."""

import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from commands import names, refused, run_demo
from PIL import Image
from sample_poses import evaluated, standing

from base.release_camera import RELEASE_SQUARE
from utils import draw_figures
from utils.drawing.frame_painter import DrawnPose, FramePainter
from utils.evaluation.results import read_results

CHARTS = ["errors_by_action", "errors_by_joint", "error_distribution"]
PICTURES = ["median_frame", "qualitative_grid"]


@pytest.fixture(scope="module")
def demo_run(tmp_path_factory, tiny_kind, tiny_network, tiny_data):
    folder = tmp_path_factory.mktemp("figures") / "demo"
    run_demo(tiny_network, tiny_data, folder, "--num_vis", 0)
    return folder


def test_one_command_draws_every_figure_as_png_and_pdf(demo_run, capsys):
    draw_figures.main([str(demo_run)])
    # Its frames are none of a video.
    assert capsys.readouterr().err.startswith("left out sequence: the frames do not follow")
    for name in [*CHARTS, *PICTURES]:
        path = demo_run / "figures" / f"{name}.{'png' if name in CHARTS else 'jpg'}"
        picture = cv2.imread(str(path))
        assert min(picture.shape[:2]) > 300 and picture.std() > 10  # something is drawn
        assert name in PICTURES or path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_what_is_gone_is_left_out_and_named(demo_run, tmp_path, capsys):
    refused("give the --save_dir", draw_figures.main, [str(tmp_path / "missing")])
    shutil.copy(demo_run / "results.json", tmp_path)
    for run, charts, reason in ((demo_run, 3, "no TestSet"), (tmp_path, 2, "npz")):
        out = tmp_path / run.name
        draw_figures.main([str(run), "--output", str(out), "--data_root", str(tmp_path)])
        left_out = capsys.readouterr().err.splitlines()
        for name, line in zip([*PICTURES, "sequence"], left_out[-3:], strict=True):
            assert line.startswith(f"left out {name}: ") and reason in line
        assert {name.partition(".")[0] for name in names(out)} == set(CHARTS[:charts])


def test_the_median_frame_and_a_sequence_are_those_of_the_run(monkeypatch, tmp_path):
    truth = np.stack([standing()] * 8)
    errors = np.array([10, 80, 30, 60, 20, 50, 40, 70]) / 1000
    predicted = truth + errors[:, None, None] * (np.arange(16)[None, :, None] > 0) * [0, 0, 1]
    poses = evaluated(predicted, truth, (3, 4, 5, 6, 7, 90, 91, 92))
    camera, drawn = RELEASE_SQUARE.resized(800, 800), []

    class Painter:
        def __init__(self, *_):
            drawn.clear()

        def image(self, frame_id):
            return np.full((800, 800, 3), 20 * (frame_id.number % 7), np.uint8)

        def drawn(self, poses, row):
            drawn.append(row)
            both = poses.predicted[row], poses.target[row]
            return [DrawnPose.through_camera(pose, camera) for pose in both]

    monkeypatch.setattr(draw_figures, "read_poses", lambda _: poses)
    monkeypatch.setattr(draw_figures, "SplitPainter", Painter)
    run = SimpleNamespace(poses=None, data_root=tmp_path, results={"data": "test"})
    figure = draw_figures._FIGURES["median_frame"](run)
    # 50 mm is the larger of the two in the middle; the input, then the same with both poses.
    assert drawn == [5] and figure.shape == (640 + 54, 640 + 8 + 640 + 480, 3)
    assert (figure[:640, :640] == 120).all() and (figure[:640, 640:648] == 255).all()
    image, both = np.full((800, 800, 3), 120, np.uint8), Painter().drawn(poses, 5)
    expected = FramePainter(room=0).panels(image, *both)
    assert np.array_equal(figure[:640, 648:], expected)
    pictures = draw_figures._FIGURES["sequence"](run)
    assert drawn == [0, 3] and pictures[0].shape == (320, 560, 3)
    draw_figures.save_animation(tmp_path / "a.gif", pictures)
    with Image.open(tmp_path / "a.gif") as animation:
        assert animation.n_frames == 2 and animation.info == animation.info | {"loop": 0}
        assert animation.info["duration"] == 100 and animation.size == (560, 320)


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
    bars = (0, "Neck", 0), (1, "Head", 1), (2, "LeftArm", 1.8), (2 + 7, "RightArm", 2.2)
    for bar, name, place in bars:
        patch = axes.patches[bar]
        assert patch.get_height() == pytest.approx(joints[name]["mpjpe"])
        assert patch.get_x() + patch.get_width() / 2 == pytest.approx(place)


def test_of_another_set_nothing_published_and_no_unmeasured_joint_is_drawn(demo_run):
    results = read_results(demo_run) | {"headsets": ["sceneego"]}
    results["joints"] |= {"Head": {}, "LeftHand": {}, "LeftFoot": {}, "RightFoot": {}}
    figure = draw_figures.errors_by_action(results)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["this model", "mean pose"]
    axes = draw_figures.errors_by_joint(results).axes[0]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["Neck", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "ToeBase"]


def test_the_distribution_names_median_and_95th_percentile():
    errors = np.linspace(10, 110, 201)
    left, right = draw_figures.error_distribution(errors).axes
    assert [text.get_text() for text in right.texts] == ["50 %: 60 mm", "95 %: 105 mm"]
    assert np.interp(60, *right.lines[0].get_data()) == pytest.approx(0.5, abs=0.01)
    # 28 edges for 201 frames.
    counts = [bar.get_height() for bar in left.patches]
    assert len(counts) == 27 and sum(counts) == 201
