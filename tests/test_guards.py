"""What stops a run with one line, and training of all stages in one command."""

import json
import multiprocessing
import os
import re
import shutil
import signal
import time
from pathlib import Path
from unittest.mock import Mock

import cv2
import pytest
import torch
from commands import BEST, at_step, refused
from tiny_model import CONFIG

from base.errors import UserError
from utils.common.checkpoint import read_checkpoint
from utils.training.stage import Stage
from utils.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("tiny_kind")


@pytest.fixture
def on_disk(tmp_path):
    """The configuration, without pictures in memory."""
    path = tmp_path / "disk.yml"
    path.write_text(CONFIG.replace("data: {", "data: {memory_gib: 0, "))
    return path


def test_the_frames_of_a_loss_that_is_not_finite_are_listed(run, tmp_path, monkeypatch):
    real, frames = Trainer.train_step, []

    def train_step(self, batches):
        terms = real(self, batches)
        frames.append([str(frame) for batch in batches for frame in batch.frame_ids])
        if len(frames) == 2:
            terms["pose"] = terms["pose"] * torch.nan
        return terms

    monkeypatch.setattr(Trainer, "train_step", train_step)
    refused(r"not finite at step 2 .*nonfinite_step_2\.json", run, "train3d", "--accumulate", 2)
    record = json.loads((tmp_path / "log" / "nonfinite_step_2.json").read_text())
    assert record["frames"] == frames[1] and len(frames[1]) == 4
    assert record["losses"]["pose"] == "nan"
    # Weights that have met the fault are not worth a checkpoint.
    assert not list((tmp_path / "log" / "checkpoints").iterdir())


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("losses", torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")),
        ("__init__", RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")),
        ("losses", cv2.error("(-4:Insufficient memory) Failed to allocate 4800000000 bytes")),
        ("losses", RuntimeError("shapes do not match")),
    ],
)
def test_out_of_memory_says_what_to_lower(place, error, run, monkeypatch):
    monkeypatch.setattr(Stage, place, Mock(side_effect=error))
    what = "batch_size 4, accumulate 2 and pictures of 64 pixels"
    advice = rf"{what}: lower --batch_size, or .*--accumulate 4$"
    kind, text = (RuntimeError, "shapes") if "shapes" in str(error) else (UserError, advice)
    with pytest.raises(kind, match=text):
        run("train3d", "--accumulate", 2)


def test_batches_too_small_to_divide_or_for_batch_norm_are_refused(run, tiny_config, tmp_path):
    for flags in (("--batch_size", 1), ("--batch_size", 4, "--accumulate", 4)):
        refused("of at least 2 frames", run, "train3d", *flags, config=tiny_config)
    with pytest.raises(UserError, match="12 of 12 frames cannot be divided into 16 parts"):
        run("train2d", "--batch_size", 16, "--accumulate", 16)
    assert not (tmp_path / "log").exists()


def test_validation_on_characters_of_the_training_set_is_refused(run, tiny_data, tmp_path):
    (tmp_path / "data").mkdir()
    for split in ("TrainSet", "ValSet"):
        (tmp_path / "data" / split).symlink_to(tiny_data / "TrainSet")
    for stage in ("train2d", "train3d"):
        with pytest.raises(UserError, match=r"^\d+ characters of ValSet are in TrainSet too \("):
            run(stage, data=tmp_path / "data")
    assert not (tmp_path / "log").exists()


def test_all_runs_the_three_stages_and_goes_on_where_it_was(run, tmp_path, capsys):
    run("all", "--epochs", 1)
    stages = "Train2d", "Train3d", "Finetune"
    *first, last = (torch.load(tmp_path / "log" / stage / BEST) for stage in stages)
    for key, best in zip(("tiny2d_state_dict", "tiny3d_state_dict"), first, strict=True):
        for name, value in best[key].items():
            # Three steps of at most 1e-3 from where the stage before it ended.
            if name.endswith("weight"):
                assert 0 < (last[key][name] - value).abs().max() < 4e-3
    refused("already holds a run", run, "all", "--epochs", 1)
    capsys.readouterr()
    run("all", "--epochs", 1, "--resume")
    printed = capsys.readouterr().out
    assert printed.count("all 1 epochs are trained already") == 3 and "Training:" not in printed
    refused("--load_2d_model is for a single stage", run, "all", "--load_2d_model", __file__)


def test_a_set_none_of_whose_pictures_can_be_read_ends_with_one_line(
    run, on_disk, tiny_data, tmp_path
):
    for split, others in (("TrainSet", "ValSet"), ("ValSet", "TrainSet")):
        root = tmp_path / split
        shutil.copytree(tiny_data / split, root / split)
        (root / others).symlink_to(tiny_data / others)
        for picture in (root / split).rglob("*.png"):
            picture.write_bytes(b"")
        for stage in ("train2d", "temporal"):
            refused(rf"{split}: .*none .*can be read", run, stage, config=on_disk, data=root)
            shutil.rmtree(tmp_path / "log", ignore_errors=True)


def test_a_killed_reading_process_is_one_line_and_nothing_lost(run, on_disk, tmp_path, monkeypatch):
    text = on_disk.read_text().replace("workers: 0", "workers: 1")
    on_disk.write_text(text.replace("log_every: 1", "log_every: 9"))

    def kill_workers():
        for worker in multiprocessing.active_children():
            os.kill(worker.pid, signal.SIGKILL)
        time.sleep(0.2)  # a signal handler that raises would do so here

    with monkeypatch.context() as patch:
        at_step(patch, 2, kill_workers)
        message = r"a process that reads pictures died .*--resume"
        error = refused(message, run, "train2d", "--epochs", 4, config=on_disk)
    [saved] = re.findall(r"\((\S+_step_\d+\.tar) is saved\)", error)
    assert read_checkpoint(Path(saved)).training.step >= 2
    run("train2d", "--epochs", 4, "--resume", config=on_disk)
    assert (tmp_path / "log" / "checkpoints" / "checkpoint_4.tar").is_file()


def test_a_set_that_disappears_ends_the_run_saved(run, on_disk, tiny_data, tmp_path, monkeypatch):
    root = shutil.copytree(tiny_data, tmp_path / "data")
    at_step(monkeypatch, 1, lambda: shutil.rmtree(root / "TrainSet"))
    message = r"TrainSet: of .* frames .*_step_1\.tar is saved"
    refused(message, run, "train2d", config=on_disk, data=root)
