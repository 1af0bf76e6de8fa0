"""Checkpoints: round trip, the reference's files, and everything that is none."""

import argparse
import copy
import dataclasses
import math
import zipfile
from functools import reduce
from pathlib import Path

import limits
import numpy as np
import pytest
import torch
from commands import refused
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import UserError
from base.release_camera import RELEASE_SQUARE
from model.lifting_autoencoder import LiftingAutoencoder
from model.pose_resnet import PoseResNet
from model.weight_file import load_strictly
from utils.common.checkpoint import (
    RESNET,
    TrainingState,
    list_checkpoints,
    newest_whole_checkpoint,
    read_checkpoint,
    save_checkpoint,
)
from utils.common.config import parse_config

LIFTING = "autoencoder_state_dict"
CAMERA = dataclasses.asdict(RELEASE_SQUARE.resized(64, 64))


def small(network, *options):
    """Weights with the names of a network's, and of one number each."""
    with torch.device("meta"):
        names = list(network(*options).state_dict())
    return {name: torch.tensor([float(i)]) for i, name in enumerate(names)}


TRUNK, HEAD = small(PoseResNet, "resnet18"), small(LiftingAutoencoder)


def same(found, expected):
    return found.keys() == expected.keys() and all(
        torch.equal(found[name], expected[name]) for name in expected
    )


def read(tmp_path, content, name="file.tar"):
    torch.save(content, tmp_path / name)
    return read_checkpoint(tmp_path / name)


def test_what_a_checkpoint_holds_comes_back(tmp_path):
    config = parse_config({"data": {"input_size": 64}, "train2d": {"lr": 0.5}}, "test")
    state = TrainingState("finetune", 3, 2, 0.5, 7, weights={RESNET: TRUNK}, ema_updates=9)
    content = {
        **{RESNET: TRUNK, LIFTING: HEAD, "optimizer_state_dict": {"state": {}}},
        **{"config": config.model_dump(), "training": vars(state), "camera": CAMERA},
        "mean_pose": torch.arange(48.0).reshape(16, 3).index_fill(0, torch.tensor(11), math.nan),
    }
    found = read(tmp_path, content)
    assert same(found.networks[RESNET], TRUNK) and same(found.networks[LIFTING], HEAD)
    whole = tmp_path / "file.tar", {"state": {}}, state, config, RELEASE_SQUARE.resized(64, 64)
    assert (found.path, found.optimizer, found.training, found.config, found.camera) == whole
    assert found.has_config and found.parts == ["pose2d", "lifting"] and found.stage == "finetune"
    assert found.mean_pose.dtype == np.float64 and found.mean_pose[1].tolist() == [3, 4, 5]
    assert np.flatnonzero(np.isnan(found.mean_pose[:, 0])).tolist() == [11]  # without labels


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_file_of_the_reference_gets_the_configuration_of_its_weights(name, tmp_path):
    trunk = small(PoseResNet, name)
    found = read(tmp_path, {RESNET: trunk, LIFTING: HEAD, "scheduler": {}})
    content = {"model": {"backbone": name}, "heatmap": {"subpixel": False}}
    expected = parse_config(content, "test")
    assert found.config == expected and not found.has_config
    assert found.camera == RELEASE_SQUARE.resized(368, 368) and found.camera.width == 368
    assert found.training is None and found.mean_pose is None and found.stage == "finetune"
    with pytest.raises(UserError, match=r"file\.tar: the weights are of no known ResNet"):
        read(tmp_path, {RESNET: {k: v for k, v in trunk.items() if "layer4" not in k}})


def test_weights_that_do_not_fit_are_named_and_leave_the_network_as_it_was(tmp_path):
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    weights = {name: value + 1 for name, value in before.items()}
    wrong = weights | {"0.bias": torch.ones(3)} | dict.fromkeys("abcd", torch.ones(1))
    del wrong["1.weight"]
    message = "^x.tar: weights do not fit the network: missing 1 .1.weight.; "
    message += "unexpected 4 .a, b, c, ….; of another shape 1 .0.bias .3,. for .2,..$"
    refused(message, load_strictly, network, wrong, "x.tar")
    assert same(network.state_dict(), before)
    del weights["1.num_batches_tracked"]  # as in files older than PyTorch 0.4.1
    load_strictly(network, weights, "x.tar")
    assert same(network.state_dict(), weights | {"1.num_batches_tracked": torch.tensor(0)})


class Dangerous:
    def __reduce__(self):
        return (print, ("this must not be printed",))


