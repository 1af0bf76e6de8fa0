"""A trained network on square pictures: heatmaps decoded, the pose placed before the camera."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from base.cameras.camera import Camera
from base.errors import UserError
from base.headset import Headset
from base.release_camera import RELEASE_SQUARE, fit_translation
from base.skeleton import HEAD, HEATMAP_JOINTS, NECK, NUM_JOINTS, neck_centred
from dataset.batch import to_input
from dataset.consecutive_frames import Place, history_rows, run_lengths
from model.decode import decode_heatmaps
from model.joint_transformer import COVERAGE_RADIUS
from model.pose_model import PoseModel, PoseOutput
from model.rays import CameraRays
from utils.common.device import autocast, fast_bf16
from utils.common.memory import is_out_of_memory
from utils.inference.onnx_metadata import INPUT, METADATA_KEY, OnnxMetadata
from utils.inference.test_time_augmentation import averaged, moved_pictures, view_moves

#: Added to every joint's weight in the fit of the pose's place, so that it is defined where
#: nothing is seen.
_MIN_WEIGHT = 1e-3
#: What no output of a network reaches, in whatever unit; sums of such are finite in float32.
_LARGEST = 1e9
#: Metres within which a joint counts as right where a confidence is a probability.
WITHIN = 0.1


class Prediction(NamedTuple):
    """Poses of B pictures, float32; Head, which has no heatmap, has its place in the picture from
    the 3D pose. ``confidence`` is, of a model with uncertainty, the probability that the joint is
    within :data:`WITHIN` of its place, else the height of its heatmap, for Head the Neck's. Without
    a place of the model's own the Neck is where the joints best lie along their rays."""

    joints3d: np.ndarray  # (B, 16, 3) metres, camera axes, Neck at the origin
    joints2d: np.ndarray  # (B, 16, 2) pixels of the network's picture
    confidence: np.ndarray  # (B, 16) in [0, 1]
    neck: np.ndarray  # (B, 3) metres, camera frame
    uncertainty: np.ndarray | None = None  # (B, 16) metres around joints3d + neck, 90 % coverage
    raw_neck: np.ndarray | None = None  # (B, 3) metres, of the network's pose before it is moved


def within_probability(uncertainty: Tensor) -> Tensor:
    """(…) float32 probability that joints are within :data:`WITHIN` of their places, from the
    radius (…), metres, with 90 % coverage. 1 − exp(−x) (1 + x + x² / 2) with x the limit in units
    of the scale: the distribution of :class:`model.joint_transformer.JointEstimate` up to there."""
    x = WITHIN * COVERAGE_RADIUS / uncertainty.double()
    return (1 - torch.exp(-x) * (1 + x + x * x / 2)).float()


def distance_mm(*runs: tuple["SquarePredictor", Iterable[np.ndarray]]) -> np.ndarray:
    """(N,) mean distance in millimetres between the joints that two predictors find, each in its N
    pictures."""
    one, other = (
        np.concatenate([predictor(torch.from_numpy(item[None])).joints3d for item in pictures])
        for predictor, pictures in runs
    )
    return np.linalg.norm(one - other, axis=-1).mean(1) * 1000


def fold_batch_norms(pose2d: nn.Module) -> None:
    """Fold every batch norm that follows a convolution into it, in place; outputs stay the same up
    to rounding. ``pose2d`` is in evaluation mode and lists its modules in the order in which they
    run; a backbone of timm, of which that is not known, is left as it is."""
    children = [(name, child) for name, child in pose2d.named_children() if name != "backbone"]
    for (name, child), (next_name, following) in pairwise(children):
        convolution = isinstance(child, nn.Conv2d | nn.ConvTranspose2d)
        if convolution and type(following) is nn.BatchNorm2d:
            transposed = isinstance(child, nn.ConvTranspose2d)
            setattr(pose2d, name, fuse_conv_bn_eval(child, following, transposed))
            setattr(pose2d, next_name, nn.Identity())
    for _, child in children:
        fold_batch_norms(child)


