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
#: Each of the three convolutions halves, and something must be left.
_MIN_HEATMAP_SIZE = 8


class LiftingAutoencoder(nn.Module):
    """The dual-branch lifting network, and with every option at its default the reference's.

    Parameters are named as there, ``bn1`` … ``bn3`` included, which exist without being used.
    ``heatmap_size`` is the side h of the heatmaps, 8 or more (UserError); the rest as of
    :class:`model.autoencoder.AutoencoderOptions`.  Without ``pose_activation`` the pose is an
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
        if heatmap_size < _MIN_HEATMAP_SIZE:
            raise UserError(
                f"heatmaps of {heatmap_size} cells, but the autoencoder needs {_MIN_HEATMAP_SIZE}: "
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
        self.fc1 = nn.Linear(flat, _WIDE)
        self.fc2 = nn.Linear(_WIDE, _NARROW)
        self.fc3 = nn.Linear(_NARROW, latent)

        self.b1_fc1 = nn.Linear(latent, hidden)
        self.b1_fc2 = nn.Linear(hidden, hidden)
        self.b1_fc3 = nn.Linear(hidden, 3 * NUM_JOINTS)

        self.b2_fc1 = nn.Linear(latent, _NARROW)
        self.b2_fc2 = nn.Linear(_NARROW, _WIDE)
        self.b2_fc3 = nn.Linear(_WIDE, flat)
        # Where the encoder rounded down, a row and column more brings back the same size.
        odd = [size % 2 for size in sizes]
        self.b2_deconv1 = nn.ConvTranspose2d(512, 128, 4, 2, 1, output_padding=odd[2])
        self.b2_deconv2 = nn.ConvTranspose2d(128, 64, 4, 2, 1, output_padding=odd[1])
        self.b2_deconv3 = nn.ConvTranspose2d(64, NUM_HEATMAPS, 4, 2, 1, output_padding=odd[0])
        if batch_norm:
            self.fc1_bn = nn.BatchNorm1d(_WIDE)
            self.fc2_bn = nn.BatchNorm1d(_NARROW)
        # He et al., "Delving deep into rectifiers", ICCV 2015, with each layer's own slope.
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                slope = _SLOPE if isinstance(module, nn.Conv2d) else 0.0
                nn.init.kaiming_normal_(module.weight, a=slope)
                nn.init.zeros_(module.bias)

    def encode(self, heatmaps: Tensor) -> Tensor:
        """The code of heatmaps: (B, 15, h, h) → (B, latent)."""
        x = heatmaps
        for conv, norm in ((self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3)):
            x = conv(x)
            x = F.leaky_relu(norm(x) if self.batch_norm else x, _SLOPE)
        x = x.flatten(1)
        for name in ("fc1", "fc2"):
            x = getattr(self, name)(x)
            x = F.leaky_relu(getattr(self, f"{name}_bn")(x) if self.batch_norm else x, _SLOPE)
        return self.fc3(x)

    def decode_pose(self, code: Tensor) -> Tensor:
        """Pose of a code: (B, latent) → (B, 16, 3) metres, camera axes, Neck at the origin."""
        x = code
        for layer in (self.b1_fc1, self.b1_fc2):
            x = F.leaky_relu(layer(x), _SLOPE) if self.pose_activation else layer(x)
        return self.b1_fc3(x).unflatten(1, (NUM_JOINTS, 3))

    def decode_heatmaps(self, code: Tensor) -> Tensor:
        """Heatmaps of a code: (B, latent) → (B, 15, h, h)."""
        x = F.leaky_relu(self.b2_fc1(code), _SLOPE)
        x = F.leaky_relu(self.b2_fc2(x), _SLOPE)
        x = F.leaky_relu(self.b2_fc3(x), _SLOPE).unflatten(1, self.code_map)
        x = F.relu(self.b2_deconv1(x))
        x = F.relu(self.b2_deconv2(x))
        return self.b2_deconv3(x)

    def forward(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 15, h, h) heatmaps → what the two decoders make of their code."""
        code = self.encode(heatmaps)
        return self.decode_pose(code), self.decode_heatmaps(code)
