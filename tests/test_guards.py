"""What stops a run with one line, and the ways of running that need no fault to be tried."""

import itertools
import json
import shutil
import time
from dataclasses import replace

import cv2
import pytest
import torch

import train
from base.errors import UserError
from dataset.order import Division
from model import build
from utils.common.config import load_config
from utils.common.device import prepare_device
from utils.training.distributed import Processes
from utils.training.stage import Stage
from utils.training.stall_watch import StallWatch


def command(stage, data, config, log_dir, *more):
    return [
        *("--training_type", stage, "--gpu", "cpu", "--config", str(config)),
        *("--data_root", str(data), "--log_dir", str(log_dir), *more),
    ]


def test_the_frames_of_a_loss_that_is_not_finite_are_listed(
    tiny_data, tiny_config, tmp_path, monkeypatch
):
    real, calls = Stage.losses, itertools.count(1)
    real_frames_of, named = Stage.frames_of, itertools.count(1)
    seen = []

    def losses(self, sample):
        terms = real(self, sample)
        if next(calls) == 2:
            terms["pose"] = terms["pose"] * torch.nan
        return terms

    def frames_of(self, batch):
        if next(named) == 2:
            seen.extend(map(str, batch.frame_ids))
        return real_frames_of(self, batch)

    monkeypatch.setattr(Stage, "frames_of", frames_of)
    monkeypatch.setattr(Stage, "losses", losses)
    with pytest.raises(UserError, match=r"not finite at step 2 .*nonfinite_step_2\.json"):
        train.main(command("train3d", tiny_data, tiny_config, tmp_path))
    record = json.loads((tmp_path / "nonfinite_step_2.json").read_text())
    assert record["frames"] == seen and len(seen) == 8
    assert record["losses"]["pose"] == "nan"
    # Weights that have met the fault are not worth a checkpoint.
    assert not list((tmp_path / "checkpoints").iterdir())