def nested(depth):
    return reduce(lambda inner, _: {"model": inner}, range(depth), {})


def with_config(**model):
    return {RESNET: TRUNK, "config": {"model": model}}


MOUNTS = {"neck": [[0.0, 0.0, 0.0]] * 2, "edge": 50.0, "headsets": ["a"]}
STATE = {"stage": "train2d", "epoch": 1, "best_epoch": 1, "best_value": 1.0}
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 1356319646\n"
PAGE = b"\n<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head>"
LINEAR = torch.nn.Linear(1, 1)

#: A file's bytes, what torch.save is to write, or a function that writes it.
NO_CHECKPOINTS = [
    (lambda path: None, "no checkpoint at"),
    (Path.mkdir, "a folder: give a file in it"),
    (b"", "not a checkpoint"),
    (LFS, "a Git LFS pointer, .*'git lfs pull'"),
    (PAGE, "a web page"),
    (bytes(range(256)), "not a checkpoint"),
    ({RESNET: LINEAR}, r"objects \(.*Linear.*run"),
    ({RESNET: Dangerous()}, r"objects \(builtins\.print\), which could run code"),
    (
        lambda path: torch.save(LINEAR, path, _use_new_zipfile_serialization=False),
        "not a checkpoint",
    ),
    ([1], "it holds a list"),
    ({}, r"but \[\]"),
    (dict.fromkeys("abcd", 3), rf"no {RESNET}.*but \['a', 'b', 'c', 'd'\]"),
    ({RESNET: {"conv1.weight": "text"}}, "no dict of weights"),
    ({RESNET: HEAD}, "no known ResNet"),
    (with_config(kind="transformer", transformer={"layers": 10**7}), "layers: .*64, not 10000000"),
    ({RESNET: TRUNK | {"bn1.bias": torch.tensor([math.nan])}}, "bn1.bias holds NaN or infinite"),
    *(
        ({RESNET: TRUNK | {"bn1.bias": tensor}}, "bn1.bias is no plain tensor of real numbers")
        for tensor in (torch.ones(9).to_sparse(), torch.ones(9, device="meta"), torch.ones(9) * 1j)
    ),
    ({RESNET: TRUNK, "training": STATE | {"step": -1}}, "training is not as"),
    ({RESNET: TRUNK, "training": STATE | {"best_value": math.nan}}, "training is not as"),
    ({RESNET: TRUNK, "training": STATE | {"weights": {RESNET: [1]}}}, "training is not as"),
    (
        {RESNET: TRUNK, "training": STATE | {"weights": {RESNET: {"a": torch.tensor(math.inf)}}}},
        f"training: {RESNET}: a holds NaN or infinite",
    ),
    ({RESNET: TRUNK, "mounts": MOUNTS | {"neck": [0.0]}}, "mounts is not as"),
    ({RESNET: TRUNK, "optimizer_state_dict": [1]}, "optimizer_state_dict is not as"),
    ({RESNET: TRUNK, "mean_pose": [[math.nan] * 3] * 16}, r"file\.tar.*mean_pose"),
    ({RESNET: TRUNK, "camera": {"fx": 1.0}}, r"file\.tar.*camera"),
    ({RESNET: TRUNK, "config": argparse.Namespace(lr=1.0)}, r"file\.tar.*config"),
]


@pytest.mark.parametrize(("content", "message"), NO_CHECKPOINTS)
def test_what_is_no_checkpoint_is_named_for_what_it_is(content, message, tmp_path, capfd):
    path = tmp_path / "file.tar"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif callable(content):
        content(path)
    else:
        torch.save(content, path)
    assert str(path) in refused(message, read_checkpoint, path)
    assert "must not be printed" not in capfd.readouterr().out


def test_damaged_checkpoints_are_passed_over(tmp_path, capsys):
    assert newest_whole_checkpoint(tmp_path) is None
    names = ["checkpoint_10_step_3.tar", "checkpoint_10.tar", "checkpoint_2.tar"]
    for name in (*reversed(names), "a.tar", "model_best.tar"):
        save_checkpoint(tmp_path / name, {RESNET: TRUNK})
    assert [path.name for path in list_checkpoints(tmp_path)] == names
    assert list(list_checkpoints(tmp_path).values()) == [(10, 3), (10, 0), (2, 0)]
    first, second, third = (tmp_path / name for name in names)
    first.write_bytes(first.read_bytes()[:5000])
    damaged = bytearray(second.read_bytes())
    damaged[2000] ^= 1
    second.write_bytes(damaged)
    assert newest_whole_checkpoint(tmp_path).path == third
    printed = capsys.readouterr().err
    assert (
        "10_step_3.tar: not a checkpoint" in printed and "10.tar: damaged (its checksum" in printed
    )
    third.write_bytes(b"")
    best = tmp_path / "model_best.tar"
    assert newest_whole_checkpoint(tmp_path).path == best
    best.write_bytes(b"")
    refused("none of its 4 checkpoints can be read", newest_whole_checkpoint, tmp_path)


