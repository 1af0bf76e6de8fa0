"""3D poses of your own pictures, videos or camera with a finetuned model.

Every frame becomes one entry of poses.json, 3D joints in metres and 2D joints in the picture's own
pixels, and one picture with the pose drawn beside it.  See doc/inference.md for what the files
hold, for cameras of your own, and for the same from Python.

examples:
  a folder of pictures:
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
"""

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

from base.errors import UserError
from utils.command import EXIT_INTERRUPTED, run_command
from utils.device import GPU_HELP
from utils.inference.bvh import writing_bvh
from utils.inference.drawings import (
    WindowSink,
    display_missing,
    drawing_pictures,
    drawing_video,
)
from utils.inference.open_source import open_source
from utils.inference.pose_json import metadata, writing_json
from utils.inference.predictor import EgoPosePredictor
from utils.inference.results import Sink, Summary
from utils.inference.run import infer, threads_for
from utils.inference.smoothing import OneEuroOptions, PoseSmoother
from utils.inference.source import Source
from utils.inference.tables import writing_csv, writing_npz

__all__ = ["EgoPosePredictor", "main"]

FORMATS = ("json", "npz", "csv", "bvh")
_SMOOTH = OneEuroOptions()

#: Unreadable files that are named one by one on the screen; poses.json names all.
_NAMED = 20


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line.

    Raises:
        UserError: for values out of range.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gpu", default="0", help=GPU_HELP)
    parser.add_argument(
        "--load_model",
        type=Path,
        required=True,
        help="checkpoint of the finetuned model, or an export of it (*.onnx)",
    )
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--input_dir", help="folder of pictures (png, jpg, jpeg)")
    given.add_argument(
        "--input",
        help="a picture, a folder, a 'pattern*.png', a video file, or the number of a camera",
    )
    parser.add_argument("--recursive", action="store_true", help="take a folder's folders too")
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
        f"and its rise with speed (default: {_SMOOTH.min_cutoff:g} {_SMOOTH.beta:g})",
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
    if arguments.fps <= 0:
        raise UserError(f"--fps {arguments.fps:g}: must be above 0")
    if arguments.smooth and len(arguments.smooth) != 2:
        raise UserError("--smooth takes no value, or two: the cutoff at rest and the rise")
    if arguments.smooth and (arguments.smooth[0] <= 0 or arguments.smooth[1] < 0):
        raise UserError("--smooth: the cutoff must be above 0 and the rise not below")
    exported = arguments.load_model.suffix == ".onnx"
    if arguments.backend == "onnx" and not exported:
        raise UserError(
            f"--backend onnx runs an export of {arguments.load_model}: make it with "
            "utils/export_onnx.py and give that with --load_model"
        )
    if arguments.backend == "torch" and exported:
        raise UserError("--backend torch runs a checkpoint (*.tar), not an exported model")
    return arguments


def open_sinks(
    stack: contextlib.ExitStack,
    arguments: argparse.Namespace,
    source: Source,
    predictor: EgoPosePredictor,
) -> tuple[list[Sink], Callable[[], bool]]:
    """What the arguments ask for, opened, and whether the person has ended it in the window."""
    folder, threads = arguments.save_dir, threads_for()
    fps = source.fps or arguments.fps
    drawn = not (arguments.no_pictures or source.live)
    openers: dict[str, Callable[[], contextlib.AbstractContextManager[Sink]]] = {
        "json": lambda: writing_json(folder / "poses.json", metadata(predictor), drawn),
        "npz": lambda: writing_npz(folder / "poses.npz"),
        "csv": lambda: writing_csv(folder / "poses.csv"),
        "bvh": lambda: writing_bvh(folder / "poses.bvh", fps),
    }
    sinks = [stack.enter_context(openers[name]()) for name in dict.fromkeys(arguments.format)]
    if drawn:
        sinks.append(stack.enter_context(drawing_pictures(folder / "pictures", threads)))
    if arguments.video:
        sinks.append(stack.enter_context(drawing_video(folder / "poses.mp4", fps, threads)))
    if arguments.show or source.live:
        if missing := display_missing():
            print(missing)
        else:
            window = WindowSink()
            return [*sinks, window], lambda: window.closed
    return sinks, lambda: False


def report(summary: Summary, arguments: argparse.Namespace, source: Source) -> None:
    """Say what was done, what was assumed and what could not be read."""
    for lens in summary.lenses:
        width, height = lens["size"]
        print(f"{width}×{height}: {lens['lens']}")
    names = [f"poses.{name}" for name in dict.fromkeys(arguments.format)]
    names += [] if arguments.no_pictures or source.live else ["pictures/"]
    names += ["poses.mp4"] if arguments.video else []
    print(f"Poses of {summary.frames} frames in {arguments.save_dir}: {', '.join(names)}")
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


def main(argv: list[str] | None = None) -> None:
    """Poses of pictures, a video or a camera."""
    arguments = parse_arguments(argv)
    if arguments.input_dir is not None and not Path(arguments.input_dir).is_dir():
        raise UserError(f"{arguments.input_dir}: no such folder of pictures")
    source = open_source(arguments.input_dir or arguments.input, arguments.recursive)
    predictor = EgoPosePredictor(
        arguments.load_model,
        camera=arguments.camera,
        fov=arguments.fov,
        rotate=arguments.rotate,
        mount=tuple(arguments.mount),
        confidence=None if arguments.confidence == "none" else arguments.confidence,
        gpu=arguments.gpu,
        precision=arguments.precision,
    )
    smoother = None
    if arguments.smooth is not None:
        options = OneEuroOptions(*arguments.smooth) if arguments.smooth else _SMOOTH
        smoother = PoseSmoother(options)
    with contextlib.ExitStack() as stack:
        sinks, ended = open_sinks(stack, arguments, source, predictor)
        fps = source.fps or arguments.fps
        summary = infer(source, predictor, sinks, arguments.batch_size, smoother, fps, ended)
    report(summary, arguments, source)
    if summary.interrupted and not source.live:
        print("Stopped by Ctrl-C; what is written is complete up to there.")
        sys.exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    run_command(main)
