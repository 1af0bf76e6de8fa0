"""What each stage starts from and leaves, for a few steps of the paper's, and bad input."""

import dataclasses
import functools
import os
import re
from pathlib import Path

import pytest
import torch
import yaml
from commands import BEST, names, refused
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import train
from base.lock import locked
from base.release_camera import RELEASE_SQUARE
from model import build, model_class
from utils.common.checkpoint import Checkpoint, TrainingState
from utils.common.config import load_config, parse_config
from utils.common.networks import Start, refuse_other_architecture, stage_network
from utils.common.paths import DEFAULT_CONFIG

#: Small networks of each kind.
OPTIONS = {
    "autoencoder": {"latent": 16},
    "transformer": {"channels": 16, "dim": 32, "layers": 1, "heads": 4},
}
STAGES = ("train2d", "train3d", "finetune")
BOTH = {"load_2d_model": "train2d", "load_3d_model": "train3d"}
FIRST, SECOND = {"load_2d_model": "train2d"}, {"pose2d": 2, "transformer": 2}


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_writes_its_checkpoints_configuration_and_scalars(stage, tiny_runs):
    log_dir, epochs = tiny_runs[stage], 2 if stage == "train3d" else 1
    numbered = [f"checkpoint_{epoch + 1}.tar" for epoch in range(epochs)]
    assert names(log_dir / "checkpoints") == [*numbered, "model_best.tar"]
    best, last = (
        torch.load(log_dir / name, weights_only=True)
        for name in (BEST, f"checkpoints/{numbered[-1]}")
    )
    modules = {"train2d": ["resnet"], "train3d": ["autoencoder"]}
    modules = {f"{name}_state_dict" for name in modules.get(stage, ("resnet", "autoencoder"))}
    assert best.keys() == {"training", "config", "mean_pose", "camera", "mounts"} | modules
    assert last.keys() == best.keys() | {"optimizer_state_dict", "scheduler"}
    assert best["camera"] == dataclasses.asdict(RELEASE_SQUARE.resized(64, 64))
    assert yaml.safe_load((log_dir / "config.yml").read_text()) == best["config"]
    events = EventAccumulator(str(log_dir)).Reload()
    metric = "validation/joints2d_px" if stage == "train2d" else "validation/mpjpe_mm"
    assert len(events.Scalars(metric)) == epochs and events.Images("validation_frames")
    by_action = any("mpjpe_mm/" in tag for tag in events.Tags()["scalars"])
    assert by_action == (stage != "train2d")


@pytest.fixture(scope="module")
def checkpoint():
    """Make a checkpoint whose weights are all of one value: 1, 2 or 3 by its stage."""

    def made(kind, stage):
        given = {"kind": kind, "backbone": "resnet18", kind: OPTIONS[kind]}
        config = parse_config({"data": {"input_size": 64}, "model": given}, "test")
        parts = model_class(kind).training_types[stage].parts
        weights = build(config.model, 64, parts).state_dicts()
        for each in weights.values():
            for name, tensor in each.items():
                each[name] = torch.full_like(tensor, 1 + STAGES.index(stage))
        state, path = TrainingState(stage, 1, 1, 1.0), Path(f"{kind}_{stage}.tar")
        about = state, config, True, None, RELEASE_SQUARE.resized(64, 64)
        return Checkpoint(path, weights, None, *about)

    return functools.cache(made)


@pytest.mark.parametrize(
    ("stage", "given", "trained", "loaded"),
    [
        ("autoencoder train2d", {}, {"pose2d"}, {}),
        ("autoencoder train3d", {"load_model": "train3d"}, {"lifting"}, {"lifting": 2}),
        ("autoencoder finetune", BOTH, {"pose2d", "lifting"}, {"pose2d": 1, "lifting": 2}),
        ("transformer train3d", FIRST, {"transformer"}, {"pose2d": 1}),
        ("transformer train3d", {"load_model": "train3d"}, {"transformer"}, SECOND),
        ("transformer finetune", BOTH, {"pose2d", "transformer"}, SECOND | {"pose2d": 1}),
        ("transformer finetune", {}, {"pose2d", "transformer"}, {}),
        ("transformer temporal", {"load_3d_model": "train3d"}, {"temporal"}, SECOND),
    ],
)
def test_a_stage_loads_and_trains_its_parts(stage, given, trained, loaded, checkpoint):
    kind, stage = stage.split()
    start = Start(**{option: checkpoint(kind, name) for option, name in given.items()})
    model, _ = stage_network(stage, checkpoint(kind, "finetune").config, start)
    assert {name for name in model.parts if getattr(model, name) is not None} == trained | {*loaded}
    for name in trained | loaded.keys():
        part = getattr(model, name)
        assert all(weight.requires_grad == (name in trained) for weight in part.parameters())
        of_checkpoint = all(bool((w == loaded.get(name, 0)).all()) for w in part.parameters())
        assert of_checkpoint == (name in loaded)


