"""The lifting network, and the paper's whole model."""

import pytest
import torch

from model.autoencoder import Autoencoder, AutoencoderOptions
from model.lifting import LiftingAutoencoder


@pytest.mark.parametrize("size", [8, 11, 15, 16, 20, 24, 28, 36])
def test_reconstruction_has_the_size_of_the_input(size):
    network = LiftingAutoencoder(size).eval()
    with torch.inference_mode():
        output = network(torch.rand(1, 15, size, size))
    assert output.joints3d.shape == (1, 16, 3)
    assert output.reconstruction.shape == (1, 15, size, size)


def test_heatmaps_too_small_are_refused():
    with pytest.raises(ValueError, match="heatmap_size 7"):
        LiftingAutoencoder(7)


def test_both_branches_teach_the_encoder():
    network = LiftingAutoencoder(16)
    for branch in ("joints3d", "reconstruction"):
        network.zero_grad()
        getattr(network(torch.rand(2, 15, 16, 16)), branch).square().sum().backward()
        assert network.conv1.weight.grad.abs().sum() > 0
        own, other = ("b1_", "b2_") if branch == "joints3d" else ("b2_", "b1_")
        for name, parameter in network.named_parameters():
            if name.startswith(own):
                assert parameter.grad.abs().sum() > 0, name
            elif name.startswith(other):
                assert parameter.grad is None, name


def test_options_are_off_by_default():
    network = LiftingAutoencoder(8)
    assert not any(name.startswith(("fc1_bn", "fc2_bn")) for name in network.state_dict())
    assert network.b1_fc1.out_features == 32
    code = torch.randn(3, 20)
    # Without activations the pose is affine in the code.
    middle = network.decode_pose(code).mean(0)
    torch.testing.assert_close(network.decode_pose(code.mean(0, keepdim=True))[0], middle)


def test_batch_norm_is_used_when_asked_for():
    network = LiftingAutoencoder(8, batch_norm=True)
    heatmaps = torch.rand(8, 15, 8, 8)
    code = network.encode(heatmaps)
    code.square().sum().backward()
    for norm in (network.bn1, network.bn2, network.bn3, network.fc1_bn, network.fc2_bn):
        assert norm.weight.grad.abs().sum() > 0
        assert norm.num_batches_tracked == 1
    # Normalised, so the code barely depends on the scale of the input.
    torch.testing.assert_close(network.encode(3 * heatmaps), code, rtol=0.05, atol=0.05)


def test_pose_branch_becomes_a_perceptron_when_asked_for():
    network = LiftingAutoencoder(8, latent=50, pose_activation=True, pose_hidden=64)
    assert network.b1_fc2.weight.shape == (64, 64)
    code = torch.randn(3, 50)
    middle = network.decode_pose(code).mean(0)
    assert not torch.allclose(network.decode_pose(code.mean(0, keepdim=True))[0], middle, atol=1e-3)


def test_dropout_acts_in_training_only():
    network = LiftingAutoencoder(8, dropout=0.5)
    heatmaps = torch.rand(1, 15, 8, 8)
    assert not torch.equal(network.encode(heatmaps), network.encode(heatmaps))
    network.eval()
    assert torch.equal(network.encode(heatmaps), network.encode(heatmaps))


def test_batch_norm_lets_it_learn_from_nearly_empty_maps():
    """Twenty steps on a handful of one-cell maps: the code must tell them apart."""
    torch.manual_seed(0)
    heatmaps = torch.zeros(16, 15, 8, 8)
    cells = torch.randint(64, (16, 15))
    heatmaps.flatten(2).scatter_(2, cells[..., None], 1.0)
    target = torch.randn(16, 16, 3)
    network = LiftingAutoencoder(8, 15, 64, batch_norm=True, pose_activation=True, pose_hidden=128)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    losses = []
    for _ in range(20):
        loss = (network(heatmaps).joints3d - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_whole_network_is_differentiable_from_pose_to_picture():
    torch.manual_seed(0)
    network = Autoencoder(AutoencoderOptions(), "resnet18", 64, ("pose2d", "lifting"))
    assert (network.input_size, network.heatmap_size) == (64, 8)
    output = network(torch.rand(2, 3, 64, 64))
    assert output.heatmaps.shape == output.extra.shape == (2, 15, 8, 8)
    assert output.joints3d.shape == (2, 16, 3)
    output.joints3d.square().sum().backward()
    assert network.pose2d.conv1.weight.grad.abs().sum() > 0
    # Only training needs the reconstruction.
    assert network.eval()(torch.rand(2, 3, 64, 64)).extra is None
