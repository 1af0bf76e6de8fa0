"""Evaluate a finetuned model on a labelled set: errors by action, pictures of poses.

With the pretrained weights, without training anything:
  python demo.py --data test --save_dir experiments/demo
With a model of your own:
  python demo.py --gpu 0 --load_model experiments/Finetune/checkpoints/model_best.tar \\
      --data test --save_dir experiments/demo

Prints the MPJPE of each frame in millimetres, then a table by action group for the full, upper and
lower body beside the mean pose of the training set on the same frames and the published results.
SAVE_DIR receives
  results.json                   every figure, with 95 % intervals (doc/evaluation.md)
  table.txt, table.md, table.tex the table
  frames.csv                     the errors of each frame
  poses.npz                      predicted and true poses
  pictures/                      predicted joints in orange, true ones in blue

The errors alone, of the official release:
  python demo.py --load_model model_best.tar --data_root /data/xr-egopose --num_vis 0 --save_dir out
What goes wrong, a report to look through in a browser, and a video of every tenth frame:
  python demo.py --load_model model_best.tar --worst 20 --report --video --every 10 --save_dir out
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from base.base_dataset import BaseDataset
from base.errors import UserError
from base.files import make_folder, sha256, write_text
from base.set_type import SetType
from dataset import open_split
from dataset.loader import FrameLoader
from utils.common.command import run_command
from utils.common.cores import cpu_count
from utils.common.device import GPU_HELP, select_device
from utils.common.memory import memory_advice
from utils.common.networks import LoadedModel, check_camera, load_pose_model
from utils.common.paths import DEFAULT_DATA_ROOT
from utils.common.pretrained import chosen_model, model_path
from utils.drawing.choice import evenly_spaced, evenly_spaced_runs
from utils.drawing.split import SplitPainter
from utils.evaluation.evaluate import Evaluation
from utils.evaluation.metrics import measure
from utils.evaluation.poses import FrameResult, Poses, write_frames_csv
from utils.evaluation.report.build import write_report
from utils.evaluation.tables import (
    latex_table,
    markdown_table,
    result_blocks,
    text_summary,
    text_table,
)
from utils.inference.pose_predictor import PosePredictor
from utils.training.data import report_broken

#: Batches below which a reading process takes longer to start than to pay.
_BATCHES_PER_WORKER = 4
_NUM_VIS = 32
#: Frames of a report: as many as keep it below 15 MB.
_REPORT_FRAMES = 200
#: Version of the layout of results.json; raised when a key changes its meaning.
SCHEMA = 1


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gpu", default="0", help=GPU_HELP)
    parser.add_argument(
        "--load_model",
        type=model_path,
        help="checkpoint of the finetune stage (default: the pretrained weights)",
    )
    parser.add_argument(
        "--data",
        choices=[set_type.value for set_type in SetType],
        default=SetType.TEST.value,
        help="which set of the data root (default: test)",
    )
    parser.add_argument(
        "--save_dir", type=Path, required=True, help="where results.json and pictures go"
    )
    parser.add_argument(
        "--data_root",
        type=Path,
        default=DEFAULT_DATA_ROOT,
        help="folder that holds TrainSet, ValSet and TestSet (default: data/synthetic)",
    )
    parser.add_argument(
        "--batch_size", type=_positive, default=16, help="frames at a time (default: 16)"
    )
    parser.add_argument(
        "--workers", type=_count, help="processes that read pictures (default: one per core)"
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "fp32", "bf16"),
        default="auto",
        help="auto: bf16 where the device computes it in hardware, else fp32 (default: auto)",
    )
    pictures = parser.add_argument_group("which frames to draw")
    spread = pictures.add_mutually_exclusive_group()
    spread.add_argument(
        "--num_vis",
        type=_count,
        metavar="N",
        help="this many, evenly spaced over the set; 0 for none (default: 32)",
    )
    spread.add_argument("--every", type=_positive, metavar="N", help="each N-th frame; 1 for all")
    pictures.add_argument(
        "--worst", type=_count, default=0, metavar="N", help="the N largest errors, in worst/"
    )
    pictures.add_argument(
        "--best", type=_count, default=0, metavar="N", help="the N smallest errors, in best/"
    )
    pictures.add_argument(
        "--video",
        action="store_true",
        help="the frames of --num_vis or --every (default: all) as SAVE_DIR/video.mp4 instead of "
        "single pictures",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="write SAVE_DIR/report.html: tables, and up to 200 frames to look through in 3D; "
        "works offline",
    )
    return parser.parse_args(argv)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number of 0 or more")
    return int(text)


def _positive(text: str) -> int:
    if _count(text) == 0:
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)


def writable_folder(path: Path) -> Path:
    """Create the output folder; a read-only one is refused before hours of work, not after.

    Raises:
        UserError: where nothing can be written.
    """
    make_folder(path)
    try:
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise UserError(f"--save_dir {path}: cannot be written ({error.strerror})") from None
    return path


def open_labelled(root: Path, set_type: SetType, input_size: int) -> BaseDataset:
    """The split to evaluate on.

    Raises:
        UserError: for one that is missing, empty or has pictures without any label.
    """
    try:
        return open_split(root, set_type, input_size)
    except UserError:
        split = root / set_type.folder
        if any(split.glob("*/*/cam_down/rgba/*.png")) and not any(
            split.glob("*/*/cam_down/json/*")
        ):
            raise UserError(
                f"{split}: pictures without labels, so there is no error to measure; "
                "use inference.py --input_dir for poses of unlabelled pictures"
            ) from None
        raise


def training_mean_pose(loaded: LoadedModel, root: Path) -> np.ndarray:
    """(16, 3) metres: mean pose of the model's training set, else of TrainSet in the data root.

    Raises:
        UserError: where neither is there.
    """
    if loaded.mean_pose is not None:
        return loaded.mean_pose
    size = loaded.model.input_size
    print("The checkpoint carries no mean pose: taking that of TrainSet.")
    return open_split(root, SetType.TRAIN, size, pictures=False).annotations().mean_pose()


def evaluate(loader: FrameLoader, evaluation: Evaluation) -> Poses:
    """Run over all frames, printing the error of each; returns the poses.

    Raises:
        UserError: if not one frame could be read.
    """
    total = len(loader.dataset)
    with tqdm(total=total, desc="evaluating", unit="frame", dynamic_ncols=True) as bar:
        for batch in loader:
            frames = zip(batch.frame_ids, evaluation.add(batch), batch.actions, strict=True)
            # One call a batch: each redraws the bar.
            tqdm.write(
                "\n".join(f"{name}  {mpjpe:7.1f} mm  {action}" for name, mpjpe, action in frames)
            )
            bar.update(len(batch))
    report_broken(loader.broken, loader.dataset.set_type)
    poses = evaluation.poses
    if poses is None:
        raise UserError(
            f"none of {total} frames could be read (first: {loader.broken[0][1]}): "
            "nothing to evaluate"
        )
    return poses


def save_figures(
    save_dir: Path,
    about: dict[str, Any],
    results: dict[str, Any],
    poses: Poses,
    frames: list[FrameResult],
) -> None:
    """Write all that is not a picture, then print the tables."""
    blocks = result_blocks(results)
    table = f"{text_table(blocks)}\n\n{text_summary(results)}\n"
    write_text(save_dir / "table.txt", table)
    write_text(save_dir / "table.md", markdown_table(blocks))
    write_text(save_dir / "table.tex", latex_table(blocks))
    write_frames_csv(save_dir / "frames.csv", frames)
    poses.save(save_dir / "poses.npz")
    # Last: where it lies, the rest is whole.
    content = json.dumps(about | results, indent=2, allow_nan=False)
    write_text(save_dir / "results.json", content + "\n")
    print(f"\n{table}\nResults:  {save_dir / 'results.json'}, tables and frames.csv beside it")


def draw(painter: SplitPainter, frames: list[FrameResult], arguments: argparse.Namespace) -> None:
    """Draw the frames that were asked for."""
    save_dir = arguments.save_dir
    if arguments.every is None and arguments.num_vis is None and arguments.video:
        spread = frames
    elif arguments.every is not None:
        spread = frames[:: arguments.every]
    else:
        spread = evenly_spaced(frames, _NUM_VIS if arguments.num_vis is None else arguments.num_vis)
    if spread and arguments.video:
        painter.save_video(spread, save_dir / "video.mp4")
        print(f"Video:    {save_dir / 'video.mp4'} ({len(spread)} frames)")
    elif spread:
        painter.save_all(spread, save_dir / "pictures")
        print(f"Pictures: {save_dir / 'pictures'} ({len(spread)})")
    for name, chosen in (
        ("worst", sorted(frames, key=lambda frame: -frame.mpjpe)[: arguments.worst]),
        ("best", sorted(frames, key=lambda frame: frame.mpjpe)[: arguments.best]),
    ):
        if chosen:
            painter.save_all(chosen, save_dir / name, ranked=True)
            print(f"{name.capitalize() + ':':<9} {save_dir / name} ({len(chosen)})")


def main(argv: list[str] | None = None) -> None:
    """Command line of the evaluation."""
    arguments = parse_arguments(argv)
    with memory_advice(
        f"with batches of {arguments.batch_size} pictures", "lower --batch_size, or add --gpu cpu"
    ):
        run(arguments)


def run(arguments: argparse.Namespace) -> None:
    """Evaluate, save, print, draw."""
    set_type = SetType(arguments.data)
    arguments.load_model = chosen_model(arguments.load_model)
    device = select_device(arguments.gpu)
    loaded = load_pose_model(arguments.load_model, device)
    dataset = open_labelled(arguments.data_root, set_type, loaded.model.input_size)
    check_camera(loaded.path, loaded.config.model.kind, loaded.camera, dataset.camera)
    predictor = PosePredictor(loaded.model, device, arguments.precision, dataset.camera)
    mean_pose = training_mean_pose(loaded, arguments.data_root)
    save_dir = writable_folder(arguments.save_dir)

    batches = -(-len(dataset) // arguments.batch_size)
    workers = min(cpu_count(), batches // _BATCHES_PER_WORKER)
    loader = FrameLoader(
        dataset,
        arguments.batch_size,
        workers if arguments.workers is None else arguments.workers,
    )
    evaluation = Evaluation(predictor, mean_pose, predictor.new_track())
    poses = evaluate(loader, evaluation)
    results, frames = measure(poses), poses.frames()
    about = {
        "schema": SCHEMA,
        "model": str(arguments.load_model),
        "model_sha256": sha256(arguments.load_model),
        "data": set_type.value,
        "data_root": str(arguments.data_root),
        "frames": len(frames),
        "skipped": [
            {"frame": str(frame_id), "reason": reason} for frame_id, reason in loader.broken
        ],
    }
    save_figures(save_dir, about, results, poses, frames)
    painter = SplitPainter(arguments.data_root, set_type, cpu_count())
    draw(painter, frames, arguments)
    if arguments.report:
        shown = evenly_spaced_runs(frames, _REPORT_FRAMES)
        write_report(save_dir / "report.html", about, results, shown, painter)
        print(f"Report:   {save_dir / 'report.html'} (open it in a browser)")


if __name__ == "__main__":
    run_command(main)
