"""A trained network made ready to run fast: batch norms folded away, weights in the precision."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model.pose_model import PoseModel
from utils.common.device import fast_bf16

_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def fold_batch_norms(pose2d: nn.Module) -> None:
    """Fold every batch norm that follows a convolution into it, in place.

    In evaluation a batch norm scales and shifts each channel by constants, which the weights can
    do themselves; the result is the same up to rounding.

    Args:
        pose2d: in evaluation mode, not to be trained any more; its modules are listed in the order
            in which they run, as in torchvision's ResNets and in our own heads.  A network of
            timm, of which nobody knows that, is left as it is.
    """
    children = [(name, child) for name, child in pose2d.named_children() if name != "backbone"]
    for (name, child), (next_name, following) in pairwise(children):
        if isinstance(child, _CONVOLUTIONS) and type(following) is nn.BatchNorm2d:
            transposed = isinstance(child, nn.ConvTranspose2d)
            setattr(pose2d, name, fuse_conv_bn_eval(child, following, transposed))
            setattr(pose2d, next_name, nn.Identity())
    for _, child in children:
        fold_batch_norms(child)


def prepare_model(model: PoseModel, device: torch.device, precision: str) -> None:
    """Make a network that is only run, in place, as fast as plain PyTorch lets it be.

    Args:
        model: in evaluation mode, on ``device``.
        device: where it is.
        precision: "auto", "fp32" or "bf16".
    """
    fold_batch_norms(model.pose2d)
    if precision == "bf16" or (precision == "auto" and fast_bf16(device)):
        # Once, instead of at every call.
        model.pose2d.bfloat16()
    model.to(memory_format=torch.channels_last)
