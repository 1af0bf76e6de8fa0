"""The command line of ``inference.py``."""

import argparse
import math
from pathlib import Path

from base.errors import UserError
from utils.common.device import GPU_HELP
from utils.common.pretrained import PRETRAINED, model_path
from utils.inference.smoothing import OneEuroOptions

FORMATS = ("json", "npz", "csv", "bvh")
_DEFAULT = OneEuroOptions()


def parse_arguments(description: str, argv: list[str] | None = None) -> argparse.Namespace:
    """The command line of ``inference.py``, whose docstring is ``description``.

    Raises:
        UserError: for values out of range.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gpu", default="0", help=GPU_HELP)
    parser.add_argument(
        "--load_model",
        type=model_path,
        help="checkpoint of the finetuned model, or an export of it (*.onnx) (default: the "
        "pretrained weights)",
    )
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--input_dir", help="folder of pictures (png, jpg, jpeg)")
    given.add_argument(
        "--input",
        help="a picture, a folder, a 'pattern*.png', a video file, or the number of a camera",
    )
    parser.add_argument(
        "--recursive",
        action="store_true",
        help="take a folder's folders too, each a sequence of its own",
    )
    parser.add_argument(
        "--save_dir",
        type=Path,
        default=Path("experiments/inference"),
        help="where the results go (default: %(default)s)",
    )
    camera = parser.add_argument_group("the camera that took the pictures")
    camera.add_argument(
        "--camera",
        help="'training' (the data set's own), a calibration file (OpenCV, ROS, Kalibr, OCamCalib, "
        "COLMAP), or 'circle': none, judge by the image circle (default: judge by the picture)",
    )
    camera.add_argument(
        "--fov", type=float, help="without calibration: degrees across the image circle"
    )
    camera.add_argument(
        "--rotate",
        type=float,
        default=0.0,
        metavar="DEGREES",
        help="turn the picture clockwise, so that the wearer's face is at the top (default: 0)",
    )
    camera.add_argument(
        "--mount",
        type=float,
        nargs=2,
        default=(0.0, 0.0),
        metavar=("FORWARD", "LEFT"),
        help="degrees by which the camera looks forward, and to the wearer's left, of straight "
        "down (default: 0 0)",
    )
    output = parser.add_argument_group("what is written")
    output.add_argument(
        "--format",
        nargs="+",
        choices=FORMATS,
        default=["json"],
        help="files of poses, any of %(choices)s (default: json)",
    )
    output.add_argument(
        "--no_pictures", action="store_true", help="draw no picture a frame, which is faster"
    )
    output.add_argument("--video", action="store_true", help="draw poses.mp4")
    output.add_argument("--show", action="store_true", help="show the poses in a window")
    sequence = parser.add_argument_group("sequences")
    sequence.add_argument(
        "--smooth",
        nargs="*",
        type=float,
        metavar="VALUE",
        help="take away jitter with the One-Euro filter; two values are its cutoff at rest in Hz "
        f"and its rise with speed (default: {_DEFAULT.min_cutoff:g} {_DEFAULT.beta:g})",
    )
    sequence.add_argument(
        "--fps",
        type=float,
        default=30.0,
        help="frames a second of a folder that holds a sequence (default: %(default)g)",
    )
    parser.add_argument(
        "--batch_size", type=int, default=16, help="frames at once (default: %(default)s)"
    )
    parser.add_argument(
        "--confidence",
        default="auto",
        metavar="FILE",
        help="map of utils/calibrate_confidence.py from heatmap heights to probabilities; 'none' "
        "for the heights themselves (default: the one beside the model, if there is one)",
    )
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    parser.add_argument(
        "--backend",
        choices=("torch", "onnx"),
        help="what runs the network (default: onnx where --load_model is a file of "
        "utils/export_onnx.py, torch otherwise)",
    )
    arguments = parser.parse_args(argv)
    if arguments.batch_size < 1:
        raise UserError(f"--batch_size {arguments.batch_size}: at least 1 is needed")
    if not 0 < arguments.fps < math.inf:
        raise UserError(f"--fps {arguments.fps:g}: must be above 0")
    if not all(map(math.isfinite, (arguments.rotate, *arguments.mount, *(arguments.smooth or ())))):
        raise UserError("--rotate, --mount and --smooth take finite numbers")
    if arguments.smooth and len(arguments.smooth) != 2:
        raise UserError("--smooth takes no value, or two: the cutoff at rest and the rise")
    if arguments.smooth and (arguments.smooth[0] <= 0 or arguments.smooth[1] < 0):
        raise UserError("--smooth: the cutoff must be above 0 and the rise not below")
    model = arguments.load_model or PRETRAINED
    exported = model.suffix == ".onnx"
    if arguments.backend == "onnx" and not exported:
        raise UserError(
            f"--backend onnx runs an export of {model}: make it with "
            "utils/export_onnx.py and give that with --load_model"
        )
    if arguments.backend == "torch" and exported:
        raise UserError("--backend torch runs a checkpoint (*.tar), not an exported model")
    return arguments
