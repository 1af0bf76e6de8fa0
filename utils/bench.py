"""Measure how fast a part of the project is, beside a plain reference in the same run.

    python utils/bench.py train
    python utils/bench.py inference --rounds 3
    python utils/bench.py live

Variants are measured alternately, so that background load affects all equally; medians are printed.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.common.command import command_parser, parse_early, run_command, whole_number
from utils.common.paths import REPOSITORY


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    root = {"type": Path, "help": "a tree (default: data/bench)"}
    root["default"] = REPOSITORY / "data" / "bench"
    rounds = {"type": whole_number(1), "default": 5, "help": "measurements (default: 5)"}
    parser = command_parser(__doc__, "gpu", data_root=root, rounds=rounds)
    parser.add_argument("what", choices=("data", "train", "inference", "live"))
    return parser.parse_args(argv)


parse_early(__name__, parse_arguments)

import itertools
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
from skimage.io import imread
from skimage.transform import resize
from torch.utils.data import DataLoader, Dataset, RandomSampler

from base.errors import UserError
from base.release_camera import RELEASE_CAMERA, RELEASE_SQUARE
from base.set_type import SetType
from base.skeleton import neck_centred
from dataset import open_split
from dataset.batch import to_input
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from dataset.loader import FrameLoader
from dataset.mixed import Roots
from dataset.packed.packed import is_packed
from dataset.square_crop import SquareCrop
from model import build
from model.lifting_autoencoder import LiftingAutoencoder
from model.losses import LossWeights, centred_losses, heatmap_mse, reconstruction_error
from model.pose_resnet import PoseResNet
from model.rays import CameraRays
from utils.benchmarking import launch, machine
from utils.common.checkpoint import save_checkpoint
from utils.common.config import Config, load_config
from utils.common.cores import cpu_count
from utils.common.device import fast_bf16, prepare_device, select_device
from utils.common.networks import Start, stage_network
from utils.common.paths import DEFAULT_CONFIG
from utils.common.signals import Interruption
from utils.drawing.write import VideoFile
from utils.inference.joint_rotations import WithMotion
from utils.inference.picture_source import open_live
from utils.inference.predictor import EgoPosePredictor, load_network
from utils.inference.run import infer
from utils.inference.square_predictor import OnnxSquarePredictor
from utils.inference.streams.stream import StreamSink
from utils.training.distributed import Processes
from utils.training.stage import Stage
from utils.training.trainer import Trainer

SIZE, BATCH, LARGE, WORKERS = 368, 16, 256, cpu_count()
#: Depth of the trunk that bench_train trains, and steps of a measurement.
DEPTH, STEPS = 101, 3
#: Kind of model, depth of its trunk, side of its picture: what bench_inference measures.
NETWORKS = (
    *(("autoencoder", 18, 160), ("autoencoder", 18, 256), ("autoencoder", 101, 368)),
    *(("transformer", 18, 160), ("transformer", 18, 368)),
)
#: Frames of the video that bench_live plays, and how many of them a second are more than it takes.
LIVE_FRAMES, LIVE_FPS = 300, 120
#: Work, and the frames it is for; what it returns, if anything, is its own measure of frames/s.
Ways = dict[str, tuple[Callable[[], float | None], int]]


def compare(title: str, ways: Ways, rounds: int) -> None:
    """Print median frames per second; the first way is the reference, the first round warms up."""

    def rate(work: Callable[[], float | None], frames: int) -> float:
        since = time.perf_counter()
        return work() or frames / (time.perf_counter() - since)

    found = [[rate(*way) for way in ways.values()] for _ in range(rounds + 1)]
    rates = np.median(found[1:], axis=0)
    print(f"\n{title:<48}{'ms/frame':>10}{'frames/s':>12}{'ratio':>12}")
    for name, speed in zip(ways, rates, strict=True):
        ratio = speed / rates[0]
        print(f"  {name:<46}{1000 / speed:>10.2f}{speed:>12,.1f}{ratio:>12,.2f}", flush=True)


class ReferenceFrames(Dataset):
    """TrainSet of a tree as the reference implementation reads it, whatever the stage: scikit-image
    decodes the PNG and shrinks its centre square, heatmaps are drawn frame by frame on the CPU."""

    def __init__(self, root: Path, size: int) -> None:
        self.frames, self.size = open_split(root, SetType.TRAIN, size), size
        self.labels = self.frames.annotations()
        self.shape = HeatmapShape(PoseResNet.heatmap_size(size), subpixel=False)

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(3, S, S) normalised, (15, h, h) heatmaps, (16, 3) metres with the Neck at the origin."""
        square = imread(self.frames.picture_path(row))[:, 240:1040, :3]
        shrunk = 2 * resize(square, (self.size, self.size), anti_aliasing=True) - 1
        joints2d = torch.from_numpy(self.labels.joints2d[row : row + 1])
        heatmaps = draw_heatmaps(joints2d, self.size, self.shape)[0]
        pose = torch.from_numpy(neck_centred(self.labels.joints3d[row]))
        return torch.from_numpy(shrunk.transpose(2, 0, 1).astype(np.float32)), heatmaps, pose


