"""Write a finetuned model as ONNX, to be run without PyTorch and checked against it.

  python utils/export_onnx.py --load_model model_best.tar --output model.onnx
  python inference.py --load_model model.onnx --input_dir my_pictures
  for the pictures of one headset, as its sensor gives them:
    python utils/export_onnx.py --load_model model_best.tar --headset mine.yml --output mine.onnx
  smaller and faster, calibrated on pictures like those it will see:
    python utils/export_onnx.py --load_model model_best.tar --output model_int8.onnx --int8 \\
        --pictures data/synthetic/TrainSet/female_101_a_a/env_001/cam_down/rgba

The model's input is 'images', (B, S, S, 3) uint8 RGB, any B, normalised inside; with --headset
(B, H, W, 3) of the headset's size, re-rendered inside as the network's view.  Its outputs are
'heatmaps', (B, 15, h, h), and 'joints3d', (B, 16, 3) metres, Neck at the origin.  The project's own
model also has 'camera3d', (B, 16, 3) metres in the camera's frame, 'uncertainty', (B, 16) metres,
the radius that holds the joint in 90 % of the cases, and 'visibility', (B, 16) logits.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError  # before OpenCV, to explain what that lacks

# isort: split
import cv2
import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from base.cameras import camera_to_dict
from base.cameras.camera import RadialCamera
from base.files import replacing
from base.headset import load_headset
from base.skeleton import neck_centred
from dataset.transforms import SquareCrop
from dataset.warp import CameraWarp
from model.pose_model import PoseModel
from model.rays import CameraRays
from utils.common.command import command_parser, run_command
from utils.common.networks import load_pose_model
from utils.inference.picture_source import open_source
from utils.inference.pose_predictor import (
    INPUT,
    METADATA_KEY,
    OnnxPosePredictor,
    PosePredictor,
    fold_batch_norms,
)

_OPSET = 18
#: Prefix of the weights for which 8 bits are enough, and those of them for which they are not.
_QUANTISED, _LAST_LAYER = "model.pose2d.", "final_layer."
#: Operations that only the pose head has.
_OF_POSES = ("Gather", "GridSample", "LayerNormalization", "MatMul", "Softmax")
#: What joints may differ by from PyTorch's, millimetres.
TOLERANCE_MM = 0.1
#: Pictures read for int8: one half calibrates, on the other the cost is measured.
_PICTURES = 96
#: Steps of OpenCV's map in a pixel. What it samples are multiples of 1/1024, and a half of one,
#: which it rounds up, must not become less by an error of float32.
_STEPS, _HALF = 32, 0.5 + 1 / 2048


class WarpLayer(nn.Module):
    """A :class:`CameraWarp` inside a network, with the same values but for a grey level here and
    there: places are rounded to the steps of OpenCV's map, and values after each operation."""

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
    """uint8 pictures → what the kind of model exports; the warp into its view, if there is one, and
    the rays of its camera inside."""

    def __init__(self, model: PoseModel, camera: RadialCamera, warp: CameraWarp | None) -> None:
        super().__init__()
        self.model = model
        self.rays = CameraRays(camera)
        self.warp = nn.Identity() if warp is None else WarpLayer(warp)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(B, H, W, 3) uint8 RGB → the fields of :attr:`PoseModel.exports`; Neck at the origin."""
        normalised = self.warp(images.permute(0, 3, 1, 2).float()) / 127.5 - 1.0
        output = self.model(images=normalised, rays=self.rays)
        output = output._replace(joints3d=neck_centred(output.joints3d))
        return tuple(getattr(output, name) for name in self.model.exports)


def write_onnx(
    model: PoseModel,
    camera: RadialCamera,
    path: Path,
    metadata: dict[str, str],
    warp: CameraWarp | None = None,
) -> None:
    """Export a model, which is folded in place, with the camera of its square pictures, and the
    warp of a headset's into them."""
    fold_batch_norms(model.pose2d)
    seen = camera if warp is None else warp.source
    torch.onnx.export(
        Deployed(model, camera, warp).eval(),
        (torch.zeros(2, seen.height, seen.width, 3, dtype=torch.uint8),),
        path,
        input_names=[INPUT],
        output_names=list(model.exports),
        dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
        opset_version=_OPSET,
        external_data=False,
        dynamo=True,
        verbose=False,
    )
    _describe(path, metadata)


def _describe(path: Path, metadata: dict[str, str]) -> None:
    model = onnx.load(path)
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, path)


class _Pictures(CalibrationDataReader):
    def __init__(self, pictures: Sequence[np.ndarray]) -> None:
        self._left = iter(pictures)

    def get_next(self) -> dict[str, np.ndarray] | None:
        picture = next(self._left, None)
        return None if picture is None else {INPUT: picture[None]}


def quantise(
    source: Path, path: Path, pictures: Sequence[np.ndarray], metadata: dict[str, str]
) -> None:
    """An int8 copy of an exported model: convolutions in 8 bits, the rest as it was. Static
    quantisation, weights by channel, activations by the range they have on ``pictures``, (H, W, 3)
    uint8 each."""
    prepared = path.with_suffix(".prepared.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(path),
        _Pictures(pictures),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv", "MaxPool", "Add"],
        nodes_to_exclude=_kept_precise(onnx.load(prepared).graph),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )
    _describe(path, metadata)


