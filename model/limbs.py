"""Poses whose head, arms, legs and feet have given lengths, or those that a network predicts."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from base.skeleton import NUM_JOINTS, RIGID_LIMBS

#: Of each bone its kind: head, upper arm, forearm, thigh, shin, foot; their mean lengths, metres.
_KINDS = (0, 1, 2, 1, 2, 3, 4, 5, 3, 4, 5)
_LENGTHS = (0.07, 0.26, 0.23, 0.37, 0.42, 0.15)


class GivenLengths(nn.Module):
    """Forward kinematics: joints that are anywhere give the directions of the bones, and their
    lengths are given.  Without weights, and its buffers in no state dict."""

    def __init__(self) -> None:
        super().__init__()
        way, anchors = torch.zeros(NUM_JOINTS, len(RIGID_LIMBS)), torch.arange(NUM_JOINTS)
        for number, (parent, child) in enumerate(RIGID_LIMBS):
            way[child], anchors[child] = way[parent], anchors[parent]
            way[child, number] = 1.0
        self.register_buffer("_on_the_way", way, persistent=False)
        self.register_buffer("_anchors", anchors, persistent=False)
        self.register_buffer("_ends", torch.tensor(RIGID_LIMBS).T, persistent=False)

    def forward(self, joints3d: Tensor, lengths: Tensor) -> Tensor:
        """(B, 16, 3) metres and (B, 11) lengths of the bones → (B, 16, 3): Neck, shoulders and hips
        stay, each bone keeps its direction and gets its length."""
        parents, children = self._ends
        directions = F.normalize(joints3d[:, children] - joints3d[:, parents], dim=-1)
        bones = directions * lengths[..., None]
        return joints3d[:, self._anchors] + self._on_the_way @ bones


class RigidLimbs(nn.Module):
    """Poses with lengths that a person's tokens tell, the same on both sides of the body."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.head = nn.Linear(dim, len(_LENGTHS))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("_mean", torch.tensor(_LENGTHS), persistent=False)
        self.with_lengths = GivenLengths()

    def forward(self, joints3d: Tensor, tokens: Tensor) -> Tensor:
        """(B, 16, 3) metres and (B, 16, D) → (B, 16, 3), as :class:`GivenLengths`."""
        lengths = self._mean * torch.exp(self.head(tokens.mean(1)).float())
        return self.with_lengths(joints3d, lengths[:, _KINDS])
