"""The losses against values worked out by hand."""

import math

import pytest
import torch

from base.skeleton import LIMBS
from model.autoencoder import Autoencoder, AutoencoderOptions
from model.decode import soft_argmax
from model.joint_transformer import JointEstimate
from model.losses import (
    LossWeights,
    centred_losses,
    coordinate_l1,
    heatmap_mse,
    joint_distance,
    joint_weights,
    masked_mean,
    reconstruction_error,
    scale_likelihood,
    visibility_entropy,
)
from model.pose_model import PoseOutput, Targets
from model.transformer import Extra, Transformer, TransformerOptions

NOTHING = dict.fromkeys(LossWeights.model_fields, 0.0) | {"hidden": 1.0}


@pytest.fixture
def pose() -> torch.Tensor:
    return torch.randn(2, 16, 3, generator=torch.Generator().manual_seed(0))


def seen(value: bool = True) -> torch.Tensor:
    return torch.full((2, 16), value)


def test_heatmaps_are_compared_cell_by_cell():
    target = torch.zeros(2, 15, 4, 4)
    rebuilt = target.clone()
    rebuilt[0, 3, 1, 2] = 2.0
    rebuilt[1, 0, 0, 0] = 4.0
    assert heatmap_mse(rebuilt, target).item() == pytest.approx(20 / (2 * 240))
    assert reconstruction_error(rebuilt, target).item() == pytest.approx(20 / (2 * 240))
    # 4 in the first sample, 16 in the second.
    assert reconstruction_error(rebuilt, target, "sum").item() == pytest.approx(10.0)


def test_joint_distance_is_the_mean_euclidean_distance():
    target = torch.ones(2, 16, 3)
    joints3d = target.clone()
    joints3d[0, 5] += torch.tensor([3.0, 4.0, 0.0])
    joints3d[1, 1] -= torch.tensor([0.0, 0.0, 2.0])
    assert joint_distance(joints3d, target).item() == pytest.approx((5 + 2) / 32)


def limbs(name: str, predicted: torch.Tensor, target: torch.Tensor, weight: float = 1.0):
    return centred_losses(predicted, target, LossWeights(**NOTHING | {name: weight}))[name]


def test_limbs_have_a_direction_and_a_length(pose):
    for factor, cosine in ((1.0, 14.0), (0.5, 14.0), (-1.0, -14.0)):
        found = limbs("limb_cosine", factor * pose, pose)
        assert found.item() == pytest.approx(-cosine, rel=1e-5)
    assert limbs("limb_cosine", pose + 5.0, pose).item() == pytest.approx(-14.0, rel=1e-4)
    assert limbs("limb_distance", pose + 3.0, pose).item() == pytest.approx(0.0, abs=1e-4)
    # A Head moved by 5 changes the one limb that ends there, in one of two samples.
    moved = pose.clone()
    moved[0, 1] += torch.tensor([0.0, 3.0, 4.0])
    assert limbs("limb_distance", moved, pose).item() == pytest.approx(5 / 2, rel=1e-5)


def test_one_turned_limb():
    target = torch.zeros(1, 16, 3)
    # Each joint further along x than the one before: every limb has length.
    target[0, :, 0] = torch.arange(16)
    turned = target.clone()
    # The left toe is the child of one limb only: that limb turns by 60°, 13 stay.
    turned[0, 11] = turned[0, 10] + torch.tensor([0.5, math.sqrt(0.75), 0.0])
    assert limbs("limb_cosine", turned, target).item() == pytest.approx(-13.5, rel=1e-5)
    # And the two unit vectors at 60° are one apart.
    assert limbs("limb_distance", turned, target).item() == pytest.approx(1.0, rel=1e-5)


def test_limb_length_leaves_the_direction_free(pose):
    def length(predicted):
        return limbs("limb_length", predicted, pose, 2.0)

    assert length(-pose + 3.0).item() == pytest.approx(0.0, abs=1e-6)
    stretched = pose.clone()
    for sample, metres in ((0, 0.5), (1, -0.25)):  # along the left foot, to the toe
        along = pose[sample, 11] - pose[sample, 10]
        stretched[sample, 11] += metres * along / along.norm()
    stretched.requires_grad_()
    found = length(stretched)
    assert found.item() == pytest.approx(2 * (0.5 + 0.25) / 28, rel=1e-5)
    # Where nothing is left of a limb, the gradient is a number too.
    (found + length(0 * stretched)).backward()
    assert stretched.grad.isfinite().all() and stretched.grad[0, 11].norm() > 0


