"""The commands in this process, on the CPU and in float32."""

import itertools
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from killing import one_thread

from base.errors import UserError
from base.set_type import SetType
from dataset.check import SetReport, check_labels, check_pictures, open_set

BEST = "checkpoints/model_best.tar"
#: Options of make_synthetic.py for the tiny set.
TINY_SET = (
    *("--train", "12", "--val", "4", "--test", "6", "--label_frames", "16", "--seed", "0"),
    *("--ray_step", "4", "--workers", "1", "--frames_per_character", "4"),
)


def names(folder: Path) -> list[str]:
    """Names of what is in a folder of results, in order, but for what a run notes for the next."""
    return sorted(path.name for path in folder.iterdir() if path.name not in (".lock", ".files"))


class HereAndNow:
    """In the place of a pool of processes, each of which imports torch for seconds."""

    def __init__(self, *_: object, **__: object):
        pass

    def submit(self, work: Callable, *arguments: object) -> Future:
        future: Future = Future()
        future.set_result(work(*arguments))
        return future

    def shutdown(self, **_: object) -> None:
        pass


@contextmanager
def one_process() -> Iterator[None]:
    """Synthetic sets are made in this process, on one thread as each of the workers has."""
    with one_thread(), mock.patch("base.work_parts.ProcessPoolExecutor", HereAndNow):
        yield


def make_set(root: Path, *options: object) -> Path:
    """Make a synthetic set as a user does."""
    from utils import make_synthetic

    with one_process():
        make_synthetic.main(["--output", str(root), *map(str, options)])
    return root


def pack(source: Path, output: Path, size: int = 64, *more: object) -> Path:
    """Pack a set as a user does."""
    from utils import pack_data

    given = ("--input", source, "--output", output, "--size", size, *more)
    pack_data.main([str(word) for word in given])
    return output


def run_train(stage: str, data: Path | tuple, log_dir: Path, *more: object) -> None:
    """Train as a user does, on one data root or several."""
    import train

    given = ("--training_type", stage, "--gpu", "cpu", "--log_dir", log_dir, "--data_root")
    roots = data if isinstance(data, tuple) else (data,)
    train.main([str(word) for word in (*given, *roots, *more)])


def records(log_dir: Path) -> list[dict[str, Any]]:
    """What a run has logged."""
    return list(map(json.loads, (log_dir / "log.jsonl").read_text().splitlines()))


def last_checkpoint(log_dir: Path) -> dict[str, int]:
    """Hashes of what checkpoint_2.tar holds but the configuration, in which runs may differ."""
    import torch

    content = torch.load(log_dir / "checkpoints" / "checkpoint_2.tar", weights_only=True)
    # PyTorch's count of calls, which only a warning of its reads; last_epoch is the position.
    del content["config"], content["scheduler"]["_step_count"]
    # As text, since tensors cannot be compared by ==; random states are tensors too.
    texts = {key: json.dumps(v, default=torch.Tensor.tolist) for key, v in content.items()}
    return {key: hash(text) for key, text in texts.items()}


def run_demo(model: Path, data: Path, save_dir: Path, *more: object) -> dict[str, Any]:
    """Evaluate, and read results.json."""
    import demo

    given = ("--load_model", model, "--data_root", data, "--save_dir", save_dir, "--gpu", "cpu")
    demo.main([str(word) for word in (*given, "--precision", "fp32", "--workers", 0, *more)])
    return json.loads((save_dir / "results.json").read_text())


def run_inference(model: Path, save_dir: Path, *more: object) -> dict[str, Any]:
    """Predict poses of pictures, and read poses.json."""
    import inference

    given = ("--load_model", model, "--save_dir", save_dir, "--gpu", "cpu", "--precision", "fp32")
    inference.main([str(word) for word in (*given, *more)])
    return json.loads((save_dir / "poses.json").read_text(encoding="utf-8"))


def run_check(root: Path, *options: object) -> tuple[int, list[dict[str, Any]]]:
    """Exit status of check_data.py, and what its report says of each set."""
    from utils import check_data

    try:
        check_data.main(["--data_root", str(root), "--jobs", "1", *map(str, options)])
        status = 0
    except SystemExit as ended:
        status = ended.code
    return status, json.loads((root / "report.json").read_text())["sets"]


def check_set(
    root: Path, set_type: SetType, pictures: bool = True, max_residual: float = 5.0
) -> SetReport:
    """What a check of a set finds, on one thread."""
    data = open_set(root, set_type)
    checks = [(set_type, check) for check in data.picture_checks()] if pictures else []
    found = check_pictures(checks, 1)[set_type] if pictures else None
    return check_labels(data, max_residual, found)


def refused(message: str, call: Callable, *arguments: object, **options: object) -> str:
    """What a call that is bad input is refused with: one line, which this pattern is found in."""
    with pytest.raises(UserError, match=message) as caught:
        call(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def at_step(monkeypatch: Any, number: int, action: Callable[[], None]) -> None:
    """Call ``action`` before the training step of that number, counted from 1."""
    from utils.training.trainer import Trainer

    real, calls = Trainer.train_step, itertools.count(1)

    def train_step(self: Trainer, batches: list[Any]) -> Any:
        if next(calls) == number:
            action()
        return real(self, batches)

    monkeypatch.setattr(Trainer, "train_step", train_step)
