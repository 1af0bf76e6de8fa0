"""The three stages of the paper end to end for a few steps, and bad input."""

import sys

import archives
import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import train
from base.errors import UserError
from model.lifting import LiftingAutoencoder
from model.pose_resnet import PoseResNet
from utils.common.checkpoint import list_checkpoints, read_checkpoint
from utils.common.command import run_command
from utils.common.networks import Start, stage_network


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


def test_a_finished_run_is_left_as_it_is(tiny_runs, tiny_data, capsys):
    folder = tiny_runs["train3d"] / "checkpoints"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    train.main(
        [
            *("--training_type", "train3d", "--gpu", "cpu", "--data_root", str(tiny_data)),
            *("--log_dir", str(tiny_runs["train3d"]), "--resume"),
        ]
    )
    assert "all 2 epochs are trained already" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in folder.iterdir()}


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


def arguments(stage, tmp_path, *more):
    return ["--training_type", stage, "--gpu", "cpu", "--log_dir", str(tmp_path / "log"), *more]


def bad_inputs(tmp_path, runs, data):
    """Argument lists that a person might give, and what the one line must say."""
    best = "checkpoints/model_best.tar"
    root = ("--data_root", str(data))
    text = tmp_path / "text.tar"
    text.write_text("no checkpoint")
    return {
        "no TrainSet in": arguments("train2d", tmp_path, "--data_root", str(tmp_path / "none")),
        "give --load_2d_model and": arguments("finetune", tmp_path, *root),
        "of train3d, but one of train2d": arguments(
            "finetune",
            tmp_path,
            *root,
            *("--load_2d_model", str(runs["train3d"] / best)),
            *("--load_3d_model", str(runs["train3d"] / best)),
        ),
        "of train2d, but one of train3d": arguments(
            "train3d", tmp_path, *root, "--load_model", str(runs["train2d"] / best)
        ),
        "not a checkpoint": arguments("train2d", tmp_path, *root, "--load_model", str(text)),
        "no checkpoint at": arguments("train2d", tmp_path, *root, "--load_model", "none.tar"),
        "no CUDA device": ["--training_type", "train2d", "--gpu", "7"],
        "train2d.batch_size": arguments("train2d", tmp_path, *root, "--batch_size", "0"),
        "configuration nowhere": arguments("train2d", tmp_path, *root, "--config", "nowhere"),
        "trained on pictures of 64 pixels": arguments(
            "train2d",
            tmp_path,
            *root,
            *("--load_model", str(runs["train2d"] / best), "--config", "paper"),
        ),
    }


def test_bad_input_ends_with_one_clear_line_and_exit_2(
    tmp_path, tiny_runs, tiny_data, capsys, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    for message, argv in bad_inputs(tmp_path, tiny_runs, tiny_data).items():
        monkeypatch.setattr(sys, "argv", ["train.py", *argv])
        with pytest.raises(SystemExit) as caught:
            run_command(train.main)
        last = capsys.readouterr().err.strip().splitlines()[-1]
        assert caught.value.code == 2
        assert last.startswith("error: ") and message in last
        assert not (tmp_path / "log").exists()


#: What is left of an earlier run, and ways to start that a new one would take.
LEFT = ("config.yml", "log.jsonl", "checkpoints/model_best.tar", "*.tfevents.*")


@pytest.mark.parametrize("left", LEFT)
def test_a_used_folder_is_not_written_into(left, tiny_runs, tiny_data, tmp_path):
    source, folder = tiny_runs["finetune"], tmp_path / "run"
    for path in source.glob(left):
        if path.is_file():
            copy = folder / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    before = archives.contents(folder)
    best = {name: str(run / "checkpoints" / "model_best.tar") for name, run in tiny_runs.items()}
    for start in (
        [],
        ["--load_model", best["finetune"]],
        ["--load_model", "pretrained"],
        ["--load_2d_model", best["train2d"], "--load_3d_model", best["train3d"]],
        ["--config", "transformer"],
    ):
        with pytest.raises(UserError, match=r"run already holds a run \(.*--resume.*--log_dir"):
            train.main(
                [
                    *("--training_type", "finetune", "--gpu", "cpu", "--log_dir", str(folder)),
                    *("--data_root", str(tiny_data), *start),
                ]
            )
    assert before and archives.contents(folder) == before


def test_resume_counts_before_the_model_to_start_from(tiny_runs, tiny_data, tmp_path, capsys):
    best = tiny_runs["train3d"] / "checkpoints" / "model_best.tar"
    arguments = [
        *("--training_type", "train3d", "--gpu", "cpu", "--data_root", str(tiny_data), "--resume"),
        *("--log_dir", str(tmp_path), "--load_model", str(best), "--epochs", "3"),
    ]
    train.main(arguments)
    assert "going on" not in capsys.readouterr().out
    # The best is a checkpoint as well.
    for path in list_checkpoints(tmp_path / "checkpoints"):
        path.unlink()
    left = read_checkpoint(tmp_path / "checkpoints" / "model_best.tar").training.epoch
    train.main([*arguments[:-1], str(left)])
    printed = capsys.readouterr().out
    assert f"going on from {tmp_path / 'checkpoints' / 'model_best.tar'}, not from" in printed
    assert f"all {left} epochs are trained already" in printed
