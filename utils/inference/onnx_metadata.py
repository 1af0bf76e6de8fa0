"""What a file of ``utils/export_onnx.py`` says of itself, written and read back as one record."""

from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, PlainValidator

from base.cameras import camera_from_dict, camera_to_dict
from base.cameras.camera import Camera
from base.headset import Headset, StoredHeadset
from base.schema import Section
from base.skeleton import HEATMAP_JOINTS, JOINTS
from utils.common.checkpoint import Mounts

#: Key of the record, as JSON, in the metadata, and name of the model's input.
METADATA_KEY, INPUT = "ego_pose", "images"
#: What each output is, for other programs.
OUTPUTS = {
    "heatmaps": "(B, 15, h, h), of heatmap_joints in the network's view: its pixel u is at cell "
    "(u + 0.5) h / input_size - 0.5",
    "joints3d": "(B, 16, 3) metres, Neck at the origin, axes of a camera that looks straight down: "
    "x to the wearer's left, y forward, z down",
    "camera3d": "(B, 16, 3) metres, the same axes, the camera at the origin",
    "uncertainty": "(B, 16) metres, radius around camera3d that holds the joint in 90 % of cases",
    "visibility": "(B, 16) logit of the joint being visible",
}


class OnnxMetadata(Section):
    """The record, see doc/deploy.md: ``camera`` is that of the network's view, ``headset`` the
    one whose pictures the model takes instead; ``mounts`` is as in a checkpoint."""

    version: Literal[1] = 1
    model: str  # name of the checkpoint, without its folder
    model_sha256: str = Field(pattern="[0-9a-f]{64}")
    input: str = f"{INPUT} (B, H, W, 3) uint8 RGB; normalised inside, value / 127.5 - 1"
    input_size: int = Field(ge=32, le=1024)  # side of the network's view, pixels
    subpixel: bool = True  # as of the heatmaps trained on, see dataset/heatmaps.py
    outputs: dict[Literal[tuple(OUTPUTS)], str]
    joint_names: tuple[str, ...] = JOINTS
    heatmap_joints: tuple[int, ...] = HEATMAP_JOINTS
    camera: Annotated[
        Camera,
        PlainValidator(lambda stated: camera_from_dict(dict(stated))),
        PlainSerializer(camera_to_dict),
    ]
    headset: Annotated[StoredHeadset, PlainSerializer(Headset.as_dict)] | None = None
    mounts: Mounts | None = None