def test_no_flipped_bit_is_read_as_other_weights(tmp_path):
    path = tmp_path / "a.tar"
    save_checkpoint(path, {RESNET: TRUNK})
    content = path.read_bytes()
    assert zipfile.ZipFile(path).testzip() is None and torch.load(path).keys() == {RESNET}
    end = content.rindex(b"PK\5\6")
    places = [*range(0, len(content), 997), *range(end - 60, len(content), 3)]
    for place in places:
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        try:
            assert same(read_checkpoint(path).networks[RESNET], TRUNK), place
        except UserError as error:
            assert "\n" not in str(error)


_ODD = [
    *(None, 0, -1, 10**400, 1e39, math.nan, "", "x" * 9999, [], {}, [[1]], b"x", (1, 2)),
    *(torch.ones(3), torch.ones(16, 3) * math.inf, torch.ones(0), torch.tensor(1j), TRUNK),
    *(nested(100), {"step": 1}, argparse.Namespace(a=1), np.float64(3), np.arange(4)),
]


@settings(derandomize=True, max_examples=90, deadline=None, database=None)
@given(st.data())
def test_any_content_is_a_checkpoint_or_one_line(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzz.tar"
    content = {
        **{RESNET: dict(TRUNK), "training": dict(STATE), "mounts": dict(MOUNTS), "scheduler": {}},
        **{"config": {"model": {"kind": "transformer"}, "data": {"input_size": 64}}},
        **{"mean_pose": torch.zeros(16, 3), "optimizer_state_dict": {"state": {}}},
        "camera": dict(CAMERA),
    }
    for _ in range(data.draw(st.integers(1, 3))):
        section = content
        key = data.draw(st.sampled_from([*section, "state_dict"]))
        while isinstance(section.get(key), dict) and section[key] and data.draw(st.booleans()):
            section = section[key]
            key = data.draw(st.sampled_from(list(section)[:40]))
        section[key] = copy.deepcopy(data.draw(st.sampled_from(_ODD)))
    torch.save(content, path)
    try:
        found = read_checkpoint(path)
        assert found.stage and (found.mean_pose is None or found.mean_pose.shape == (16, 3))
    except UserError as error:
        assert str(path) in str(error) and len(str(error)) < 900


def test_a_full_disk_is_called_so_and_leaves_the_checkpoint_that_was_there(tmp_path):
    save_checkpoint(tmp_path / "a.tar", {RESNET: TRUNK})
    content, message = (
        {RESNET: {"x": torch.ones(1 << 18)}},
        r"cannot be written \(File too large\)$",
    )
    with limits.file_size_limit(1 << 18):
        refused(message, save_checkpoint, tmp_path / "a.tar", content)
    assert same(read_checkpoint(tmp_path / "a.tar").networks[RESNET], TRUNK)
    assert len(list(tmp_path.iterdir())) == 1


def test_prefixes_of_parallel_and_compiled_networks_are_removed(tmp_path):
    trunk = {
        "module._orig_mod." + name.replace("layer1.", "layer1._orig_mod."): value
        for name, value in TRUNK.items()
    }
    content = {RESNET: trunk, LIFTING: {f"module.{name}": value for name, value in HEAD.items()}}
    more = {"args": argparse.Namespace(lr=np.float64(1e-3), log="/a"), "best": np.float32(5)}
    found = read(tmp_path, content | more)
    assert same(found.networks[RESNET], TRUNK) and same(found.networks[LIFTING], HEAD)
    for stage, key in (("train2d", RESNET), ("train3d", LIFTING)):
        assert read(tmp_path, {key: content[key]}).stage == stage


def test_an_onnx_export_is_called_one(tmp_path):
    path = tmp_path / "small.onnx"
    path.write_bytes(b"\x08\x0a\x12\x07pytorch")
    refused("an ONNX export, which inference.py alone runs", read_checkpoint, path)
