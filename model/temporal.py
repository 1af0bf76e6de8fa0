"""The last frames of a video → the pose of the newest: a causal transformer over poses and tokens.

What one picture hides an earlier one may have shown, and what the single-frame model gets wrong by
chance differs from frame to frame.  The idea of looking back with attention is that of Park et al.,
"Domain-guided spatio-temporal self-attention for egocentric 3D pose estimation" (Ego-STAN), 2022;
here each frame's joints have been found before, so each frame passes through the network once.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from base.skeleton import NUM_JOINTS
from model.joint_transformer import (
    COVERAGE_RADIUS,
    HEAD_STD,
    DecoderLayer,
    JointEstimate,
    perceptron,
)

_PER_METRE = 10.0  # neighbouring poses differ by centimetres, other numbers are larger
_NEWEST = 2.0  # logit by which the newest frame counts more at the start than each earlier one


class History(NamedTuple):
    """The newest frame of each of B sequences and K − 1 before it, the newest first: what the
    single-frame model made of them, and which there are, the newest always."""

    camera3d: Tensor  # (B, K, 16, 3) metres, camera frame
    log_scale: Tensor  # (B, K, 16) of their errors
    tokens: Tensor  # (B, K, 16, D)
    known: Tensor  # (B, K) bool


class TemporalTransformer(nn.Module):
    """Poses of the newest frames; arguments as of :class:`model.transformer_model.TemporalOptions`,
    and the width D of the single-frame model's tokens.  ``calibration`` as in
    :class:`~model.joint_transformer.JointTransformer`."""

    def __init__(
        self,
        in_dim: int,
        lags: Sequence[int],
        dim: int = 128,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.lags = tuple(lags)
        self.joints = nn.Parameter(torch.randn(NUM_JOINTS, dim) * 0.1)
        self.ages = nn.Parameter(torch.randn(len(self.lags), dim) * 0.1)
        self.tokens = nn.Linear(in_dim, dim)
        self.geometry = perceptron(3 + 3 + 1, dim)  # of pose, its change, log scale
        self.memory_norm = nn.LayerNorm(dim)
        self.layers = nn.ModuleList(DecoderLayer(dim, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        # Offset, log scale, visibility, and how much each frame's pose counts.
        self.head = nn.Linear(dim, 3 + 1 + 1 + len(self.lags))
        nn.init.normal_(self.head.weight, std=HEAD_STD)
        nn.init.zeros_(self.head.bias)
        self.head.bias.data[5] = _NEWEST
        self.register_buffer("calibration", torch.tensor(COVERAGE_RADIUS))

    def forward(self, history: History) -> JointEstimate:
        """Poses of the newest frames."""
        poses, known = history.camera3d.float(), history.known
        newest = poses[:, :1]
        # Frames that are not there may hold any number; attention leaves them out.
        poses = torch.where(known[..., None, None], poses, newest)
        scale, moved = history.log_scale.float(), (poses - newest) * _PER_METRE
        geometry = self.geometry(torch.cat([poses, moved, scale[..., None]], -1))
        frames = self.tokens(history.tokens.float()) + geometry + self.joints + self.ages[:, None]
        memory = self.memory_norm(frames.flatten(1, 2))
        there = known.repeat_interleave(NUM_JOINTS, 1)[:, None, None]
        tokens = frames[:, 0]
        for layer in self.layers:
            tokens = layer(tokens, memory, there)
        numbers = self.head(self.norm(tokens)).float()
        offset, log_scale, visibility, counts = numbers.split([3, 1, 1, len(self.lags)], -1)
        counts = counts.masked_fill(~known[:, None], float("-inf")).softmax(-1)
        mixed = torch.einsum("bjk,bkjc->bjc", counts, poses)
        return JointEstimate(mixed + offset, scale[:, 0] + log_scale[..., 0], visibility[..., 0])
