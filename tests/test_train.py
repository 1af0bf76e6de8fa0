"""The three stages of the paper end to end for a few steps, and bad input."""

import re

import archives
import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import train
from base.errors import UserError
from model.lifting import LiftingAutoencoder
from model.pose_resnet import PoseResNet
from utils.common.checkpoint import read_checkpoint
from utils.common.command import run_command
from utils.common.networks import Start, stage_network
from utils.training.stage import Stage

BEST = "checkpoints/model_best.tar"


def weights(path):
    content = torch.load(path, weights_only=True)
    return {
        f"{key}.{name}": value
        for key in ("resnet_state_dict", "autoencoder_state_dict")
        for name, value in content.get(key, {}).items()
    }


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_each_stage_writes_its_checkpoints_configuration_and_scalars(tiny_runs):
    for stage, log_dir in tiny_runs.items():
        epochs = 1 if stage == "finetune" else 2
        names = sorted(path.name for path in (log_dir / "checkpoints").iterdir())
        assert names == [f"checkpoint_{e + 1}.tar" for e in range(epochs)] + ["model_best.tar"]
        content = torch.load(log_dir / "checkpoints" / "model_best.tar", weights_only=True)
        keys = {"optimizer_state_dict", "scheduler", "training", "config", "mean_pose", "camera"}
        modules = {
            "train2d": {"resnet_state_dict"},
            "train3d": {"autoencoder_state_dict"},
            "finetune": {"resnet_state_dict", "autoencoder_state_dict"},
        }
        assert content.keys() == keys | modules[stage]
        assert yaml.safe_load((log_dir / "config.yml").read_text()) == content["config"]
        events = EventAccumulator(str(log_dir)).Reload()
        metric = "validation/joints2d_px" if stage == "train2d" else "validation/mpjpe_mm"
        assert len(events.Scalars(metric)) == epochs


def test_finetune_starts_from_both_modules(tiny_runs):
    trained = weights(tiny_runs["finetune"] / "checkpoints" / "model_best.tar")
    for stage in ("train2d", "train3d"):
        for name, value in weights(tiny_runs[stage] / "checkpoints" / "model_best.tar").items():
            # One epoch at 1e-4 moves a weight by a few steps of about 1e-4, never to another one.
            if name.endswith("weight"):
                assert (trained[name] - value).abs().max() < 2e-3


def test_finetune_starts_from_modules_of_the_reference(tiny_data, tmp_path):
    """Whose files hold no configuration: the paper's holds, with the trunk of the weights."""
    torch.manual_seed(0)
    optimizer = {"optimizer_state_dict": {"state": {}, "param_groups": []}, "scheduler": {}}
    first, second = tmp_path / "first.tar", tmp_path / "second.tar"
    resnet, lifting = PoseResNet("resnet18"), LiftingAutoencoder()
    torch.save({"resnet_state_dict": resnet.state_dict()} | optimizer, first)
    torch.save({"autoencoder_state_dict": lifting.state_dict()} | optimizer, second)
    options = ["--load_2d_model", str(first), "--load_3d_model", str(second)]
    parsed = train.parse_arguments(["--training_type", "finetune", *options])
    start = Start(None, read_checkpoint(first), read_checkpoint(second))
    asked = train.resolve_config(parsed, train.config_source("finetune", start))
    model, config = stage_network("finetune", asked, start)
    assert config.model.backbone == "resnet18" and config.data.input_size == 368
    for module, stored in ((model.pose2d, resnet), (model.lifting, lifting)):
        assert same(module.state_dict(), stored.state_dict())


@pytest.fixture
def run(tiny_data, tmp_path):
    """Train in ``tmp_path / "log"``."""

    def run(stage, *more):
        arguments = ["--training_type", stage, "--gpu", "cpu", "--log_dir", str(tmp_path / "log")]
        train.main([*arguments, "--data_root", str(tiny_data), *map(str, more)])

    return run


