"""Checkpoints: round trip, the reference's files, and everything that is none."""

import argparse
import gzip
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import models

from base.errors import UserError
from model.lifting import LiftingAutoencoder
from model.pose_resnet import PoseResNet
from utils.common.checkpoint import list_checkpoints, read_checkpoint, save_checkpoint
from utils.common.config import parse_config
from utils.common.networks import load_pose_model


def reference_file(path, depth=50, stage="finetune"):
    """A file as the reference implementation writes it: weights, optimiser, schedule, no more."""
    content = {"optimizer_state_dict": {"state": {}, "param_groups": []}, "scheduler": {}}
    if stage != "train3d":
        content["resnet_state_dict"] = PoseResNet(f"resnet{depth}").state_dict()
    if stage != "train2d":
        content["autoencoder_state_dict"] = LiftingAutoencoder().state_dict()
    torch.save(content, path)
    return path


def test_a_saved_checkpoint_gives_the_same_network(tiny_checkpoint, tmp_path):
    first = load_pose_model(tiny_checkpoint)
    copy = tmp_path / "copy.tar"
    shutil.copy(tiny_checkpoint, copy)
    second = load_pose_model(copy)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        one, other = first.model(images), second.model(images)
    for name in ("heatmaps", "joints3d"):
        assert torch.equal(getattr(one, name), getattr(other, name))
    assert first.config.data.input_size == 64
    assert first.mean_pose.shape == (16, 3) and np.abs(first.mean_pose[0]).max() == 0


def test_a_checkpoint_of_the_reference_gives_its_networks(tmp_path):
    torch.manual_seed(0)
    path = reference_file(tmp_path / "reference.tar")
    loaded = load_pose_model(path)
    assert loaded.model.pose2d.trunk_name == "resnet50" and loaded.model.input_size == 368
    assert loaded.mean_pose is None and loaded.config == parse_config(
        {"model": {"depth": 50}}, "test"
    )
    stored = torch.load(path, weights_only=True)
    for ours, key in ((loaded.model.pose2d, "resnet"), (loaded.model.lifting, "autoencoder")):
        for name, value in ours.state_dict().items():
            assert torch.equal(value, stored[f"{key}_state_dict"][name])


@pytest.mark.parametrize("stage", ["train2d", "train3d"])
def test_a_checkpoint_of_another_stage_is_refused(tiny_runs, stage):
    path = tiny_runs[stage] / "checkpoints" / "model_best.tar"
    with pytest.raises(UserError, match=f"of {stage}, but one of finetune"):
        load_pose_model(path)


def test_missing_weights_are_named(tiny_checkpoint, tmp_path):
    content = torch.load(tiny_checkpoint, weights_only=True)
    del content["resnet_state_dict"]["layer2.0.conv1.weight"]
    path = tmp_path / "incomplete.tar"
    torch.save(content, path)
    with pytest.raises(UserError, match=r"missing 1 \(layer2\.0\.conv1\.weight\)"):
        load_pose_model(path)


class Dangerous:
    def __reduce__(self):
        return (print, ("this must not be printed",))


def other_archive(path, name):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "content")