def test_hidden_joints_count_as_asked_for(pose):
    visible, known = seen(), seen()
    visible[0, [0, 1, 4]], visible[1, [7, 11]], known[1, 7] = False, False, False
    expected = torch.ones(2, 16)
    expected[0, 4] = expected[1, 11] = 0.1  # not Neck and Head, nor what may be visible
    weights = joint_weights(visible, known, 0.1)
    torch.testing.assert_close(weights, expected, rtol=0, atol=0)
    assert joint_weights(visible, known, 1.0) is None
    moved = pose.clone()
    moved[0, 4, 0] += 1.0
    moved[1, 5, 2] += 2.0
    assert joint_distance(moved, pose, weights).item() == pytest.approx((0.1 + 2) / 32, rel=1e-5)
    every, masks = {"pose": 1.0, "camera_pose": 2.0, "aux": 0.5}, (visible, known)
    plain, found = (
        placed(moved, moved.bfloat16(), target=pose, masks=masks, hidden=hidden, **every)
        for hidden in (1.0, 0.1)
    )
    rounded = joint_distance(moved.bfloat16(), pose, weights)
    assert found["camera_pose"].item() == pytest.approx(2 * rounded.item(), rel=1e-6)
    for name, rest in (("pose", 1), ("aux", 0.5 * 3)):
        assert found[name].item() == pytest.approx(rest * (0.1 + 2) / 32, rel=1e-1)
        assert found[name].dtype == torch.float32 and plain[name] > found[name]


def test_coordinate_loss_counts_visible_joints_in_picture_widths():
    # Peaks at cell (4, 6) of 16: pixel ((4.5) · 64/16 − 0.5, (6.5) · 4 − 0.5) = (17.5, 25.5).
    heatmaps = torch.full((1, 3, 16, 16), -10.0)
    heatmaps[..., 6, 4] = 10.0
    joints2d = torch.tensor([[[17.5, 25.5], [17.5 + 6.4, 25.5 - 3.2], [math.nan, 0.0]]])
    visible = torch.tensor([[True, True, False]])
    # Joint 0 is right, joint 1 off by 0.1 + 0.05 widths, joint 2 does not count.
    assert coordinate_l1(heatmaps, joints2d, visible, 64).item() == pytest.approx(0.075, rel=1e-4)
    with torch.device("meta"):
        model = Autoencoder(AutoencoderOptions(), "resnet18", 64, ())
    maps, places = heatmaps[:, :1].repeat(1, 15, 1, 1), joints2d[:, :1].repeat(1, 16, 1)
    places[0, 1] += 99.0  # the Head, which has no heatmap
    places[0, 7] += 6.4
    inside = torch.ones(1, 16, dtype=torch.bool)
    targets = Targets(maps - 2, places, None, inside, None, None, torch.tensor(3))
    weights = LossWeights(heatmap=3.0, coordinates=2.0)
    found = model.losses(PoseOutput(maps), targets, weights, "mean")
    assert found["heatmap"].item() == pytest.approx(12.0)
    assert found["coordinates"].item() == pytest.approx(2 * 0.2 / 3, rel=1e-4)
    assert set(model.losses(PoseOutput(maps), targets, LossWeights(), "mean")) == {"heatmap"}
    # Without a visible joint there is no error, and no gradient.
    heatmaps.requires_grad_()
    loss = coordinate_l1(heatmaps, joints2d, torch.zeros_like(visible), 64)
    loss.backward()
    assert loss.item() == 0 and (heatmaps.grad == 0).all()


def test_a_masked_mean_of_parts_averages_to_that_of_the_whole():
    values = torch.arange(8.0).reshape(2, 4)
    mask = torch.tensor([[True, True, True, False], [True, False, False, False]])
    values[~mask] = torch.nan
    whole = masked_mean(values, mask)
    assert whole.item() == pytest.approx((0 + 1 + 2 + 4) / 4)
    count = mask.sum() / 2
    parts = [masked_mean(values[n : n + 1], mask[n : n + 1], count) for n in (0, 1)]
    torch.testing.assert_close(sum(parts) / 2, whole)


def lifted(joints3d, rebuilt, target, heatmaps, reduction="mean", predicted=None, weights=()):
    """The losses of the paper's model, without heatmaps of its own unless there are any."""
    with torch.device("meta"):
        model = Autoencoder(AutoencoderOptions(), "resnet18", 64, ())
    targets = Targets(heatmaps, torch.zeros(2, 16, 2), target, *[seen()] * 3)
    output = PoseOutput(predicted, joints3d, extra=rebuilt)
    return model.losses(output, targets, LossWeights(**dict(weights)), reduction)


