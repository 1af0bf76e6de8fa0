"""A run that is killed, stopped or robbed of its newest checkpoint ends as one left alone."""

import json
import os
import resource
import signal

import killing
import pytest
import torch
from tiny_model import CONFIG

import train
from base.errors import UserError
from utils.common.checkpoint import list_checkpoints, newest_whole_checkpoint, save_checkpoint
from utils.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("tiny_kind")
STAGES = ("train2d", "train3d", "finetune", "temporal")


@pytest.fixture(scope="module")
def each_step(tmp_path_factory):
    """The configuration with a checkpoint at each step."""
    path = tmp_path_factory.mktemp("config") / "each_step.yml"
    path.write_text(CONFIG.replace("{keep: 2}", "{keep: 2, minutes: 1.0e-9}"))
    return path


def command(stage, data, config, log_dir, *more):
    return [
        *("--training_type", stage, "--gpu", "cpu", "--config", str(config)),
        *("--data_root", str(data), "--log_dir", str(log_dir), *more),
    ]


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory, tiny_kind, tiny_data, tiny_file):
    """Log folders of runs that nothing happens to."""
    folder = tmp_path_factory.mktemp("alone")
    for stage in STAGES:
        train.main(command(stage, tiny_data, tiny_file, folder / stage))
    return folder


def last_checkpoint(log_dir):
    """All of the last checkpoint but the configuration, in which the runs may differ."""
    content = torch.load(log_dir / "checkpoints" / "checkpoint_2.tar", weights_only=True)
    del content["config"]
    # PyTorch's count of calls, which only a warning of its reads; last_epoch is the position.
    del content["scheduler"]["_step_count"]
    return content


def assert_identical(a, b, where="checkpoint"):
    assert type(a) is type(b), where
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key, value in a.items():
            assert_identical(value, b[key], f"{where}.{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for number, values in enumerate(zip(a, b, strict=True)):
            assert_identical(*values, f"{where}[{number}]")
    else:
        assert a == b, where


def assert_same_run(log_dir, other):
    assert_identical(last_checkpoint(log_dir), last_checkpoint(other))
    assert losses(log_dir) == losses(other)


def losses(log_dir):
    records = map(json.loads, (log_dir / "log.jsonl").read_text().splitlines())
    return [(record["step"], record["loss"]) for record in records if record["kind"] == "training"]


class Stop(Exception):
    """Ends a run as suddenly as a kill, for its process."""


def at_step(monkeypatch, number, action):
    """Call ``action`` before the step of that number, counted from 1."""
    real, calls = Trainer.train_step, []

    def train_step(self, batches):
        calls.append(None)
        if len(calls) == number:
            action()
        return real(self, batches)

    monkeypatch.setattr(Trainer, "train_step", train_step)


def stop():
    raise Stop


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_that_ends_at_a_step_goes_on_bit_identical(
    stage, tiny_data, tiny_file, each_step, left_alone, tmp_path, monkeypatch
):
    at_step(monkeypatch, 3, stop)
    with pytest.raises(Stop):
        train.main(command(stage, tiny_data, each_step, tmp_path))
    monkeypatch.undo()
    assert list_checkpoints(tmp_path / "checkpoints")[0].name == "checkpoint_0_step_2.tar"
    train.main(command(stage, tiny_data, tiny_file, tmp_path, "--resume"))
    assert_same_run(tmp_path, left_alone / stage)


def test_a_run_killed_while_it_writes_a_checkpoint_goes_on_bit_identical(
    tiny_data, tiny_file, each_step, left_alone, tmp_path
):
    arguments = command("train3d", tiny_data, each_step, tmp_path)
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}  # sums round alike
    # Of the fifth step's.
    killing.kill("tests/tiny_model.py", *arguments, at="os:fsync", call=5, **threads)
    assert list_checkpoints(tmp_path / "checkpoints")[0].name == "checkpoint_0_step_4.tar"
    train.main(command("train3d", tiny_data, tiny_file, tmp_path, "--resume"))
    assert_same_run(tmp_path, left_alone / "train3d")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_writes_a_checkpoint_and_ends_the_run(
    number, tiny_data, tiny_file, left_alone, tmp_path, monkeypatch, capsys
):
    # One checkpoint a quarter of an hour: the one found is the signal's, though no log is due.
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.replace("log_every: 1", "log_every: 5"))
    at_step(monkeypatch, 2, lambda: os.kill(os.getpid(), number))
    with pytest.raises(SystemExit) as caught:
        train.main(command("train3d", tiny_data, config, tmp_path / "log"))
    monkeypatch.undo()
    assert caught.value.code == 128 + number
    assert f"stopped by {number.name} after step 2" in capsys.readouterr().out
    [path] = (tmp_path / "log" / "checkpoints").iterdir()
    assert path.name == "checkpoint_0_step_2.tar"
    train.main(command("train3d", tiny_data, tiny_file, tmp_path / "log", "--resume"))
    assert_identical(last_checkpoint(tmp_path / "log"), last_checkpoint(left_alone / "train3d"))


