"""The losses.

Each function gives one unweighted number, a mean over the batch, in float32 whatever comes in.
:func:`heatmap_losses` and :func:`centred_losses` weigh them; their values add up to the total.
"""

from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from base.schema import Section
from base.skeleton import LIMBS
from model.decode import soft_argmax

#: Of the soft-argmax in the coordinate loss.  On target maps (peak 1, standard deviation 1.5 to 2
#: cells, 20 to 48 cells a side) it is then off by 0.1 cells at most: lower, and the highest cell
#: alone decides; higher, and the empty cells pull to the centre.  So the two heatmap losses agree.
TEMPERATURE = 0.07


Weight = Annotated[float, Field(ge=0)]


class LossWeights(Section):
    """Weights of the losses; a loss with weight 0 is not computed.  The defaults are the paper's.

    Attributes:
        heatmap: of :func:`heatmap_mse`.
        coordinates: of :func:`coordinate_l1`, which the paper does not have.
        reconstruction: of :func:`reconstruction_error`.
        pose: of :func:`joint_distance`.
        limb_cosine: of the negative of :func:`limb_cosine`.
        limb_distance: of :func:`limb_distance`.
        camera_pose, uncertainty, visibility, aux: of the transformer only, see
            :meth:`model.transformer.Transformer.pose_losses`.
    """

    heatmap: Weight = 1.0
    coordinates: Weight = 0.0
    reconstruction: Weight = 0.001
    pose: Weight = 0.1
    limb_cosine: Weight = 0.01
    limb_distance: Weight = 0.5
    camera_pose: Weight = 0.0
    uncertainty: Weight = 0.0
    visibility: Weight = 0.0
    aux: Weight = 0.0


def masked_mean(values: Tensor, mask: Tensor, count: Tensor | None = None) -> Tensor:
    """Sum of the values where the mask is set over their number, 0 where there are none.

    Args:
        values: (B, J).
        mask: (B, J) bool.
        count: divide by this instead: where a batch is divided, the number averaged over its parts,
            so that the parts' results average to the mean over the whole batch.
    """
    # Selected, not multiplied by 0: what does not count may be any number, NaN included.
    count = mask.sum().clamp(min=1) if count is None else count
    return torch.where(mask, values, 0.0).sum() / count


def heatmap_mse(heatmaps: Tensor, target: Tensor) -> Tensor:
    """Mean squared error over every cell of every map.

    Args:
        heatmaps: (B, J, h, h) predicted.
        target: (B, J, h, h).
    """
    return F.mse_loss(heatmaps.float(), target.float())


def coordinate_l1(
    heatmaps: Tensor,
    joints2d: Tensor,
    visible: Tensor,
    input_size: int,
    temperature: float = TEMPERATURE,
    count: Tensor | None = None,
) -> Tensor:
    """Error of the soft-argmax positions, |Δx| + |Δy| averaged over the visible joints.

    In units of the picture's side, hence the same at every resolution; 0 if no joint is visible.
    Unlike the squared error of the maps it does not settle for empty ones, so it gets a network
    with random weights going.  Source: Sun et al., "Integral human pose regression", ECCV 2018.

    Args:
        heatmaps: (B, J, h, h) predicted.
        joints2d: (B, J, 2) pixels of the S×S picture.
        visible: (B, J) bool, the joints that count.
        input_size: S.
        temperature: of :func:`~model.decode.soft_argmax`.
        count: see :func:`masked_mean`.
    """
    predicted = soft_argmax(heatmaps, temperature, input_size)
    error = (predicted - joints2d.float()).abs().sum(-1) / input_size
    return masked_mean(error, visible, count)


def reconstruction_error(
    reconstruction: Tensor, target: Tensor, reduction: Literal["mean", "sum"] = "mean"
) -> Tensor:
    """Squared error of the rebuilt heatmaps.

    Args:
        reconstruction: (B, J, h, h) from the lifting network.
        target: (B, J, h, h) what it was to rebuild.
        reduction: of a sample's cells: their mean, as the reference does in train3d, or their sum,
            as it does in finetune.  The batch's samples are averaged in both.
    """
    error = heatmap_mse(reconstruction, target)
    return error if reduction == "mean" else error * reconstruction[0].numel()


def joint_distance(joints3d: Tensor, target: Tensor) -> Tensor:
    """Euclidean distance of each joint from its place, averaged over joints and batch, metres.

    Args:
        joints3d: (B, 16, 3) metres, predicted.
        target: (B, 16, 3) metres.
    """
    return torch.linalg.vector_norm(joints3d.float() - target.float(), dim=-1).mean()