@pytest.mark.parametrize("place", ["losses", "__init__"])
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        cv2.error("(-4:Insufficient memory) Failed to allocate 4800000000 bytes"),
    ],
)
def test_running_out_of_memory_says_what_to_lower(
    error, place, tiny_data, tiny_config, tmp_path, monkeypatch
):
    def fail(*_):
        raise error

    monkeypatch.setattr(Stage, place, fail)
    with pytest.raises(UserError, match=r"lower --batch_size, or .*--accumulate 4") as caught:
        train.main(command("train3d", tiny_data, tiny_config, tmp_path, "--accumulate", "2"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "environment",
    [
        {"WORLD_SIZE": "2"},
        {"WORLD_SIZE": "two", "LOCAL_RANK": "0"},
        {"LOCAL_RANK": "0"},
        {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"},
        {"OMPI_COMM_WORLD_SIZE": "2"},
        # A cluster's operator that leaves out the number on the machine.
        {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"},
    ],
)
def test_a_part_of_torchruns_environment_is_refused(
    environment, tiny_data, tiny_config, tmp_path, monkeypatch
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    named, value = next(iter(environment.items()))
    with pytest.raises(UserError, match=f"{named}={value} is set .*torchrun"):
        train.main(command("train3d", tiny_data, tiny_config, tmp_path / "log"))
    assert not (tmp_path / "log").exists()


def test_one_process_of_one_is_a_run_of_its_own(monkeypatch):
    for name, value in {"WORLD_SIZE": "1", "RANK": "0", "PMI_SIZE": "1"}.items():
        monkeypatch.setenv(name, value)
    with Processes("cpu") as processes:
        assert processes.world == 1


@pytest.mark.parametrize(
    ("batch_size", "accumulate", "frames"), [("1", "1", 28), ("4", "4", 28), ("8", "1", 1)]
)
def test_one_frame_at_a_time_is_too_few_for_batch_norm(
    batch_size, accumulate, frames, tiny_data, tiny_config, tmp_path
):
    config = tmp_path / "config.yml"
    text = tiny_config.read_text().replace("train3d: {", f"train3d: {{epoch_frames: {frames}, ")
    config.write_text(text)
    flags = ("--batch_size", batch_size, "--accumulate", accumulate)
    with pytest.raises(UserError, match="BatchNorm cannot train on one frame at a time"):
        train.main(command("train3d", tiny_data, config, tmp_path / "log", *flags))
    assert not (tmp_path / "log").exists()
    config.write_text(text.replace("batch_norm: true", "batch_norm: false"))
    train.main(command("train3d", tiny_data, config, tmp_path / "log", *flags, "--epochs", "1"))


def test_another_error_of_the_device_keeps_its_traceback(
    tiny_data, tiny_config, tmp_path, monkeypatch
):
    def losses(self, batch):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(Stage, "losses", losses)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        train.main(command("train3d", tiny_data, tiny_config, tmp_path))


@pytest.mark.parametrize("stage", ["train2d", "train3d"])
def test_validation_on_characters_of_the_training_set_is_refused(
    stage, tiny_data, tiny_config, tmp_path
):
    root = tmp_path / "data"
    root.mkdir()
    for split in ("TrainSet", "ValSet"):
        (root / split).symlink_to(tiny_data / "TrainSet")
    with pytest.raises(UserError, match="characters of ValSet are in TrainSet too"):
        train.main(command(stage, root, tiny_config, tmp_path / "log"))
    assert not (tmp_path / "log").exists()


def test_a_stalled_loader_is_reported_while_it_stalls(capsys):
    with StallWatch(limit=0.05, workers=3) as watch, watch.waiting():
        deadline = time.monotonic() + 30
        said = ""
        while said.count("waiting for a batch") < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
            said += capsys.readouterr().err
    assert said.count("waiting for a batch") >= 2 and "3 reading processes" in said


def test_a_checkpoint_of_another_architecture_is_refused(
    tiny_runs, tiny_data, tiny_config, tmp_path
):
    text = tiny_config.read_text()
    other = tmp_path / "other.yml"
    for stage, old, new, message in (
        ("train2d", "depth: 18", "depth: 34", "model.backbone resnet18, not resnet34"),
        ("train3d", "latent: 16", "latent: 20", "model.autoencoder.latent 16, not 20"),
    ):
        other.write_text(text.replace(old, new))
        best = tiny_runs[stage] / "checkpoints" / "model_best.tar"
        with pytest.raises(UserError, match=f"of another architecture.*{message}"):
            train.main(
                command(stage, tiny_data, other, tmp_path / "log", "--load_model", str(best))
            )


def test_a_batch_that_cannot_be_divided_evenly_is_refused(tiny_data, tiny_config, tmp_path):
    with Processes("cpu") as processes:
        assert processes.division(16, 2) == Division(0, 1, 2)
        processes.world = 3
        with pytest.raises(UserError, match="batch_size 16 cannot be divided evenly among 3"):
            processes.division(16, 1)
    log_dir = tmp_path / "log"
    with pytest.raises(UserError, match="batch_size 8 cannot be divided evenly"):
        train.main(command("train3d", tiny_data, tiny_config, log_dir, "--accumulate", "3"))
    assert not log_dir.exists()


def test_fp16_on_the_cpu_is_refused():
    with pytest.raises(UserError, match="fp16 needs a GPU"):
        prepare_device(torch.device("cpu"), "fp16", tf32=True)


def losses_of(log_dir):
    records = map(json.loads, (log_dir / "log.jsonl").read_text().splitlines())
    return [record["loss"]["total"] for record in records if record["kind"] == "training"]


def test_accumulated_micro_batches_are_the_batch(tiny_data, tiny_config, tmp_path):
    config = tmp_path / "config.yml"
    plain = tiny_config.read_text().replace("batch_norm: true", "batch_norm: false")
    config.write_text("log_every: 1\n" + plain)
    for accumulate in ("1", "4"):
        train.main(
            command("train3d", tiny_data, config, tmp_path / accumulate, "--accumulate", accumulate)
        )
    whole, parts = losses_of(tmp_path / "1"), losses_of(tmp_path / "4")
    assert len(whole) == 6
    assert parts == pytest.approx(whole, rel=1e-5)


def test_means_over_some_joints_are_those_of_the_whole_batch(tiny_data, tiny_config):
    """Of two micro-batches, one with fewer joints inside the picture."""
    config = load_config(tiny_config)
    model = build(config.model, 64, ("pose2d",)).eval()
    with Processes("cpu") as processes:
        stage = Stage("train2d", model, config, tiny_data, processes)
        whole = next(iter(stage.loader))
        whole.joints2d[:2, :12] = -5.0
        halves = []
        for part in (slice(2), slice(2, 4)):
            tensors = ("images", "joints2d", "joints3d", "visible")
            halves.append(replace(whole, **{name: getattr(whole, name)[part] for name in tensors}))
        with torch.no_grad():
            expected = stage.losses(*stage.prepared([whole]))
            found = [stage.losses(sample) for sample in stage.prepared(halves)]
    for name, value in expected.items():
        assert (found[0][name] + found[1][name]).item() / 2 == pytest.approx(value.item(), rel=1e-5)


def test_all_runs_the_three_stages_and_goes_on_where_it_was(
    tiny_data, tiny_config, tmp_path, capsys
):
    arguments = command("all", tiny_data, tiny_config, tmp_path, "--epochs", "1")
    train.main(arguments)
    for folder in ("Train2d", "Train3d", "Finetune"):
        assert (tmp_path / folder / "checkpoints" / "model_best.tar").is_file()
    with pytest.raises(UserError, match="already holds a run"):
        train.main(arguments)
    capsys.readouterr()
    train.main([*arguments, "--resume"])
    assert capsys.readouterr().out.count("all 1 epochs are trained already") == 3
    with pytest.raises(UserError, match="--load_2d_model is for a single stage"):
        train.main([*arguments, "--load_2d_model", "some.tar"])


def test_a_training_set_none_of_whose_pictures_can_be_read_is_told_in_one_line(
    tiny_data, tiny_config, tmp_path
):
    shutil.copytree(tiny_data, tmp_path / "data")
    for picture in (tmp_path / "data" / "TrainSet").rglob("*.png"):
        picture.write_bytes(b"")
    config = tmp_path / "disk.yml"
    config.write_text(tiny_config.read_text().replace("data: {", "data: {memory_gib: 0, "))
    with pytest.raises(UserError, match="TrainSet: none of its pictures can be read"):
        train.main(command("train2d", tmp_path / "data", config, tmp_path / "log"))
