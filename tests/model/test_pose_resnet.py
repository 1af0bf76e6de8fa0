"""The heatmap network: sizes, features, and starting from ImageNet weights."""

import urllib.error

import pytest
import torch
import torchvision

from base.errors import UserError
from model import backbone
from model.backbone import load_imagenet
from model.pose_resnet import PoseResNet


@pytest.fixture(scope="module")
def network() -> PoseResNet:
    torch.manual_seed(0)
    return PoseResNet("resnet18").eval()


@pytest.mark.parametrize(
    ("input_size", "expected"),
    [(64, 8), (128, 16), (160, 20), (170, 24), (192, 24), (200, 28), (224, 28), (368, 48)],
)
def test_heatmap_size_is_that_of_the_output(network, input_size, expected):
    with torch.inference_mode():
        heatmaps = network(torch.zeros(1, 3, input_size, input_size))
    assert PoseResNet.heatmap_size(input_size) == expected
    assert heatmaps.shape == (1, 15, expected, expected)


def test_features_and_head_make_up_the_network(network):
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        maps = network.trunk_maps(images)
        assert [part.shape[1] for part in maps] == network.trunk_channels
        assert [part.shape[-1] for part in maps] == [16, 8, 4, 2]
        heatmaps = network.final_layer(network.deconv_layers(maps[-1]))
        assert torch.equal(heatmaps, network(images))


def test_channels_last_gives_the_same_maps(network):
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        expected = network(images)
        network.to(memory_format=torch.channels_last)
        actual = network(images.to(memory_format=torch.channels_last))
        network.to(memory_format=torch.contiguous_format)
    torch.testing.assert_close(actual, expected, rtol=1e-3, atol=1e-5)


def test_new_network_starts_from_nearly_empty_maps():
    torch.manual_seed(0)
    with torch.inference_mode():
        heatmaps = PoseResNet("resnet18")(torch.randn(2, 3, 64, 64))
    assert heatmaps.abs().max() < 0.2


def test_imagenet_file_fills_the_trunk_and_leaves_the_head(tmp_path):
    torch.manual_seed(1)
    source = torchvision.models.resnet18(weights=None).state_dict()
    torch.save(source, tmp_path / "resnet18.pth")
    network = PoseResNet("resnet18")
    head = network.final_layer.weight.clone()
    load_imagenet(network, tmp_path / "resnet18.pth")
    loaded = network.state_dict()
    for name, value in source.items():
        if not name.startswith("fc."):
            assert torch.equal(loaded[name], value), name
    assert torch.equal(network.final_layer.weight, head)


def test_imagenet_file_of_another_depth_is_refused_and_changes_nothing(tmp_path):
    torch.save(torchvision.models.resnet34(weights=None).state_dict(), tmp_path / "w.pth")
    network = PoseResNet("resnet18")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(UserError, match="of resnet34, the network is resnet18"):
        load_imagenet(network, str(tmp_path / "w.pth"))
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def _truncated(path):
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), path)
    path.write_bytes(path.read_bytes()[:100_000])


def _pickled_code(path):
    torch.save({"conv1.weight": pytest.raises}, path)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_text("not weights"), "a text file"),
        (lambda path: path.write_bytes(b""), "an empty file"),
        (_truncated, "cut off"),
        (_pickled_code, "could run code"),
        (lambda path: torch.save([1, 2], path), "not a state dict"),
        (lambda path: torch.save({"a": torch.zeros(1)}, path), "no known ResNet"),
    ],
    ids=["missing", "folder", "text", "empty", "truncated", "code", "list", "other"],
)
def test_bad_imagenet_file_is_one_clear_line(tmp_path, write, message):
    path = tmp_path / "weights.pth"
    write(path)
    with pytest.raises(UserError, match=message) as caught:
        load_imagenet(PoseResNet("resnet18"), path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("Name or service not known"),
        TimeoutError(),
        RuntimeError('invalid hash value (expected "f37072fd", got "0")'),
    ],
)
def test_unreachable_download_says_what_to_do(monkeypatch, error):
    def unreachable(*args, **kwargs):
        assert kwargs["weights_only"] is True
        raise error

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", unreachable)
    with pytest.raises(UserError, match=r"could not be downloaded .*resnet18-\w+\.pth elsewhere"):
        load_imagenet(PoseResNet("resnet18"), "download")


def test_download_goes_the_same_way_as_a_file(monkeypatch):
    source = torchvision.models.resnet18(weights=None).state_dict()
    monkeypatch.setattr(backbone, "_download", lambda name: source)
    network = PoseResNet("resnet18")
    load_imagenet(network, "download")
    assert torch.equal(network.conv1.weight, source["conv1.weight"])