def bench_data(options: argparse.Namespace) -> None:
    """Loading frames from a tree and from shards."""
    plain, root = ReferenceFrames(options.data_root, SIZE), options.data_root
    loader = DataLoader(plain, BATCH, num_workers=WORKERS, persistent_workers=bool(WORKERS))
    loaders: dict[str, Any] = {"reference": loader}
    with tempfile.TemporaryDirectory() as packed:
        launch("utils/pack_data.py", "--input", root, "--output", packed, quiet=True)
        for name, where in (("tree", root), ("shards", packed)):
            loaders[name] = FrameLoader(open_split(where, SetType.TRAIN, SIZE), BATCH, WORKERS)
        # A queue of no length keeps nothing that is read.
        ways: Ways = {k: (partial(deque, v, 0), len(plain)) for k, v in loaders.items()}
        compare(f"loading, {WORKERS} workers, {SIZE} px", ways, options.rounds)


def step_rate(step: Callable, batches: Iterator[Any], frames: int) -> float:
    """Frames per second of training steps, loading included, after one to warm up."""
    wait = torch.cuda.synchronize if torch.cuda.is_available() else bool
    for steps in (1, STEPS):
        since = time.perf_counter()
        for _ in range(steps):
            step(next(batches))
        wait()
    return STEPS * frames / (time.perf_counter() - since)