@pytest.mark.parametrize("reconstruction", ["mean", "sum"])
def test_pose_losses_are_the_papers(pose, reconstruction):
    target = pose.flip(0)
    rebuilt, heatmaps = torch.rand(2, 15, 8, 8), torch.rand(2, 15, 8, 8)
    losses = lifted(pose, rebuilt, target, heatmaps, reconstruction)
    target = target - target[:, :1]  # the Neck of the target is at the origin
    error = (rebuilt - heatmaps).square().flatten(1)
    expected = 0.001 * (error.mean() if reconstruction == "mean" else error.sum(1).mean())
    expected += 0.1 * (pose - target).square().sum(-1).sqrt().mean()
    for parent, child in LIMBS:
        a, b = pose[:, child] - pose[:, parent], target[:, child] - target[:, parent]
        cosine = (a * b).sum(-1) / (a.square().sum(-1) * b.square().sum(-1)).sqrt()
        expected += -0.01 * cosine.mean() + 0.5 * (a - b).square().sum(-1).sqrt().mean()
    assert set(losses) == {"reconstruction", "pose", "limb_cosine", "limb_distance"}
    torch.testing.assert_close(sum(losses.values()), expected)
    # From pictures the reconstruction is compared with the predicted heatmaps.
    own = lifted(pose, rebuilt, target, heatmaps, reconstruction, rebuilt)
    assert own["reconstruction"] == 0 and own["heatmap"].item() == pytest.approx(
        error.mean().item()
    )
    assert lifted(pose, rebuilt, target, heatmaps, weights=NOTHING) == {}


def test_collapsed_and_half_precision_predictions_have_finite_losses(pose):
    joints3d = torch.zeros(2, 16, 3, requires_grad=True)
    empty = torch.zeros(2, 15, 8, 8)
    sum(lifted(joints3d, empty, torch.zeros(2, 16, 3), empty, "mean").values()).backward()
    assert torch.isfinite(joints3d.grad).all()
    half = empty.bfloat16()
    losses = lifted(pose.bfloat16(), half, pose, empty, "mean", half, {"coordinates": 1.0})
    assert len(losses) == 6
    assert all(value.dtype == torch.float32 and value.isfinite() for value in losses.values())


def placed(*camera3d: torch.Tensor, scale=None, target, known=None, masks=None, **weights):
    """The losses of our own model, given the poses of its layers."""
    with torch.device("meta"):
        model = Transformer(TransformerOptions(), "resnet18", 64, ())
    scale = torch.zeros(2, 16) if scale is None else scale
    found = [JointEstimate(joints, scale, torch.zeros(2, 16)) for joints in camera3d]
    output = PoseOutput(None, found[-1].camera3d, found[-1].camera3d, extra=Extra(found, None))
    masks = masks or (seen(), seen())
    targets = Targets(None, None, target, seen(), *masks, known_count=known)
    return model.losses(output, targets, LossWeights(**NOTHING | weights), "mean")


def test_scales_and_their_likelihood(pose):
    distance = torch.tensor([[0.1, 0.3]])
    log_scale = torch.log(torch.tensor([[0.1, 0.05]]))
    expected = (1 + 3 * math.log(0.1) + 6 + 3 * math.log(0.05)) / 2
    assert scale_likelihood(distance, log_scale).item() == pytest.approx(expected, rel=1e-6)
    # Every joint 0.5 from its place, under scales of 2.
    scale = torch.full((2, 16), math.log(2.0), requires_grad=True)
    camera3d = (pose + torch.tensor([0.3, 0.0, 0.4])).requires_grad_()
    found = placed(camera3d, scale=scale, target=pose, uncertainty=10.0)["uncertainty"]
    assert found.item() == pytest.approx(10 * (0.25 + 3 * math.log(2)), rel=1e-5)
    # The uncertainty does not move the pose.
    found.backward()
    assert camera3d.grad is None and scale.grad.abs().min() > 0


def test_visibility_counts_only_where_it_is_known(pose):
    logits = torch.tensor([[0.0, 2.0, 50.0]])
    visible = torch.tensor([[True, False, False]])
    known = torch.tensor([[True, True, False]])
    expected = (math.log(2) + math.log(1 + math.exp(2))) / 2
    assert visibility_entropy(logits, visible, known).item() == pytest.approx(expected, rel=1e-6)
    assert visibility_entropy(logits, visible, torch.zeros_like(known)).item() == 0
    found = placed(pose, target=pose, visibility=3.0, known=torch.tensor(64))
    assert found["visibility"].item() == pytest.approx(3 * math.log(2) * 32 / 64, rel=1e-5)


def test_poses_in_the_camera_frame_and_of_the_layers_before(pose):
    moved, every = pose + torch.tensor([0.3, 0.0, 0.4]), {"pose": 1.0, "camera_pose": 2.0}
    found = placed(moved, target=pose, limb_distance=1.0, **every)
    # A pose moved as a whole is wrong in the camera's frame only.
    assert found["camera_pose"].item() == pytest.approx(2 * 0.5, rel=1e-5)
    assert found["pose"].item() < 1e-6 and found["limb_distance"].item() < 1e-5
    wrong = pose.clone()
    wrong[:, 15, 1] += 1.0
    found = placed(moved, wrong, pose, target=pose, aux=0.5, **every)
    # Two layers before: one off by 2 · 0.5, one by 3 / 16 in both measures together.
    assert found["aux"].item() == pytest.approx(0.5 * (1 + 3 / 16) / 2, rel=1e-5)
    assert found["camera_pose"].item() < 1e-6
    assert "aux" not in placed(pose, target=pose, aux=0.5) and not placed(wrong, target=pose)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("from_pictures", [True, False])
