"""The 2D module of the project's own model."""

import pytest
import torch

from model.pose_fpn import PoseFPN
from model.pose_resnet import PoseResNet


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return PoseFPN("resnet18", channels=16).eval()


@pytest.mark.parametrize("size", [64, 100, 160, 184])
def test_maps_have_the_sides_of_their_strides(network, size):
    with torch.inference_mode():
        pyramid = network.pyramid(torch.randn(1, 3, size, size))
    sides = [-(-size // stride) for stride in (8, 8, 16, 32)]
    assert [level.shape[-1] for level in pyramid] == sides
    assert [level.shape[1] for level in pyramid] == [15, 16, 16, 16]
    assert network.heatmap_size(size) == sides[0]


def test_the_forward_pass_is_the_heatmaps(network):
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(network(images), network.pyramid(images).heatmaps)


def test_the_first_maps_are_nearly_empty(network):
    with torch.inference_mode():
        assert network(torch.randn(2, 3, 64, 64)).abs().max() < 0.1


def test_what_is_seen_far_away_reaches_the_fine_map():
    """The heatmaps' features come from the coarsest level too, not from stride 8 alone."""
    torch.manual_seed(0)
    network = PoseFPN("resnet18", channels=16).eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        before = network.pyramid(images).stride8
        network.layer4[0].conv1.weight.mul_(2)
        assert (network.pyramid(images).stride8 - before).abs().max() > 1e-3


def test_the_trunk_is_the_reference_s_weight_by_weight():
    trunk = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4")
    own, reference = PoseFPN("resnet18").state_dict(), PoseResNet("resnet18").state_dict()
    names = {name for name in reference if name.startswith(trunk)}
    assert names == {name for name in own if name.startswith(trunk)}
    assert all(own[name].shape == reference[name].shape for name in names)
