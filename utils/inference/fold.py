"""A trained network made ready to run fast: batch norms folded away, weights in the precision."""

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model.ego_pose import EgoPose
from model.ego_transformer import EgoTransformer
from model.pose_fpn import PoseFPN
from model.pose_resnet import PoseResNet
from utils.device import fast_bf16


def _fold_block(block: nn.Module) -> None:
    """Fold conv1 … conv3 of a residual block, and its shortcut."""
    for k in (1, 2, 3):
        conv = getattr(block, f"conv{k}", None)
        if conv is not None:
            setattr(block, f"conv{k}", fuse_conv_bn_eval(conv, getattr(block, f"bn{k}")))
            setattr(block, f"bn{k}", nn.Identity())
    if block.downsample is not None:
        block.downsample = fuse_conv_bn_eval(*block.downsample)


def fold_batch_norms(pose2d: PoseResNet | PoseFPN) -> None:
    """Fold every batch norm of the trunk and the head into the convolution before it, in place.

    In evaluation a batch norm scales and shifts each channel by constants, which the weights can
    do themselves; the result is the same up to rounding.

    Args:
        pose2d: in evaluation mode; not to be trained any more.
    """
    pose2d.conv1 = fuse_conv_bn_eval(pose2d.conv1, pose2d.bn1)
    pose2d.bn1 = nn.Identity()
    for layer in (pose2d.layer1, pose2d.layer2, pose2d.layer3, pose2d.layer4):
        for block in layer:
            _fold_block(block)
    if isinstance(pose2d, PoseFPN):
        for blocks in (pose2d.laterals, pose2d.merges):
            for row, (conv, norm, relu) in enumerate(blocks):
                blocks[row] = nn.Sequential(fuse_conv_bn_eval(conv, norm), relu)
        return
    first, first_norm, relu, second, second_norm, last_relu = pose2d.deconv_layers
    pose2d.deconv_layers = nn.Sequential(
        fuse_conv_bn_eval(first, first_norm, transpose=True),
        relu,
        fuse_conv_bn_eval(second, second_norm, transpose=True),
        last_relu,
    )


def prepare_model(model: EgoPose | EgoTransformer, device: torch.device, precision: str) -> None:
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