def test_a_signal_in_validation_ends_the_run_after_the_epoch_s_last_step(
    tiny_data, tiny_file, left_alone, tmp_path, monkeypatch
):
    arguments = command("train3d", tiny_data, tiny_file, tmp_path)
    real = Trainer._validate
    monkeypatch.setattr(
        Trainer, "_validate", lambda self: (os.kill(os.getpid(), signal.SIGTERM), real(self))
    )
    with pytest.raises(SystemExit):
        train.main(arguments)
    monkeypatch.undo()
    assert list_checkpoints(tmp_path / "checkpoints")[0].name == "checkpoint_0_step_7.tar"
    train.main([*arguments, "--resume"])
    assert_same_run(tmp_path, left_alone / "train3d")


def test_a_damaged_newest_checkpoint_is_passed_over(left_alone, tmp_path, capsys):
    content = last_checkpoint(left_alone / "train3d")
    for epoch in (1, 2, 3):
        save_checkpoint(tmp_path / f"checkpoint_{epoch}.tar", content)
    cut_off, flipped = tmp_path / "checkpoint_3.tar", tmp_path / "checkpoint_2.tar"
    cut_off.write_bytes(cut_off.read_bytes()[:100_000])
    data = bytearray(flipped.read_bytes())
    weights = content["tiny3d_state_dict"]["1.weight"].numpy().tobytes()
    data[data.find(weights[:64]) + 99] ^= 1  # a single bit, which torch.load does not notice
    flipped.write_bytes(data)
    assert newest_whole_checkpoint(tmp_path).path.name == "checkpoint_1.tar"
    printed = capsys.readouterr().err
    assert "checkpoint_3.tar: cut off" in printed and "checkpoint_2.tar: damaged" in printed
    (tmp_path / "checkpoint_1.tar").write_bytes(b"")
    with pytest.raises(UserError, match="none of its 3 checkpoints"):
        newest_whole_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ("2", ["checkpoint_3.tar", "checkpoint_4.tar", "model_best.tar"]),
        ("null", [f"checkpoint_{epoch}.tar" for epoch in (1, 2, 3, 4)] + ["model_best.tar"]),
    ],
)
def test_the_last_and_the_best_are_kept_and_no_other(keep, kept, tiny_data, tmp_path):
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.replace("{keep: 2}", f"{{keep: {keep}, minutes: 1.0e-9}}"))
    folder = tmp_path / "log" / "checkpoints"
    # Left behind by a run that was killed while it saved.
    folder.mkdir(parents=True)
    (folder / ".checkpoint_1.abc.part.tar").write_bytes(b"half")
    train.main(command("train3d", tiny_data, config, tmp_path / "log", "--epochs", "4", "--resume"))
    assert sorted(path.name for path in folder.iterdir()) == kept
    state = torch.load(folder / "checkpoint_4.tar", weights_only=True)["training"]
    best = torch.load(folder / "model_best.tar", weights_only=True)["training"]
    records = map(json.loads, (tmp_path / "log" / "log.jsonl").read_text().splitlines())
    errors = [record["mpjpe_mm"] for record in records if record["kind"] == "validation"]
    assert state["best_value"] == best["best_value"] == min(errors)
    assert best["epoch"] == best["best_epoch"] == 1 + errors.index(min(errors))


def test_a_full_disk_ends_the_run_and_leaves_the_last_checkpoint(
    tiny_data, each_step, left_alone, tmp_path, monkeypatch
):
    real = Trainer._validate

    def fill_the_disk(self):
        # Files may no longer grow beyond 100 kB: what a full disk is to a checkpoint's writer.
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        real(self)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    monkeypatch.setattr(Trainer, "_validate", fill_the_disk)
    arguments = command("train3d", tiny_data, each_step, tmp_path)
    try:
        with pytest.raises(UserError, match="cannot be written"):
            train.main(arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
        monkeypatch.undo()
    [path] = list_checkpoints(tmp_path / "checkpoints")
    assert "_step_" in path.name
    assert list((tmp_path / "checkpoints").iterdir()) == [path]
    train.main([*arguments, "--resume"])
    assert_same_run(tmp_path, left_alone / "train3d")


def test_the_same_frames_are_left_when_the_batch_size_changes(
    tiny_data, each_step, tmp_path, monkeypatch, capsys
):
    arguments = command("train3d", tiny_data, each_step, tmp_path)
    at_step(monkeypatch, 5, stop)
    with pytest.raises(Stop):
        train.main(arguments)  # after 4 steps of 4 frames
    monkeypatch.undo()
    train.main([*arguments, "--resume", "--batch_size", "2", "--epochs", "1"])
    assert "train3d: 12 frames in" in capsys.readouterr().out  # of 28
    assert losses(tmp_path)[-1][0] == 14


def test_averaged_weights_are_what_is_used_and_the_trained_ones_are_kept(left_alone):
    content = last_checkpoint(left_alone / "train3d")
    used = content["tiny3d_state_dict"]["1.weight"]
    trained = content["training"]["weights"]["tiny3d_state_dict"]["1.weight"]
    assert content["training"]["ema_updates"] == 14  # steps: two epochs of 28 frames, four a step
    assert not torch.equal(used, trained) and torch.allclose(used, trained, atol=0.05)
