"""The plain reference step that we are measured against computes what the stages compute."""

import pytest
import torch

from base.set_type import SetType
from dataset.batch import collate
from dataset.mocap import Mocap, open_split
from model import build
from model.losses import heatmap_losses
from model.pose_resnet import PoseResNet
from utils.bench.reference_loader import ReferenceFrames
from utils.bench.reference_step import loss2d, loss3d
from utils.config import load_config
from utils.defaults import DEFAULT_CONFIG
from utils.engine.processes import Processes
from utils.engine.stage import Stage


@pytest.fixture(scope="module")
def reference_batch(tiny_data):
    frames = ReferenceFrames(Mocap(tiny_data, SetType.TRAIN, report=False))
    return [torch.stack(column) for column in zip(*(frames[n] for n in range(3)), strict=True)]


def test_reference_pictures_and_targets_are_those_of_our_data_path(tiny_data, reference_batch):
    pictures, maps, poses = reference_batch
    ours = collate([open_split(tiny_data, SetType.TRAIN, 368)[n] for n in range(3)])
    # Two ways of shrinking without aliasing: alike, not equal.
    difference = pictures - (ours.images.permute(0, 3, 1, 2).float() / 127.5 - 1)
    assert difference.abs().mean() < 0.02
    assert torch.allclose(poses, ours.joints3d - ours.joints3d[:, :1], atol=1e-6)
    assert maps.amax((2, 3)).max() == 1


def test_the_losses_of_train3d_are_the_references(tiny_data, reference_batch):
    config = load_config(DEFAULT_CONFIG, {"precision": "fp32"})
    torch.manual_seed(0)
    with Processes("cpu") as processes:
        network = build(config.model, 368, ("lifting",))
        stage = Stage("train3d", network, config, tiny_data, processes)
        # Labels without pictures follow in the same order, so the first three are the same frames.
        batch = stage.loader.rows([0, 1, 2])
        terms = stage.losses(*stage.prepared([batch]))
        expected = loss3d(stage.model.lifting, *reference_batch)
    assert set(terms) == {"reconstruction", "pose", "limb_cosine", "limb_distance"}
    total = sum(terms.values()).item()
    assert total == pytest.approx(expected.item(), rel=1e-5)


def test_the_loss_of_train2d_is_the_references(tiny_data, reference_batch):
    torch.manual_seed(0)
    network = PoseResNet("resnet18")
    pictures, maps, poses = reference_batch
    with Processes("cpu") as processes, torch.no_grad():
        config = load_config(DEFAULT_CONFIG, {"precision": "fp32"})
        lifting = build(config.model, 64, ("lifting",))
        lifting.heatmap_size = 48
        stage = Stage("train3d", lifting, config, tiny_data, processes)
        batch = stage.loader.rows([0, 1, 2])
        targets = stage.prepared([batch])[0].targets.heatmaps
        assert torch.allclose(targets, maps, atol=1e-6)
        network.eval()
        terms = heatmap_losses(
            network(pictures), targets, batch.joints2d[:, 1:], None, 368, config.loss
        )
        expected = loss2d(network, pictures, maps, poses)
    assert set(terms) == {"heatmap"}
    assert float(terms["heatmap"]) == pytest.approx(float(expected), rel=1e-5)
