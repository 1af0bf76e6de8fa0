"""The losses against values worked out by hand."""

import math

import pytest
import torch

from base.skeleton import LIMBS
from model.autoencoder import Autoencoder, AutoencoderOptions
from model.losses import (
    LossWeights,
    coordinate_l1,
    heatmap_losses,
    heatmap_mse,
    joint_distance,
    limb_cosine,
    limb_distance,
    limb_vectors,
    masked_mean,
    reconstruction_error,
)
from model.pose_model import PoseOutput, Targets


def pose_losses(joints3d, rebuilt, target_pose, target_heatmaps, reconstruction="mean"):
    """The losses of the paper's 3D module, which is given the target heatmaps."""
    with torch.device("meta"):
        model = Autoencoder(AutoencoderOptions(), "resnet18", 64, ("lifting",))
    seen = torch.ones(len(joints3d), 16, dtype=torch.bool)
    targets = Targets(target_heatmaps, None, target_pose, seen, seen, seen)
    output = PoseOutput(joints3d=joints3d, extra=rebuilt)
    return model.losses(output, targets, LossWeights(), reconstruction)


@pytest.fixture
def pose() -> torch.Tensor:
    return torch.randn(2, 16, 3, generator=torch.Generator().manual_seed(0))


def test_heatmap_mse_averages_over_everything():
    target = torch.zeros(2, 15, 4, 4)
    heatmaps = target.clone()
    heatmaps[0, 3, 1, 2] = 2.0
    assert heatmap_mse(heatmaps, target).item() == pytest.approx(4.0 / (2 * 15 * 16))


def test_reconstruction_is_a_mean_or_a_sum_per_sample():
    target = torch.zeros(2, 15, 4, 4)
    rebuilt = target.clone()
    rebuilt[0, 3, 1, 2] = 2.0
    rebuilt[1, 0, 0, 0] = 4.0
    assert reconstruction_error(rebuilt, target, "mean").item() == pytest.approx(20 / (2 * 240))
    # 4 in the first sample, 16 in the second.
    assert reconstruction_error(rebuilt, target, "sum").item() == pytest.approx(10.0)


def test_joint_distance_is_the_mean_euclidean_distance():
    target = torch.zeros(2, 16, 3)
    joints3d = target.clone()
    joints3d[0, 5] = torch.tensor([3.0, 4.0, 0.0])
    joints3d[1, 1] = torch.tensor([0.0, 0.0, 2.0])
    assert joint_distance(joints3d, target).item() == pytest.approx((5 + 2) / 32)


def test_limbs_point_from_parent_to_child():
    joints3d = torch.arange(48.0).reshape(1, 16, 3)
    vectors = limb_vectors(joints3d)
    assert vectors.shape == (1, 14, 3)
    # Neck → Head, and left shoulder → left hip: joints 0 → 1 and 2 → 8.
    torch.testing.assert_close(vectors[0, 0], torch.full((3,), 3.0))
    torch.testing.assert_close(vectors[0, LIMBS.index((2, 8))], torch.full((3,), 18.0))


def test_limb_cosine_counts_limbs_whatever_their_length(pose):
    assert limb_cosine(pose, pose).item() == pytest.approx(14.0, rel=1e-5)
    assert limb_cosine(0.5 * pose, pose).item() == pytest.approx(14.0, rel=1e-5)
    assert limb_cosine(-pose, pose).item() == pytest.approx(-14.0, rel=1e-5)
    assert limb_cosine(pose + 5.0, pose).item() == pytest.approx(14.0, rel=1e-4)


def test_limb_cosine_of_one_turned_limb():
    target = torch.zeros(1, 16, 3)
    # Each joint further along x than the one before: every limb has length.
    target[0, :, 0] = torch.arange(16)
    turned = target.clone()
    # The left toe is the child of one limb only: that limb turns by 60°, 13 stay.
    turned[0, 11] = turned[0, 10] + torch.tensor([0.5, math.sqrt(0.75), 0.0])
    assert limb_cosine(turned, target).item() == pytest.approx(13.5, rel=1e-5)
    # And the two unit vectors at 60° are one apart.
    assert limb_distance(turned, target).item() == pytest.approx(1.0, rel=1e-5)


def test_limb_distance_ignores_where_the_body_is(pose):
    assert limb_distance(pose + 3.0, pose).item() == pytest.approx(0.0, abs=1e-4)
    # A Head moved by 5 changes the one limb that ends there, in one of two samples.
    moved = pose.clone()
    moved[0, 1] += torch.tensor([0.0, 3.0, 4.0])
    assert limb_distance(moved, pose).item() == pytest.approx(5 / 2, rel=1e-5)


