"""Backbones by name: networks of timm under either kind of model, and names that are none."""

import pytest
import torch

from base.camera import RELEASE_CAMERA
from base.errors import UserError
from dataset.transforms import SquareCrop
from model import build
from model.backbone import load_imagenet
from model.rays import CameraRays
from utils.common.config import parse_config
from utils.inference.fold import fold_batch_norms

timm = pytest.importorskip("timm")


def network(kind: str, backbone: str, size: int = 64):
    torch.manual_seed(0)
    config = parse_config({"model": {"kind": kind, "backbone": backbone}}, "test")
    return build(config.model, size).eval()


def predict(model, size: int = 64):
    rays = CameraRays(SquareCrop(size).camera(RELEASE_CAMERA))
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


def test_timm_s_resnet_is_torchvision_s():
    """The same weights under either name give the same heatmaps."""
    one, other = network("transformer", "resnet18"), network("transformer", "timm:resnet18")
    weights = {
        name if name.startswith(("laterals.", "merges.", "final_")) else f"backbone.{name}": value
        for name, value in one.pose2d.state_dict().items()
    }
    other.pose2d.load_state_dict(weights)
    difference = predict(one).heatmaps
    other.transformer.load_state_dict(one.transformer.state_dict())
    assert (predict(other).heatmaps - difference).abs().max() < 1e-5


def test_weights_of_a_file_start_a_backbone_of_timm(tmp_path):
    source = timm.create_model("mobilenetv3_small_050")
    torch.save(source.state_dict(), tmp_path / "weights.pth")
    model = network("transformer", "mobilenetv3_small_050")
    load_imagenet(model.pose2d, tmp_path / "weights.pth")
    loaded = model.pose2d.backbone.conv_stem.weight
    assert torch.equal(loaded, source.conv_stem.weight)
    with pytest.raises(UserError, match=r"nowhere\.pth of mobilenetv3_small_050"):
        load_imagenet(model.pose2d, tmp_path / "nowhere.pth")


@pytest.mark.parametrize(
    ("backbone", "size", "message"),
    [
        ("no_such_network", 64, "model.backbone no_such_network: Unknown model"),
        ("vit_tiny_patch16_224", 64, "strides .* are needed"),
        ("mobilenetv3_small_050", 72, "must be a multiple of 32"),
    ],
)
def test_what_cannot_be_a_backbone_is_one_line(backbone, size, message):
    with pytest.raises(UserError, match=message) as caught:
        predict(network("transformer", backbone, size), size)
    assert "\n" not in str(caught.value)
