"""How fast inference is, each figure beside a plain reference measured in the same run.

Both sides take turns, round by round, so that what else the machine does hits both alike; the
figures are medians.  Weights are random: speed does not depend on them.
"""

import argparse
import copy
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.camera import RELEASE_CAMERA  # before OpenCV, to explain what that lacks

# isort: split
import cv2
import numpy as np
import torch
from tqdm import tqdm

from base.files import write_text
from base.ocam_camera import OCamCamera
from dataset.transforms import SquareCrop
from model import build
from utils.command import run_command
from utils.config import parse_config
from utils.cores import cpu_count
from utils.device import GPU_HELP, select_device
from utils.export_onnx import quantise, write_onnx
from utils.inference.fold import prepare_model
from utils.inference.onnx_predictor import OnnxPosePredictor
from utils.inference.warp import CameraWarp
from utils.networks import LoadedModel
from utils.predict import PosePredictor

_EXAMPLES = """examples:
  python utils/bench_inference.py
  python utils/bench_inference.py --onnx --json bench.json
"""

#: Depth of the trunk and side of its picture: the quick one and the paper's.
_NETWORKS = ((18, 256), (101, 368))

#: A head-mounted fisheye camera of 1280×1024, about as many are.
_USER_CAMERA = OCamCamera(
    cx=615.0,
    cy=527.5,
    polynomial=(292.4, 0.0, -1.0756e-3, -2.07e-7, -4.49e-10),
    affine=((1.0, 0.0), (0.0, 1.0)),
    width=1280,
    height=1024,
    radius=512.0,
)

Row = dict[str, str | float]


def take_turns(sides: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each side, run in turn; the first round only warms up."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in tqdm(range(rounds + 1), leave=False, dynamic_ncols=True):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            if number:
                times[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in times.items()}


def rows_of(title: str, seconds: dict[str, float], frames: int) -> list[Row]:
    """Table rows; the first side is the reference."""
    reference = next(iter(seconds.values()))
    return [
        {
            "what": title,
            "side": name,
            "ms_per_frame": 1000 * value / frames,
            "frames_per_s": frames / value,
            "ratio": reference / value,
        }
        for name, value in seconds.items()
    ]


def bench_warp(rounds: int) -> list[Row]:
    """The ray map at 368 pixels beside the training camera's crop and resize."""
    rng = np.random.default_rng(0)
    users = rng.integers(0, 256, (_USER_CAMERA.height, _USER_CAMERA.width, 3), np.uint8)
    plain = rng.integers(0, 256, (RELEASE_CAMERA.height, RELEASE_CAMERA.width, 3), np.uint8)
    crop = SquareCrop(368)
    warp = CameraWarp(_USER_CAMERA, crop.camera(RELEASE_CAMERA))
    sides = {
        "crop and resize of 1280×800": lambda: crop.image(plain),
        "ray map from 1280×1024": lambda: warp.image(users),
    }
    return rows_of("picture to network's square, 368", take_turns(sides, 10 * rounds), 1)


def bench_network(
    depth: int, size: int, batch: int, device: torch.device, rounds: int, onnx: bool
) -> list[Row]:
    """From decoded 1280×800 frames to poses, beside the plain fp32 network's forward alone."""
    rng = np.random.default_rng(0)
    frames = [
        cv2.resize(rng.integers(0, 256, (50, 80, 3), np.uint8), (1280, 800)) for _ in range(batch)
    ]
    crop = SquareCrop(size)
    torch.manual_seed(0)
    config = parse_config({"model": {"backbone": f"resnet{depth}"}}, "benchmark")
    plain = build(config.model, size).to(device).eval()
    squares = np.stack([crop.image(frame) for frame in frames])
    normalised = (torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous()
    normalised = normalised.to(device)

    def forward() -> None:
        with torch.inference_mode():
            plain(normalised).joints3d.cpu()

    def end_to_end(network: PosePredictor) -> Callable[[], object]:
        return lambda: network(torch.from_numpy(np.stack([crop.image(frame) for frame in frames])))

    sides: dict[str, Callable[[], object]] = {"plain PyTorch fp32, forward alone": forward}
    for precision in ("fp32", "auto"):
        model = copy.deepcopy(plain)
        prepare_model(model, device, precision)
        converted = next(model.pose2d.parameters()).dtype == torch.bfloat16
        if precision == "fp32" or converted:
            name = f"end to end, {'bf16' if converted else 'fp32'}"
            sides[name] = end_to_end(PosePredictor(model, device, precision))
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        if onnx:
            exact, coarse = Path(folder) / "exact.onnx", Path(folder) / "int8.onnx"
            loaded = LoadedModel(
                copy.deepcopy(plain).cpu(),
                config,
                None,
                Path("random"),
                crop.camera(RELEASE_CAMERA),
            )
            write_onnx(loaded, exact)
            quantise(exact, coarse, squares[:4])
            sides["end to end, ONNX Runtime fp32"] = end_to_end(OnnxPosePredictor(exact, threads))
            sides["end to end, ONNX Runtime int8"] = end_to_end(OnnxPosePredictor(coarse, threads))
        seconds = take_turns(sides, rounds)
    return rows_of(f"ResNet-{depth} at {size}, batch {batch}", seconds, batch)


def print_table(rows: list[Row]) -> None:
    """Print the rows, grouped."""
    title = ""
    for row in rows:
        if row["what"] != title:
            title = str(row["what"])
            print(f"\n{title:38}{'ms/frame':>10}{'frames/s':>10}{'times':>8}")
        print(
            f"  {row['side']:36}{row['ms_per_frame']:10.2f}{row['frames_per_s']:10.1f}"
            f"{row['ratio']:8.2f}"
        )


def main(argv: list[str] | None = None) -> None:
    """Command line of the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--gpu", default="0", help=GPU_HELP)
    parser.add_argument("--rounds", type=int, default=9, help="turns of each side (default: 9)")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8], help="default: 1 8")
    parser.add_argument(
        "--onnx", action="store_true", help="ONNX Runtime too, fp32 and int8; exports first"
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=cpu_count(),
        help="of the CPU, for every side (default: one per core, here %(default)s)",
    )
    parser.add_argument("--json", type=Path, help="write the rows here as well")
    args = parser.parse_args(argv)
    device = select_device(args.gpu)
    torch.set_num_threads(args.threads)
    rows = bench_warp(args.rounds)
    for depth, size in _NETWORKS:
        for batch in args.batches:
            rows += bench_network(depth, size, batch, device, args.rounds, args.onnx)
    print_table(rows)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    machine = {
        "device": str(device),
        "cores": cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(load, 2),
        "torch": torch.__version__,
    }
    print("\n" + ", ".join(f"{key} {value}" for key, value in machine.items()))
    if args.json:
        write_text(args.json, json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    run_command(main)
