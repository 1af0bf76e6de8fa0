"""Checkpoints of the reference implementation load and give its outputs."""

import pytest
import torch
from reference import autoencoder_forward, autoencoder_state_dict, resnet_forward, resnet_state_dict

from model import build
from utils.common.checkpoint import read_checkpoint
from utils.common.networks import load_parts


def relative_error(actual: torch.Tensor, expected: torch.Tensor) -> float:
    return float((actual - expected).abs().max() / expected.abs().max())


@pytest.fixture
def built(tmp_path):
    """The networks of a file as the reference writes it."""

    def read(resnet=None, autoencoder=None, input_size=None):
        parts = {"resnet_state_dict": resnet, "autoencoder_state_dict": autoencoder}
        content = {key: value for key, value in parts.items() if value is not None}
        torch.save(content, tmp_path / "file.tar")
        checkpoint = read_checkpoint(tmp_path / "file.tar")
        config = checkpoint.config
        model = build(config.model, input_size or config.data.input_size, checkpoint.parts)
        load_parts(model, checkpoint, checkpoint.parts)
        return model

    return read


@pytest.mark.parametrize("depth", [18, 50])
def test_resnet_of_either_depth_gives_the_reference_outputs(depth, built):
    weights = resnet_state_dict(depth)
    networks = built(weights, None, input_size=64)
    assert networks.lifting is None
    assert networks.pose2d.trunk_name == f"resnet{depth}"
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        actual = networks.pose2d.eval()(images)
        expected = resnet_forward(weights, depth, images)
    assert actual.shape == (2, 15, 8, 8)
    assert relative_error(actual, expected) < 1e-4


def test_autoencoder_gives_the_reference_outputs(built):
    networks = built(None, weights := autoencoder_state_dict())
    assert networks.pose2d is None
    heatmaps = torch.rand(2, 15, 48, 48, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        expected = autoencoder_forward(weights, heatmaps)
        # The reference's batch norms are never used, in training either.
        for training in (False, True):
            found = networks.lifting.train(training)(heatmaps)
            assert all(map(lambda *both: relative_error(*both) < 1e-4, found, expected))