class Track:
    """Predictions for the last frames, as many as a history needs, which never reaches into another
    sequence or over a gap in the numbers. ``lags`` are the ages of its frames, rising from 0."""

    def __init__(self, lags: Sequence[int]) -> None:
        self._lags = tuple(lags)
        self._places: list[Place] = []
        self._memory: tuple[Tensor, ...] = ()

    def history(self, memory: tuple[Tensor, ...], places: Sequence[Place]) -> tuple[Tensor, ...]:
        """Histories of the next B frames, which are then kept. ``memory`` is (B, …) each, see
        :meth:`model.pose_model.PoseModel.memory`; the result the same gathered to (B, K, …), then
        (B, K) bool: which frames are there."""
        count = len(places)
        if self._memory:
            memory = tuple(torch.cat(both) for both in zip(self._memory, memory, strict=True))
        places = [*self._places, *places]
        rows, known = (
            torch.from_numpy(values[-count:]).to(memory[0].device)
            for values in history_rows(run_lengths(places), self._lags)
        )
        start = max(0, len(places) - self._lags[-1])
        self._places, self._memory = places[start:], tuple(part[start:] for part in memory)
        return (*(part[rows] for part in memory), known)


class SquarePredictor:
    """Runs a network, which is in evaluation mode on ``device``, on batches of square pictures of
    ``camera``, None for the release's square; ``precision`` is as of
    :func:`utils.common.device.autocast`, ``mounts`` as in a checkpoint, ``views`` how many of each
    picture are averaged, see :mod:`utils.inference.test_time_augmentation`."""

    def __init__(
        self,
        model: PoseModel,
        device: torch.device,
        precision: str = "auto",
        camera: Camera | None = None,
        mounts: dict[str, Any] | None = None,
        views: int = 1,
    ) -> None:
        self.moves = view_moves(views)
        if precision == "auto":
            precision = "bf16" if fast_bf16(device) else "fp32"
        self.model, self.device, self.precision = model, device, precision
        self.input_size = model.input_size
        self.headset: Headset | None = None  # of an export that takes its pictures, not squares
        self.camera = camera or RELEASE_SQUARE.resized(model.input_size, model.input_size)
        self.mounts = mounts
        self.rays = CameraRays(self.camera).to(device)
        self.has_uncertainty = "uncertainty" in model.exports

    @torch.inference_mode()
    def __call__(
        self,
        images: Tensor,
        places: Sequence[Place] | None = None,
        tracks: list[Track] | None = None,
    ) -> Prediction:
        """Poses of pictures (B, S, S, 3) uint8 RGB. ``places`` are B sequences and numbers in them,
        None for pictures that stand alone; ``tracks``, of :meth:`new_tracks`, hold the frames
        before these. Raises UserError for poses that are not finite."""
        pictures = moved_pictures(images, self.moves, self.camera, self.device)
        tracks = tracks or [None] * len(self.moves)
        found = [
            self._placed(self.forward(moved, places, track))
            for moved, track in zip(pictures, tracks, strict=True)
        ]
        if len(found) == 1:
            return found[0]
        mean = Prediction(*averaged(found, self.moves, self.camera))
        if mean.uncertainty is None:
            return mean
        confidence = within_probability(torch.from_numpy(mean.uncertainty)).numpy()
        return mean._replace(confidence=confidence)

    @torch.inference_mode()
    def one_view(self, images: Tensor) -> Prediction:
        """Poses of pictures that stand alone, of one view whatever the number of views."""
        return self._placed(self.forward(images))

    def forward(
        self, images: Tensor, places: Sequence[Place] | None = None, track: Track | None = None
    ) -> PoseOutput:
        """The network's output for pictures, of one view; arguments as of :meth:`__call__`."""
        with autocast(self.device, self.precision):
            output = self.model(images=to_input(images, self.device), rays=self.rays)
        if not self.model.lags:
            return output
        track = track or Track(self.model.lags)
        history = track.history(self.model.memory(output), places or [None] * len(images))
        return self.model(history=history)._replace(heatmaps=output.heatmaps)

    def new_tracks(self) -> list[Track] | None:
        """Memory of a sequence between calls, for each view; None for a model without a temporal
        version."""
        return [Track(self.model.lags) for _ in self.moves] if self.model.lags else None

    def _placed(self, output: PoseOutput) -> Prediction:
        found = output.heatmaps, output.joints3d, output.camera3d, output.uncertainty
        if not all((values.abs() < _LARGEST).all() for values in found if values is not None):
            why = "the checkpoint is damaged"
            if self.precision == "bf16":
                why += ", or its values leave the range of --precision bf16"
            raise UserError(f"the model's poses are not finite: {why}")
        seen, confidence15 = decode_heatmaps(output.heatmaps, self.input_size, self.model.subpixel)
        rows = list(HEATMAP_JOINTS)
        # On the CPU, where every device's result goes anyway: a 3×3 solve is not worth a kernel.
        seen, confidence15, raw = seen.cpu(), confidence15.cpu(), output.joints3d.float().cpu()
        joints3d, raw_neck = neck_centred(raw), raw[:, NECK].numpy()
        if output.camera3d is not None:
            neck = output.camera3d[:, NECK].float().cpu()
        else:
            # In double precision: where nothing is seen all rays are one, and the fit is all but
            # singular.
            rays = self.camera.unproject(seen.double(), clamp=True)
            weights = confidence15.double() + _MIN_WEIGHT
            neck = fit_translation(joints3d[:, rows].double(), rays, weights).float()
        joints2d = self.camera.project(joints3d + neck[:, None], clamp=True)
        joints2d[:, rows] = seen
        confidence = torch.empty(len(joints3d), NUM_JOINTS)
        confidence[:, rows] = confidence15
        confidence[:, HEAD] = confidence[:, NECK]
        places = (values.numpy() for values in (joints3d, joints2d, confidence, neck))
        found = Prediction(*places, raw_neck=raw_neck)
        if output.uncertainty is None:
            return found
        radius = output.uncertainty.float().cpu()
        confidence = within_probability(radius).numpy()
        return found._replace(uncertainty=radius.numpy(), confidence=confidence)


