"""Pixels → viewing rays, inside a network: differentiable, and a few plain operations.

:meth:`base.cameras.camera.Camera.unproject` inverts the lens step by step, which is exact and slow
to differentiate and to export.  Both functions of the radius that a ray needs, sin θ / r and cos θ,
are smooth, so here they are read off a table.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from base.cameras.camera import Camera
from base.errors import UserError

_ENTRIES = 8192  # of the table: linear interpolation is off by about 1e-7, as is float32 itself
_AXIS = 1e-12  # under the root of a radius, whose gradient on the optical axis would be 0 · ∞


class CameraRays(nn.Module):
    """Viewing rays of one camera's pixels.  Without weights, and its buffers in no state dict: what
    was trained with one lens runs with another's rays."""

    def __init__(self, camera: Camera) -> None:
        super().__init__()
        if not camera.is_round:
            raise UserError(
                f"a network's view has no tangential or prism distortion, and this "
                f"{type(camera).__name__} has: give a camera without for the view"
            )
        self.camera = camera
        one, zero = np.ones(1), np.zeros(1)
        self.limit = float(camera.distort(camera.max_theta * one, one, zero)[0][0])
        # Of the ratio on the axis the limit is meant.
        radii = np.maximum(np.linspace(0.0, self.limit, _ENTRIES), 1e-9 * self.limit)
        rays, _ = camera.undistort(radii, 0 * radii)
        table = np.stack([rays[:, 0] / radii, rays[:, 2]], -1)
        [[pixels_per_unit, _]] = camera.to_pixels(one, zero) - camera.to_pixels(zero, zero)
        #: Angle that the side of the picture takes at the scale on the axis, radians.
        self.radians_per_side = float(camera.width * table[0, 0] / abs(pixels_per_unit))
        self.register_buffer("table", torch.from_numpy(table).float(), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """(…, 3) float32 unit vectors, camera frame, of (…, 2) float pixels; beyond the lens's
        range the ray at its edge in the pixel's direction."""
        with torch.autocast(pixels.device.type, enabled=False):
            plane = torch.stack(self.camera.to_plane(pixels.float()), -1)
            radius = torch.sqrt(plane.square().sum(-1) + _AXIS)
            inside = radius.clamp(max=self.limit)
            place = inside * ((_ENTRIES - 1) / self.limit)
            low = place.detach().floor().clamp(max=_ENTRIES - 2)
            index = low.long().clamp(min=0)  # not a number is a number as an integer
            entry = torch.lerp(self.table[index], self.table[index + 1], (place - low)[..., None])
            # Beyond the edge the direction stays and the length does not grow.
            across = plane * (inside / radius)[..., None]
            return torch.cat([entry[..., :1] * across, entry[..., 1:]], -1)

    def grid(self, rows: int, columns: int) -> Tensor:
        """Rays of the centres of a grid laid over the picture: (rows, columns, 3) float32."""
        sides = (torch.arange(n, device=self.table.device) for n in (columns, rows))
        cells = torch.stack(torch.meshgrid(*sides, indexing="xy"), -1).float()
        size = cells.new_tensor([self.camera.width / columns, self.camera.height / rows])
        return F.normalize(self((cells + 0.5) * size - 0.5), dim=-1)
