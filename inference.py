"""3D poses of your own pictures, videos or camera with a finetuned model.

Every frame becomes one entry of poses.json, 3D joints in metres and 2D joints in the picture's own
pixels, and one picture with the pose drawn beside it.  See doc/inference.md for what the files
hold, for cameras of your own, and for the same from Python.

examples:
  a folder of pictures, with the pretrained weights:
    python inference.py --input_dir my_pictures --save_dir my_poses
  with a model of your own:
    python inference.py --gpu 0 --load_model experiments/Finetune/checkpoints/model_best.tar \\
        --input_dir my_pictures --save_dir my_poses
  another headset's fisheye camera, mounted upside down, its calibration at hand:
    python inference.py --load_model model_best.tar --input_dir my_pictures \\
        --camera calib.json --rotate 180
  a video, as motion for an animator and as a video with the poses drawn:
    python inference.py --load_model model_best.tar --input walk.mp4 --smooth --format json bvh \\
        --video --no_pictures
  camera 0 of this machine, shown live:
    python inference.py --load_model model_best.tar --input 0
  very many pictures, eight processes:
    torchrun --nproc_per_node=8 inference.py --load_model model_best.tar --input_dir pictures
"""

import argparse
import contextlib
import signal
import sys
from pathlib import Path

import torch

from base.errors import UserError
from utils.common.command import run_command
from utils.common.device import torchrun_ranks
from utils.common.memory import memory_advice
from utils.common.pretrained import chosen_model
from utils.inference.arguments import parse_arguments
from utils.inference.file_names import name_text
from utils.inference.open_source import open_source
from utils.inference.predictor import EgoPosePredictor
from utils.inference.results import Summary
from utils.inference.sinks.outputs import infer_alone, infer_together
from utils.inference.source import Source

__all__ = ["EgoPosePredictor", "main"]

#: Unreadable files that are named one by one on the screen; poses.json names all.
_NAMED = 20


def report(summary: Summary, arguments: argparse.Namespace, source: Source) -> None:
    """Say what was done, what was assumed and what could not be read."""
    for lens in summary.lenses:
        width, height = lens["size"]
        print(f"{width}×{height}: {lens['lens']}")
    names = [f"poses.{name}" for name in dict.fromkeys(arguments.format)]
    names += [] if arguments.no_pictures or source.live else ["pictures/"]
    names += ["poses.mp4"] if arguments.video else []
    if source.nested:
        names = [f"**/{name}" if name in ("poses.bvh", "poses.mp4") else name for name in names]
    where = name_text(str(arguments.save_dir))
    print(f"Poses of {summary.frames} frames in {where}: {', '.join(names)}")
    for item in summary.left_out:
        print(f"Left out {item['file']}: {item['reason']}")
    if summary.disagreeing:
        print(f"In {summary.disagreeing} of them pose and picture disagree: see 'disagrees'")
    if summary.fault:
        print(summary.fault)
    if unreadable := summary.unreadable:
        print(f"{len(unreadable)} of {len(unreadable) + summary.frames} could not be read:")
        for item in unreadable[:_NAMED]:
            print(f"  {item['file']}: {item['reason']}")
        if len(unreadable) > _NAMED:
            print(f"  and {len(unreadable) - _NAMED} more, all named in poses.json")


def gpu_of_process(gpu: str, local: int) -> str:
    """Each process of a machine gets a CUDA device of its own, from ``--gpu`` on."""
    return str(int(gpu) + local) if gpu.isdecimal() and torch.cuda.is_available() else gpu


def main(argv: list[str] | None = None) -> None:
    """Poses of pictures, a video or a camera."""
    arguments = parse_arguments(__doc__, argv)
    if arguments.input_dir is not None and not Path(arguments.input_dir).is_dir():
        raise UserError(f"{arguments.input_dir}: no such folder of pictures")
    rank, count, local = torchrun_ranks() or (0, 1, 0)
    # One of several processes says what they all do.
    with contextlib.redirect_stdout(None) if rank else contextlib.nullcontext():
        arguments.load_model = chosen_model(arguments.load_model)
    given = arguments.input_dir or arguments.input
    source = open_source(given, arguments.recursive, rank, count)
    size = arguments.batch_size
    lower = "lower --batch_size" if size > 1 else "--gpu cpu has the machine's whole memory"
    with memory_advice(f"with --batch_size {size}", lower):
        predictor = EgoPosePredictor(
            arguments.load_model,
            camera=arguments.camera,
            fov=arguments.fov,
            rotate=arguments.rotate,
            mount=tuple(arguments.mount),
            confidence=None if arguments.confidence == "none" else arguments.confidence,
            gpu=gpu_of_process(arguments.gpu, local),
            precision=arguments.precision,
        )
        run = infer_together if count > 1 else infer_alone
        summary = run(arguments, source, predictor)
    if summary is None:
        return
    report(summary, arguments, source)
    if summary.interrupted and not source.live:
        name = signal.Signals(summary.interrupted).name
        print(f"Stopped by {name}; what is written is complete up to there.")
        sys.exit(128 + summary.interrupted)


if __name__ == "__main__":
    run_command(main)
