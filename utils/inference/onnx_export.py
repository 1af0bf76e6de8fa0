"""A finetuned model written as ONNX: :mod:`utils.export_onnx` says what such a file takes and
returns."""

from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from google.protobuf.message import Message
from torch import nn

from base.cameras import camera_to_dict
from base.cameras.camera import Camera
from base.files import sha256
from base.headset import Headset
from base.skeleton import neck_centred
from dataset.lens_warp import CameraWarp
from model.pose_model import PoseModel
from model.rays import CameraRays
from utils.common.checkpoint import Checkpoint
from utils.inference.onnx_metadata import INPUT, METADATA_KEY, OUTPUTS, OnnxMetadata

#: Steps of OpenCV's map in a pixel. What it samples are multiples of 1/1024, and a half of one,
#: which it rounds up, must not become less by an error of float32.
_STEPS, _HALF = 32, 0.5 + 1 / 2048


class WarpLayer(nn.Module):
    """A :class:`CameraWarp` inside a network, to a grey level: places are rounded to the steps of
    OpenCV's map, and values after each operation."""

    def __init__(self, warp: CameraWarp) -> None:
        super().__init__()
        self.halvings = warp.halvings
        size = np.array([warp.source.width, warp.source.height]) // warp.factor
        places = np.round(warp.places * _STEPS) / _STEPS
        # -1 and 1 are the outer edges of the first and the last pixel.
        grid = torch.from_numpy((2 * places + 1.0) / size - 1).float()
        self.register_buffer("grid", grid[None], persistent=False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) float pictures of the source, 0 to 255 → (B, 3, S, S) of the target."""
        for _ in range(self.halvings):
            pictures = F.avg_pool2d(pictures, 2).add(0.5).floor()
        grid = self.grid.expand(pictures.shape[0], -1, -1, -1)
        return F.grid_sample(pictures, grid, align_corners=False).add(_HALF).floor()


class Deployed(nn.Module):
    """A model with the warp into its view, if there is one, and the rays of its camera inside."""

    def __init__(self, model: PoseModel, camera: Camera, warp: CameraWarp | None = None) -> None:
        super().__init__()
        self.model, self.camera, self.rays = model, camera, CameraRays(camera)
        self.warp = nn.Identity() if warp is None else WarpLayer(warp)
        self.seen = camera if warp is None else warp.source
        self.names = model.exports

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(B, H, W, 3) uint8 RGB → the fields of :attr:`PoseModel.exports`; Neck at the origin."""
        normalised = self.warp(images.permute(0, 3, 1, 2).float()) / 127.5 - 1.0
        output = self.model(images=normalised, rays=self.rays)
        output = output._replace(joints3d=neck_centred(output.joints3d))
        return tuple(getattr(output, name) for name in self.model.exports)


def write_onnx(deployed: Deployed, path: Path, metadata: OnnxMetadata) -> None:
    """Export a model; OSError where it cannot be written."""
    pictures = torch.zeros(2, deployed.seen.height, deployed.seen.width, 3, dtype=torch.uint8)
    program = torch.onnx.export(
        deployed.eval(),
        (pictures,),
        input_names=[INPUT],
        output_names=list(deployed.names),
        dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
        opset_version=18,
        dynamo=True,
        verbose=False,
    )
    _strip(exported := program.model_proto)
    onnx.helper.set_model_props(exported, {METADATA_KEY: metadata.model_dump_json()})
    path.write_bytes(exported.SerializeToString())


def _strip(message: Message) -> None:
    """Remove what PyTorch notes at every part of a model, as lines of code and where they are."""
    for name in {"doc_string", "metadata_props"}.intersection(message.DESCRIPTOR.fields_by_name):
        message.ClearField(name)
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if isinstance(value, Message) else value:
                _strip(part)


def onnx_metadata(loaded: Checkpoint, headset: Headset | None = None) -> OnnxMetadata:
    """The record of an export, of one that takes the pictures of a ``headset`` if it is given."""
    return OnnxMetadata(
        model=loaded.path.name,
        model_sha256=sha256(loaded.path),
        input_size=loaded.model.input_size,
        subpixel=loaded.model.subpixel,
        outputs={name: OUTPUTS[name] for name in loaded.model.exports},
        camera=camera_to_dict(loaded.camera),
        headset=headset and headset.as_dict(),
        mounts=loaded.mounts,
    )
