"""Write a finetuned model as ONNX, to be run without PyTorch and checked against it.

  python utils/export_onnx.py --load_model model_best.tar --output model.onnx
  python inference.py --load_model model.onnx --input_dir my_pictures
  for the pictures of one headset, as its sensor gives them:
    python utils/export_onnx.py --load_model model_best.tar --headset mine.yml --output mine.onnx

The model's input is 'images', (B, S, S, 3) uint8 RGB, any B, normalised inside; with --headset
(B, H, W, 3) of the headset's size, re-rendered inside as the network's view.  Its outputs are
'heatmaps', (B, 15, h, h), and 'joints3d', (B, 16, 3) metres, Neck at the origin.  The project's own
model also has 'camera3d', (B, 16, 3) metres in the camera's frame, 'uncertainty', (B, 16) metres,
the radius that holds the joint in 90 % of the cases, and 'visibility', (B, 16) logits.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.common.command import command_parser, parse_early, run_command
from utils.common.pretrained import model_path


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    own = {"load_model": {"default": model_path("pretrained")}}
    text = "headset file, or the name of one in experiments/headsets: the model takes its pictures"
    own |= {"output": {"help": "the file, *.onnx"}, "headset": {"help": text}}
    return command_parser(__doc__, **own).parse_args(argv)


parse_early(__name__, parse_arguments)


import cv2
import numpy as np
import torch

from base.errors import UserError
from base.files import replacing
from base.headset import load_headset
from dataset.lens_warp import CameraWarp
from utils.common.networks import load_pose_model
from utils.inference.onnx_export import Deployed, onnx_metadata, write_onnx
from utils.inference.square_predictor import OnnxSquarePredictor, SquarePredictor, distance_mm

#: What joints may differ by from PyTorch's, millimetres.
TOLERANCE_MM = 0.1


def main(argv: list[str] | None = None) -> None:
    args = parse_arguments(argv)
    if args.output.suffix != ".onnx":
        raise UserError(f"--output {args.output}: the name must end in .onnx")
    headset = None if args.headset is None else load_headset(args.headset)
    with replacing(args.output, single_writer=True) as temporary:  # refused before the work
        loaded = load_pose_model(args.load_model)
        if loaded.model.lags:
            print("The temporal version is left out: the export predicts each frame on its own.")
        metadata = onnx_metadata(loaded, headset)
        seen, warp = loaded.camera, None
        if headset:
            seen = headset.camera
            warp = CameraWarp(seen, loaded.camera, headset.rotation, headset.rim)
        write_onnx(Deployed(loaded.model, loaded.camera, warp), temporary, metadata)
        noise = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
        pictures = [cv2.resize(item, (seen.width, seen.height)) for item in noise]
        # Each picture is a sequence of its own, as in the export.
        whole = load_pose_model(args.load_model, single_frame=True)
        plain = SquarePredictor(whole.model, torch.device("cpu"), "fp32", whole.camera)
        squares = pictures if warp is None else map(warp.image, pictures)
        worst = distance_mm((plain, squares), (OnnxSquarePredictor(temporary), pictures)).max()
        if not worst <= TOLERANCE_MM:
            off = f"joints differ from PyTorch's by {worst:.2f} mm, more than {TOLERANCE_MM} mm"
            raise UserError(f"{args.output}: {off}; it is not written")
        print(f"Joints differ from PyTorch's in fp32 by {worst:.4f} mm at most.")
    print(f"{args.output}: {args.output.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    run_command(main)
