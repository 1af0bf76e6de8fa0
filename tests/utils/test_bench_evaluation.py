"""The benchmark measures both sides and says so; how fast is not a test's business."""

import re

import numpy as np

from utils import bench_evaluation
from utils.drawing.frame import DrawnPose


def test_both_sides_are_measured_in_one_run(capsys):
    bench_evaluation.main(["--gpu", "cpu", "--rounds", "1"])
    printed = capsys.readouterr().out
    drawing = re.search(r"one thread: ([\d.]+) ms; matplotlib.*: (\d+) ms", printed)
    metrics = re.search(r"network ([\d.]+) ms, metrics and bookkeeping ([\d.]+) ms", printed)
    assert all(float(value) > 0 for match in (drawing, metrics) for value in match.groups())


def test_the_picture_it_is_compared_with_shows_both_poses_too():
    poses = [
        DrawnPose(np.random.default_rng(seed).uniform(100, 700, (16, 2)), pose)
        for seed, pose in enumerate(bench_evaluation.random_poses(2))
    ]
    drawn = bench_evaluation.matplotlib_frame(np.zeros((800, 800, 3), np.uint8), poses, "frame")
    assert drawn.shape == (720, 1280, 4)
    for colour in ((255, 127, 14), (31, 119, 180)):
        assert (np.abs(drawn[..., :3].astype(int) - colour).max(-1) < 12).sum() > 200