def tar_archive(path):
    with tarfile.open(path, "w") as archive:
        archive.add(__file__, "model_best.tar")


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 1356319646\n"
PAGE = b"\n<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head>"


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path, whole: None, "no checkpoint at"),
        (lambda path, whole: path.mkdir(), "cannot be read"),
        (lambda path, whole: path.write_bytes(b""), "an empty file"),
        (lambda path, whole: path.write_bytes(LFS), "a Git LFS pointer, .*'git lfs pull'"),
        (lambda path, whole: path.write_bytes(PAGE), "a web page"),
        (lambda path, whole: path.write_bytes(b"just some text"), "a text file"),
        (lambda path, whole: path.write_bytes(whole[:5000]), "cut off"),
        (lambda path, whole: path.write_bytes(whole[:5000] + whole[5100:]), "damaged"),
        (lambda path, whole: path.write_bytes(bytes(range(256))), "not a checkpoint"),
        (lambda path, whole: path.write_bytes(gzip.compress(whole[:99])), "compressed: unpack it"),
        (lambda path, whole: tar_archive(path), "a tar archive"),
        (lambda path, whole: other_archive(path, "a.txt"), "a zip archive"),
        (lambda path, whole: path.write_bytes(pickle.dumps({"a": 1})), "a Python pickle"),
        (
            lambda path, whole: torch.jit.script(torch.nn.Linear(1, 1)).save(str(path)),
            "a TorchScript model",
        ),
        (lambda path, whole: torch.save(torch.nn.Linear(1, 1), path), r"objects \(.*Linear.*run"),
        (
            lambda path, whole: torch.save({"resnet_state_dict": Dangerous()}, path),
            r"objects \(builtins\.print\), which could run code",
        ),
        (
            lambda path, whole: torch.save(
                torch.nn.Linear(1, 1), path, _use_new_zipfile_serialization=False
            ),
            "cut off, or with Python objects",
        ),
        (lambda path, whole: torch.save([1], path), "it holds a list"),
        (lambda path, whole: torch.save({"epoch": 3}, path), r"no resnet_state_dict.*\(epoch\)"),
        (
            lambda path, whole: torch.save(models.resnet18().state_dict(), path),
            r"none of its networks' weights under other names \(conv1\.weight",
        ),
        (lambda path, whole: torch.save({"resnet_state_dict": [1]}, path), "no dict of weights"),
        (lambda path, whole: torch.save({"transformer_state_dict": {}}, path), "no dict of"),
    ],
)
def test_what_is_no_checkpoint_is_named_for_what_it_is(
    write, message, tiny_checkpoint, tmp_path, capfd
):
    path = tmp_path / "file.tar"
    write(path, tiny_checkpoint.read_bytes())
    with pytest.raises(UserError, match=message) as caught:
        read_checkpoint(path)
    told = str(caught.value)
    assert str(path) in told and "\n" not in told and "weights_only" not in told
    assert "must not be printed" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("training", {"epochs": 3}),
        ("mean_pose", "none"),
        ("camera", {"fx": 1.0}),
        ("config", argparse.Namespace(lr=1.0)),
    ],
)
def test_further_parts_of_another_kind_are_refused(key, value, tiny_checkpoint, tmp_path):
    path = tmp_path / "file.tar"
    torch.save(torch.load(tiny_checkpoint, weights_only=True) | {key: value}, path)
    with pytest.raises(UserError, match=rf"file\.tar.*{key}"):
        read_checkpoint(path)


def whole_model(resnet, autoencoder, prefix=""):
    parts = {f"{prefix}pose2d.": resnet, f"{prefix}lifting.": autoencoder}
    return {start + name: value for start, part in parts.items() for name, value in part.items()}


def renamed(weights, prefix):
    return {prefix + name: value for name, value in weights.items()}


