"""The losses against sums written out, and values worked out by hand."""

import math

import pytest
import torch

from base.skeleton import LIMBS
from model.decode import soft_argmax
from model.joint_transformer import JointEstimate
from model.losses import LossWeights, coordinate_l1, visibility_entropy
from model.paper_model import Autoencoder, AutoencoderOptions
from model.pose_model import PoseOutput, Targets
from model.transformer_model import Extra, Transformer, TransformerOptions

EVERY = dict.fromkeys(LossWeights.model_fields, 1.0)
#: Every joint but the Head has a heatmap.
MAPS = [joint for joint in range(16) if joint != 1]


@pytest.fixture(scope="module")
def models():
    """The paper's and our own, without any part."""
    with torch.device("meta"):
        paper = Autoencoder(AutoencoderOptions(), "resnet18", 64, ())
        return paper, Transformer(TransformerOptions(), "resnet18", 64, ())


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def all_losses(models, layers, heatmaps, rebuilt, targets, weights, reduction="mean"):
    """Those of the paper's model, of the last layer's poses, and of ours."""
    last = layers[-1].camera3d
    output = PoseOutput(heatmaps, last - last[:, :1], last, extra=rebuilt)
    outputs = output, output._replace(extra=Extra(layers, None))
    given = targets, LossWeights(**weights), reduction
    return [model.losses(one, *given) for model, one in zip(models, outputs, strict=True)]


def test_coordinate_loss_counts_visible_joints_in_picture_widths():
    # Peaks at cell (4, 6) of 16: pixel ((4.5) · 64/16 − 0.5, (6.5) · 4 − 0.5) = (17.5, 25.5).
    heatmaps = torch.full((1, 3, 16, 16), -10.0)
    heatmaps[..., 6, 4] = 10.0
    joints2d = torch.tensor([[[17.5, 25.5], [17.5 + 6.4, 25.5 - 3.2], [math.nan, 0.0]]])
    visible = torch.tensor([[True, True, False]])
    # Joint 0 is right, joint 1 off by 0.1 + 0.05 widths, joint 2 does not count.
    assert coordinate_l1(heatmaps, joints2d, visible, 64).item() == pytest.approx(0.075, rel=1e-4)
    # Without a visible joint there is no error, and no gradient.
    heatmaps.requires_grad_()
    loss = coordinate_l1(heatmaps, joints2d, torch.zeros_like(visible), 64)
    loss.backward()
    assert loss.item() == 0 and (heatmaps.grad == 0).all()


def test_visibility_counts_only_where_it_is_known():
    logits = torch.tensor([[0.0, 2.0, 50.0]])
    visible = torch.tensor([[True, False, False]])
    known = torch.tensor([[True, True, False]])
    expected = (math.log(2) + math.log(1 + math.exp(2))) / 2
    assert visibility_entropy(logits, visible, known).item() == pytest.approx(expected, rel=1e-6)
    assert visibility_entropy(logits, visible, torch.zeros_like(known)).item() == 0
    part = visibility_entropy(logits, visible, known, torch.tensor(8))  # of a divided batch
    assert part.item() == pytest.approx(expected * 2 / 8, rel=1e-6)


def test_collapsed_and_half_precision_predictions_have_finite_losses(models):
    """The weights of hidden joints and the mean over layers before the last among them."""
    pose, seen = torch.zeros(2, 16, 3, requires_grad=True), torch.ones(2, 16, dtype=torch.bool)
    empty, scale, target = torch.zeros(2, 15, 8, 8), torch.zeros(2, 16), drawn(2, 16, 3)
    targets = Targets(empty, torch.zeros(2, 16, 2), target, seen, ~seen, seen)
    for joints3d in (pose, target.bfloat16()):
        layers = [JointEstimate(joints3d, scale, scale)] * 2
        maps = empty.to(joints3d.dtype)
        for losses in all_losses(models, layers, maps, maps, targets, EVERY | {"hidden": 0.5}):
            assert all(loss.dtype == torch.float32 and loss.isfinite() for loss in losses.values())
            if joints3d is pose:
                sum(losses.values()).backward(retain_graph=True)
    assert pose.grad.isfinite().all()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("from_pictures", [True, False])
