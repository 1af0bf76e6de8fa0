"""Pictures → heatmaps → joints in the camera's frame: the project's own model."""

from typing import NamedTuple

from torch import Tensor, nn

from base.camera import FisheyeCamera
from base.skeleton import neck_centred
from model.joint_transformer import JointEstimate, JointTransformer
from model.pose_fpn import PoseFPN, Pyramid
from model.rays import CameraRays
from model.temporal import TemporalTransformer


class EgoTransformerOutput(NamedTuple):
    """What the whole network returns for B pictures.

    Attributes:
        heatmaps: (B, 15, h, h) where the joints are in the picture.
        joints3d: (B, 16, 3) metres, camera axes, Neck at the origin.
        camera3d: (B, 16, 3) metres, camera frame.
        log_scale: (B, 16), see :class:`~model.joint_transformer.JointEstimate`.
        visibility: (B, 16) logit of the joint being seen.
        uncertainty: (B, 16) metres, radius of the ball around ``camera3d`` that holds the joint
            in 90 % of the cases.
        tokens: (B, 16, D) of the joints, from which the estimate was made.
        earlier: estimates of the layers before the last; empty in evaluation.
    """

    heatmaps: Tensor
    joints3d: Tensor
    camera3d: Tensor
    log_scale: Tensor
    visibility: Tensor
    uncertainty: Tensor
    tokens: Tensor
    earlier: list[JointEstimate]

    @property
    def estimates(self) -> list[JointEstimate]:
        """What each layer says, the last one last."""
        return [*self.earlier, JointEstimate(self.camera3d, self.log_scale, self.visibility)]


class EgoTransformer(nn.Module):
    """Pictures → poses, differentiable from end to end.

    Args:
        pose2d: pictures → heatmaps and features.
        transformer: those → 3D joints.
        camera: of the network's square pictures.

    Attributes:
        rays: of that camera; another lens's take its place with :meth:`use_camera`.
        input_size: side S of the network's picture, pixels.
        heatmap_size: side h of its heatmaps, cells.
        temporal: its temporal form, if it has one; a forward pass, which knows of one frame only,
            does without.
        frozen: whether the 2D module is left as it is.
    """

    def __init__(
        self, pose2d: PoseFPN, transformer: JointTransformer, camera: FisheyeCamera
    ) -> None:
        super().__init__()
        self.pose2d = pose2d
        self.transformer = transformer
        self.temporal: TemporalTransformer | None = None
        self.frozen = False
        self.use_camera(camera)

    def use_camera(self, camera: FisheyeCamera) -> None:
        """Take pictures of this camera from now on; the weights stay as they are.

        Raises:
            ValueError: for pictures that are not square.
        """
        if camera.width != camera.height:
            raise ValueError(f"the network takes squares, not {camera.width}×{camera.height}")
        device = next(self.parameters()).device
        self.rays = CameraRays(camera).to(device)
        self.input_size = camera.width
        self.heatmap_size = self.pose2d.heatmap_size(camera.width)

    def freeze_pose2d(self) -> None:
        """Train the transformer only: the 2D module's weights and statistics stay as they are."""
        self.frozen = True
        self.pose2d.requires_grad_(False)
        self.pose2d.eval()

    def train(self, mode: bool = True) -> "EgoTransformer":
        """Training or evaluation mode; a frozen 2D module stays in evaluation."""
        super().train(mode)
        if self.frozen:
            self.pose2d.eval()
        return self

    def forward(self, images: Tensor) -> EgoTransformerOutput:
        """Poses of pictures.

        Args:
            images: (B, 3, S, S) RGB, normalised as (x / 255 − 0.5) / 0.5.
        """
        return self.lift(self.pose2d.pyramid(images))

    def lift(self, pyramid: Pyramid) -> EgoTransformerOutput:
        """Poses of what the 2D module makes of pictures."""
        (*earlier, last), tokens = self.transformer(pyramid, self.rays)
        joints3d = neck_centred(last.camera3d)
        uncertainty = last.uncertainty(self.transformer.calibration)
        return EgoTransformerOutput(pyramid.heatmaps, joints3d, *last, uncertainty, tokens, earlier)
