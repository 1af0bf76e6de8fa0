"""Estimate 3D poses from your own pictures, videos or a live camera.

Every frame becomes one entry of poses.json, 3D joints in metres and 2D joints in the picture's own
pixels, and one picture with the pose drawn beside it.  See doc/inference.md for what the files
hold, for cameras of your own, and for the same from Python.

examples:
  a folder of pictures, with the pretrained weights:
    python inference.py --input_dir my_pictures --save_dir my_poses
  with a model of your own:
    python inference.py --gpu 0 --load_model experiments/Finetune/checkpoints/model_best.tar \\
        --input_dir my_pictures --save_dir my_poses
  another headset, by its calibration or its file (doc/headset.md):
    python inference.py --input_dir my_pictures --camera calib.json
    python inference.py --input_dir my_pictures --headset mine.yml
  a video, as motion for an animator and as a video with the poses drawn:
    python inference.py --load_model model_best.tar --input walk.mp4 --smooth --format json bvh \\
        --video --no_pictures
  camera 0 of this machine, shown in a window:
    python inference.py --load_model model_best.tar --input 0
  live, to an avatar (VMC protocol), and to whoever connects to port 8765:
    python inference.py --load_model small --input 0 --stream osc://127.0.0.1:39539 \\
        ws://0.0.0.0:8765
  millions of pictures, on a cluster (doc/scale.md):
    python inference.py --input_dir my_pictures --save_dir my_poses --ray
"""

import argparse
import glob
import math
import re
from pathlib import Path

from base.errors import UserError
from base.skeleton import HEIGHTS
from utils.common.command import (
    calibration_name,
    command_parser,
    counted,
    headset_name,
    input_path,
    number,
    parse_early,
    run_command,
)
from utils.common.part_runner import add_part_options, is_cut, run_parts
from utils.inference.sinks import FORMATS
from utils.inference.streams import stream_address

#: A camera, or an address, of ``--input``.
_NO_FILE = r"(/dev/video)?[0-9]{1,4}$|(https?|rtsps?)://"


