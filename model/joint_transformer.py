"""Features and heatmaps → 3D joints in the camera's frame, each with an uncertainty.

One token a joint: what the picture shows where the joint is seen, and the ray it is seen along.
The tokens attend to each other and to the whole coarse feature map (Vaswani et al., "Attention is
all you need", NeurIPS 2017; decoder layers as in Carion et al., "End-to-end object detection with
transformers", ECCV 2020, normalised before each part as in Xiong et al., ICML 2020).
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from base.skeleton import HEATMAP_JOINTS, NECK, NUM_JOINTS
from model.decode import TEMPERATURE, soft_argmax
from model.limbs import RigidLimbs
from model.pose_fpn import Pyramid
from model.rays import CameraRays

#: A standing person as a camera before the forehead sees them: (16, 3) metres, camera frame.
#: Training moves it; it only has to be nearer than the origin.
_TYPICAL = (
    *((0.00, -0.20, 0.10), (0.00, -0.20, 0.05)),
    *((0.15, -0.20, 0.20), (0.25, -0.15, 0.35), (0.20, 0.00, 0.40)),
    *((-0.15, -0.20, 0.20), (-0.25, -0.15, 0.35), (-0.20, 0.00, 0.40)),
    *((0.10, -0.15, 0.65), (0.12, 0.00, 0.90), (0.14, 0.00, 1.30), (0.16, 0.15, 1.30)),
    *((-0.10, -0.15, 0.65), (-0.12, 0.00, 0.90), (-0.14, 0.00, 1.30), (-0.16, 0.15, 1.30)),
)
HEAD_STD = 0.01  # of the weights that make a token's numbers: the first poses are the typical one
_FIRST_SCALE = 0.05  # of the error, metres
#: Radius, in units of the scale b, that covers 90 % of the distribution of :class:`JointEstimate`:
#: 1 − exp(−x) (1 + x + x² / 2) = 0.9.
COVERAGE_RADIUS = 5.3223
#: Radians², under the root of a variance: the gradient of a map of one cell would be infinite.
_LEAST_SPREAD = 1e-6
#: Row of the heatmap by which each joint is seen; Head hangs from the Neck.
_SEEN_BY = tuple(
    HEATMAP_JOINTS.index(joint if joint in HEATMAP_JOINTS else NECK) for joint in range(NUM_JOINTS)
)


class JointEstimate(NamedTuple):
    """Estimate of one layer of B poses."""

    camera3d: Tensor  # (B, 16, 3) metres, camera frame
    #: (B, 16) logarithm of the scale b of the error's distribution, metres: a distance r from the
    #: true place has density r² exp(−r / b) / (2 b³).
    log_scale: Tensor
    visibility: Tensor  # (B, 16) logit of the joint being seen


def perceptron(in_dim: int, dim: int) -> nn.Sequential:
    """Numbers → a token."""
    return nn.Sequential(nn.Linear(in_dim, dim), nn.GELU(), nn.Linear(dim, dim))


class DecoderLayer(nn.Module):
    """Joint tokens attend to each other, then to a memory if there is one, then each for itself."""

    def __init__(self, dim: int, heads: int, dropout: float, memory: bool = True) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(3))
        self.own, self.own_out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        if memory:
            self.query, self.map = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim)
            self.map_out = nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def _attend(self, *parts: Tensor, known: Tensor | None = None) -> Tensor:
        """Of (B, N, D) query, key and value."""
        parts = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        dropout = self.dropout if self.training else 0.0
        found = F.scaled_dot_product_attention(*parts, known, dropout_p=dropout)
        return found.transpose(1, 2).flatten(2)

    def forward(self, tokens: Tensor, memory: Tensor | None, known: Tensor | None = None) -> Tensor:
        """(B, 16, D) tokens and (B, N, D) memory, or None without one → (B, 16, D); ``known``:
        (B, 1, 1, N) bool, which of the memory there is, all of it if None."""
        own = self.own(self.norms[0](tokens)).chunk(3, -1)
        tokens = tokens + self.own_out(self._attend(*own))
        if memory is not None:
            query = self.query(self.norms[1](tokens))
            found = self._attend(query, *self.map(memory).chunk(2, -1), known=known)
            tokens = tokens + self.map_out(found)
        return tokens + self.mlp(self.norms[2](tokens))


class JointTransformer(nn.Module):
    """The transformer; arguments as of :class:`model.transformer_model.TransformerOptions`.  Its
    ``calibration`` times the scale b of a joint is the radius that covers it in 90 % of the cases:
    :data:`COVERAGE_RADIUS`, until it is fitted on ValSet."""

    def __init__(
        self,
        channels: int = 96,
        dim: int = 192,
        layers: int = 3,
        heads: int = 6,
        dropout: float = 0.0,
        sampled: bool = True,
        whole_map: bool = True,
        rigid: bool = False,
    ) -> None:
        super().__init__()
        self.joints = nn.Parameter(torch.randn(NUM_JOINTS, dim) * 0.1)
        self.typical = nn.Parameter(torch.tensor(_TYPICAL))
        self.features = nn.Linear(3 * channels, dim) if sampled else None
        self.geometry = perceptron(3 + 1 + 1, dim)  # of ray, peak of the heatmap, spread
        self.whole_map = whole_map
        if whole_map:
            self.map, self.map_rays = nn.Linear(channels, dim), perceptron(3, dim)
            self.map_norm = nn.LayerNorm(dim)
        self.layers = nn.ModuleList(
            DecoderLayer(dim, heads, dropout, whole_map) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(dim)
        # Offset, distance along the ray, its share, log scale, visibility.
        self.head = nn.Linear(dim, 3 + 1 + 1 + 1 + 1)
        nn.init.normal_(self.head.weight, std=HEAD_STD)
        nn.init.zeros_(self.head.bias)
        self.limbs = RigidLimbs(dim) if rigid else None
        self.register_buffer("calibration", torch.tensor(COVERAGE_RADIUS))
        self.register_buffer("_seen_by", torch.tensor(_SEEN_BY), persistent=False)

    def _tokens(self, pyramid: Pyramid, rays: CameraRays) -> tuple[Tensor, Tensor]:
        """(B, 16, D) tokens and (B, 16, 3) rays of the joints."""
        size, maps = rays.camera.width, pyramid.heatmaps.float()
        seen = soft_argmax(maps, size)
        share = torch.softmax(maps.flatten(2) / TEMPERATURE, -1)
        cells = torch.arange(maps.shape[-1], device=maps.device, dtype=torch.float32)
        x, y = torch.meshgrid(*[(cells + 0.5) / len(cells)] * 2, indexing="xy")
        grid = torch.stack([x.flatten(), y.flatten()], -1)
        # Standard deviation of the position under the map, as an angle: where the picture's
        # pixels lie depends on the camera, and the weights must not learn it.
        centre = ((seen + 0.5) / size)[:, :, None]
        spread = (share * (grid - centre).square().sum(-1)).sum(-1, keepdim=True)
        spread = (spread * rays.radians_per_side**2 + _LEAST_SPREAD).sqrt()
        directions = rays(seen)
        peak = maps.amax((-1, -2))[..., None]
        tokens = self.geometry(torch.cat([directions, peak, spread], -1))
        if self.features is not None:
            place = 2 * (seen + 0.5) / size - 1
            sampled = [
                F.grid_sample(features.float(), place[:, :, None], align_corners=False)[..., 0]
                for features in pyramid[1:]
            ]
            tokens = self.features(torch.cat(sampled, 1).transpose(1, 2)) + tokens
        return tokens[:, self._seen_by] + self.joints, directions[:, self._seen_by]

    def _estimate(self, tokens: Tensor, directions: Tensor) -> JointEstimate:
        numbers = self.head(tokens).float()
        offset, along, share, log_scale, visibility = numbers.split([3, 1, 1, 1, 1], -1)
        # A joint that is seen lies on its ray, at about its usual distance; one that is not lies
        # about where it usually is.  The network weighs the two.
        share = torch.sigmoid(share)
        distance = torch.linalg.vector_norm(self.typical, dim=-1, keepdim=True) + along
        camera3d = share * directions * distance + (1 - share) * self.typical + offset
        if self.limbs is not None:
            camera3d = self.limbs(camera3d, tokens)
        log_scale = log_scale[..., 0] + math.log(_FIRST_SCALE)
        return JointEstimate(camera3d, log_scale, visibility[..., 0])

    def forward(self, pyramid: Pyramid, rays: CameraRays) -> tuple[list[JointEstimate], Tensor]:
        """Estimates of the layers, the last one last and alone in evaluation, and the last
        (B, 16, D) tokens."""
        tokens, directions = self._tokens(pyramid, rays)
        memory, estimates = None, []
        if self.whole_map:
            features = pyramid.stride16.float()
            grid = rays.grid(*features.shape[-2:]).flatten(0, 1)
            memory = self.map(features.flatten(2).transpose(1, 2))
            memory = self.map_norm(memory + self.map_rays(grid))
        for number, layer in enumerate(self.layers, 1):
            tokens = layer(tokens, memory)
            if self.training or number == len(self.layers):
                normed = self.norm(tokens)
                estimates.append(self._estimate(normed, directions))
        return estimates, normed
