"""Heatmaps → pose: an autoencoder whose latent code has two decoders, one of poses, one of maps.

Source: Tome et al., "xR-EgoPose: Egocentric 3D human pose from an HMD camera", ICCV 2019, section
4.2.  The second decoder, which has to rebuild the heatmaps, makes the code keep how sure each joint
was.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from base.errors import UserError
from base.skeleton import NUM_HEATMAPS, NUM_JOINTS

_WIDE, _NARROW = 2048, 512
_SLOPE = 0.2
_NORMS = ("bn1", "bn2", "bn3", "fc1_bn", "fc2_bn")


class LiftingAutoencoder(nn.Module):
    """The dual-branch lifting network, and with every option at its default the reference's.

    Parameters are named as there, ``bn1`` … ``bn3`` included, which exist without being used.
    ``heatmap_size`` is the side h of the heatmaps, 8 or more (UserError); the rest as of
    :class:`model.paper_model.AutoencoderOptions`.  Without ``pose_activation`` the pose is an
    affine function of the code.
    """

    def __init__(
        self,
        heatmap_size: int = 48,
        latent: int = 20,
        batch_norm: bool = False,
        pose_activation: bool = False,
        pose_hidden: int | None = None,
    ) -> None:
        super().__init__()
        if heatmap_size < 8:  # each of the three convolutions halves, and something must be left
            raise UserError(
                f"heatmaps of {heatmap_size} cells, but the autoencoder needs 8: "
                "raise data.input_size"
            )
        self.batch_norm, self.pose_activation = batch_norm, pose_activation
        # 4×4 kernels with stride 2 and padding 1 halve and round down.
        sizes = [heatmap_size >> halvings for halvings in range(4)]
        self.code_map = (512, sizes[3], sizes[3])
        flat = 512 * sizes[3] ** 2
        hidden = pose_hidden or 32

        self.conv1, self.bn1 = nn.Conv2d(NUM_HEATMAPS, 64, 4, 2, 1), nn.BatchNorm2d(64)
        self.conv2, self.bn2 = nn.Conv2d(64, 128, 4, 2, 1), nn.BatchNorm2d(128)
        self.conv3, self.bn3 = nn.Conv2d(128, 512, 4, 2, 1), nn.BatchNorm2d(512)
        self.fc1, self.fc2 = nn.Linear(flat, _WIDE), nn.Linear(_WIDE, _NARROW)
        self.fc3 = nn.Linear(_NARROW, latent)

        self.b1_fc1, self.b1_fc2 = nn.Linear(latent, hidden), nn.Linear(hidden, hidden)
        self.b1_fc3 = nn.Linear(hidden, 3 * NUM_JOINTS)

        self.b2_fc1, self.b2_fc2 = nn.Linear(latent, _NARROW), nn.Linear(_NARROW, _WIDE)
        self.b2_fc3 = nn.Linear(_WIDE, flat)
        # Where the encoder rounded down, a row and column more brings back the same size.
        for number, (wide, narrow) in enumerate(((512, 128), (128, 64), (64, NUM_HEATMAPS)), 1):
            odd = sizes[3 - number] % 2
            layer = nn.ConvTranspose2d(wide, narrow, 4, 2, 1, output_padding=odd)
            setattr(self, f"b2_deconv{number}", layer)
        if batch_norm:
            self.fc1_bn, self.fc2_bn = nn.BatchNorm1d(_WIDE), nn.BatchNorm1d(_NARROW)
        # He et al., "Delving deep into rectifiers", ICCV 2015, with each layer's own slope.
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                slope = _SLOPE if isinstance(module, nn.Conv2d) else 0.0
                nn.init.kaiming_normal_(module.weight, a=slope)
                nn.init.zeros_(module.bias)

    def encode(self, heatmaps: Tensor) -> Tensor:
        """The code of heatmaps: (B, 15, h, h) → (B, latent)."""
        x = heatmaps
        for name, norm in zip(("conv1", "conv2", "conv3", "fc1", "fc2"), _NORMS, strict=True):
            x = getattr(self, name)(x.flatten(1) if name == "fc1" else x)
            x = F.leaky_relu(getattr(self, norm)(x) if self.batch_norm else x, _SLOPE)
        return self.fc3(x)

    def decode_pose(self, code: Tensor) -> Tensor:
        """Pose of a code: (B, latent) → (B, 16, 3) metres, camera axes, Neck at the origin."""
        x = code
        for layer in (self.b1_fc1, self.b1_fc2):
            x = F.leaky_relu(layer(x), _SLOPE) if self.pose_activation else layer(x)
        return self.b1_fc3(x).unflatten(1, (NUM_JOINTS, 3))

    def decode_heatmaps(self, code: Tensor) -> Tensor:
        """Heatmaps of a code: (B, latent) → (B, 15, h, h)."""
        x = code
        for layer in (self.b2_fc1, self.b2_fc2, self.b2_fc3):
            x = F.leaky_relu(layer(x), _SLOPE)
        x = F.relu(self.b2_deconv1(x.unflatten(1, self.code_map)))
        return self.b2_deconv3(F.relu(self.b2_deconv2(x)))

    def forward(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 15, h, h) heatmaps → what the two decoders make of their code."""
        code = self.encode(heatmaps)
        return self.decode_pose(code), self.decode_heatmaps(code)
