"""Checkpoints: round trip, the reference's files, and everything that is none."""

import shutil

import numpy as np
import pytest
import torch

from base.errors import UserError
from model.lifting import LiftingAutoencoder
from model.pose_resnet import PoseResNet
from utils.checkpoint import list_checkpoints, read_checkpoint, save_checkpoint
from utils.config import parse_config
from utils.networks import load_pose_model


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


def test_what_is_no_checkpoint_is_refused(tiny_checkpoint, tmp_path):
    path = tmp_path / "file.tar"
    with pytest.raises(UserError, match="no checkpoint at"):
        read_checkpoint(path)
    for content in (b"", b"just some text", tiny_checkpoint.read_bytes()[:5000]):
        path.write_bytes(content)
        with pytest.raises(UserError, match="not a checkpoint") as caught:
            read_checkpoint(path)
        assert "\n" not in str(caught.value)
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(UserError, match="has no resnet_state_dict"):
        read_checkpoint(path)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    class Dangerous:
        def __reduce__(self):
            return (print, ("this must not be printed",))

    path = tmp_path / "dangerous.tar"
    torch.save({"resnet_state_dict": Dangerous()}, path)
    with pytest.raises(UserError, match="not a checkpoint"):
        read_checkpoint(path)


def test_the_newest_checkpoint_is_found_by_number(tmp_path):
    assert list_checkpoints(tmp_path) == []
    for epoch in (2, 10, 9):
        save_checkpoint(tmp_path / f"checkpoint_{epoch}.tar", {})
    save_checkpoint(tmp_path / "model_best.tar", {})
    assert list_checkpoints(tmp_path)[0].name == "checkpoint_10.tar"