BAD_INPUTS = [
    ("train2d --data_root nowhere", "no TrainSet in"),
    ("finetune", "give --load_2d_model and"),
    ("finetune --load_2d_model train3d --load_3d_model train3d", "train3d, but one of train2d"),
    ("train3d --load_model train2d", "of train2d, but one of train3d"),
    ("train2d --load_model text.tar", "not a checkpoint"),
    ("train2d --load_model none.tar", "no checkpoint at"),
    ("train2d --gpu 7", "no CUDA device"),
    ("train2d --batch_size 0", "train2d.batch_size"),
    ("train2d --batch_size 8 --accumulate 3", "batch_size 8 cannot be divided evenly"),
    ("train2d --config nowhere", "configuration nowhere"),
    ("train2d --config paper --load_model train2d", "trained on pictures of 64 pixels"),
    ("train2d --config other.yml --load_model train2d", "model.backbone resnet18, not resnet34"),
    ("train3d --config other.yml --load_model train3d", "model.autoencoder.latent 16, not 20"),
]


@pytest.mark.parametrize(("line", "message"), BAD_INPUTS)
def test_bad_input_ends_with_one_clear_line_and_exit_2(
    line, message, run, tmp_path, tiny_runs, tiny_config, capsys, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    (tmp_path / "text.tar").write_text("no checkpoint")
    other = tiny_config.read_text().replace("depth: 18", "depth: 34").replace("16,", "20,")
    (tmp_path / "other.yml").write_text(other)
    files = {name: str(log_dir / BEST) for name, log_dir in tiny_runs.items()}
    files |= {name: str(tmp_path / name) for name in ("text.tar", "other.yml")}
    stage, *words = line.split()
    with pytest.raises(SystemExit) as caught:
        run_command(lambda: run(stage, *(files.get(word, word) for word in words)))
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert caught.value.code == 2
    assert last.startswith("error: ") and message in last
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    "left",
    [
        *("config.yml", "log.jsonl", "events.out.tfevents.1.host", "nonfinite_step_3.json"),
        *("checkpoints/model_best.tar", "checkpoints/checkpoint_1.tar"),
    ],
)
def test_a_used_folder_is_not_written_into(left, run, tmp_path):
    path = tmp_path / "log" / left
    path.parent.mkdir(parents=True)
    path.write_text("left of an earlier run")
    before = archives.contents(tmp_path / "log")
    starts = [], ["--load_model", "pretrained"], ["--config", "transformer"]
    for start in (*starts, ["--load_2d_model", "some.tar", "--load_3d_model", "other.tar"]):
        with pytest.raises(UserError, match=rf"run \({left}\): .*--resume.*--log_dir"):
            run("finetune", *start)
    assert archives.contents(tmp_path / "log") == before


def test_resume_counts_before_the_model_to_start_from(run, tiny_kind, tiny_file, tmp_path, capsys):
    run("train3d", "--config", tiny_file, "--epochs", 1, "--resume")
    folder = tmp_path / "log" / "checkpoints"
    (folder / "checkpoint_1.tar").rename(tmp_path / "start.tar")
    more = "--load_model", tmp_path / "start.tar", "--resume", "--epochs"
    capsys.readouterr()
    # The best is a checkpoint as well.
    run("train3d", *more, 1)
    printed = capsys.readouterr().out
    assert f"going on from {folder / 'model_best.tar'}, not from {tmp_path}" in printed
    assert "all 1 epochs are trained already; more with --epochs" in printed
    assert [path.name for path in folder.iterdir()] == ["model_best.tar"]
    (folder / "model_best.tar").unlink()
    run("train3d", *more, 2)
    assert "going on" not in capsys.readouterr().out
    assert sorted(path.name for path in folder.iterdir())[0] == "checkpoint_2.tar"


def test_the_end_of_a_run_names_its_best_and_what_was_skipped(
    run, tiny_kind, tiny_file, tmp_path, monkeypatch, capsys
):
    real = Stage.report_broken

    def report_broken(self):
        identity = self.loader.dataset.frame_id(0)
        self.loader.broken = [(identity, f"frame {number} is cut off") for number in range(7)]
        real(self)

    monkeypatch.setattr(Stage, "report_broken", report_broken)
    run("train3d", "--config", tiny_file)
    printed, errors = capsys.readouterr()
    assert re.search(r"epoch 1: validation mpjpe_mm \d+\.\d \(best\)", printed)
    best = tmp_path / "log" / "checkpoints" / "model_best.tar"
    assert re.search(rf"best mpjpe_mm \d+\.\d mm at epoch [12] of 2: {best}\n", printed)
    assert re.search(r"train3d: 56 frames in 0 min \d+ s \(\d+ frames/s", printed)
    assert "TrainSet: 7 frames skipped: frame 0 is cut off; " in errors
    assert errors.rstrip().endswith("frame 4 is cut off; and 2 more")
