"""The project's own model: what it returns, where gradients go, and what the camera is to it."""

import math
from dataclasses import replace

import pytest
import torch

from base.release_camera import RELEASE_SQUARE, FisheyeCamera
from base.skeleton import HEAD, MIRROR, NECK
from model.joint_transformer import COVERAGE_RADIUS
from model.pose_fpn import Pyramid
from model.rays import CameraRays
from model.transformer_model import Extra, Transformer, TransformerOptions
from utils.common.networks import load_pose_model
from utils.common.pretrained import model_path

RAYS = CameraRays(RELEASE_SQUARE.resized(64, 64))
WHOLE = ("pose2d", "transformer")


def small(**options) -> Transformer:
    torch.manual_seed(0)
    own = TransformerOptions(channels=16, dim=32, layers=2, heads=4, **options)
    return Transformer(own, "resnet18", 64, WHOLE)


def stirred(network: Transformer) -> Transformer:
    """With numbers that depend on the tokens: at the start they hardly do."""
    torch.nn.init.normal_(network.transformer.head.weight, std=0.5)
    return network


def test_the_pretrained_weights_give_the_poses_they_gave():
    """Some numbers of a wave as a picture, as the code that trained them computed them."""
    loaded = load_pose_model(model_path("pretrained"))
    size = loaded.model.input_size
    images = torch.sin(torch.arange(3 * size * size) * 0.37).reshape(1, 3, size, size)
    with torch.inference_mode():
        found = loaded.model(images, CameraRays(loaded.camera))
    rows = [1, 4, 11]
    for values, expected in (
        (found.camera3d[0, 1], [1e-05, -0.18298, -0.02789]),
        (found.camera3d[0, 4], [0.08649, 0.06129, 0.03481]),
        (found.camera3d[0, 11], [-0.08613, 0.16506, 1.20615]),
        (found.uncertainty[0, rows], [0.144, 0.69088, 0.66938]),
        (found.visibility[0, rows], [-8.16296, -0.88253, -5.43735]),
        (found.heatmaps[0, :3].amax((-1, -2)), [0.51292, 0.23304, 0.33605]),
    ):
        torch.testing.assert_close(values, torch.tensor(expected), atol=2e-4, rtol=0)
    moved = found.joints3d + found.camera3d[:, NECK : NECK + 1]
    assert torch.allclose(moved, found.camera3d, atol=1e-6)
    assert found.joints3d[:, NECK].abs().max() == 0


def test_the_first_poses_are_a_standing_person_before_the_camera():
    network = small()
    head = network.transformer.head
    assert head.weight.std().item() == pytest.approx(0.01, rel=0.15) and not head.bias.any()
    typical = network.transformer.typical.detach()
    assert torch.equal(typical[list(MIRROR)] * torch.tensor([-1.0, 1.0, 1.0]), typical)
    output = network.eval()(torch.randn(2, 3, 64, 64), RAYS)
    feet, neck = output.camera3d[:, [10, 14], 2], output.camera3d[:, NECK, 2]
    # Where it is on its ray is not known yet.
    assert ((feet - neck).abs() > 0.4).all() and torch.isfinite(output.camera3d).all()
    scale = output.extra.estimates[-1].log_scale.exp()
    assert scale.log().mean().item() == pytest.approx(math.log(0.05), abs=0.2)
    # 90 % of Gamma(3), the distribution of distances in units of the scale, lies below the radius.
    x = COVERAGE_RADIUS
    assert 1 - math.exp(-x) * (1 + x + x * x / 2) == pytest.approx(0.9, abs=1e-5)


def test_the_uncertainty_is_calibrated_on_its_errors():
    network = small().eval()
    output = network(torch.randn(2, 3, 64, 64), RAYS)
    halves = output.extra.estimates[-1]._replace(log_scale=torch.full((2, 16), math.log(0.5)))
    output = output._replace(extra=Extra([halves], None))
    off = output.camera3d + torch.tensor([0.0, 0.3, -0.4])
    ratios = network.calibration_ratios(output, off).detach()
    assert torch.allclose(ratios, torch.ones(2, 16), atol=1e-5)
    network.calibrate(torch.arange(101.0).numpy())
    assert network.transformer.calibration.item() == pytest.approx(90)


def test_a_loss_of_the_pose_reaches_every_weight():
    network = stirred(small()).train()
    output = network(torch.randn(4, 3, 64, 64), RAYS)
    total = output.extra.estimates[-1].log_scale.sum() + output.visibility.sum()
    (total + sum(e.camera3d.square().sum() for e in output.extra.estimates)).backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None and weight.grad.abs().sum() > 0, name