@pytest.mark.parametrize(
    ("stage", "given", "message"),
    [
        ("transformer train2d", {"load_model": "autoencoder train2d"}, "'autoencoder'"),
        ("autoencoder finetune", {"load_model": "transformer finetune"}, "'transformer'"),
        (
            "autoencoder finetune",
            {"load_2d_model": "autoencoder train2d", "load_3d_model": "transformer train3d"},
            r"--load_3d_model transformer_train3d\.tar: .* 'transformer'.* 'autoencoder'",
        ),
        ("transformer train3d", {}, "give --load_2d_model"),
        ("autoencoder finetune", {}, "give --load_2d_model and"),
        ("autoencoder finetune", dict.fromkeys(BOTH, "autoencoder train3d"), "one of train2d"),
        ("autoencoder train3d", {"load_model": "autoencoder train2d"}, "one of train3d"),
    ],
)
def test_a_stage_needs_checkpoints_of_its_kind_and_stages(stage, given, message, checkpoint):
    kind, stage = stage.split()
    start = Start(**{option: checkpoint(*name.split()) for option, name in given.items()})
    refused(message, stage_network, stage, checkpoint(kind, "finetune").config, start)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("autoencoder", {"backbone": "resnet34"}, "model.backbone resnet18, not resnet34"),
        ("transformer", {"transformer": {"dim": 64}}, r"model\.transformer\.dim 32, not 64"),
    ],
)
def test_a_checkpoint_of_another_architecture_is_refused(kind, changes, message, checkpoint):
    found = checkpoint(kind, "finetune")
    refuse_other_architecture(found.config, found)
    refused(message, refuse_other_architecture, found.config.overridden({"model": changes}), found)


def test_without_a_configuration_it_is_that_of_the_first_weights_or_the_paper_s(checkpoint):
    start = Start(None, *(checkpoint("autoencoder", stage) for stage in BOTH.values()))
    first = start.load_2d_model
    given = "--training_type", "finetune", "--data_root", ".", "--lr", "0.5"
    parsed = train.parse_arguments([*given])
    expected = first.config.overridden({"finetune": {"lr": 0.5}})
    assert train.resolve_config(parsed, first) == expected
    paper = train.resolve_config(parsed, dataclasses.replace(first, has_config=False))
    assert (paper.model.backbone, paper.data.input_size) == ("resnet101", 368)
    # With the networks that the weights are of, and without ImageNet's in their place.
    changes = {"data": {"input_size": 64}, "model": {"imagenet": "none.pth"}}
    _, config = stage_network("finetune", paper.overridden(changes), start)
    assert config.model == first.config.model


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--data_root nowhere", "--data_root nowhere: no such folder"),
        ("--batch_size 0", "command line: train2d.batch_size: .*not 0$"),
        ("--set loss.pos=0.5", "command line: unknown key loss.pos; did you mean loss.pose"),
        ("--set temporal.lr=1", "lr=1: not a key of the model of kind 'autoencoder'"),
        ("--load_model bse", "no checkpoint at bse: .*'pretrained' or 'small'"),
        ("--config nowhere", "configuration nowhere: .*one of .*quickstart"),
        ("--config paper --load_model BEST", "trained with data.input_size '64'"),
        ("--config OTHER --load_model BEST", "model.backbone resnet18, not resnet34"),
    ],
)
def test_bad_input_is_one_clear_line(line, message, run, tmp_path, tiny_runs, tiny_config):
    (tmp_path / "other.yml").write_text(tiny_config.read_text().replace("18", "34"))
    line = line.replace("OTHER", str(tmp_path / "other.yml"))
    line = line.replace("BEST", str(tiny_runs["train2d"] / BEST))
    refused(message, run, "train2d", *line.split(), config=None)
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("left", ["events.out.tfevents.1.host", "checkpoints/a.tar"])
def test_a_used_folder_is_not_written_into(left, run, tmp_path):
    path = tmp_path / "log" / left
    path.parent.mkdir(parents=True)
    path.write_text("left of an earlier run")
    refused(rf"run \({left}\): .*--resume.*--log_dir", run, "finetune", config=None)
    assert path.read_text() == "left of an earlier run"
    assert names(tmp_path / "log") == [left.partition("/")[0]]


