"""The runs of the benchmark: each row with each seed, trained and tested in a folder of its own."""

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from base.errors import UserError
from base.files import write_text
from base.set_type import SetType
from dataset.mocap import open_split
from utils.benchmarking.fingerprint import differences
from utils.benchmarking.launch import Launcher
from utils.benchmarking.spec import (
    BUDGET_TOLERANCE,
    MEAN,
    TEMPORAL,
    TRAINING_TYPES,
    Benchmark,
    Row,
    Sizes,
    Videos,
    pictures_planned,
    row_config,
)
from utils.config import Config, dump_config
from utils.evaluation.metrics import measure
from utils.evaluation.poses import Poses
from utils.networks import load_pose_model

_LOG_DIRS = {"train2d": "Train2d", "train3d": "Train3d", "finetune": "Finetune"}
BEST = Path("checkpoints", "model_best.tar")
_RECORD = "run.json"


@dataclass(frozen=True)
class Run:
    """One row with one seed.

    Attributes:
        row: its name.
        seed: None for the mean pose, which has none.
        folder: where it is kept.
        config: that it is trained with; None where nothing is trained.
        training, testing: arguments of train.py and demo.py; empty where there is nothing to do.
        best: the checkpoint that is tested.
        stages: log folder of each stage.
        pictures: that it is to see in training; None where the budget does not apply.
        identity: what has to be the same for a run to be gone on with.
    """

    row: str
    seed: int | None
    folder: Path
    config: Config | None
    training: list[str]
    testing: list[str]
    best: Path | None
    stages: dict[str, Path]
    pictures: int | None
    identity: str

    @property
    def name(self) -> str:
        """For the screen."""
        return self.row if self.seed is None else f"{self.row}, seed {self.seed}"

    @property
    def results_path(self) -> Path:
        """Written last: where it is, the run is finished."""
        return self.folder / "test" / "results.json"

    @property
    def finished(self) -> bool:
        """Whether it has been trained and tested."""
        return self.results_path.is_file() and "parameters" in self.record()

    def record(self) -> dict[str, Any]:
        """What is noted of it so far."""
        try:
            return json.loads((self.folder / _RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def note(self, **values: Any) -> None:
        """Note something of it."""
        write_text(self.folder / _RECORD, json.dumps(self.record() | values, indent=1) + "\n")

    def results(self) -> dict[str, Any]:
        """What testing has found."""
        return json.loads(self.results_path.read_text(encoding="utf-8"))


def plan_runs(
    benchmark: Benchmark,
    scale_name: str,
    rows: Sequence[str],
    seeds: Sequence[int],
    root: Path,
    folder: Path,
    gpu: str,
) -> list[Run]:
    """All runs of some rows, seed by seed, so that a table of every row is there early.

    Args:
        benchmark: what it consists of.
        scale_name: the scale.
        rows: names of rows that there are.
        seeds: of the rows that are trained.
        root: the set.
        folder: where the runs of the scale are kept.
        gpu: the device, as ``--gpu``.

    Raises:
        UserError: for a configuration that is not there, and rows that cannot keep the budget.
    """
    configs = {name: row_config(benchmark, scale_name, name) for name in rows if name != MEAN}
    runs = []
    scale = benchmark.scales[scale_name]
    made = set_made(benchmark, scale, scale.picture_size)
    if MEAN in rows:
        identity = digest(made)
        runs.append(Run(MEAN, None, folder / MEAN, None, [], [], None, {}, 0, identity))
    for seed in seeds:
        for name, config in configs.items():
            runs.append(_trained(benchmark.rows[name], name, config, seed, root, folder, gpu, made))
    return runs


def set_made(source: Benchmark | Videos, sizes: Sizes, picture_size: int) -> dict[str, Any]:
    """How a set is made, for the identity of the runs on it."""
    made = {"seed": source.seed, "make_synthetic": source.make_synthetic}
    made |= {split: getattr(sizes, split) for split in Sizes.model_fields}
    return made | {"picture_size": picture_size}


def _trained(
    row: Row,
    name: str,
    config: Config,
    seed: int,
    root: Path,
    folder: Path,
    gpu: str,
    made: dict[str, Any],
) -> Run:
    place = folder / name / f"seed_{seed}"
    several = row.training_type == "all"
    stages = {stage: place / _LOG_DIRS[stage] for stage in row.epochs}
    pictures = pictures_planned(row, config)
    common = ["--gpu", gpu, "--data_root", str(root)]
    training = [
        *("--training_type", row.training_type, *common),
        *("--config", str(folder / name / "config.yml"), "--seed", str(seed)),
        *("--log_dir", str(place if several else stages["finetune"]), "--resume"),
    ]
    best = stages["finetune"] / BEST
    testing = tested(best, place, common)
    # Defaults left out: a key that a later version adds makes no finished run another one.
    others = {*TRAINING_TYPES, TEMPORAL} - set(stages)
    settings = config.model_dump(exclude_defaults=True, exclude=others)
    identity = digest({"config": settings, "stages": list(stages), "set": made})
    return Run(name, seed, place, config, training, testing, best, stages, pictures, identity)


def tested(best: Path, place: Path, common: list[str]) -> list[str]:
    """Arguments of demo.py."""
    return [
        *("--load_model", str(best), *common, "--data", "test"),
        *("--save_dir", str(place / "test"), "--num_vis", "0"),
    ]


def digest(content: dict[str, Any]) -> str:
    """A short hash of what makes a run what it is."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def write_configs(runs: Sequence[Run]) -> None:
    """Write down the configuration of each row, where its commands look for it."""
    for run in {run.row: run for run in runs if run.config is not None}.values():
        write_text(run.folder.parent / "config.yml", dump_config(run.config))


def check_same(run: Run, frames: dict[str, Any]) -> None:
    """Check that what is there of a run was made with the same configuration and set.

    Args:
        run: the run.
        frames: fingerprint of the set.

    Raises:
        UserError: if not.
    """
    before = run.record()
    if before and (before["identity"] != run.identity or differences(before["set"], frames)):
        raise UserError(
            f"{run.folder} was made with another configuration or set: delete it to train the row "
            "anew"
        )


def carry_out(
    run: Run, root: Path, frames: dict[str, Any], device: str, launcher: Launcher
) -> None:
    """Train and test a run, going on where it was stopped.

    Args:
        run: the run.
        root: the set.
        frames: its fingerprint.
        device: what it is trained on, in words.
        launcher: runs the commands.

    Raises:
        UserError: where a command fails, or the run has not seen the pictures it was to see.
        KeyboardInterrupt: where it was stopped.
    """
    run.note(identity=run.identity, set=frames, machine=device)
    if run.seed is None:
        _test_mean_pose(run, root)
        return
    if run.training and not run.record().get("trained"):
        before = run.record().get("training_seconds", 0.0)
        if before:
            run.note(interruptions=run.record().get("interruptions", 0) + 1)
        launcher(
            "train.py",
            run.training,
            None,
            lambda seconds: run.note(training_seconds=before + seconds),
        )
        run.note(trained=True)
    with contextlib.suppress(FileNotFoundError):
        run.results_path.unlink()
    launcher("demo.py", run.testing, run.folder / "test.log", lambda seconds: None)
    pictures, labels = frames_seen(run)
    if run.pictures and abs(pictures - run.pictures) > BUDGET_TOLERANCE * run.pictures:
        raise UserError(
            f"{run.folder}: saw {pictures} pictures in training, not the {run.pictures} of the "
            "budget: delete it to train the row anew"
        )
    network = load_pose_model(run.best).model
    run.note(
        pictures=pictures,
        labels=labels,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )


def frames_seen(run: Run) -> tuple[int, int]:
    """(pictures, labels without picture) that a run has seen in training, by its logs.

    Raises:
        UserError: where a log is missing.
    """
    seen = {"pictures": 0, "labels": 0}
    for stage, folder in run.stages.items():
        try:
            lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
            config = yaml.safe_load((folder / "config.yml").read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"{folder}: its log cannot be read ({error.strerror})") from None
        steps = max((json.loads(line)["step"] for line in lines), default=0)
        kind = "labels" if stage == "train3d" else "pictures"
        seen[kind] += steps * config[stage]["batch_size"]
    return seen["pictures"], seen["labels"]


def _test_mean_pose(run: Run, root: Path) -> None:
    """Score a model that always answers with the mean of TrainSet."""
    # The side of the picture does not matter: nothing of it is looked at.
    training = open_split(root, SetType.TRAIN, 32, pictures=False).annotations()
    test = open_split(root, SetType.TEST, 32)
    labels = test.annotations()
    mean = training.joints3d.astype(np.float64).mean(0)
    poses = Poses(
        np.broadcast_to(mean, labels.joints3d.shape),
        labels.joints3d,
        labels.actions,
        [test.frame_id(row) for row in range(len(test))],
        labels.visible,
        mean_pose=training.mean_pose(),
    )
    about = {"model": "mean pose of TrainSet", "data": "test", "frames": len(test)}
    run.note(parameters=0, pictures=0, labels=len(training))
    write_text(run.results_path, json.dumps(about | measure(poses), indent=2) + "\n")