def test_losses_and_gradients_are_sums_over_the_joints_that_are_labelled(
    models, from_pictures, reduction
):
    """In the first frame the Head and both toes are not, in the second an elbow; some joints are
    hidden, of which Neck and Head count in full, and of others it is not known."""
    unknown = torch.zeros(2, 16, dtype=torch.bool)
    unknown[0, [1, 11, 15]], unknown[1, 3] = True, True
    inside = ~unknown
    visible, told = inside.clone(), inside.clone()
    visible[0, [0, 4, 7]], visible[1, [1, 7, 12]], told[0, 4] = False, False, False
    counted = torch.ones(2, 16)
    counted[0, 7] = counted[1, 7] = counted[1, 12] = 0.3
    pose, truth = drawn(2, 16, 3), drawn(2, 16, 3, seed=1)
    places = 32 + 8 * drawn(2, 16, 2, seed=2)
    heat, own, rebuilt = drawn(3, 2, 15, 16, 16, seed=3).abs()
    target = torch.where(unknown[..., None], math.nan, truth)
    maps = torch.where(unknown[:, MAPS, None, None], math.nan, heat)
    places2d = torch.where(unknown[..., None], math.nan, places)
    targets = Targets(maps, places2d, target, inside, visible, told)
    given = [x.clone().requires_grad_() for x in (pose, pose / 2, pose + 0.5, own, rebuilt)]
    *camera3d, own, rebuilt = given
    scale, logits = (x.requires_grad_() for x in drawn(2, 2, 16, seed=4))
    layers = [JointEstimate(joints, scale, logits) for joints in camera3d]
    shown, weights = own if from_pictures else None, EVERY | {"hidden": 0.3}
    paper, ours = all_losses(models, layers, shown, rebuilt, targets, weights, reduction)

    def apart(a, b):
        return (a - b).norm(dim=-1)

    def poses(camera3d):
        made, true = (x - x[:, :1] for x in (camera3d, truth))
        found = dict.fromkeys(("pose", "limb_cosine", "limb_distance", "limb_length"), 0.0)
        found["camera_pose"] = (counted * apart(camera3d, truth))[inside].sum() / 32
        found["pose"] = (counted * apart(made, true))[inside].sum() / 32
        for parent, child in LIMBS:
            rows = inside[:, parent] & inside[:, child]
            a, b = (x[rows, child] - x[rows, parent] for x in (camera3d, truth))
            lengths = a.norm(dim=-1), b.norm(dim=-1)
            found["limb_cosine"] -= ((a * b).sum(-1) / (lengths[0] * lengths[1])).sum() / 2
            found["limb_distance"] += apart(a, b).sum() / 2
            found["limb_length"] += (lengths[0] - lengths[1]).abs().sum() / 28
        return found

    first, second, last = map(poses, camera3d)
    expected = last | {"aux": (sum(first.values()) + sum(second.values())) / 2}
    # Of the distance no gradient: the uncertainty does not move the pose.
    likelihood = apart(camera3d[-1], truth).detach() * torch.exp(-scale) + 3 * scale
    expected["uncertainty"] = likelihood[inside].sum() / 32
    entropy = -torch.nn.functional.logsigmoid(torch.where(visible, logits, -logits))
    expected["visibility"] = entropy[told].sum() / told.sum()
    there = inside[:, MAPS]
    count = 1 if reduction == "mean" else 15 * 256
    goal = own if from_pictures else heat
    expected["reconstruction"] = count * (rebuilt - goal)[there].square().sum() / (30 * 256)
    if from_pictures:
        expected["heatmap"] = (own - heat)[there].square().sum() / (30 * 256)
        off = (soft_argmax(own, 64) - places[:, MAPS]).abs().sum(-1) / 64
        expected["coordinates"] = off[there].sum() / there.sum()
    assert (paper | ours).keys() == expected.keys()
    assert ours.keys() - paper.keys() == {"camera_pose", "aux", "uncertainty", "visibility"}
    inputs = [*given, scale, logits]
    for name, loss in (*paper.items(), *ours.items()):
        assert loss.item() == pytest.approx(expected[name].item(), rel=1e-5), name
        found, wanted = (
            torch.autograd.grad(x, inputs, retain_graph=True, materialize_grads=True)
            for x in (loss, expected[name])
        )
        for gradient, right in zip(found, wanted, strict=True):
            torch.testing.assert_close(gradient, right, rtol=1e-4, atol=1e-6)
            empty = unknown[:, MAPS] if gradient.shape[1] == 15 else unknown
            assert not gradient[empty].any(), name
    _, alone = all_losses(models, layers[-1:], shown, rebuilt, targets, weights, reduction)
    assert alone.keys() == ours.keys() - {"aux"}
