"""The losses of the three stages.

Each function gives one unweighted number, a mean over the batch, in float32 whatever comes in.
:func:`heatmap_losses` and :func:`pose_losses` weigh them; their values add up to the total.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from base.skeleton import LIMBS
from model.decode import soft_argmax

#: Of the soft-argmax in the coordinate loss.  On target maps (peak 1, standard deviation 1.5 to 2
#: cells, 20 to 48 cells a side) it is then off by 0.1 cells at most: lower, and the highest cell
#: alone decides; higher, and the empty cells pull to the centre.  So the two heatmap losses agree.
TEMPERATURE = 0.07


@dataclass(frozen=True)
class LossWeights:
    """Weights of the losses; a loss with weight 0 is not computed.  The defaults are the paper's.

    Attributes:
        heatmap: of :func:`heatmap_mse`.
        coordinates: of :func:`coordinate_l1`, which the paper does not have.
        reconstruction: of :func:`reconstruction_error`.
        pose: of :func:`joint_distance`.
        limb_cosine: of the negative of :func:`limb_cosine`.
        limb_distance: of :func:`limb_distance`.
        camera_pose, uncertainty, visibility, earlier: of the transformer only, see
            :func:`model.transformer_losses.transformer_losses`.
    """

    heatmap: float = 1.0
    coordinates: float = 0.0
    reconstruction: float = 0.001
    pose: float = 0.1
    limb_cosine: float = 0.01
    limb_distance: float = 0.5
    camera_pose: float = 0.0
    uncertainty: float = 0.0
    visibility: float = 0.0
    earlier: float = 0.0


class PoseAndReconstruction(Protocol):
    """What :func:`pose_losses` reads off a network's output."""

    joints3d: Tensor
    reconstruction: Tensor


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
    """
    predicted = soft_argmax(heatmaps, temperature, input_size)
    # Selected, not multiplied by 0: a joint that does not count may carry any number, NaN included.
    error = torch.where(visible[..., None], predicted - joints2d.float(), 0.0) / input_size
    return error.abs().sum() / visible.sum().clamp(min=1)


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
) -> dict[str, Tensor]:
    """The weighted losses of the heatmaps; their sum is what to minimise.

    Args:
        heatmaps: (B, J, h, h) predicted.
        target: (B, J, h, h).
        joints2d: (B, J, 2) pixels of the S×S picture, the joints that have heatmaps.
        visible: (B, J) bool, the joints inside the picture.
        input_size: S.
        weights: a loss with weight 0 is left out of the result.

    Returns:
        "heatmap" and "coordinates".
    """
    losses = {}
    if weights.heatmap:
        losses["heatmap"] = weights.heatmap * heatmap_mse(heatmaps, target)
    if weights.coordinates:
        error = coordinate_l1(heatmaps, joints2d, visible, input_size)
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


def pose_losses(
    output: PoseAndReconstruction,
    target_pose: Tensor,
    target_heatmaps: Tensor,
    weights: LossWeights,
    reconstruction: Literal["mean", "sum"] = "mean",
) -> dict[str, Tensor]:
    """The weighted losses of the lifting network; their sum is what to minimise.

    Args:
        output: has joints3d (B, 16, 3) metres and reconstruction (B, J, h, h).
        target_pose: (B, 16, 3) metres, Neck at the origin.
        target_heatmaps: (B, J, h, h) what the reconstruction is compared with: the heatmaps the
            lifting network was given.  In finetune the reference compares with the predicted ones
            and lets the gradient pass through them too.
        weights: a loss with weight 0 is left out of the result.
        reconstruction: see :func:`reconstruction_error`.

    Returns:
        "reconstruction", "pose", "limb_cosine" (at most 0: the cosine is rewarded) and
        "limb_distance".
    """
    losses = {}
    if weights.reconstruction:
        error = reconstruction_error(output.reconstruction, target_heatmaps, reconstruction)
        losses["reconstruction"] = weights.reconstruction * error
    return losses | centred_losses(output.joints3d, target_pose, weights)
