"""Networks from state dicts in the reference implementation's layout, which is ours as well.

A checkpoint holds ``resnet_state_dict`` (:class:`~model.pose_resnet.PoseResNet`),
``autoencoder_state_dict`` (:class:`~model.lifting.LiftingAutoencoder`), or both.  Neither the depth
of the trunk nor the size of the heatmaps is stored; both are read off the weights.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

from base.errors import UserError
from model.lifting import LiftingAutoencoder
from model.pose_resnet import HEAD_SCALE, PoseResNet
from model.resnet_trunk import TRUNK_STRIDE
from model.state_dict import depth_of, is_state_dict, load_strictly, strip_prefix

__all__ = ["Networks", "build_from_state_dicts", "coded_size_of", "depth_of"]


class Networks(NamedTuple):
    """The networks of a checkpoint, None for one it does not hold."""

    pose2d: PoseResNet | None
    lifting: LiftingAutoencoder | None


def _weights(state_dict: Mapping[str, Tensor], what: str) -> dict[str, Tensor]:
    if not is_state_dict(state_dict):
        raise UserError(f"{what}: not a state dict (names to tensors): give another checkpoint")
    return strip_prefix(state_dict)


def _shape(state_dict: Mapping[str, Tensor], name: str, what: str) -> tuple[int, ...]:
    if name not in state_dict:
        raise UserError(f"{what}: {name} is missing: these are weights of another network")
    return tuple(state_dict[name].shape)


def coded_size_of(autoencoder_state_dict: Mapping[str, Tensor]) -> int:
    """Side of the lifting encoder's last map, ⌊h / 8⌋ for heatmaps of side h: 6 for 48.

    Raises:
        UserError: if the weights are not a lifting autoencoder's.
    """
    what = "autoencoder_state_dict"
    state_dict = strip_prefix(autoencoder_state_dict)
    flat = _shape(state_dict, "fc1.weight", what)[-1]
    channels = _shape(state_dict, "conv3.weight", what)[0]
    size = math.isqrt(flat // channels)
    if size < 1 or channels * size * size != flat:
        raise UserError(f"{what}: fc1 takes {flat} numbers, not {channels} square maps")
    return size


def _input_sizes(coded_size: int) -> str:
    """The picture sizes whose heatmaps the encoder reduces to ``coded_size``, in words."""
    # h = 4 n with ⌊h / 8⌋ = coded_size: two values of n, each for pictures of 32 n − 31 … 32 n.
    least = -(-8 * coded_size // HEAD_SCALE)
    most = (8 * coded_size + 7) // HEAD_SCALE
    return f"{TRUNK_STRIDE * (least - 1) + 1} to {TRUNK_STRIDE * most}"


def build_from_state_dicts(
    resnet_state_dict: Mapping[str, Tensor] | None,
    autoencoder_state_dict: Mapping[str, Tensor] | None,
    input_size: int = 368,
    lifting_options: Mapping[str, Any] | None = None,
) -> Networks:
    """Build the networks that weights belong to, and load them.

    Args:
        resnet_state_dict: of the heatmap network, of any depth; None gives none.
        autoencoder_state_dict: of the lifting network; None gives none.
        input_size: side of the network's picture, pixels, which fixes the heatmaps' size.
        lifting_options: options of :class:`~model.lifting.LiftingAutoencoder` beyond the
            reference's, as the checkpoint's configuration has them.

    Returns:
        The networks on the CPU, in training mode as every new module.

    Raises:
        UserError: naming what is missing, unexpected or of another shape.
    """
    pose2d = lifting = None
    if resnet_state_dict is not None:
        what = "resnet_state_dict"
        weights = _weights(resnet_state_dict, what)
        maps = _shape(weights, "final_layer.weight", what)[0]
        pose2d = PoseResNet(depth_of(weights), maps)
        load_strictly(pose2d, weights, what)
    if autoencoder_state_dict is not None:
        what = "autoencoder_state_dict"
        weights = _weights(autoencoder_state_dict, what)
        size = PoseResNet.heatmap_size(input_size)
        coded = coded_size_of(weights)
        if coded != size // 8:
            raise UserError(
                f"{what}: made for pictures of {_input_sizes(coded)} pixels, not {input_size}: "
                "set the input size it was trained with"
            )
        maps = _shape(weights, "conv1.weight", what)[1]
        lifting = LiftingAutoencoder(size, maps, **(lifting_options or {}))
        load_strictly(lifting, weights, what)
    return Networks(pose2d, lifting)
