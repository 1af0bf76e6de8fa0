"""Measure what drawing and metrics cost beside what they are compared with, in one run.

    python utils/bench_evaluation.py

Drawing: a frame by utils/drawing against a plain matplotlib figure with a fresh 3D axis, in one
thread, no file read or written.  Metrics: all of utils/metrics against the network's forward pass
on the same batch.  Medians; pictures are noise, poses random and weights untrained, which costs
the same.  Drawing is timed by the processor's clock, so that what else runs hardly shows.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.camera import RELEASE_CAMERA  # before OpenCV, to explain what that lacks

# isort: split
import cv2
import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from base.frame import FrameId
from base.skeleton import LIMBS
from dataset.batch import Batch
from dataset.transforms import SquareCrop
from model import build
from utils.command import run_command
from utils.config import load_config
from utils.defaults import CONFIGS
from utils.device import GPU_HELP, select_device
from utils.drawing.frame import DrawnPose, FramePainter
from utils.evaluation.evaluate import Evaluation
from utils.predict import PosePredictor, Prediction

_BATCH = 16


def median_ms(
    work: Callable[[], object], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Median time of a call by a clock in seconds, as milliseconds, after two calls to warm up."""
    times = []
    for count in range(rounds + 2):
        start = clock()
        work()
        if count >= 2:
            times.append(1000 * (clock() - start))
    return statistics.median(times)


def random_poses(count: int, seed: int = 0) -> np.ndarray:
    """(count, 16, 3) float32 metres, camera frame, before the lens."""
    rng = np.random.default_rng(seed)
    poses = rng.uniform([-0.5, -0.3, 0.3], [0.5, 0.3, 1.5], (count, 16, 3))
    return poses.astype(np.float32)


def matplotlib_frame(image: np.ndarray, poses: list[DrawnPose], title: str) -> np.ndarray:
    """The picture with skeletons and a 3D axis beside it, as a script would draw it.

    Returns:
        (720, 1280, 4) uint8.
    """
    figure = Figure(figsize=(12.8, 7.2), dpi=100)
    canvas = FigureCanvasAgg(figure)
    left = figure.add_subplot(1, 2, 1)
    right = figure.add_subplot(1, 2, 2, projection="3d")
    left.imshow(image)
    for pose, colour in zip(poses, ("tab:orange", "tab:blue"), strict=True):
        for limb in LIMBS:
            left.plot(*pose.joints2d[list(limb)].T, "-o", color=colour)
            right.plot(*pose.joints3d[list(limb)].T, "-o", color=colour)
    left.set_title(title)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def bench_drawing(rounds: int) -> None:
    """Print the time of a picture on one core, both ways."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    camera = SquareCrop(RELEASE_CAMERA.height).camera(RELEASE_CAMERA)
    poses = [DrawnPose.through_camera(pose, camera) for pose in random_poses(2)]
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (800, 800, 3), np.uint8)
    painter = FramePainter()
    count = 0

    def ours() -> np.ndarray:
        nonlocal count
        count += 1
        # A new caption each time, as in a run.
        return painter.paint(image, *poses, title=f"frame {count:06d}", note=f"MPJPE {count} mm")

    painted = median_ms(ours, rounds, time.process_time)
    plain = median_ms(
        lambda: matplotlib_frame(image, poses, "frame"), max(1, rounds // 10), time.process_time
    )
    cv2.setNumThreads(threads)
    print(
        f"drawing a frame, 1280×720, one thread: {painted:.1f} ms; "
        f"matplotlib with a fresh 3D axis: {plain:.0f} ms, {plain / painted:.0f} times as long"
    )


def bench_metrics(config_name: str, gpu: str, rounds: int) -> None:
    """Print the share of evaluation's time that is not the network's."""
    config = load_config(CONFIGS / f"{config_name}.yml")
    device = select_device(gpu)
    size = config.data.input_size
    network = build(config.model, size)
    network.to(device, memory_format=torch.channels_last).eval()
    predictor = PosePredictor(network, device, "fp32")
    target = torch.from_numpy(random_poses(_BATCH))
    rng = np.random.default_rng(0)
    number = 0

    def batch() -> Batch:
        nonlocal number
        number += _BATCH
        return Batch(
            images=images,
            joints2d=torch.zeros(_BATCH, 16, 2),
            joints3d=target,
            visible=torch.ones(_BATCH, 16, dtype=torch.bool),
            actions=["walking"] * _BATCH,
            frame_ids=[FrameId("a", "env_001", number + i) for i in range(_BATCH)],
        )

    images = torch.from_numpy(rng.integers(0, 255, (_BATCH, size, size, 3), np.uint8))
    inside: list[float] = []

    def timed(pictures: torch.Tensor) -> Prediction:
        start = time.perf_counter()
        prediction = predictor(pictures)
        inside.append(1000 * (time.perf_counter() - start))
        return prediction

    evaluation = Evaluation(timed, target[0].numpy())
    whole, others = [], []
    for _ in range(rounds + 2):
        one = batch()
        start = time.perf_counter()
        evaluation.add(one)
        whole.append(1000 * (time.perf_counter() - start))
        others.append(whole[-1] - inside[-1])
    # The first two warm up.
    network_ms, other_ms = statistics.median(inside[2:]), statistics.median(others[2:])
    print(
        f"{_BATCH} frames through {config_name} ({config.model.backbone}, {size} px) on "
        f"{device.type}: network {network_ms:.1f} ms, metrics and bookkeeping {other_ms:.2f} ms, "
        f"{other_ms / (network_ms + other_ms):.2%} of both"
    )


def main(argv: list[str] | None = None) -> None:
    """Print both figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gpu", default="0", help=GPU_HELP)
    parser.add_argument("--rounds", type=int, default=100, help="timed calls (default: 100)")
    parser.add_argument(
        "--configs",
        nargs="+",
        default=["quickstart"],
        help="networks the metrics are compared with (default: quickstart, the smallest; paper "
        "takes minutes on a CPU)",
    )
    arguments = parser.parse_args(argv)
    bench_drawing(arguments.rounds)
    for name in arguments.configs:
        bench_metrics(name, arguments.gpu, max(1, arguments.rounds // 10))


if __name__ == "__main__":
    run_command(main)
