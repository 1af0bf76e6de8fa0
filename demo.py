"""Evaluate a finetuned model on a labelled set: errors by action, pictures of poses.

  python demo.py --gpu 0 --load_model experiments/Finetune/checkpoints/model_best.tar \\
      --data test --save_dir experiments/demo

Prints the MPJPE of each frame in millimetres, then a table by action group for the full, upper and
lower body beside the mean pose of the training set on the same frames and the published results.
SAVE_DIR receives results.json and, in pictures/, predicted joints in orange over true ones in blue.

The errors alone, of the official release:
  python demo.py --load_model model_best.tar --data_root /data/xr-egopose --num_vis 0 --save_dir out
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from base.errors import UserError
from base.set_type import SetType
from dataset.loader import FrameLoader, make_loader
from dataset.mocap import Mocap, open_split
from utils.checkpoint import LoadedModel, load_pose_model
from utils.command import run_command
from utils.defaults import DEFAULT_DATA_ROOT
from utils.device import GPU_HELP, select_device
from utils.drawing.split import SplitPainter, evenly_spaced
from utils.engine.data import cpu_count, report_broken
from utils.evaluate import Evaluation
from utils.files import make_folder, write_text
from utils.predict import PosePredictor
from utils.tables import text_table

#: Batches below which a reading process takes longer to start than to pay.
_BATCHES_PER_WORKER = 4


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gpu", default="0", help=GPU_HELP)
    parser.add_argument(
        "--load_model", type=Path, required=True, help="checkpoint of the finetune stage"
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
        "--num_vis",
        type=_count,
        default=32,
        metavar="N",
        help="pictures to draw, evenly spaced over the frames; 0 for none (default: 32)",
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


def open_labelled(root: Path, set_type: SetType, input_size: int) -> Mocap:
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


def evaluate(loader: FrameLoader, evaluation: Evaluation) -> None:
    """Run over all frames, printing the error of each.

    Raises:
        UserError: if not one frame could be read.
    """
    total = len(loader.dataset)
    with tqdm(total=total, desc="evaluating", unit="frame", dynamic_ncols=True) as bar:
        for results in evaluation.run(loader):
            # One call a batch: each redraws the bar.
            tqdm.write(
                "\n".join(
                    f"{frame.frame_id}  {frame.error:7.1f} mm  {frame.action}" for frame in results
                )
            )
            bar.update(len(results))
    report_broken(loader.broken, loader.dataset.set_type)
    if not evaluation.frames:
        raise UserError(
            f"none of {total} frames could be read (first: {loader.broken[0][1]}): "
            "nothing to evaluate"
        )


def main(argv: list[str] | None = None) -> None:
    """Evaluate, print, save, draw."""
    arguments = parse_arguments(argv)
    set_type = SetType(arguments.data)
    device = select_device(arguments.gpu)
    loaded = load_pose_model(arguments.load_model, device)
    predictor = PosePredictor(loaded.model, device, arguments.precision)
    dataset = open_labelled(arguments.data_root, set_type, predictor.input_size)
    mean_pose = training_mean_pose(loaded, arguments.data_root)
    save_dir = writable_folder(arguments.save_dir)

    batches = -(-len(dataset) // arguments.batch_size)
    workers = min(cpu_count(), batches // _BATCHES_PER_WORKER)
    loader = make_loader(
        dataset,
        arguments.batch_size,
        workers if arguments.workers is None else arguments.workers,
    )
    evaluation = Evaluation(predictor, mean_pose)
    evaluate(loader, evaluation)

    results = evaluation.results()
    print(f"\n{text_table(results)}\n")
    content = {
        "model": str(arguments.load_model),
        "data": set_type.value,
        "data_root": str(arguments.data_root),
        "frames": len(evaluation.frames),
        "skipped": [
            {"frame": str(frame_id), "reason": reason} for frame_id, reason in loader.broken
        ],
    }
    write_text(save_dir / "results.json", json.dumps(content | results, indent=2) + "\n")
    print(f"Results:  {save_dir / 'results.json'}")

    chosen = evenly_spaced(evaluation.frames, arguments.num_vis)
    if chosen:
        painter = SplitPainter(arguments.data_root, set_type)
        folder = make_folder(save_dir / "pictures")
        for frame in tqdm(chosen, desc="drawing", unit="picture", file=sys.stderr):
            painter.save(frame, folder)
        print(f"Pictures: {folder} ({len(chosen)})")


if __name__ == "__main__":
    run_command(main)
