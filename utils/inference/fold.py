"""Batch norms folded into the convolutions before them, for a network that is not trained."""

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norms(pose2d: nn.Module) -> None:
    """Fold every batch norm that follows a convolution into it, in place; the outputs stay the same
    up to rounding.

    ``pose2d`` is in evaluation mode, with its modules listed in the order in which they run, as in
    torchvision's ResNets and our own heads.  A network of timm, of which that is not known, is
    left as it is.
    """
    children = [(name, child) for name, child in pose2d.named_children() if name != "backbone"]
    for (name, child), (next_name, following) in pairwise(children):
        convolution = isinstance(child, nn.Conv2d | nn.ConvTranspose2d)
        if convolution and type(following) is nn.BatchNorm2d:
            transposed = isinstance(child, nn.ConvTranspose2d)
            setattr(pose2d, name, fuse_conv_bn_eval(child, following, transposed))
            setattr(pose2d, next_name, nn.Identity())
    for _, child in children:
        fold_batch_norms(child)
