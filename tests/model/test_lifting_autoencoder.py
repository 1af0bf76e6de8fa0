"""The lifting network, and the paper's whole model."""

import math

import pytest
import torch
import torch.nn.functional as F
from commands import refused

from model.lifting_autoencoder import LiftingAutoencoder
from model.losses import LossWeights
from model.paper_model import Autoencoder, AutoencoderOptions


@pytest.mark.parametrize("size", [8, 11, 15, 20, 28])
def test_reconstruction_has_the_size_of_the_input(size):
    with torch.inference_mode():
        joints3d, rebuilt = LiftingAutoencoder(size)(torch.rand(1, 15, size, size))
    assert joints3d.shape == (1, 16, 3) and rebuilt.shape == (1, 15, size, size)


def test_heatmaps_too_small_are_refused():
    refused(r"of 7 cells, .* needs 8: raise data.input_size", LiftingAutoencoder, 7)


def test_batch_norm_is_used_when_asked_for():
    torch.manual_seed(0)
    network = LiftingAutoencoder(8, batch_norm=True)
    heatmaps = torch.rand(8, 15, 8, 8)
    code = network.encode(heatmaps)
    code.square().sum().backward()
    for norm in (network.bn1, network.bn2, network.bn3, network.fc1_bn, network.fc2_bn):
        assert norm.weight.grad.abs().sum() > 0 and norm.num_batches_tracked == 1
    # Normalised, so the code barely depends on the scale of the input.
    torch.testing.assert_close(network.encode(3 * heatmaps), code, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("activation", [False, True])
def test_the_pose_is_affine_in_the_code_unless_activated(activation):
    torch.manual_seed(0)
    network = LiftingAutoencoder(8, latent=50, pose_activation=activation, pose_hidden=64)
    assert network.b1_fc2.weight.shape == (64, 64)
    code = torch.randn(3, 50)
    middle = network.decode_pose(code).mean(0)
    affine = torch.allclose(network.decode_pose(code.mean(0, keepdim=True))[0], middle, atol=1e-4)
    assert affine != activation
    if activation:
        inner = F.leaky_relu(network.b1_fc2(F.leaky_relu(network.b1_fc1(code), 0.2)), 0.2)
        expected = network.b1_fc3(inner).view(3, 16, 3)
        torch.testing.assert_close(network.decode_pose(code), expected)


def test_whole_network_is_differentiable_from_pose_to_picture():
    torch.manual_seed(0)
    network = Autoencoder(AutoencoderOptions(), "resnet18", 64, ("pose2d", "lifting"))
    assert (network.input_size, network.heatmap_size) == (64, 8)
    output = network(torch.rand(2, 3, 64, 64))
    assert output.heatmaps.shape == output.extra.shape == (2, 15, 8, 8)
    output.joints3d.square().sum().backward()
    assert network.pose2d.conv1.weight.grad.abs().sum() > 0
    # Only training needs the reconstruction; heatmaps may stand in for pictures.
    network.eval()
    again = network(heatmaps=output.heatmaps.detach())
    assert again.extra is None and again.heatmaps is None
    assert network(torch.rand(2, 3, 64, 64)).joints3d.shape == again.joints3d.shape


def test_whether_all_weights_learn():
    for options, weights, expected in (
        ({}, {}, False),
        ({"batch_norm": True}, {}, True),
        ({"batch_norm": True}, {"reconstruction": 0}, False),
    ):
        network = Autoencoder(AutoencoderOptions(**options), "resnet18", 64, ("lifting",))
        assert network.uses_all_weights(LossWeights(**weights)) == expected
    assert Autoencoder(AutoencoderOptions(), "resnet18", 64, ()).uses_all_weights(LossWeights())


def test_first_weights_keep_the_signal_s_scale():
    network = LiftingAutoencoder(8)
    for layer, slope, fan_in in (
        (network.conv2, 0.2, 64 * 16),
        (network.b2_deconv1, 0.0, 128 * 16),
    ):
        gain = math.sqrt(2 / (1 + slope**2) / fan_in)
        assert layer.weight.std().item() == pytest.approx(gain, rel=0.02) and not layer.bias.any()
