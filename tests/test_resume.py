"""A run that is killed, stopped or robbed of its newest checkpoint ends as one left alone."""

import json
import resource
import signal

import killing
import pytest
import torch

import train
from base.errors import UserError
from utils.common.checkpoint import (
    list_checkpoints,
    newest_whole_checkpoint,
    save_checkpoint,
)
from utils.common.config import load_config
from utils.training.trainer import Trainer

#: Everything that draws random numbers or remembers past steps is switched on.
CONFIG = """
precision: fp32
log_every: 1
data: {input_size: 64, workers: 0}
heatmap: {sigma: 1.0}
model: {depth: 18, lifting: {latent: 16, batch_norm: true}}
checkpoints: {keep: 2}
train2d: &stage
  epochs: 2
  batch_size: 4
  optimizer: adamw
  weight_decay: 1.0e-2
  schedule: cosine
  warmup_steps: 3
  clip_norm: 1.0
  ema_decay: 0.9
  augment: {rotation: 10, mirror: true, colour: 0.3, noise: 0.02}
train3d: {<<: *stage, batch_size: 2, joint_noise: 0.05, joint_dropout: 0.1}
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "exact.yml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def anxious(tmp_path_factory):
    """The same with a checkpoint at each step."""
    path = tmp_path_factory.mktemp("config") / "anxious.yml"
    path.write_text(CONFIG.replace("{keep: 2}", "{keep: 2, minutes: 1.0e-6}"))
    return path


def command(stage, data, config, log_dir, *more):
    return [
        *("--training_type", stage, "--gpu", "cpu", "--config", str(config)),
        *("--data_root", str(data), "--log_dir", str(log_dir), *more),
    ]


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory, tiny_data, config):
    """Log folders of runs that nothing happens to."""
    folder = tmp_path_factory.mktemp("alone")
    for stage in ("train2d", "train3d"):
        train.main(command(stage, tiny_data, config, folder / stage))
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


def losses(log_dir):
    records = map(json.loads, (log_dir / "log.jsonl").read_text().splitlines())
    return [(record["step"], record["loss"]) for record in records if record["kind"] == "training"]


#: The same number of threads, so that sums round alike.
THREADS = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
STEP = "utils.training.trainer:Trainer.train_step"


@pytest.mark.parametrize(
    ("stage", "at", "call", "left"),
    [
        ("train2d", STEP, 2, "checkpoint_0_step_1.tar"),
        # While the checkpoint after the fifth step is written.
        ("train3d", "os:fsync", 5, "checkpoint_0_step_4.tar"),
    ],
)
def test_a_run_killed_at_a_step_ends_bit_identical(
    stage, at, call, left, tiny_data, config, anxious, left_alone, tmp_path
):
    arguments = command(stage, tiny_data, anxious, tmp_path)
    killing.kill("train.py", *arguments, at=at, call=call, **THREADS)
    assert list_checkpoints(tmp_path / "checkpoints")[0].name == left
    train.main(command(stage, tiny_data, config, tmp_path, "--resume"))
    assert_identical(last_checkpoint(tmp_path), last_checkpoint(left_alone / stage))
    assert losses(tmp_path) == losses(left_alone / stage)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_writes_a_checkpoint_and_ends_the_run(
    number, tiny_data, config, left_alone, tmp_path
):
    # One checkpoint a quarter of an hour: the one found is the signal's.
    arguments = command("train3d", tiny_data, config, tmp_path)
    done = killing.run("train.py", *arguments, at=STEP, call=2, number=number, **THREADS)
    assert done.returncode == 128 + number
    assert f"stopped by {number.name}" in done.stdout and "Traceback" not in done.stdout
    [path] = (tmp_path / "checkpoints").iterdir()
    assert path.name == "checkpoint_0_step_2.tar"
    train.main([*arguments, "--resume"])
    assert_identical(last_checkpoint(tmp_path), last_checkpoint(left_alone / "train3d"))


def test_a_damaged_newest_checkpoint_is_passed_over(left_alone, tmp_path, capsys):
    content = last_checkpoint(left_alone / "train3d")
    for epoch in (1, 2, 3):
        save_checkpoint(tmp_path / f"checkpoint_{epoch}.tar", content)
    cut_off, flipped = tmp_path / "checkpoint_3.tar", tmp_path / "checkpoint_2.tar"
    cut_off.write_bytes(cut_off.read_bytes()[:100_000])
    data = bytearray(flipped.read_bytes())
    weights = content["autoencoder_state_dict"]["fc1.weight"].numpy().tobytes()
    data[data.find(weights[:64]) + 99] ^= 1  # a single bit, which torch.load does not notice
    flipped.write_bytes(data)
    assert newest_whole_checkpoint(tmp_path).path.name == "checkpoint_1.tar"
    said = capsys.readouterr().err
    assert "checkpoint_3.tar: cut off" in said and "checkpoint_2.tar: damaged" in said
    (tmp_path / "checkpoint_1.tar").write_bytes(b"")
    with pytest.raises(UserError, match="none of its 3 checkpoints"):
        newest_whole_checkpoint(tmp_path)


def test_the_last_and_the_best_are_kept_and_no_other(tiny_data, config, tmp_path):
    arguments = command("train3d", tiny_data, config, tmp_path, "--epochs", "4")
    # Left behind by a run that was killed while it saved.
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / ".checkpoint_1.abc.part.tar").write_bytes(b"half")
    train.main([*arguments, "--resume"])
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["checkpoint_3.tar", "checkpoint_4.tar", "model_best.tar"]


def test_a_full_disk_ends_the_run_and_leaves_the_last_checkpoint(
    tiny_data, anxious, left_alone, tmp_path, monkeypatch
):
    real = Trainer._validate

    def fill_the_disk(self):
        # Files may no longer grow beyond 10 MB: what a full disk is to the writer of a checkpoint.
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000_000, limits[1]))
        real(self)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    monkeypatch.setattr(Trainer, "_validate", fill_the_disk)
    arguments = command("train3d", tiny_data, anxious, tmp_path)
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
    assert_identical(last_checkpoint(tmp_path), last_checkpoint(left_alone / "train3d"))


def test_the_same_frames_are_left_when_the_batch_size_changes(tiny_data, anxious, tmp_path, capsys):
    small = load_config(anxious).train3d.batch_size
    arguments = command("train3d", tiny_data, anxious, tmp_path)
    killing.kill("train.py", *arguments, at=STEP, call=5)
    train.main([*arguments, "--resume", "--batch_size", str(2 * small), "--epochs", "1"])
    assert f"train3d: {28 - 4 * small} frames in" in capsys.readouterr().out
    assert losses(tmp_path)[-1][0] == 28 // (2 * small)


def test_averaged_weights_are_what_is_validated_and_used(left_alone):
    content = last_checkpoint(left_alone / "train3d")
    used, trained = content["autoencoder_state_dict"], content["training"]["weights"]
    trained = trained["autoencoder_state_dict"]
    assert content["training"]["ema_updates"] == 28  # steps: two epochs of 28 frames, two a step
    assert not torch.equal(used["fc1.weight"], trained["fc1.weight"])
    assert torch.allclose(used["fc1.weight"], trained["fc1.weight"], atol=0.05)
