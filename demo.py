"""Evaluate a finetuned model on a labelled set: errors by action, pictures of poses.

With the pretrained weights, without training anything:
  python demo.py --data test --save_dir experiments/demo
With a model of your own:
  python demo.py --gpu 0 --load_model experiments/Finetune/checkpoints/model_best.tar \\
      --data test --save_dir experiments/demo

Prints the MPJPE of each frame in millimetres, then a table by action group for the full, upper and
lower body, beside a mean-pose baseline on the same frames and the published results.
SAVE_DIR will contain
  results.json                   all metrics, with 95 % intervals (doc/evaluation.md)
  table.txt, table.md, table.tex the table
  frames.csv                     the errors of each frame
  poses.npz                      predicted and true poses
  pictures/                      predicted joints in orange, true ones in blue

Several sets, each into SAVE_DIR/NAME OF ITS ROOT, and SAVE_DIR/table.txt, .md and .json over all:
  python demo.py --data_root data/sceneego data/mo2cap2 --joints common --save_dir out
The errors alone, of the official release:
  python demo.py --load_model model_best.tar --data_root /data/xr-egopose --num_vis 0 --save_dir out
The worst frames, an HTML report, and a video of every tenth frame:
  python demo.py --load_model model_best.tar --worst 20 --report --video --every 10 --save_dir out
"""

import argparse
from pathlib import Path

from utils.common.command import (
    SEVERAL_ROOTS,
    command_parser,
    data_root,
    parse_early,
    run_command,
    whole_number,
)


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    shared = "gpu", "load_model", "save_dir", "headset", "batch_size", "precision"
    own = {"views": {}, "data": {"default": "test"}, **SEVERAL_ROOTS}
    parser = command_parser(__doc__, *shared, **own)
    add, count = parser.add_argument, {"type": whole_number(0), "metavar": "N"}
    add("--workers", **count, help="data-loading worker processes (default: one per core)")
    report = "write SAVE_DIR/report.html: tables, and up to 200 frames in 3D; works offline"
    add("--report", action="store_true", help=report)
    joints = "of several data roots: measure all joints of each (the default), or the common ones"
    add("--joints", choices=("all", "common"), default="all", help=joints)
    pictures = parser.add_argument_group("which frames to draw")
    add, either = pictures.add_argument, pictures.add_mutually_exclusive_group().add_argument
    either("--num_vis", **count, help="evenly spaced over the set; 0 for none (default: 32)")
    either("--every", type=whole_number(1), metavar="N", help="every N-th frame (1: all)")
    add("--worst", **count, default=0, help="also the N frames of largest error, in worst/")
    video = "the frames of --num_vis or --every (default: all) as SAVE_DIR/video.mp4 instead"
    add("--video", action="store_true", help=video)
    arguments = parser.parse_args(argv)
    if arguments.video and arguments.num_vis == 0:
        parser.error("--video draws the frames of --num_vis, and --num_vis 0 is none: leave it out")
    [data_root(root) for root in arguments.data_root]  # by default as well
    return arguments


parse_early(__name__, parse_arguments)

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from base.errors import UserError
from base.files import sha256, write_text
from base.headset import Headset, load_headset
from base.remote import root_text
from base.run_folder import RunFolder
from base.set_type import SetType
from base.skeleton import JOINTS
from dataset import open_split
from dataset.loader import FrameLoader
from dataset.mixed import Roots
from dataset.split import Split
from utils.common.checkpoint import Checkpoint
from utils.common.cores import cpu_count
from utils.common.device import select_device
from utils.common.memory import memory_advice
from utils.common.networks import load_pose_model
from utils.common.pretrained import chosen_model
from utils.drawing.split_painter import SplitPainter, evenly_spaced
from utils.evaluation import tables
from utils.evaluation.metrics import measure
from utils.evaluation.poses import Poses, joined, keep_joints, predict
from utils.evaluation.report import write_report
from utils.evaluation.results import SCHEMA
from utils.inference.square_predictor import SquarePredictor
from utils.training.data import report_broken

#: Batches per reading process below which starting it costs more than it saves.
_BATCHES_PER_WORKER = 4


def training_mean_pose(
    loaded: Checkpoint, root: Path, headset: Headset | None, format: str | None = None
) -> tuple[np.ndarray | None, str | None]:
    """(16, 3) metres, the mean pose of a training set, and whose it is: the model's, else that of
    TrainSet in the data root; None and None where there is none."""
    if loaded.mean_pose is not None:
        return loaded.mean_pose, "of the model's training set"
    how = {"pictures": False, "view": loaded.camera, "headset": headset, "format": format}
    try:
        mean_pose = open_split(root, SetType.TRAIN, **how).annotations().mean_pose()
    except UserError as error:
        print(f"No row of a mean pose: the checkpoint carries none, and {error}")
        return None, None
    return mean_pose, f"of {root / SetType.TRAIN.folder}, as the checkpoint carries none"