def peaked(cells: list[tuple[int, int]], size: int, channels: int = 16) -> Pyramid:
    """Maps of one hot cell (x, y) each over the same features everywhere."""
    heatmaps = torch.zeros(1, 15, size, size)
    for joint in range(15):
        x, y = cells[joint % len(cells)]
        heatmaps[0, joint, y, x] = 5.0
    levels = [torch.full((1, channels, size // n, size // n), 0.3) for n in (1, 2, 4)]
    return Pyramid(heatmaps, *levels)


def test_another_lens_gives_the_same_pose_for_the_same_rays():
    """Of a third of the focal length: what was three cells off the axis is one cell off it."""
    transformer = stirred(small()).transformer.eval()
    for layer in transformer.layers:
        # The whole map shows more of the world through the wider lens; it is left out here.
        torch.nn.init.zeros_(layer.map_out.weight)
    size = 160
    longer = FisheyeCamera(90.0, 90.0, 79.5, 79.5, (-0.05, -0.004, 0.0, 0.0), size, size)
    # Undistorted where the other is, by having the same polynomial of an angle.
    wider = replace(longer, fx=30.0, fy=30.0)
    far, near = [5, 8, 11, 14], [8, 9, 10, 11]
    one = peaked([(x, y) for x in far for y in far[:2]], 20)
    other = peaked([(x, y) for x in near for y in near[:2]], 20)
    with torch.inference_mode():
        expected = transformer(one, CameraRays(longer))[0][-1]
        found = transformer(other, CameraRays(wider))[0][-1]
        wrong = transformer(other, CameraRays(longer))[0][-1]
    assert (found.camera3d - expected.camera3d).abs().max() < 1e-4
    assert (found.log_scale - expected.log_scale).abs().max() < 1e-4
    assert (wrong.camera3d - expected.camera3d).abs().max() > 1e-2


def test_a_picture_turned_by_half_through_a_camera_turned_likewise_is_the_same_world():
    """The whole map is looked at by its rays, not by where it lies in the picture."""
    transformer = stirred(small()).transformer.eval()
    camera = RELEASE_SQUARE.resized(160, 160)
    turned = replace(camera, fx=-camera.fx, fy=-camera.fy, cx=159 - camera.cx, cy=159 - camera.cy)
    torch.manual_seed(1)
    sides = (20, 20, 10, 5)
    pyramid = Pyramid(*(torch.rand(2, 16 - (n == 0), s, s) for n, s in enumerate(sides)))
    flipped = Pyramid(*(level.flip(-1, -2) for level in pyramid))
    with torch.inference_mode():
        expected = transformer(pyramid, CameraRays(camera))[0][-1]
        found = transformer(flipped, CameraRays(turned))[0][-1]
        wrong = transformer(flipped, CameraRays(camera))[0][-1]
    assert (found.camera3d - expected.camera3d).abs().max() < 1e-4
    assert (wrong.camera3d - expected.camera3d).abs().max() > 1e-2


def test_a_joint_that_is_surely_seen_can_be_put_on_its_ray():
    network = small().transformer.eval()
    torch.nn.init.zeros_(network.head.weight)
    network.head.bias.data[4] = 50.0
    camera = RELEASE_SQUARE.resized(160, 160)
    rays = CameraRays(camera)
    with torch.inference_mode():
        camera3d = network(peaked([(4, 12)], 20), rays)[0][-1].camera3d[0]
        ray = rays(torch.tensor([4 * 8 + 3.5, 12 * 8 + 3.5]))
    directions = torch.nn.functional.normalize(camera3d, dim=-1)
    assert (directions - ray).abs().max() < 1e-3
    # Head has no heatmap and takes the Neck's.
    assert torch.allclose(directions[HEAD], directions[NECK])


@pytest.mark.parametrize(("sampled", "whole_map"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_what_is_left_out_is_not_looked_at(sampled, whole_map):
    transformer = stirred(small(sampled=bool(sampled), whole_map=bool(whole_map))).transformer
    rays = CameraRays(RELEASE_SQUARE.resized(160, 160))
    pyramid = peaked([(4, 12)], 20)

    def moved(**changes) -> bool:
        with torch.inference_mode():
            before, after = (
                transformer.eval()(seen, rays)[0][-1].camera3d
                for seen in (pyramid, pyramid._replace(**changes))
            )
        return not torch.equal(before, after)

    torch.manual_seed(1)
    assert moved(heatmaps=peaked([(10, 6)], 20).heatmaps)
    assert moved(stride8=torch.rand(1, 16, 20, 20)) == bool(sampled)
    # At the joints there is what was there, elsewhere there is not.
    elsewhere = pyramid.stride16.clone()
    elsewhere[..., :4, :] = 2.0
    assert moved(stride16=elsewhere) == bool(whole_map)


def test_what_makes_poses_is_computed_in_single_precision_in_training_too():
    """Under autocast only the 2D module is rounded: the rest is what it makes of those maps."""
    network = stirred(small()).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        pyramid = network.pose2d.pyramid(images)
        found = network(images, RAYS)
    assert pyramid.heatmaps.dtype == torch.bfloat16
    with torch.inference_mode():
        expected = network.transformer(pyramid, RAYS)[0][-1].camera3d
    assert torch.equal(found.camera3d, expected)
