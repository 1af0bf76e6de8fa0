"""The transformer's losses against numbers worked out by hand."""

import math

import pytest
import torch

from model.joint_transformer import JointEstimate
from model.losses import LossWeights, scale_likelihood, visibility_entropy
from model.pose_model import PoseOutput, Targets
from model.transformer import Extra, Transformer, TransformerOptions

NOTHING = dict.fromkeys(("heatmap", "reconstruction", "pose", "limb_cosine", "limb_distance"), 0.0)


def estimate(camera3d: torch.Tensor) -> JointEstimate:
    rest = torch.zeros(camera3d.shape[:2])
    return JointEstimate(camera3d, rest, rest)


def output(*camera3d: torch.Tensor) -> list[JointEstimate]:
    return [estimate(joints) for joints in camera3d]


def losses(found: list[JointEstimate], target: torch.Tensor, **weights: float):
    known = torch.ones(target.shape[:2], dtype=torch.bool)
    with torch.device("meta"):
        model = Transformer(TransformerOptions(), "resnet18", 64, ())
    last = found[-1]
    output = PoseOutput(
        None, last.camera3d, last.camera3d, None, last.visibility, Extra(found, None)
    )
    targets = Targets(None, None, target, known, known, known)
    return model.losses(output, targets, LossWeights(**NOTHING | weights), "mean")


@pytest.fixture
def target():
    return torch.randn(2, 16, 3, generator=torch.Generator().manual_seed(0))


def test_likelihood_of_distances_under_scales():
    distance = torch.tensor([[0.1, 0.3]])
    log_scale = torch.log(torch.tensor([[0.1, 0.05]]))
    expected = (1 + 3 * math.log(0.1) + 6 + 3 * math.log(0.05)) / 2
    assert scale_likelihood(distance, log_scale).item() == pytest.approx(expected, rel=1e-6)


def test_the_likeliest_scale_is_a_third_of_the_distance():
    distance = torch.full((1, 1), 0.3)
    at = [scale_likelihood(distance, torch.log(torch.tensor([[b]]))) for b in (0.09, 0.1, 0.11)]
    assert at[1] < at[0] and at[1] < at[2]


def test_visibility_counts_only_where_it_is_known():
    logits = torch.tensor([[0.0, 2.0, 50.0]])
    visible = torch.tensor([[True, False, False]])
    known = torch.tensor([[True, True, False]])
    expected = (math.log(2) + math.log(1 + math.exp(2))) / 2
    assert visibility_entropy(logits, visible, known).item() == pytest.approx(expected, rel=1e-6)
    assert visibility_entropy(logits, visible, torch.zeros_like(known)).item() == 0


def test_a_pose_moved_as_a_whole_is_wrong_in_the_camera_s_frame_only(target):
    moved = output(target + torch.tensor([0.3, 0.0, 0.4]))
    found = losses(moved, target, pose=1.0, camera_pose=2.0, limb_distance=1.0)
    assert found["camera_pose"].item() == pytest.approx(2 * 0.5, rel=1e-5)
    assert found["pose"].item() < 1e-6 and found["limb_distance"].item() < 1e-5


def test_one_joint_off_by_a_metre_is_a_sixteenth_of_a_metre(target):
    wrong = target.clone()
    wrong[:, 15, 1] += 1.0
    found = losses(output(wrong), target, pose=1.0, camera_pose=1.0, limb_distance=1.0)
    assert found["pose"].item() == pytest.approx(1 / 16, rel=1e-5)
    assert found["camera_pose"].item() == pytest.approx(1 / 16, rel=1e-5)
    assert found["limb_distance"].item() == pytest.approx(1.0, rel=1e-5)


def test_layers_before_the_last_are_measured_like_it(target):
    wrong = target.clone()
    wrong[:, 15, 1] += 1.0
    found = losses(output(wrong, target), target, camera_pose=1.0, aux=0.5)
    assert found["aux"].item() == pytest.approx(0.5 / 16, rel=1e-5)
    assert found["camera_pose"].item() < 1e-6
    assert "aux" not in losses(output(target), target, camera_pose=1.0, aux=0.5)


def test_the_uncertainty_does_not_move_the_pose(target):
    camera3d = (target + 0.1).requires_grad_()
    found = losses(output(camera3d), target, uncertainty=1.0)
    assert not found["uncertainty"].requires_grad
    scales = torch.zeros(2, 16, requires_grad=True)
    losses([estimate(camera3d)._replace(log_scale=scales)], target, uncertainty=1.0)[
        "uncertainty"
    ].backward()
    assert camera3d.grad is None and scales.grad.abs().min() > 0


def test_a_loss_with_weight_0_is_left_out(target):
    assert losses(output(target), target) == {}