def evaluate(
    loader: FrameLoader,
    predictor: SquarePredictor,
    mean_pose: np.ndarray | None,
    joints: Sequence[str],
) -> Poses:
    """Poses of all frames, to be measured by these joints, the error of each printed; UserError if
    none could be read."""
    total, tracks, batches = len(loader.dataset), predictor.new_tracks(), []
    occlusion_known = bool(loader.dataset.table.rows["occlusion_known"].all())
    with tqdm(total=total, desc="evaluating", unit="frame", dynamic_ncols=True) as bar:
        for batch in loader:
            poses = keep_joints(predict(predictor, batch, tracks), joints)
            poses.aligned_only = loader.dataset.aligned_only(loader.dataset.set_type)
            poses.occlusion_known = occlusion_known
            batches.append(poses)
            frames = zip(poses.frame_ids, poses.mpjpe, poses.actions, strict=True)
            unit = "mm PA-MPJPE" if poses.aligned_only else "mm"
            lines = [f"{name}  {mpjpe:7.1f} {unit}  {action}" for name, mpjpe, action in frames]
            tqdm.write("\n".join(lines))  # one call a batch: each redraws the bar
            bar.update(len(batch))
    report_broken(loader.broken, loader.dataset.set_type)
    if not batches:
        raise UserError(f"none of {total} frames could be read (first: {loader.broken[0][1]})")
    return joined(batches, mean_pose, predictor.camera)


def save_figures(folder: RunFolder, results: dict[str, Any], poses: Poses) -> None:
    """Write all that is not a picture, in the place of an earlier run's, then print the tables."""
    save_dir = folder.new
    blocks = tables.result_table(results)
    table = f"{tables.text_table(*blocks)}\n\n{tables.text_summary(results)}\n"
    write_text(save_dir / "table.txt", table)
    write_text(save_dir / "table.md", tables.markdown_table(*blocks))
    write_text(save_dir / "table.tex", tables.latex_table(*blocks))
    poses.write_csv(save_dir / "frames.csv")
    poses.save(save_dir / "poses.npz")
    # Last: where it exists, the rest is complete.
    write_text(save_dir / "results.json", json.dumps(results, indent=2, allow_nan=False) + "\n")
    folder.keep()
    print(f"\n{table}\nResults:  {folder.path / 'results.json'}, tables and frames.csv beside it")


def draw(
    painter: SplitPainter, poses: Poses, arguments: argparse.Namespace, folder: RunFolder
) -> None:
    """Write the pictures, or the video, that the command line asks for."""
    new, save_dir, rows = folder.new, folder.path, range(len(poses.actions))
    count = 32 if arguments.num_vis is None and not arguments.video else arguments.num_vis
    if arguments.every is not None:
        rows = rows[:: arguments.every]
    elif count is not None:
        rows = evenly_spaced(rows, count)
    if rows and arguments.video:
        painter.save_video(poses, rows, new / "video.mp4")
        print(f"Video:    {save_dir / 'video.mp4'} ({len(rows)} frames)")
    elif rows:
        painter.save_all(poses, rows, new / "pictures")
        print(f"Pictures: {save_dir / 'pictures'} ({len(rows)})")
    if ranked := np.argsort(-poses.mpjpe, kind="stable")[: arguments.worst].tolist():
        painter.save_all(poses, ranked, new / "worst", ranked=True)
        print(f"Worst:    {save_dir / 'worst'} ({len(ranked)})")
    folder.keep()