def test_coordinate_loss_counts_visible_joints_in_picture_widths():
    # Peaks at cell (4, 6) of 16: pixel ((4.5) · 64/16 − 0.5, (6.5) · 4 − 0.5) = (17.5, 25.5).
    heatmaps = torch.full((1, 3, 16, 16), -10.0)
    heatmaps[..., 6, 4] = 10.0
    joints2d = torch.tensor([[[17.5, 25.5], [17.5 + 6.4, 25.5 - 3.2], [0.0, 0.0]]])
    visible = torch.tensor([[True, True, False]])
    # Joint 0 is right, joint 1 off by 0.1 + 0.05 widths, joint 2 does not count.
    actual = coordinate_l1(heatmaps, joints2d, visible, input_size=64)
    assert actual.item() == pytest.approx(0.15 / 2, rel=1e-4)
    joints2d[0, 2] = torch.nan
    assert coordinate_l1(heatmaps, joints2d, visible, 64).item() == pytest.approx(0.075, rel=1e-4)


def test_coordinate_loss_is_the_same_at_every_resolution():
    heatmaps = torch.rand(2, 15, 16, 16)
    joints2d = 63 * torch.rand(2, 15, 2)
    visible = torch.ones(2, 15, dtype=torch.bool)
    coarse = coordinate_l1(heatmaps, joints2d, visible, 64)
    fine = coordinate_l1(heatmaps, (joints2d + 0.5) * 2 - 0.5, visible, 128)
    torch.testing.assert_close(coarse, fine)


def test_coordinate_loss_without_visible_joints_is_zero_and_has_a_gradient():
    heatmaps = torch.zeros(1, 15, 8, 8, requires_grad=True)
    joints2d = torch.full((1, 15, 2), torch.nan)
    loss = coordinate_l1(heatmaps, joints2d, torch.zeros(1, 15, dtype=torch.bool), 64)
    loss.backward()
    assert loss.item() == 0
    assert (heatmaps.grad == 0).all()


def test_heatmap_losses_are_weighted_and_left_out_at_zero():
    heatmaps, target = torch.rand(2, 15, 8, 8), torch.rand(2, 15, 8, 8)
    joints2d, visible = 60 * torch.rand(2, 15, 2), torch.ones(2, 15, dtype=torch.bool)
    arguments = (heatmaps, target, joints2d, visible, 64)
    plain = heatmap_losses(*arguments, LossWeights())
    assert set(plain) == {"heatmap"}
    torch.testing.assert_close(plain["heatmap"], heatmap_mse(heatmaps, target))
    both = heatmap_losses(*arguments, LossWeights(heatmap=3.0, coordinates=2.0))
    torch.testing.assert_close(both["heatmap"], 3 * plain["heatmap"])
    torch.testing.assert_close(
        both["coordinates"], 2 * coordinate_l1(heatmaps, joints2d, visible, 64)
    )


def test_pose_losses_are_the_papers(pose):
    target = pose.flip(0)
    rebuilt, heatmaps = torch.rand(2, 15, 8, 8), torch.rand(2, 15, 8, 8)
    losses = pose_losses(pose, rebuilt, target, heatmaps, reconstruction="sum")
    target = target - target[:, :1]  # the Neck of the target is at the origin
    expected = (
        0.001 * (rebuilt - heatmaps).square().sum((1, 2, 3)).mean()
        + 0.1 * (pose - target).square().sum(-1).sqrt().mean()
    )
    for parent, child in LIMBS:
        a, b = pose[:, child] - pose[:, parent], target[:, child] - target[:, parent]
        cosine = (a * b).sum(-1) / (a.square().sum(-1) * b.square().sum(-1)).sqrt()
        expected += -0.01 * cosine.mean() + 0.5 * (a - b).square().sum(-1).sqrt().mean()
    assert set(losses) == {"reconstruction", "pose", "limb_cosine", "limb_distance"}
    torch.testing.assert_close(sum(losses.values()), expected)


def test_collapsed_poses_have_finite_gradients():
    joints3d = torch.zeros(1, 16, 3, requires_grad=True)
    empty = torch.zeros(1, 15, 8, 8)
    losses = pose_losses(joints3d, empty, torch.zeros(1, 16, 3), empty)
    sum(losses.values()).backward()
    assert torch.isfinite(joints3d.grad).all()


def test_half_precision_predictions_are_compared_in_single(pose):
    target = torch.rand(2, 15, 8, 8)
    losses = pose_losses(pose.bfloat16(), torch.rand(2, 15, 8, 8).bfloat16(), pose, target)
    joints2d, visible = torch.rand(2, 15, 2), torch.ones(2, 15, dtype=torch.bool)
    weights = LossWeights(coordinates=1.0)
    losses |= heatmap_losses(target.bfloat16(), target, joints2d, visible, 64, weights)
    for name, value in losses.items():
        assert value.dtype == torch.float32, name
        assert torch.isfinite(value), name


def test_a_masked_mean_of_parts_averages_to_that_of_the_whole():
    values = torch.arange(8.0).reshape(2, 4)
    mask = torch.tensor([[True, True, True, False], [True, False, False, False]])
    values[~mask] = torch.nan
    whole = masked_mean(values, mask)
    assert whole.item() == pytest.approx((0 + 1 + 2 + 4) / 4)
    count = mask.sum() / 2
    parts = [masked_mean(values[n : n + 1], mask[n : n + 1], count) for n in (0, 1)]
    torch.testing.assert_close(sum(parts) / 2, whole)
