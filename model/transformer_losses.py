"""The losses of the transformer, beside those of :mod:`model.losses` that it shares."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from base.skeleton import neck_centred
from model.joint_transformer import JointEstimate
from model.losses import LossWeights, centred_losses, joint_distance


def scale_likelihood(distance: Tensor, log_scale: Tensor) -> Tensor:
    """Negative log likelihood of distances under scales, mean over joints and batch.

    A joint is r away from its place with density r² exp(−r / b) / (2 b³): Laplace's distribution
    of a vector, whose likelihood falls with the distance and not its square, so that few gross
    errors do not rule.  Up to a constant that is r / b + 3 ln b, least at b = r / 3.  Source:
    Kendall & Gal, "What uncertainties do we need in Bayesian deep learning for computer vision?",
    NeurIPS 2017, equations 5 and 8, for three dimensions.

    Args:
        distance: (B, J) metres.
        log_scale: (B, J) ln b.
    """
    log_scale = log_scale.float()
    return (distance.float() * torch.exp(-log_scale) + 3 * log_scale).mean()


def visibility_entropy(logits: Tensor, visible: Tensor, known: Tensor) -> Tensor:
    """Binary cross entropy of joints being seen, mean over those of which it is known.

    Args:
        logits: (B, 16).
        visible: (B, 16) bool.
        known: (B, 16) bool, the joints that count; 0 if there are none.
    """
    error = F.binary_cross_entropy_with_logits(logits.float(), visible.float(), reduction="none")
    return torch.where(known, error, 0.0).sum() / known.sum().clamp(min=1)


def transformer_losses(
    estimates: Sequence[JointEstimate],
    target: Tensor,
    visible: Tensor,
    known: Tensor,
    weights: LossWeights,
) -> dict[str, Tensor]:
    """The weighted losses of the poses; their sum is what to minimise.

    Args:
        estimates: of the network's layers; the last one counts.
        target: (B, 16, 3) metres, camera frame.
        visible: (B, 16) bool.
        known: (B, 16) bool, where ``visible`` is known.
        weights: a loss with weight 0 is left out of the result.

    Returns:
        "pose", "limb_cosine" and "limb_distance" as :func:`model.losses.pose_losses` has them,
        "camera_pose" (joint distance in the camera's frame), "uncertainty", "visibility", and
        "earlier": the mean of the poses' losses over the layers before the last.
    """
    *earlier, last = estimates
    losses = _of_poses(last.camera3d, target, weights)
    if weights.earlier and earlier:
        totals = [
            sum(_of_poses(estimate.camera3d, target, weights).values()) for estimate in earlier
        ]
        losses["earlier"] = weights.earlier * torch.stack(totals).mean()
    if weights.uncertainty:
        distance = torch.linalg.vector_norm(last.camera3d.float() - target.float(), dim=-1)
        # Where the joint is is the distances' own loss to say: likelihood alone would care less
        # for the joints that are hard (Seitzer et al., "On the pitfalls of heteroscedastic
        # uncertainty estimation with probabilistic neural networks", ICLR 2022).
        entropy = scale_likelihood(distance.detach(), last.log_scale)
        losses["uncertainty"] = weights.uncertainty * entropy
    if weights.visibility:
        entropy = visibility_entropy(last.visibility, visible, known)
        losses["visibility"] = weights.visibility * entropy
    return losses


def _of_poses(camera3d: Tensor, target: Tensor, weights: LossWeights) -> dict[str, Tensor]:
    target = target.float()
    losses = centred_losses(neck_centred(camera3d.float()), neck_centred(target), weights)
    if weights.camera_pose:
        losses["camera_pose"] = weights.camera_pose * joint_distance(camera3d, target)
    return losses
