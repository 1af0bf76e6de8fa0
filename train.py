"""Train the 2D heatmap module, the 3D lifting module, or both together.

Three stages, one after the other:

  python train.py --training_type train2d  --gpu 0 --log_dir experiments/Train2d
  python train.py --training_type train3d  --gpu 0 --log_dir experiments/Train3d
  python train.py --training_type finetune --gpu 0 --log_dir experiments/Finetune \\
      --load_2d_model experiments/Train2d/checkpoints/model_best.tar \\
      --load_3d_model experiments/Train3d/checkpoints/model_best.tar

The project's own model (--config transformer) can also be trained end to end in one stage:

  python train.py --training_type finetune --config transformer --gpu 0 --log_dir experiments/Own

All three stages in one command, in Train2d, Train3d and Finetune under LOG_DIR:

  python train.py --training_type all --gpu 0 --log_dir experiments

On all GPUs of a machine, with the same batch size over all of them:

  torchrun --nproc_per_node=8 train.py --training_type train2d --batch_size 256

Checkpoints go to LOG_DIR/checkpoints/checkpoint_{epoch}.tar, and the best one on ValSet to
model_best.tar beside them.  A run interrupted for any reason continues with --resume and gives the
same result as an uninterrupted one.  More, also pretrained weights and videos: doc/training.md
"""

import argparse
from pathlib import Path

from model import TRAINING_TYPES
from utils.common.command import (
    SEVERAL_ROOTS,
    command_parser,
    counted,
    number,
    parse_early,
    run_command,
)
from utils.common.pretrained import model_path

ALL_STAGES = "all"


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = command_parser(__doc__, "gpu", "headset", **SEVERAL_ROOTS)
    add = parser.add_argument
    text = "of several data roots: their shares of the frames of an epoch (default: as many as "
    add("--weights", nargs="+", type=number(1e-6, 1e6), metavar="W", help=text + "they have)")
    add("--training_type", choices=(*TRAINING_TYPES, ALL_STAGES), help="stage to train")
    text = "where checkpoints and logs go (default: experiments/STAGE; with --training_type all: "
    add("--log_dir", type=Path, help=text + "experiments, one subfolder per stage)")
    text = "YAML file, or the name of one in experiments/configs (default: the configuration of "
    add("--config", help=text + "the loaded checkpoint, otherwise 'paper')")
    add = parser.add_argument_group("initial weights").add_argument
    text = "initialise a new run from this checkpoint of the same stage; for finetune also "
    text += "'pretrained' or 'small', weights of this project"
    add("--load_model", type=model_path, help=text)
    text = "continue from the newest intact checkpoint in LOG_DIR, or start a new run if there is "
    text += "none; required if LOG_DIR already contains a run"
    add("--resume", action="store_true", help=text)
    text = "checkpoint of train2d, for finetune, and for train3d if model.kind is transformer"
    add("--load_2d_model", type=Path, help=text)
    text = "checkpoint of train3d, for finetune; of finetune or 'pretrained', for temporal"
    add("--load_3d_model", type=model_path, help=text)
    text = "train2d, or finetune from scratch: initialise the backbone with ImageNet weights: "
    add("--imagenet", help=text + "'download', 'package' or a weights file")
    over = parser.add_argument_group("override the configuration")
    for flag, kind, text in (
        ("--batch_size", int, "frames per optimiser step, over all processes and micro-batches"),
        ("--accumulate", int, "gradient accumulation: micro-batches per process and step"),
        ("--epochs", int, "number of epochs"),
        ("--lr", float, "learning rate"),
        ("--seed", int, "random seed"),
        ("--workers", int, "data-loading worker processes"),
    ):
        over.add_argument(flag, type=kind, help=text)
    text = "auto: bf16 if the device computes it in hardware, otherwise fp32"
    over.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"), help=text)
    help_text = "torch.compile the network: minutes of start-up, then faster steps"
    over.add_argument("--compile", action="store_const", const=True, help=help_text)
    help_text = "any key of the configuration, such as loss.pose=0.5; repeat for more"
    over.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=help_text)
    help_text = "print each key of the configuration, its value, type and meaning, and exit"
    over.add_argument("--print_config", action="store_true", help=help_text)
    arguments = parser.parse_args(argv)
    if not (arguments.training_type or arguments.print_config):
        parser.error("the following arguments are required: --training_type")
    return arguments


parse_early(__name__, parse_arguments)

import contextlib
import functools
import shutil
from collections.abc import Iterator
from typing import Any

import torch

from base.errors import UserError
from base.headset import load_headset
from base.lock import clear_leftovers, locked
from dataset.mixed import Mixed, Roots
from model import model_class
from utils.common.checkpoint import BEST, Checkpoint, newest_whole_checkpoint, read_checkpoint
from utils.common.config import (
    Config,
    config_path,
    describe_config,
    load_config,
    merge,
    parse_setting,
)
from utils.common.device import prepare_device
from utils.common.memory import memory_advice
from utils.common.networks import Start, refuse_other_architecture, stage_network
from utils.common.paths import DEFAULT_CONFIG, DEFAULT_DATA_ROOT
from utils.training.distributed import Processes
from utils.training.stage import Stage
from utils.training.trainer import Trainer