#: Ways in which others save the two networks.
LAYOUTS = {
    "compiled": lambda r, a: {
        "resnet_state_dict": renamed(r, "_orig_mod."),
        "autoencoder_state_dict": renamed(a, "_orig_mod."),
    },
    "parallel and compiled": lambda r, a: {
        "resnet_state_dict": renamed(r, "module._orig_mod."),
        "autoencoder_state_dict": renamed(a, "_orig_mod.module."),
    },
    "compiled within": lambda r, a: {
        "resnet_state_dict": {
            name.replace("layer1.", "layer1._orig_mod."): value for name, value in r.items()
        },
        "autoencoder_state_dict": a,
    },
    "Lightning": lambda r, a: {
        "epoch": 3,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": {**whole_model(r, a, "model."), "loss.weight": torch.ones(1)},
        "hyper_parameters": argparse.Namespace(lr=np.float64(1e-3), joints=np.arange(15)),
        "optimizer_states": [{"state": {}, "param_groups": []}],
    },
    "bare": whole_model,
    "averaged": lambda r, a: {"n_averaged": torch.ones(()), **whole_model(r, a, "module.")},
    "a key each": lambda r, a: {"pose2d": r, "lifting": renamed(a, "module.")},
    "numbers of NumPy": lambda r, a: {
        "resnet_state_dict": r,
        "autoencoder_state_dict": a,
        "best": np.float32(58.2),
        "args": argparse.Namespace(
            gpu=0, lr=np.float64(1e-3), done=np.bool_(True), log=Path("/a/b")
        ),
        "random": np.random.RandomState(0).get_state(),
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_networks_are_found_in_other_layouts(layout, tiny_checkpoint, tmp_path):
    stored = torch.load(tiny_checkpoint, weights_only=True)
    networks = stored["resnet_state_dict"], stored["autoencoder_state_dict"]
    path = tmp_path / "other.ckpt"
    torch.save(LAYOUTS[layout](*networks), path)
    checkpoint = read_checkpoint(path)
    for found, expected in zip(checkpoint.networks.values(), networks, strict=True):
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert (checkpoint.config.model.kind, checkpoint.stage) == ("autoencoder", "finetune")


@pytest.mark.parametrize("wrap", [lambda w: w, lambda w: {"model": w, "step": 7}])
@pytest.mark.parametrize("stage", ["train2d", "train3d"])
def test_one_network_alone_is_of_its_stage(stage, wrap, tiny_runs, tmp_path):
    stored = torch.load(tiny_runs[stage] / "checkpoints" / "model_best.tar", weights_only=True)
    key = "resnet_state_dict" if stage == "train2d" else "autoencoder_state_dict"
    torch.save(wrap(renamed(stored[key], "net.")), tmp_path / "bare.pth")
    checkpoint = read_checkpoint(tmp_path / "bare.pth")
    assert checkpoint.stage == stage and checkpoint.networks[key].keys() == stored[key].keys()


def test_the_projects_own_model_is_found_bare(tiny_transformer, tmp_path):
    model = load_pose_model(tiny_transformer).model
    torch.save({"state_dict": renamed(model.state_dict(), "module.")}, tmp_path / "bare.pth")
    found, stored = read_checkpoint(tmp_path / "bare.pth"), read_checkpoint(tiny_transformer)
    assert found.config.model.kind == "transformer"
    assert found.networks.keys() == stored.networks.keys()
    for key, weights in stored.networks.items():
        assert weights.keys() == found.networks[key].keys()


def test_two_of_a_network_are_not_chosen_between(tiny_checkpoint, tmp_path):
    stored = torch.load(tiny_checkpoint, weights_only=True)
    networks = stored["resnet_state_dict"], stored["autoencoder_state_dict"]
    path = tmp_path / "two.ckpt"
    for content in (
        {"state_dict": whole_model(*networks, "student.") | whole_model(*networks, "teacher.")},
        {"student": whole_model(*networks), "teacher": whole_model(*networks)},
    ):
        torch.save(content, path)
        with pytest.raises(UserError, match=r"which weights.*student.*final_layer.*teacher"):
            read_checkpoint(path)


def test_a_name_beside_the_prefixed_ones_is_not_dropped(tiny_checkpoint, tmp_path):
    stored = torch.load(tiny_checkpoint, weights_only=True)
    stored["resnet_state_dict"] = renamed(stored["resnet_state_dict"], "module.")
    stored["resnet_state_dict"]["extra"] = torch.ones(1)
    torch.save(stored, tmp_path / "extra.tar")
    with pytest.raises(UserError, match="unexpected"):
        load_pose_model(tmp_path / "extra.tar")


def test_the_newest_checkpoint_is_found_by_number(tmp_path):
    assert list_checkpoints(tmp_path) == []
    for epoch in (2, 10, 9):
        save_checkpoint(tmp_path / f"checkpoint_{epoch}.tar", {})
    save_checkpoint(tmp_path / "model_best.tar", {})
    assert list_checkpoints(tmp_path)[0].name == "checkpoint_10.tar"