class OnnxSquarePredictor(SquarePredictor):
    """Runs a file of ``utils/export_onnx.py`` on the CPU, or on CUDA where onnxruntime has it;
    ``threads`` 0 is one a physical core. UserError for a file that is not an export, or one with a
    headset of which several ``views`` are asked for."""

    def __init__(self, path: Path, threads: int = 0, views: int = 1) -> None:
        # Slow to import, and only needed here.
        import onnxruntime as ort

        if not path.is_file():
            raise UserError(f"no model at {path}: make one with utils/export_onnx.py")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
        providers = [name for name in wanted if name in ort.get_available_providers()]
        try:
            self._session = ort.InferenceSession(str(path), options, providers)
            text = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY, "")
        except Exception as error:  # onnxruntime's own errors share no base class
            if is_out_of_memory(error):
                raise
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise UserError(f"{path}: not a readable ONNX model ({reason})") from None
        try:
            known = OnnxMetadata.model_validate_json(text)
            self._names = list(known.outputs)
            size, drawn = known.input_size, known.subpixel
            model = SimpleNamespace(input_size=size, subpixel=drawn, exports=self._names, lags=())
            more = known.camera, known.mounts, views
            super().__init__(model, torch.device("cpu"), "fp32", *more)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            text = "not an export of utils/export_onnx.py, or another version's: export it again"
            raise UserError(f"{path}: {text}") from None
        self.headset = known.headset
        if self.headset and len(self.moves) > 1:
            raise UserError(f"{path}: exported with a headset: --views needs an export without")

    def forward(
        self, images: Tensor, places: Sequence[Place] | None = None, track: Track | None = None
    ) -> PoseOutput:
        values = self._session.run(self._names, {INPUT: images.numpy()})
        return PoseOutput(**dict(zip(self._names, map(torch.from_numpy, values), strict=True)))