def limb_vectors(joints3d: Tensor) -> Tensor:
    """Child minus parent of each limb of the skeleton: (B, 16, 3) → (B, 14, 3) float32 metres."""
    parents, children = zip(*LIMBS, strict=True)
    joints3d = joints3d.float()
    return joints3d[:, list(children)] - joints3d[:, list(parents)]


def limb_cosine(joints3d: Tensor, target: Tensor) -> Tensor:
    """Cosine of the angle between each limb and its target, summed over the 14 limbs.

    Averaged over the batch: 14 for limbs that all point the right way, whatever their lengths.
    Source: Tome et al., "xR-EgoPose", ICCV 2019, equation 2.

    Args:
        joints3d: (B, 16, 3) metres, predicted.
        target: (B, 16, 3) metres.
    """
    cosine = F.cosine_similarity(limb_vectors(joints3d), limb_vectors(target), dim=-1)
    return cosine.sum(-1).mean()


def limb_distance(joints3d: Tensor, target: Tensor) -> Tensor:
    """Length of the difference between each limb's vector and its target, summed over 14 limbs.

    Averaged over the batch, metres.  Source: Tome et al., "xR-EgoPose", ICCV 2019, equation 2.

    Args:
        joints3d: (B, 16, 3) metres, predicted.
        target: (B, 16, 3) metres.
    """
    difference = limb_vectors(joints3d) - limb_vectors(target)
    return torch.linalg.vector_norm(difference, dim=-1).sum(-1).mean()


def heatmap_losses(
    heatmaps: Tensor,
    target: Tensor,
    joints2d: Tensor,
    visible: Tensor,
    input_size: int,
    weights: LossWeights,
    count: Tensor | None = None,
) -> dict[str, Tensor]:
    """The weighted losses of the heatmaps; their sum is what to minimise.

    Args:
        heatmaps: (B, J, h, h) predicted.
        target: (B, J, h, h).
        joints2d: (B, J, 2) pixels of the S×S picture, the joints that have heatmaps.
        visible: (B, J) bool, the joints inside the picture.
        input_size: S.
        weights: a loss with weight 0 is left out of the result.
        count: of the joints inside the picture, see :func:`masked_mean`.

    Returns:
        "heatmap" and "coordinates".
    """
    losses = {}
    if weights.heatmap:
        losses["heatmap"] = weights.heatmap * heatmap_mse(heatmaps, target)
    if weights.coordinates:
        error = coordinate_l1(heatmaps, joints2d, visible, input_size, count=count)
        losses["coordinates"] = weights.coordinates * error
    return losses


def centred_losses(predicted: Tensor, target: Tensor, weights: LossWeights) -> dict[str, Tensor]:
    """The weighted losses of (B, 16, 3) poses in metres, Neck at the origin: "pose",
    "limb_cosine" and "limb_distance", those with weight 0 left out."""
    losses = {}
    if weights.pose:
        losses["pose"] = weights.pose * joint_distance(predicted, target)
    if weights.limb_cosine:
        losses["limb_cosine"] = -weights.limb_cosine * limb_cosine(predicted, target)
    if weights.limb_distance:
        losses["limb_distance"] = weights.limb_distance * limb_distance(predicted, target)
    return losses


def scale_likelihood(distance: Tensor, log_scale: Tensor) -> Tensor:
    """Negative log likelihood of distances under scales, mean over joints and batch.

    A joint is r away from its place with density r² exp(−r / b) / (2 b³): Laplace's distribution
    of a vector, whose likelihood falls with the distance and not its square, so that few gross
    errors do not dominate.  Up to a constant that is r / b + 3 ln b, least at b = r / 3.  Source:
    Kendall & Gal, "What uncertainties do we need in Bayesian deep learning for computer vision?",
    NeurIPS 2017, equations 5 and 8, for three dimensions.

    Args:
        distance: (B, J) metres.
        log_scale: (B, J) ln b.
    """
    log_scale = log_scale.float()
    return (distance.float() * torch.exp(-log_scale) + 3 * log_scale).mean()


def visibility_entropy(
    logits: Tensor, visible: Tensor, known: Tensor, count: Tensor | None = None
) -> Tensor:
    """Binary cross entropy of joints being visible, mean over those of which it is known.

    Args:
        logits: (B, 16).
        visible: (B, 16) bool.
        known: (B, 16) bool, the joints that count; 0 if there are none.
        count: see :func:`masked_mean`.
    """
    error = F.binary_cross_entropy_with_logits(logits.float(), visible.float(), reduction="none")
    return masked_mean(error, known, count)
