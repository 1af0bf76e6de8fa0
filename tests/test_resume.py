"""A run that is killed or stopped ends as one left alone."""

import os
import signal

import killing
import pytest
import torch
from commands import BEST, at_step, last_checkpoint, records, refused, run_train
from tiny_model import CONFIG

from utils.common.checkpoint import list_checkpoints
from utils.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("tiny_kind")
STAGES = ("train2d", "train3d", "finetune", "temporal")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Sums round alike in a process that is killed."""
    with killing.one_thread():
        yield


@pytest.fixture(scope="module")
def each_step(tmp_path_factory):
    """The configuration with a checkpoint at each step."""
    path = tmp_path_factory.mktemp("config") / "each_step.yml"
    path.write_text(CONFIG.replace("{keep: 2}", "{keep: 2, minutes: 1.0e-9}"))
    return path


@pytest.fixture
def stop_before(monkeypatch):
    """Runs end at a step as suddenly as by a kill, for their process."""

    def stop_before(number, run, *arguments, **config):
        with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
            at_step(patch, number, lambda: 1 / 0)
            run(*arguments, **config)

    return stop_before


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory, tiny_kind, tiny_data, tiny_file):
    """Log folders of runs that nothing happens to."""
    folder = tmp_path_factory.mktemp("alone")
    for stage in STAGES:
        run_train(stage, tiny_data, folder / stage, "--config", tiny_file)
    return folder


def assert_same_run(*log_dirs):
    assert last_checkpoint(log_dirs[0]) == last_checkpoint(log_dirs[1])
    assert losses(log_dirs[0]) == losses(log_dirs[1])


def losses(log_dir):
    found = records(log_dir)
    return [(record["step"], record["loss"]) for record in found if record["kind"] == "training"]


def newest(tmp_path):
    return next(iter(list_checkpoints(tmp_path / "log" / "checkpoints"))).name


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_goes_on_bit_identical(stage, run, each_step, left_alone, tmp_path, stop_before):
    stop_before(3, run, stage, config=each_step)
    assert newest(tmp_path) == "checkpoint_0_step_2.tar"
    run(stage, "--resume")
    assert_same_run(tmp_path / "log", left_alone / stage)


def test_a_kill_at_a_checkpoint_loses_nothing(run, tiny_data, each_step, left_alone, tmp_path):
    arguments = ["--training_type", "train3d", "--gpu", "cpu", "--config", each_step]
    arguments += ["--data_root", tiny_data, "--log_dir", tmp_path / "log"]
    # Of the fifth step's.
    killing.kill("tests/tiny_model.py", *arguments, at="os:fsync", call=5)
    assert newest(tmp_path) == "checkpoint_0_step_4.tar"
    run("train3d", "--resume")
    assert_same_run(tmp_path / "log", left_alone / "train3d")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_checkpoint_and_the_end(
    number, run, left_alone, tmp_path, monkeypatch, capsys
):
    # One checkpoint a quarter of an hour: the one found is the signal's, though no log is due.
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.replace("log_every: 1", "log_every: 5"))
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as caught:
        at_step(patch, 2, lambda: os.kill(os.getpid(), number))
        run("train3d", config=config)
    assert caught.value.code == 128 + number
    assert f"stopped by {number.name} after step 2" in capsys.readouterr().out
    [path] = (tmp_path / "log" / "checkpoints").iterdir()
    assert path.name == "checkpoint_0_step_2.tar"
    run("train3d", "--resume")
    assert last_checkpoint(tmp_path / "log") == last_checkpoint(left_alone / "train3d")


def test_a_signal_in_validation_comes_after_the_last_step(run, left_alone, tmp_path, monkeypatch):
    real, stop = Trainer._validate, (os.getpid(), signal.SIGTERM)
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(Trainer, "_validate", lambda self: (os.kill(*stop), real(self)))
        run("train3d")
    assert newest(tmp_path) == "checkpoint_0_step_7.tar"
    run("train3d", "--resume")
    assert_same_run(tmp_path / "log", left_alone / "train3d")


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ("2", ["checkpoint_3.tar", "checkpoint_4.tar", "model_best.tar"]),
        ("null", [f"checkpoint_{epoch}.tar" for epoch in (1, 2, 3, 4)] + ["model_best.tar"]),
    ],
)
def test_the_last_and_the_best_are_kept_and_no_other(keep, kept, run, tmp_path):
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.replace("{keep: 2}", f"{{keep: {keep}, minutes: 1.0e-9}}"))
    folder = tmp_path / "log" / "checkpoints"
    # Left behind by a run that was killed while it saved.
    folder.mkdir(parents=True)
    (folder / ".checkpoint_1.abc.part.tar").write_bytes(b"half")
    run("train3d", "--epochs", 4, "--resume", config=config)
    assert sorted(path.name for path in folder.iterdir()) == kept
    state = torch.load(folder / "checkpoint_4.tar", weights_only=True)["training"]
    best = torch.load(tmp_path / "log" / BEST, weights_only=True)["training"]
    found = records(tmp_path / "log")
    errors = [record["mpjpe_mm"] for record in found if record["kind"] == "validation"]
    assert state["best_value"] == best["best_value"] == min(errors)
    assert best["epoch"] == best["best_epoch"] == 1 + errors.index(min(errors))


def test_the_same_frames_are_left_for_other_batches(run, each_step, tmp_path, stop_before, capsys):
    stop_before(5, run, "train3d", config=each_step)  # after 4 steps of 4 frames
    run("train3d", "--resume", "--batch_size", 2, "--epochs", 1, config=each_step)
    assert "train3d: 12 frames in" in capsys.readouterr().out  # of 28
    assert losses(tmp_path / "log")[-1][0] == 14


def test_a_step_beyond_the_epoch_is_refused(run, left_alone, tmp_path):
    folder = tmp_path / "log" / "checkpoints"
    folder.mkdir(parents=True)
    source = left_alone / "train3d" / "checkpoints" / "checkpoint_1.tar"
    for step in (8, 10**8):  # of 7
        content = torch.load(source, weights_only=True)
        content["training"]["step"] = step
        torch.save(content, folder / "checkpoint_1.tar")
        refused(rf"{step} steps are more than an epoch", run, "train3d", "--resume")