@pytest.mark.parametrize("words", ["train2d load_3d_model", "train3d imagenet"])
def test_weights_that_a_stage_does_not_use_are_refused(words):
    stage, option = words.split()
    given = "--training_type", stage, "--data_root", ".", f"--{option}", "some.tar", "--resume"
    given, message = (
        (train.parse_arguments([*given]), stage, load_config(DEFAULT_CONFIG)),
        "autoencoder does not use it",
    )
    refused(f"--{option}: {stage} of {message}", train.refuse_unused, *given)


@pytest.mark.usefixtures("tiny_kind")
def test_resume_counts_before_the_model_to_start_from(run, tmp_path, capsys):
    run("train3d", "--epochs", 1, "--resume")
    folder, config = tmp_path / "log" / "checkpoints", tmp_path / "log" / "config.yml"
    (folder / "checkpoint_1.tar").rename(tmp_path / "start.tar")
    more = "--load_model", tmp_path / "start.tar", "--resume", "--epochs"
    before = config.read_text()
    refused(r"--resume: .* holds a run of train3d, not of train2d", run, "train2d", "--resume")
    # The best is a checkpoint as well, to use and not to go on from.
    refused(r"best\.tar: all that is left, .* --load_model", run, "train3d", *more, 2, config=None)
    capsys.readouterr()
    run("train3d", *more, 1, "--seed", 5, config=None)
    assert config.read_text() == before  # of the checkpoints that are there
    printed = capsys.readouterr().out
    assert f"going on from {folder / 'model_best.tar'}, not from {tmp_path}" in printed
    assert "all 1 epochs are trained already; more with --epochs" in printed
    assert [path.name for path in folder.iterdir()] == ["model_best.tar"]
    (folder / "model_best.tar").unlink()
    run("train3d", *more, 2, config=None)
    assert "going on" not in capsys.readouterr().out
    assert sorted(path.name for path in folder.iterdir())[0] == "checkpoint_2.tar"


@pytest.mark.usefixtures("tiny_kind")
def test_a_run_does_not_go_on_with_a_set_of_other_headsets(run, monkeypatch):
    for more in ((), ("--resume",)):
        run("train3d", "--epochs", 1, *more)
    monkeypatch.setattr("utils.training.stage._checksum", lambda _: "another")
    message = r"trained on other headsets than those of .*--log_dir"
    refused(message, run, "train3d", "--epochs", 2, "--resume")


@pytest.mark.usefixtures("tiny_kind")
def test_a_run_says_at_its_start_what_it_trains_on_and_keys_are_set_and_printed(
    run, tmp_path, capsys
):
    run("train3d", "--set", "data.input_size=96", "--set", "loss.pose=2")
    data, model, training = capsys.readouterr().out.splitlines()[:3]
    assert data.endswith("labels, TrainSet 28, ValSet 4; xr-egopose")
    assert model.startswith("Model: tiny, resnet18, 96 px, 0.0 M parameters trained, from random ")
    assert training.startswith("Training: train3d, epochs 1 to 2, 7 steps each, batch 4, on cpu; ")
    stored = yaml.safe_load((tmp_path / "log" / "config.yml").read_text())
    assert (stored["data"]["input_size"], stored["loss"]["pose"]) == (96, 2)
    train.main(["--print_config", "--config", "transformer", "--set", "loss.pose=0.25"])
    printed = capsys.readouterr().out
    assert re.search(r"^loss\.pose=0\.25 +number ≥ 0 +mean joint distance", printed, re.M)
    assert "\nmodel.transformer.temporal.lags=[0, 1" in printed and "\ntemporal.lr=" in printed
    with pytest.raises(SystemExit):
        train.main([])


def test_a_run_is_not_written_among_the_data(tiny_data):
    before = sorted(tiny_data.iterdir())
    command = ["--training_type", "train2d", "--data_root", str(tiny_data)]
    refused("holds the data", train.main, [*command, "--log_dir", f"{tiny_data}/TrainSet/.."])
    assert sorted(tiny_data.iterdir()) == before


@pytest.mark.parametrize("more", [(), ("--resume",)])
@pytest.mark.usefixtures("tiny_kind")
def test_a_folder_that_another_run_holds_is_refused(more, run, tmp_path):
    log_dir = tmp_path / "log"
    hidden = log_dir / "checkpoints" / ".checkpoint_8.0.part.tar"
    hidden.parent.mkdir(parents=True)
    hidden.touch()
    with locked(log_dir):
        (log_dir / "config.yml").touch()
        refused(rf"log: process {os.getpid()} on \S+ is writing", run, "train3d", *more)
        (log_dir / "config.yml").unlink()
        assert sorted(path.name for path in log_dir.iterdir()) == [".lock", "checkpoints"]
    (log_dir / ".config.yml.part").write_text("left by a killed run")
    run("train3d", "--epochs", 1, *more)
    assert not list(log_dir.rglob("*.part*"))