def test_joints_that_are_not_labelled_add_nothing_to_a_loss_and_its_gradient(
    pose, from_pictures, reduction
):
    """In the first frame the Head and both toes, in the second an elbow: compared with sums over
    what is known, written out."""
    unknown = seen(False)
    unknown[0, [1, 11, 15]], unknown[1, 3] = True, True
    maps = [joint for joint in range(16) if joint != 1]
    generator = torch.Generator().manual_seed(1)
    truth = pose + torch.rand(2, 16, 3, generator=generator)
    places = 64 * torch.rand(2, 16, 2, generator=generator)
    heat, own, rebuilt = torch.rand(3, 2, 15, 16, 16, generator=generator)
    target = torch.where(unknown[..., None], math.nan, truth)
    drawn = torch.where(unknown[:, maps, None, None], math.nan, heat)
    inside = ~unknown
    places2d = torch.where(unknown[..., None], math.nan, places)
    known = Targets(drawn, places2d, target, inside, inside, inside)
    every = LossWeights(**dict.fromkeys(LossWeights.model_fields, 1.0) | {"hidden": 0.3})
    with torch.device("meta"):
        paper = Autoencoder(AutoencoderOptions(), "resnet18", 64, ())
        ours = Transformer(TransformerOptions(), "resnet18", 64, ())
    given = [x.clone().requires_grad_() for x in (pose, pose + 0.5, own, rebuilt)]
    scale, logits = (torch.randn(2, 16, generator=generator).requires_grad_() for _ in range(2))
    first, second, own, rebuilt = given
    layers = [JointEstimate(joints, scale, logits) for joints in (first, second)]
    shown = own if from_pictures else None
    output = PoseOutput(shown, second, extra=rebuilt)
    losses = paper.losses(output, known, every, reduction)
    output = output._replace(camera3d=second, extra=Extra(layers, None))
    losses |= ours.losses(output, known, every, reduction)

    def apart(a, b):
        return (a - b).norm(dim=-1)

    def poses(camera3d):
        made, true = (x - x[:, :1] for x in (camera3d, truth))
        found = dict.fromkeys(("pose", "limb_cosine", "limb_distance", "limb_length"), 0.0)
        found["camera_pose"] = apart(camera3d, truth)[inside].sum() / 32
        found["pose"] = apart(made, true)[inside].sum() / 32
        for parent, child in LIMBS:
            rows = inside[:, parent] & inside[:, child]
            a, b = (x[rows, child] - x[rows, parent] for x in (camera3d, truth))
            lengths = a.norm(dim=-1), b.norm(dim=-1)
            found["limb_cosine"] -= ((a * b).sum(-1) / (lengths[0] * lengths[1])).sum() / 2
            found["limb_distance"] += apart(a, b).sum() / 2
            found["limb_length"] += (lengths[0] - lengths[1]).abs().sum() / 28
        return found

    expected = poses(second) | {"aux": sum(poses(first).values())}
    likelihood = apart(second, truth).detach() * torch.exp(-scale) + 3 * scale
    expected["uncertainty"] = likelihood[inside].sum() / 32
    entropy = -torch.nn.functional.logsigmoid(logits)
    expected["visibility"] = entropy[inside].sum() / inside.sum()
    there = inside[:, maps]
    count = 1 if reduction == "mean" else 15 * 256
    goal = own if from_pictures else heat
    expected["reconstruction"] = count * (rebuilt - goal)[there].square().sum() / (30 * 256)
    if from_pictures:
        expected["heatmap"] = (own - heat)[there].square().sum() / (30 * 256)
        off = (soft_argmax(own, 64) - places[:, maps]).abs().sum(-1) / 64
        expected["coordinates"] = off[there].sum() / there.sum()
    assert losses.keys() == expected.keys()
    inputs = [first, second, own, rebuilt, scale, logits]
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(expected[name].item(), rel=1e-5), name
        found, wanted = (
            torch.autograd.grad(x, inputs, retain_graph=True, materialize_grads=True)
            for x in (loss, expected[name])
        )
        for gradient, right in zip(found, wanted, strict=True):
            torch.testing.assert_close(gradient, right, rtol=1e-4, atol=1e-6)
            empty = unknown[:, maps] if gradient.shape[1] == 15 else unknown
            assert not gradient[empty].any(), name
