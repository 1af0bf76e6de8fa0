"""The losses: each a mean over the batch, in float32 whatever comes in.

Poses are (B, 16, 3) metres, heatmaps (B, J, h, h), masks (B, J) bool.  Targets of joints that are
not labelled are NaN: they add exactly 0 to a loss and to its gradient, and still count in its mean.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.linalg import vector_norm

from base.schema import Section, option
from base.skeleton import HEAD, LIMB_CHILDREN, LIMB_PARENTS, NECK
from model.decode import soft_argmax


class LossWeights(Section):
    """Weights of the losses, by default the paper's; one with weight 0 is not computed."""

    heatmap: float = option(1.0, "squared error of the heatmaps", ge=0)
    coordinates: float = option(0.0, "2D joints by soft-argmax, L1; not in the paper", ge=0)
    reconstruction: float = option(0.001, "squared error of the rebuilt heatmaps", ge=0)
    pose: float = option(0.1, "mean joint distance, Neck at the origin", ge=0)
    limb_cosine: float = option(0.01, "cosines of the limbs' directions", ge=0)
    limb_distance: float = option(0.5, "distances of the limbs' vectors", ge=0)
    limb_length: float = option(0.0, "differences of the limbs' lengths", ge=0)
    hidden: float = option(1.0, "of hidden joints in pose and camera_pose, others 1", ge=0)
    camera_pose: float = option(0.0, "transformer: mean joint distance in the camera frame", ge=0)
    uncertainty: float = option(0.0, "transformer: likelihood of the predicted uncertainty", ge=0)
    visibility: float = option(0.0, "transformer: cross-entropy of the joints' visibility", ge=0)
    aux: float = option(0.0, "transformer: the poses' losses after each layer but the last", ge=0)


def masked_mean(values: Tensor, mask: Tensor, count: Tensor | None = None) -> Tensor:
    """Mean of the (B, J) values where the mask is set, 0 where there are none.  ``count`` replaces
    their number: in a divided batch its average over the parts, so that the parts' results average
    to the mean over the whole."""
    count = mask.sum().clamp(min=1) if count is None else count
    # Selected, not multiplied by 0: what does not count may be any number, NaN included.
    return torch.where(mask, values, 0.0).sum() / count


def known_or_met(target: Tensor, predicted: Tensor) -> Tensor:
    """The target, where it is NaN the prediction itself, in float32: no distance, no gradient."""
    return torch.where(target.isnan(), predicted.detach(), target).float()


def heatmap_mse(heatmaps: Tensor, target: Tensor) -> Tensor:
    """Mean squared error over every cell of every map."""
    return F.mse_loss(heatmaps.float(), known_or_met(target, heatmaps))


def coordinate_l1(
    heatmaps: Tensor, joints2d: Tensor, visible: Tensor, size: int, count: Tensor | None = None
) -> Tensor:
    """|Δx| + |Δy| of the soft-argmax positions from (B, J, 2) pixels, mean of the visible joints,
    in sides of the picture.

    Unlike the squared error of the maps it does not settle for empty ones, so it gets a network
    with random weights going.  Source: Sun et al., "Integral human pose regression", ECCV 2018.
    """
    error = (soft_argmax(heatmaps, size) - joints2d.float()).abs().sum(-1) / size
    return masked_mean(error, visible, count)


def reconstruction_error(
    reconstruction: Tensor, target: Tensor, reduction: Literal["mean", "sum"] = "mean"
) -> Tensor:
    """Squared error of the rebuilt heatmaps: of a sample's cells the mean, as the reference has it
    in train3d, or the sum, as in finetune; the mean over the samples in both."""
    error = heatmap_mse(reconstruction, target)
    return error if reduction == "mean" else error * reconstruction[0].numel()


def joint_weights(visible: Tensor, known: Tensor, hidden: float) -> Tensor | None:
    """(B, 16) float32: ``hidden`` for joints known to be hidden, else 1; None if all would be 1.

    Neck and Head count 1 always: the headset is fixed to the head, and the Neck is the origin from
    which errors are measured.
    """
    if hidden == 1:
        return None
    weights = torch.where(known & ~visible, hidden, 1.0)
    weights[:, [NECK, HEAD]] = 1.0
    return weights


def joint_distance(joints3d: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean Euclidean distance of the joints from their places, metres, each multiplied by its
    (B, 16) weight.  Divided by the number of joints, not by the sum of the weights: joints that are
    seen count the same whatever else is hidden, and a divided batch has the loss of the whole."""
    distance = vector_norm(joints3d.float() - known_or_met(target, joints3d), dim=-1)
    return (distance if weights is None else distance * weights).mean()


def centred_losses(
    predicted: Tensor, target: Tensor, weights: LossWeights, joints: Tensor | None = None
) -> dict[str, Tensor]:
    """The weighted losses of poses with the Neck at the origin, those with weight 0 left out.

    "pose": :func:`joint_distance` under the (B, 16) weights ``joints``; "limb_cosine" and
    "limb_distance": cosine of the angle between each limb and its target, rewarded, and length of
    the difference of their vectors, metres, summed over the 14 limbs (Tome et al., "xR-EgoPose",
    ICCV 2019, equation 2); "limb_length": absolute difference of their lengths, metres, mean of the
    limbs, which leaves the direction free.
    """
    own, true = (
        x[:, LIMB_CHILDREN].float() - x[:, LIMB_PARENTS].float() for x in (predicted, target)
    )
    met = known_or_met(true, own)  # a limb is known where both of its ends are
    losses = {
        "pose": lambda: joint_distance(predicted, target, joints),
        "limb_cosine": lambda: -F.cosine_similarity(own, true.nan_to_num(), -1).sum(-1).mean(),
        "limb_distance": lambda: vector_norm(own - met, dim=-1).sum(-1).mean(),
        "limb_length": lambda: F.l1_loss(vector_norm(own, dim=-1), vector_norm(met, dim=-1)),
    }
    return {name: w * loss() for name, loss in losses.items() if (w := getattr(weights, name))}


def scale_likelihood(distance: Tensor, log_scale: Tensor) -> Tensor:
    """Negative log likelihood of (B, J) distances r under scales b, given as ln b; their mean.
    A distance that is not known is NaN.

    The density is r² exp(−r / b) / (2 b³): Laplace's distribution of a vector, under which few
    gross errors do not dominate.  Up to a constant that is r / b + 3 ln b, least at b = r / 3.
    Source: Kendall & Gal, "What uncertainties do we need in Bayesian deep learning for computer
    vision?", NeurIPS 2017, equations 5 and 8, for three dimensions.
    """
    distance, log_scale = distance.float(), log_scale.float()
    likelihood = distance.nan_to_num() * torch.exp(-log_scale) + 3 * log_scale
    return torch.where(distance.isnan(), 0.0, likelihood).mean()


def visibility_entropy(
    logits: Tensor, visible: Tensor, known: Tensor, count: Tensor | None = None
) -> Tensor:
    """Binary cross entropy of joints being visible, mean over those of which it is known."""
    error = F.binary_cross_entropy_with_logits(logits.float(), visible.float(), reduction="none")
    return masked_mean(error, known, count)