def reference_rate(stage: str, root: Path, device: torch.device) -> float:
    """:func:`step_rate` of the reference's train2d or train3d: batches of 16, fp32, Adam."""
    frames, two = ReferenceFrames(root, SIZE), stage == "train2d"
    network = PoseResNet(f"resnet{DEPTH}") if two else LiftingAutoencoder(frames.shape.size)
    optimizer = torch.optim.Adam(network.to(device).train().parameters(), lr=1e-3)
    # As many as the release has: at the end of a small set the processes would start anew.
    sampler = RandomSampler(frames, replacement=True, num_samples=252_000)

    def step(batch: list[torch.Tensor]) -> None:
        pictures, heatmaps, poses = (tensor.to(device) for tensor in batch)
        if two:
            loss = heatmap_mse(network(pictures), heatmaps)
        else:
            (made, rebuilt), weights = network(heatmaps), LossWeights()
            loss = sum(centred_losses(made, poses, weights).values())
            loss += weights.reconstruction * reconstruction_error(rebuilt, heatmaps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    batches = iter(DataLoader(frames, BATCH, sampler=sampler, num_workers=WORKERS))
    return step_rate(step, batches, BATCH)


def our_rate(stage: str, batch: int, root: Path, processes: Processes) -> Callable[[], float]:
    """What measures :func:`step_rate` of our training."""
    data = {"input_size": SIZE, "workers": WORKERS, "memory_gib": 0}  # as of a large set
    changes = {"model": {"backbone": f"resnet{DEPTH}"}, "data": data, stage: {"batch_size": batch}}
    network, config = stage_network(stage, load_config(DEFAULT_CONFIG, changes), Start())
    made = Stage(stage, network, config, Roots([root]), processes)
    with tempfile.TemporaryDirectory() as folder:
        step = Trainer(made, Path(folder)).train_step
    made.network.train()
    batches = ([one] for made.loader.epoch in itertools.count() for one in made.loader)
    return lambda: step_rate(step, batches, batch)


def bench_train(options: argparse.Namespace) -> None:
    """Training steps, loading included."""
    root = options.data_root
    with Processes(options.gpu) as here, ProcessPoolExecutor(1, get_context("spawn")) as other:
        # Starts the process, before anything is set up that makes ours faster.
        other.submit(torch.set_num_threads, torch.get_num_threads()).result()
        prepare_device(here.device, "auto", tf32=True)
        for stage, batches in (("train3d", (BATCH, LARGE)), ("train2d", (BATCH,))):

            def reference(stage: str = stage) -> float:
                return other.submit(reference_rate, stage, root, here.device).result()

            ours = {f"ours, batch {k}": (our_rate(stage, k, root, here), k) for k in batches}
            theirs = {f"reference, batch {BATCH}, fp32": (reference, BATCH)}
            compare(stage, theirs | ours, options.rounds)
            del ours  # gigabytes


def bench_inference(options: argparse.Namespace) -> None:
    """From decoded 1280×800 frames to poses, beside the plain fp32 network's forward pass alone."""
    device = select_device(options.gpu)
    gpu = options.gpu if device.type == "cuda" else device.type
    frame = imread(open_split(options.data_root, SetType.TRAIN, SIZE).picture_path(0))[..., :3]

    def poses(network: Callable, crop: SquareCrop, batch: int) -> None:
        network(torch.from_numpy(np.stack([crop.image(frame) for _ in range(batch)])))

    @torch.inference_mode()
    def forward(plain: torch.nn.Module, images: torch.Tensor, rays: CameraRays) -> None:
        plain(images, rays).joints3d.cpu()

    for kind, depth, size in NETWORKS:
        trunk = {"kind": kind, "backbone": f"resnet{depth}"}
        config = Config().overridden({"data": {"input_size": size}, "model": trunk})
        crop = SquareCrop(size, RELEASE_CAMERA.width, RELEASE_CAMERA.height)
        plain = build(config.model, size).eval()
        rays = CameraRays(RELEASE_SQUARE.resized(size, size)).to(device)
        forms = ["fp32"] + ["bf16"] * fast_bf16(device)
        with tempfile.TemporaryDirectory() as folder:
            model, file = Path(folder) / "random.tar", Path(folder) / "random.onnx"
            save_checkpoint(model, plain.state_dicts() | {"config": config.model_dump()})
            networks = {form: load_network(model, gpu, form) for form in forms}
            if device.type == "cpu":  # where ONNX Runtime runs
                launch("utils/export_onnx.py", "--load_model", model, "--output", file, quiet=True)
                networks["ONNX Runtime fp32"] = OnnxSquarePredictor(file, torch.get_num_threads())
        plain.to(device)
        for batch in (1, 8) if device.type == "cpu" else (1, 64, 256):
            images = to_input(torch.from_numpy(np.stack([crop.image(frame)] * batch)), device)
            alone = partial(forward, plain, images, rays), batch
            ways: Ways = {"plain PyTorch fp32, forward alone": alone}
            for form, network in networks.items():
                ways[f"end to end, {form}"] = partial(poses, network, crop, batch), batch
            compare(f"{kind}, ResNet-{depth} at {size}, batch {batch}", ways, options.rounds)


def bench_live(options: argparse.Namespace) -> None:
    """The live loop with the small weights, from a 1280×800 video to datagrams, beside the network
    with decoded pictures."""
    split = open_split(options.data_root, SetType.TRAIN, SIZE)
    pictures = [imread(split.picture_path(row))[..., :3] for row in range(min(30, len(split)))]
    torch.set_num_threads(max(1, cpu_count() - 1))  # as inference.py
    predictor = EgoPosePredictor("small", camera="training", rotate=0, gpu=options.gpu)
    prepared, latencies = [predictor.prepare(pictures[0])], []

    def network() -> None:
        predictor.poses(prepared)

    def live() -> float:
        with closing(StreamSink(["udp://127.0.0.1:9"])) as stream, Interruption() as interruption:
            sink = WithMotion([stream], LIVE_FPS, live=True)
            found = infer(open_live(file), predictor, [sink], interruption).live
        latencies.append([found["latency_ms"][name] for name in ("p50", "p95")])
        return found["fps"]

    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/live.mp4"
        with closing(VideoFile(Path(file), LIVE_FPS)) as video:
            for number in range(LIVE_FRAMES):
                video.add(pictures[number % len(pictures)])
        ways: Ways = {
            "network alone": (network, 1),
            "live loop: decode, warp, network, rotations, send": (live, LIVE_FRAMES),
        }
        compare("live, small weights", ways, options.rounds)
    median, high = np.median(latencies[1:], axis=0)
    print(f"  from the decoded frame to the packet: {median:.1f} ms, p95 {high:.1f} ms")


def main(argv: list[str] | None = None) -> None:
    options = parse_arguments(argv)
    if is_packed(options.data_root):
        raise UserError("--data_root must be a tree, not a packed set")
    if not (options.data_root / SetType.VAL.folder).is_dir():
        sizes = ["--train", 120, "--val", 4, "--test", 0, "--label_frames", 2048, "--ray_step", 2]
        launch("utils/make_synthetic.py", "--output", options.data_root, *sizes)
    globals()[f"bench_{options.what}"](options)
    print(f"\n{machine(options.gpu)}, torch {torch.__version__}")


if __name__ == "__main__":
    run_command(main)