def report_rows(total: int, count: int = 200) -> list[int]:
    """Rows of a report, which 200 frames keep below 15 MB: about ``count`` in runs of 20
    neighbours, which can be played as a sequence, spread evenly; all of few."""
    if count >= total:
        return list(range(total))
    starts = evenly_spaced(range(max(1, total - 19)), max(1, count // 20))
    return sorted({row for start in starts for row in range(start, min(start + 20, total))})


def run(
    arguments: argparse.Namespace, device: torch.device, joints: Sequence[str] = JOINTS
) -> dict[str, Any]:
    """Evaluate on one data root by these joints; returns the content of results.json."""
    set_type = SetType(arguments.data)
    loaded = load_pose_model(arguments.load_model, device)
    headset = arguments.headset and load_headset(arguments.headset)
    opened = {"headset": headset, "format": arguments.format}
    dataset = open_split(arguments.data_root, set_type, view=loaded.camera, **opened)
    how = {"camera": dataset.camera, "views": arguments.views}
    predictor = SquarePredictor(loaded.model, device, arguments.precision, **how)
    mean_pose, whose = training_mean_pose(loaded, arguments.data_root, **opened)

    workers = arguments.workers
    if workers is None:
        batches = -(-len(dataset) // arguments.batch_size)
        workers = min(cpu_count(), batches // _BATCHES_PER_WORKER)
    loader = FrameLoader(dataset, arguments.batch_size, workers)
    sets = (arguments.data_root / each.folder for each in SetType)
    with RunFolder(arguments.save_dir, reads=[arguments.data_root, *sets]) as folder:
        poses = evaluate(loader, predictor, mean_pose, joints)
        poses.bones = dataset.bone_labels(poses.frame_ids)
        results = {
            "schema": SCHEMA,
            "model": str(arguments.load_model),
            "model_sha256": sha256(arguments.load_model),
            "data": set_type.value,
            "data_root": root_text(arguments.data_root),
            "headset": arguments.headset,
            **({"format": arguments.format} if arguments.format else {}),
            "headsets": sorted({each.name for each in dataset.table.headsets}),
            "mean_pose": whose,
            "views": arguments.views,
            "precision": predictor.precision,
            "frames": len(poses.actions),
            "skipped": [{"frame": str(name), "reason": reason} for name, reason in loader.broken],
            **measure(poses, dataset.protocol, labelled_joints(dataset)),
        }
        save_figures(folder, results, poses)
        poses = poses.in_place()
        how = poses.camera, headset, cpu_count(), arguments.format
        painter = SplitPainter(arguments.data_root, set_type, *how)
        draw(painter, poses, arguments, folder)
        if arguments.report:
            rows = report_rows(len(poses.actions))
            write_report(folder.new / "report.html", results, poses, rows, painter)
            folder.keep()
            print(f"Report:   {folder.path / 'report.html'} (open it in a browser)")
    return results


def labelled_joints(dataset: Split) -> list[str]:
    """The joints that are labelled in any frame of a set."""
    unknown = np.isnan(dataset.table.rows["joints3d"][..., 0]).all(0)
    return np.array(JOINTS)[~unknown].tolist()


def common_joints(roots: Roots, set_type: SetType) -> list[str]:
    """The joints that are labelled in the sets of all roots."""
    sets = roots.open(set_type, pictures=False).sets
    common = set(JOINTS).intersection(*map(labelled_joints, sets))
    return [joint for joint in JOINTS if joint in common]


def run_all(arguments: argparse.Namespace, device: torch.device, roots: Roots) -> None:
    """Evaluate on several data roots, each into a folder of its name, and tabulate them."""
    joints, results = JOINTS, {}
    with RunFolder(arguments.save_dir, reads=roots.paths) as folder:
        if arguments.joints == "common":
            joints = common_joints(roots, SetType(arguments.data))
        for name, path, format in roots.each():
            print(f"\n{name}: {path}")
            own = {"data_root": path, "format": format, "save_dir": arguments.save_dir / name}
            results[name] = run(argparse.Namespace(**vars(arguments) | own), device, joints)
        table = tables.set_blocks(results, joints), tables.SET_HEADS
        write_text(folder.new / "table.txt", tables.text_table(*table) + "\n")
        write_text(folder.new / "table.md", tables.markdown_table(*table))
        content = {"joints": [*joints], "sets": results}
        write_text(folder.new / "table.json", json.dumps(content, indent=2, allow_nan=False) + "\n")
        folder.keep()
    print(f"\n{tables.text_table(*table)}\n\nTable:    {folder.path / 'table.txt'}, .md, .json")


def main(argv: list[str] | None = None) -> None:
    arguments = parse_arguments(argv)
    what = f"with batches of {arguments.batch_size} pictures"
    headset = arguments.headset and load_headset(arguments.headset)
    roots = Roots(arguments.data_root, arguments.format, headset)
    device = select_device(arguments.gpu)
    arguments.load_model = chosen_model(arguments.load_model)
    with memory_advice(what, "lower --batch_size, or add --gpu cpu"):
        if len(roots.paths) > 1:
            run_all(arguments, device, roots)
            return
        _, arguments.data_root, arguments.format = roots.each()[0]
        if arguments.joints == "common":
            print("--joints common changes nothing: there is one data root.")
        run(arguments, device)


if __name__ == "__main__":
    run_command(main)