def _turn(text: str) -> float | None:
    return None if text == "auto" else number(-360, 360)(text)


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line; UserError for values out of range."""
    model = "finetuned checkpoint, an export of it (*.onnx), or weights of this project: "
    model += "'pretrained' (the default) or 'small' (faster, less accurate)"
    where = {"required": False, "default": Path("experiments/inference")}
    where["help"] = "where the results go (default: %(default)s)"
    own = {"load_model": {"help": model}, "save_dir": where, "views": {}}
    parser = command_parser(__doc__, "gpu", "batch_size", "precision", **own)
    add = parser.add_argument
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--input_dir", help="folder of pictures")
    text = "a picture, a folder, a 'pattern*.png', a video file, the address of a video or stream "
    text += "(http, rtsp), or a live camera by its index or device"
    given.add_argument("--input", help=text)
    text = "the wearer's height in metres: poses get their size, which a picture does not tell"
    add("--height", type=number(*HEIGHTS), metavar="METRES", help=text)
    text = "include subfolders, each as a sequence of its own"
    add("--recursive", action="store_true", help=text)
    text = "calibration of utils/calibrate_confidence.py; 'none' for the model's own, uncalibrated "
    text += "confidences (default: the file beside the model, if there is one)"
    add("--confidence", default="auto", metavar="FILE", help=text)

    add = parser.add_argument_group("camera").add_argument
    text = "a calibration file of OpenCV, ROS, Kalibr, OCamCalib, COLMAP or another tool listed in "
    text += "doc/inference.md, with #NAME for one of several cameras; 'training' (the camera of "
    text += "the release), or 'circle': no calibration, an equidistant lens is fitted to the image "
    text += "circle (default: 'training' if the picture looks like its own, otherwise 'circle')"
    add("--camera", type=calibration_name, help=text)
    text = "field of view across the image circle in degrees, without calibration (default: 180)"
    add("--fov", type=float, help=text)
    text = "rotate pictures clockwise, so that the wearer's face is at the top; 'auto' tries 0, "
    text += "90, 180 and 270 and takes that of which the network is most certain (default: auto)"
    add("--rotate", type=_turn, metavar="DEGREES", help=text)
    text = "tilt of the camera from straight down, in degrees: forward, and to the wearer's left "
    text += "(default: 0 0)"
    add("--mount", type=float, nargs=2, metavar=("FORWARD", "LEFT"), help=text)
    text = "instead of all these: a headset file, or a profile, see doc/headset.md"
    add("--headset", type=headset_name, metavar="FILE|PROFILE", help=text)

    add = parser.add_argument_group("output").add_argument
    text = "pose files to write, any of %(choices)s (default: json)"
    add("--format", nargs="+", choices=FORMATS, default=["json"], help=text)
    add("--no_pictures", action="store_true", help="do not save a drawing of each frame (faster)")
    add("--video", action="store_true", help="write poses.mp4 with the poses drawn")

    text = "send each pose as soon as it is there: osc://HOST:PORT (VMC protocol), udp://HOST:PORT "
    text += "(JSON), or serve it to viewers: ws://HOST:PORT; the input is then live, a folder is "
    text += "watched for new pictures, a video played at its own rate, see doc/inference.md"
    add("--stream", nargs="+", metavar="ADDRESS", help=text)

    add = parser.add_argument_group("sequences").add_argument
    text = "reduce jitter with the One-Euro filter; optionally its min_cutoff in Hz and its beta "
    text += "(default: 1 6)"
    add("--smooth", nargs="*", type=float, metavar="VALUE", help=text)
    text = "frame rate to assume for a folder of pictures (default: %(default)g)"
    add("--fps", type=number(0.01, 1000), default=30.0, help=text)

    add = parser.add_argument_group("motion").add_argument
    text = "joint rotations too, in poses.json and poses.npz, of a skeleton whose bones keep their "
    text += "lengths; poses.bvh and poses.glb have them in any case"
    add("--rotations", action="store_true", help=text)
    text = "bones as long as in this poses.json, of an earlier run with --rotations; of several "
    text += "skeletons, that of the same sequence (default: their medians over each sequence)"
    add("--skeleton", type=input_path, metavar="FILE", help=text)
    text = "place the motion in the room, on a floor, carried by the feet that stand; optionally "
    text += "with the direction of gravity, a CSV file with the columns time, gx, gy, gz (see "
    text += "doc/inference.md)"
    add("--world", nargs="?", const="", metavar="FILE", help=text)

    add_part_options(parser, "the pictures")

    arguments = parser.parse_args(argv)
    smooth = arguments.smooth or ()
    if not all(map(math.isfinite, smooth)) or (
        smooth and (len(smooth) != 2 or smooth[0] <= 0 or smooth[1] < 0)
    ):
        raise UserError(
            "--smooth takes no value, or two: the cutoff at rest, above 0, and the rise, 0 or more"
        )
    folder = arguments.input_dir
    if folder is not None and not Path(folder).is_dir():
        there = Path(folder).exists()
        what = "no folder: give it as --input" if there else "no such folder of pictures"
        raise UserError(f"{folder}: {what}")
    place = arguments.input or "."
    if not (Path(place).exists() or re.match(_NO_FILE, place) or glob.has_magic(place)):
        raise UserError(f"--input {place}: no such picture, folder, video or pattern")
    for address in arguments.stream or ():
        stream_address(address)
    cut = is_cut(arguments) or arguments.part is not None
    faults = {
        "--recursive: a folder is watched without those in it: leave out --stream": (
            arguments.stream and arguments.recursive
        ),
        "--stream is live: run it without parts": cut and arguments.stream,
        "--video is made in one go: leave it out, or run without parts": cut and arguments.video,
        "drawings are made before poses of all parts are smoothed: give --no_pictures with "
        "--smooth": cut and arguments.smooth is not None and not arguments.no_pictures,
    }
    if found := [message for message, wrong in faults.items() if wrong]:
        raise UserError(found[0])
    return arguments


parse_early(__name__, parse_arguments)

import contextlib
import signal
import sys
from collections.abc import Iterator
from functools import partial

import torch

from base.registry import load_class
from base.run_folder import RunFolder
from utils.common.cores import cpu_count
from utils.common.memory import memory_advice
from utils.common.pretrained import chosen_model
from utils.common.signals import Interruption
from utils.inference.joint_rotations import WithMotion, read_skeletons
from utils.inference.outputs import PerSequence, RunInfo, Sink, Summary
from utils.inference.picture_source import open_live, open_source
from utils.inference.pose_parts import Parts, check_parts, of_run
from utils.inference.predictor import EgoPosePredictor
from utils.inference.run import infer
from utils.inference.sinks.drawings import PictureSink, VideoSink, WindowSink, display_missing
from utils.inference.smoothing import PoseSmoother
from utils.inference.source import name_text
from utils.inference.streams.stream import StreamSink
from utils.motion.gravity import Gravity
from utils.motion.world import World


def asked_motion(arguments: argparse.Namespace) -> str:
    """The motion that the arguments ask for, as RunInfo.motion; UserError for options of it without
    any."""
    moving = any(load_class(FORMATS[name]).needs_motion for name in arguments.format)
    if moving or arguments.rotations or arguments.stream:
        return "camera" if arguments.world is None else "room"
    for name in ("skeleton", "world"):
        if getattr(arguments, name) is not None:
            raise UserError(
                f"--{name} is of motion: add --rotations, --stream, or --format bvh or glb"
            )
    return ""


def open_formats(arguments: argparse.Namespace, run: RunInfo, folder: Path) -> Iterator[Sink]:
    """The files of poses that the arguments ask for, opened in a folder, and the streams."""
    if arguments.stream:
        # First: packets do not wait for the disk.
        yield StreamSink(arguments.stream, run.motion)
    for name in dict.fromkeys(arguments.format):
        kind, path = load_class(FORMATS[name]), folder / f"poses.{name}"
        yield PerSequence(kind, path, run) if kind.per_sequence else kind(path, run)


def open_drawings(
    arguments: argparse.Namespace, run: RunInfo, live: bool, folder: Path
) -> Iterator[Sink]:
    """The pictures that the arguments ask for, opened in a folder; a window for a ``live`` one."""
    if run.drawn:
        yield PictureSink(folder / "pictures")
    if arguments.video:
        yield PerSequence(VideoSink, folder / "poses.mp4", run.fps)
    if live:
        if missing := display_missing():
            print(missing)
        else:
            yield WindowSink()


def report(summary: Summary, arguments: argparse.Namespace) -> None:
    """Say what was done, what was assumed and what could not be read."""
    for lens in summary.lenses[:20]:  # poses.json has all
        where = f"{lens['folder'] or '.'}, " if "folder" in lens else ""
        print(where + "{}×{}: {lens}".format(*lens["size"], **lens))
        print(f"  rotated by {lens['rotate']:g}°, {lens['orientation']}")
        if lens["out_of_range"]:
            print(f"  outside the range that the model was trained on: {lens['out_of_range']}")
    where = name_text(str(arguments.save_dir))
    names = ", ".join(f"poses.{name}" for name in dict.fromkeys(arguments.format))
    names += ", poses.mp4" * arguments.video
    print(f"Poses of {counted(summary.frames, 'frame')} in {where}: {names}")
    if live := summary.live:
        text = "{frames} sent at {fps} a second, {dropped} dropped".format(**live)
        print(text + "; latency {p50} ms, p95 {p95} ms".format(**live["latency_ms"]))
    for item in summary.left_out:
        print(f"Left out {item['file']}: {item['reason']}")
    told = " in poses.json" * ("json" in arguments.format)
    if summary.disagreeing:
        count = counted(summary.disagreeing, "frame")
        print(f"In {count} the pose does not fit the picture: see 'disagrees'{told}")
    if summary.out_of_range:
        views = counted(summary.out_of_range, "view")
        print(f"{views} unlike those in training: see 'out_of_range'{told}")
    if summary.fault:
        print(summary.fault)
    if unreadable := summary.unreadable:
        print(f"{len(unreadable)} of {len(unreadable) + summary.frames} could not be read:")
        reasons: dict[str, list[str]] = {}
        for item in unreadable:
            reasons.setdefault(item["reason"], []).append(item["file"])
        for reason, files in [*reasons.items()][:20]:  # poses.json has all
            more = f" and {len(files) - 1} more" if files[1:] else ""
            print(f"  {files[0]}{more}: {reason}")


def main(argv: list[str] | None = None) -> None:
    arguments = parse_arguments(argv)
    motion = asked_motion(arguments)  # what is wrong with these first
    if is_cut(arguments):
        run_parts("inference", argv, arguments.ray, gpu=arguments.gpu != "cpu")
        return
    model = chosen_model(arguments.load_model)
    given = arguments.input_dir or arguments.input
    source = open_live(given) if arguments.stream else open_source(given, arguments.recursive)
    if arguments.world and source.nested:
        raise UserError(f"--world {arguments.world}: is of one sequence: give one folder at a time")
    bones = {} if arguments.skeleton is None else read_skeletons(arguments.skeleton)
    if len(bones) > 1 and not source.nested and "" not in bones:
        name = f"--skeleton {arguments.skeleton}"
        raise UserError(f"{name}: has those of {len(bones)} folders: give one of this input alone")
    world = partial(World, Gravity(Path(arguments.world)) if arguments.world else None)
    size, fps = arguments.batch_size, arguments.fps
    lower = "lower --batch_size" if size > 1 else "--gpu cpu has the machine's whole memory"
    names = ("headset", "camera", "fov", "rotate", "mount", "gpu", "precision", "views", "height")
    options = {name: getattr(arguments, name) for name in names}
    options["confidence"] = None if arguments.confidence == "none" else arguments.confidence
    smoother = None if arguments.smooth is None else PoseSmoother(*arguments.smooth)
    if arguments.stream:
        # One is left for decoding: threads that wait for one another wait longest for a busy core.
        torch.set_num_threads(max(1, cpu_count() - 1))
    with memory_advice(f"with --batch_size {size}", lower), contextlib.ExitStack() as held:
        predictor = EgoPosePredictor(model, **options)
        folder = RunFolder(arguments.save_dir, reads=source.reads)
        # A rate beyond that is only the unit of a video's timestamps.
        rate = source.fps if 0.01 <= (source.fps or 0) <= 240 else fps
        run = RunInfo(predictor, rate, not (arguments.no_pictures or source.live), motion)
        interruption = Interruption()
        shown = source.live and not arguments.stream  # drawing takes a frame's time
        drawings = partial(open_drawings, arguments, run, shown)
        how = {"smoother": smoother, "fps": fps}
        find = partial(infer, source, predictor, interruption=interruption, batch_size=size)
        if part := arguments.part:
            check_parts(source, predictor)
            made = Parts(arguments.save_dir, part, source, of_run(arguments, source, predictor))
            if not held.enter_context(made.with_others(find, drawings, interruption)):
                return
            find, drawings = made.put_together, made.drawings
        with interruption, folder:
            try:
                with contextlib.ExitStack() as stack:

                    def opened(sinks: Iterator[Sink]) -> list[Sink]:
                        return [stack.enter_context(contextlib.closing(sink)) for sink in sinks]

                    sinks = opened(open_formats(arguments, run, folder.new))
                    if run.motion:
                        placed = world if run.motion == "room" else None
                        sinks = [WithMotion(sinks, fps, source.live, bones, placed)]
                    sinks += opened(drawings(folder.new))
                    summary = find(sinks=sinks, **how)
            except OSError as error:
                if error.filename is not None:
                    raise
                text = f"{arguments.save_dir}: cannot be written ({error.strerror})"
                raise UserError(text) from None
            stopped = 0 if source.live else summary.interrupted
            kept = stopped and folder.holds_results
            if not kept:
                folder.keep()
    what = f"the results of an earlier run in {arguments.save_dir} are kept, of this one nothing"
    if not kept:
        report(summary, arguments)
        what = "what is written is complete up to there"
    if stopped:
        print(f"Stopped by {signal.Signals(stopped).name}; {what}.")
        sys.exit(128 + stopped)


if __name__ == "__main__":
    run_command(main)