#: What "all" runs.
_STAGES = ("train2d", "train3d", "finetune")
#: What a run leaves in its folder.
_TRACES = ("checkpoints/*.tar", "config.yml", "log.jsonl", "*.tfevents.*", "nonfinite_step_*.json")


def resolve_config(arguments: argparse.Namespace, start: Checkpoint | None) -> Config:
    """Configuration of the run: the file asked for, else the checkpoint's own, else the paper's;
    flags that were given, and ``--set``, take precedence."""

    def given(*names: str) -> dict[str, Any]:
        values = {name: getattr(arguments, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    flags = given("seed", "precision", "compile") | {
        arguments.training_type or "train2d": given("batch_size", "accumulate", "epochs", "lr"),
        "data": given("workers"),
        "model": given("imagenet"),
    }
    overrides = functools.reduce(merge, map(parse_setting, arguments.set), flags)
    if arguments.config is None and start is not None and start.has_config:
        config = start.config.overridden(overrides)
    else:
        config = load_config(config_path(arguments.config or DEFAULT_CONFIG.stem), overrides)
    for text in arguments.set:
        try:
            functools.reduce(getattr, text.partition("=")[0].split("."), config)
        except AttributeError:
            kind = config.model.kind
            raise UserError(f"--set {text}: not a key of the model of kind '{kind}'") from None
    return config


def starting_checkpoint(
    arguments: argparse.Namespace, log_dir: Path, processes: Processes
) -> Checkpoint | None:
    """The checkpoint to go on from, if any; UserError for one of another stage's run."""
    newest = newest_whole_checkpoint(log_dir / "checkpoints") if arguments.resume else None
    if newest is None:
        return read_checkpoint(arguments.load_model) if arguments.load_model else None
    if newest.stage != arguments.training_type:
        raise UserError(
            f"--resume: {log_dir} holds a run of {newest.stage}, not of "
            f"{arguments.training_type}: give the --log_dir of that, or a new one"
        )
    if arguments.load_model and processes.main:
        print(f"--resume: going on from {newest.path}, not from {arguments.load_model}")
    return newest


@contextlib.contextmanager
def log_folder(log_dir: Path, resume: bool, processes: Processes) -> Iterator[None]:
    """Holds a run's folder; one that was not there and has nothing in it at the end is removed.
    UserError for one that another process holds, or, without ``resume``, that holds a run."""
    new = not log_dir.exists()
    with locked(log_dir) if processes.main else contextlib.nullcontext():
        traces = [path for pattern in _TRACES for path in sorted(log_dir.glob(pattern))]
        # The main process may be the first to write: what it found counts.
        found = processes.from_main([path for path in traces if path.name[0] != "."])
        if found and not resume:
            raise UserError(
                f"{log_dir} already holds a run ({found[0].relative_to(log_dir)}): go on with "
                "--resume, or give another --log_dir"
            )
        if processes.main:
            clear_leftovers(log_dir)
        try:
            yield
        finally:
            if processes.main and new and [path.name for path in log_dir.glob("*")] == [".lock"]:
                shutil.rmtree(log_dir)


def announce(stage: Stage, trainer: Trainer, start: Start, asked: str) -> None:
    """Print what is about to be trained, on what, from what, and where it goes."""
    roots, config, frames = str(stage.data), stage.config, stage.loader.dataset
    default = " (no --data_root given)" if roots == str(DEFAULT_DATA_ROOT) else ""
    reads = "labels" if stage.training.reads == "labels" else "pictures"
    headsets = {one.name for one in stage.labels.headsets}
    worn = headsets.pop() if len(headsets) == 1 else f"{len(headsets)} headsets"
    if isinstance(frames, Mixed):
        parts = zip(stage.data.paths, frames.counts, frames.sets, strict=True)
        roots = ", ".join(f"{path} ({n} frames of {len(each)})" for path, n, each in parts)
    print(
        f"Data: {roots}{default}: {reads}, TrainSet {stage.loader.frames}, ValSet "
        f"{len(stage.validation.dataset)}; {worn}"
    )
    given = " and ".join(str(one.path) for one in start if one is not None)
    imagenet = config.model.imagenet and f"ImageNet weights ({config.model.imagenet})"
    learning = [weight.requires_grad * weight.numel() for weight in stage.model.parameters()]
    print(
        f"Model: {config.model.kind}, {config.model.backbone}, {stage.input_size} px, "
        f"{sum(learning) / 1e6:.1f} M parameters trained, from "
        f"{given or imagenet or 'random weights'}; configuration: {asked}"
    )
    if trainer.state.epoch < stage.settings.epochs:
        print(
            f"Training: {stage.name}, epochs {trainer.state.epoch + 1} to {stage.settings.epochs}, "
            f"{counted(trainer.steps_per_epoch, 'step')} each, batch {trainer.frames_per_step}, on "
            f"{stage.device}; to {trainer.log_dir}"
        )


def refuse_unused(arguments: argparse.Namespace, stage: str, config: Config) -> None:
    """Raise UserError for initial weights that are given to a stage which does not use them."""
    training = model_class(config.model.kind).training_types.get(stage)
    if training is None:
        return  # the kind of model is refused for that
    unused = [name for name in ("load_2d_model", "load_3d_model") if name not in training.start]
    if "pose2d" not in training.trained:
        unused.append("imagenet")
    for name in unused:
        if getattr(arguments, name):
            kind = config.model.kind
            raise UserError(f"--{name}: {stage} of {kind} does not use it: leave it out")


def train_stage(arguments: argparse.Namespace, log_dir: Path, processes: Processes) -> None:
    """Train one stage; the caller holds its folder."""
    training_type = arguments.training_type
    start = Start(starting_checkpoint(arguments, log_dir, processes))
    if start.load_model is None and training_type != "train2d":
        paths = arguments.load_2d_model, arguments.load_3d_model
        start = Start(None, *(read_checkpoint(path) if path else None for path in paths))
    source = next((one for one in start if one is not None), None)
    asked = resolve_config(arguments, source)
    refuse_unused(arguments, training_type, asked)
    torch.manual_seed(asked.seed)
    network, config = stage_network(training_type, asked, start)
    if arguments.config is not None:
        for checkpoint in start:
            refuse_other_architecture(asked, checkpoint)
    prepare_device(processes.device, config.precision, config.tf32)
    settings = config.stage(training_type)
    with memory_advice(
        f"in {training_type} with batch_size {settings.batch_size}, accumulate "
        f"{settings.accumulate} and pictures of {config.data.input_size} pixels",
        "lower --batch_size, or keep it and work in smaller parts with --accumulate "
        f"{2 * settings.accumulate}",
    ):
        headset = arguments.headset and load_headset(arguments.headset)
        data = Roots(arguments.data_root, arguments.format, headset, arguments.weights)
        stage = Stage(training_type, network, config, data, processes, start.view)
        resumed = start.load_model
        mounts = (
            resumed and resumed.path.parent == log_dir / "checkpoints" and resumed.mounts
        ) or {}
        if mounts and mounts.get("mix") != stage.mounts.get("mix"):
            raise UserError(
                f"{resumed.path}: trained on {mounts.get('mix') or 'one data root'}: give the same "
                "--data_root and --weights, or another --log_dir"
            )
        if not {*mounts.get("headsets", ())} <= {*stage.mounts["headsets"]}:
            raise UserError(
                f"{resumed.path}: trained on other headsets than those of {stage.data}: "
                "remove it to train anew, or give another --log_dir"
            )
        trainer = Trainer(stage, log_dir, start.load_model)
        if processes.main:
            of = f"that of {source.path}" if source and source.has_config else DEFAULT_CONFIG.stem
            announce(stage, trainer, start, arguments.config or of)
        trainer.fit()


def train_all(arguments: argparse.Namespace, log_dir: Path, processes: Processes) -> None:
    """Run the three stages, the third starting from the best of the first two."""
    for name in ("load_model", "load_2d_model", "load_3d_model"):
        if getattr(arguments, name):
            raise UserError(f"--{name} is for a single stage: 'all' starts from its own modules")
    folders = {stage: log_dir / stage.capitalize() for stage in _STAGES}
    best = {stage: folder / "checkpoints" / BEST for stage, folder in folders.items()}
    if not arguments.resume:
        for folder in folders.values():
            with log_folder(folder, False, processes):
                pass
    for stage, folder in folders.items():
        own = argparse.Namespace(**vars(arguments) | {"training_type": stage})
        kind = model_class(resolve_config(own, None).model.kind)
        for option, types in kind.training_types[stage].start.items():
            setattr(own, option, best[types[0]])
        if stage != "train2d":
            own.imagenet = None
        with log_folder(folder, arguments.resume, processes):
            train_stage(own, folder, processes)


def main(argv: list[str] | None = None) -> None:
    arguments = parse_arguments(argv)
    name, log_dir = arguments.training_type, arguments.log_dir
    if arguments.print_config:
        print(describe_config(resolve_config(arguments, None)))
        return
    if log_dir and log_dir.resolve() in map(Path.resolve, arguments.data_root):
        raise UserError(f"--log_dir {log_dir}: holds the data: give another folder")
    with Processes(arguments.gpu) as processes:
        if name == ALL_STAGES:
            train_all(arguments, log_dir or Path("experiments"), processes)
            return
        folder = log_dir or Path("experiments") / name.capitalize()
        with log_folder(folder, arguments.resume, processes):
            train_stage(arguments, folder, processes)


if __name__ == "__main__":
    run_command(main)
