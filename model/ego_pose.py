"""The two networks together: a picture in, a 3D pose out."""

from typing import NamedTuple

from torch import Tensor, nn

from model.lifting import LiftingAutoencoder
from model.pose_resnet import PoseResNet


class EgoPoseOutput(NamedTuple):
    """What the whole network returns.

    Attributes:
        heatmaps: (B, J, h, h) where the joints are in the picture.
        joints3d: (B, 16, 3) metres, camera axes, Neck at the origin.
        reconstruction: (B, J, h, h) the heatmaps as the lifting network's code remembers them.
    """

    heatmaps: Tensor
    joints3d: Tensor
    reconstruction: Tensor


class EgoPose(nn.Module):
    """Pictures → heatmaps → pose, differentiable from end to end.

    Attributes:
        pose2d: pictures → heatmaps.
        lifting: heatmaps → pose.
        input_size: side S of the network's picture, pixels.
        heatmap_size: side h of its heatmaps, cells.
    """

    def __init__(self, pose2d: PoseResNet, lifting: LiftingAutoencoder, input_size: int) -> None:
        """Join two networks.

        Raises:
            ValueError: if the heatmaps of one are not what the other takes.
        """
        super().__init__()
        made = (pose2d.num_heatmaps, pose2d.heatmap_size(input_size))
        taken = (lifting.num_heatmaps, lifting.heatmap_size)
        if made != taken:
            raise ValueError(
                f"the lifting network takes {taken[0]} heatmaps of side {taken[1]}, pictures of "
                f"side {input_size} give {made[0]} of side {made[1]}"
            )
        self.pose2d = pose2d
        self.lifting = lifting
        self.input_size = input_size
        self.heatmap_size = lifting.heatmap_size

    def forward(self, images: Tensor) -> EgoPoseOutput:
        """Poses of pictures.

        Args:
            images: (B, 3, S, S) RGB, normalised as (x / 255 − 0.5) / 0.5.
        """
        heatmaps = self.pose2d(images)
        lifted = self.lifting(heatmaps)
        return EgoPoseOutput(heatmaps, lifted.joints3d, lifted.reconstruction)