def _kept_precise(graph: onnx.GraphProto) -> list[str]:
    """Nodes that stay in floating point: what comes before the trunk, the pose head, whose metres
    need more than 256 steps, and the layer that makes the heatmaps, whose heights are the
    confidences."""
    # Nodes are in the order of their execution, so that whatever comes after one is found.
    nodes = list(graph.node)
    trunk = next(i for i, node in enumerate(nodes) if node.op_type == "Conv")
    kept, precise = [node.name for node in nodes[:trunk]], set()
    for node in nodes[trunk:]:
        weights = [name for name in node.input if name.startswith("model.")]
        own = any(not name.startswith(_QUANTISED) or _LAST_LAYER in name for name in weights)
        if own or node.op_type in _OF_POSES or precise.intersection(node.input):
            kept.append(node.name)
            precise.update(node.output)
    return kept


def read_pictures(
    folder: Path, count: int, size: int, warp: CameraWarp | None = None
) -> list[np.ndarray]:
    """Up to ``count`` pictures, evenly spread over a folder, as the export takes them: (H, W, 3)
    uint8, without a warp their squares of side ``size``; UserError for other pictures than the
    headset's."""
    pictures = open_source(str(folder)).sample(count)
    if not pictures:
        raise UserError(f"{folder}: none of its pictures can be read")
    if warp is None:
        return [SquareCrop(size, *item.shape[1::-1]).image(item) for item in pictures]
    width, height = warp.source.width, warp.source.height
    for item in pictures:
        if item.shape[:2] != (height, width):
            given = f"{item.shape[1]}×{item.shape[0]}"
            raise UserError(f"{folder}: a picture of {given}, the headset's are {width}×{height}")
    return pictures


def difference_mm(
    plain: PosePredictor,
    exported: PosePredictor,
    pictures: Sequence[np.ndarray],
    warp: CameraWarp | None = None,
) -> np.ndarray:
    """(N,) mean distance of the joints of two predictors, millimetres, picture by picture;
    ``plain`` gets them through the warp."""
    squares = pictures if warp is None else map(warp.image, pictures)
    poses = [
        np.concatenate([predictor(torch.from_numpy(item[None])).joints3d for item in items])
        for predictor, items in ((plain, squares), (exported, pictures))
    ]
    return np.linalg.norm(poses[0] - poses[1], axis=-1).mean(1) * 1000


def main(argv: list[str] | None = None) -> None:
    own = {"load_model": {"required": True}, "output": {"help": "the file, *.onnx"}}
    parser = command_parser(__doc__, **own)
    add = parser.add_argument
    add("--int8", action="store_true", help="8-bit convolutions; needs --pictures to calibrate on")
    text = "folder of pictures like those it will see (default: noise for the check by PyTorch)"
    add("--pictures", type=Path, help=text)
    text = "headset file, or the name of one in experiments/headsets: the model takes its pictures"
    add("--headset", help=text)
    args = parser.parse_args(argv)
    if args.output.suffix != ".onnx":
        raise UserError(f"--output {args.output}: the name must end in .onnx")
    if args.int8 and args.pictures is None:
        raise UserError("--int8 needs --pictures: it measures the network's ranges on them")
    headset = None if args.headset is None else load_headset(args.headset)
    loaded = load_pose_model(args.load_model)
    if loaded.model.lags:
        print("The temporal version is left out: the export predicts each frame on its own.")
    size = loaded.model.input_size
    text = {"checkpoint": str(loaded.path), "input_size": size, "mounts": loaded.mounts}
    text["subpixel"] = loaded.model.subpixel
    text["camera"] = camera_to_dict(loaded.camera)
    warp = None
    if headset is not None:
        warp = CameraWarp(headset.camera, loaded.camera, headset.rotation, headset.rim)
        text["headset"] = headset.as_dict()
    metadata = {METADATA_KEY: json.dumps(text)}
    if args.pictures is None:
        noise = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
        seen = loaded.camera if headset is None else headset.camera
        pictures = [cv2.resize(item, (seen.width, seen.height)) for item in noise]
    else:
        pictures = read_pictures(args.pictures, _PICTURES, size, warp)
    # Each of its pictures is a sequence of its own, as in the export.
    whole = load_pose_model(args.load_model, single_frame=True)
    plain = PosePredictor(whole.model, torch.device("cpu"), "fp32", whole.camera)
    with replacing(args.output) as temporary, tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "fp32.onnx"
        write_onnx(loaded.model, loaded.camera, exported, metadata, warp)
        worst = float(difference_mm(plain, OnnxPosePredictor(exported), pictures[:8], warp).max())
        if worst > TOLERANCE_MM:
            raise UserError(
                f"{args.output}: joints differ from PyTorch's by {worst:.2f} mm, more than "
                f"{TOLERANCE_MM} mm; it is not written"
            )
        print(f"Joints differ from PyTorch's by {worst:.4f} mm at most.")
        if args.int8:
            exact, exported = exported, Path(folder) / "int8.onnx"
            # Every other picture calibrates; the cost is measured on the rest.
            quantise(exact, exported, pictures[::2], metadata)
            cost = difference_mm(plain, OnnxPosePredictor(exported), pictures[1::2], warp)
            print(
                f"int8 moves joints by {cost.mean():.1f} mm on average, {cost.max():.1f} mm in the "
                f"worst of {len(cost)} pictures it was not calibrated on."
            )
        shutil.copyfile(exported, temporary)
    print(f"{args.output}: {args.output.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    run_command(main)
