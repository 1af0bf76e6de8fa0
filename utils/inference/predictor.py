"""A checkpoint as an object that turns pictures of any size into poses in their pixels."""

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from base.base_transform import BaseTransform
from base.errors import UserError
from base.skeleton import HEATMAP_JOINTS
from dataset.pictures import read_picture
from dataset.runs import Place
from model.pose_model import PoseModel
from utils.common.device import fast_bf16, select_device
from utils.common.networks import load_pose_model
from utils.common.pretrained import pretrained_weights
from utils.inference.confidence import confidence_path, load_confidence
from utils.inference.lens import Lens, View
from utils.inference.pose_predictor import OnnxPosePredictor, PosePredictor, Track, fold_batch_norms

#: Mean distance between the placed pose and ``joints2d``, as a share of the network's picture,
#: above which the two disagree.
DISAGREEMENT = 0.10

_SEEN = list(HEATMAP_JOINTS)
_MIN_WEIGHT = 1e-6


@dataclass(frozen=True, slots=True)
class Pose:
    """The pose of one picture, joints in the order of :data:`base.skeleton.JOINTS`, float32.

    ``joints3d`` (16, 3) are metres, camera axes (x right in the picture, y down in it, z along the
    optical axis), Neck at the origin; ``joints2d`` (16, 2) pixels of the given picture;
    ``confidence`` (16,) as in :class:`Prediction`, with a calibration the probability that the
    joint is right. ``neck`` (3,) metres: ``joints3d + neck`` is the pose in the camera's frame;
    ``residual`` pixels between that and ``joints2d``, mean over the joints that have a heatmap,
    weighted by confidence; ``disagrees`` says that this is so much that pose and picture do not
    belong together. ``uncertainty`` (16,) is a radius in metres with 90 % coverage, or None.
    """

    joints3d: np.ndarray
    joints2d: np.ndarray
    confidence: np.ndarray
    neck: np.ndarray
    residual: float
    disagrees: bool
    uncertainty: np.ndarray | None = None


class Prepared(NamedTuple):
    """The square (S, S, 3) uint8 RGB that the network gets of a picture, and where it is there."""

    square: np.ndarray
    view: BaseTransform


def as_rgb(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) uint8 as (H, W, 3); not copied where
    nothing has to change; ValueError for another shape or type."""
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or 0 in picture.shape:
        raise ValueError(f"a picture is (H, W[, C]) uint8, not {picture.shape} {picture.dtype}")
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    if channels == 1:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    if channels not in (3, 4):
        raise ValueError(f"a picture has 1, 3 or 4 channels, not {channels}")
    return picture[..., :3]


def load_network(path: Path, gpu: str | int = "0", precision: str = "auto") -> PosePredictor:
    """The network of a finetuned checkpoint, or of an export of one (*.onnx), ready to run;
    UserError for a file that is neither, or a device that is not there."""
    if path.suffix == ".onnx":
        return OnnxPosePredictor(path)
    device = select_device(str(gpu))
    return ready_network(load_pose_model(path, device).model, device, precision)


def ready_network(model: PoseModel, device: torch.device, precision: str = "auto") -> PosePredictor:
    """A network on ``device``, in evaluation mode, changed in place to run fast."""
    fold_batch_norms(model.pose2d)
    if precision == "bf16" or (precision == "auto" and fast_bf16(device)):
        # Once, instead of at every call.
        model.pose2d.bfloat16()
    model.to(memory_format=torch.channels_last)
    return PosePredictor(model, device, precision)


class EgoPosePredictor:
    """Pictures in, 3D poses out. Calls from several threads do not disturb each other.

    ``checkpoint`` is a finetuned one, of this project or of the reference implementation, or a file
    of ``utils/export_onnx.py`` (*.onnx), which ONNX Runtime runs without regard to ``gpu`` and
    ``precision``; None for the pretrained weights. ``camera``, ``fov``, ``rotate`` and ``mount``
    are of the camera that took the pictures, see :class:`~utils.inference.lens.Lens`.
    ``confidence`` is a file of ``utils/calibrate_confidence.py``, "auto" for the one beside the
    checkpoint, if there is one, or None for the heights of heatmaps; ``gpu`` as ``--gpu``, and
    ``precision`` "auto", "fp32" or "bf16". UserError for what cannot be used.
    """

    def __init__(
        self,
        checkpoint: str | Path | None = None,
        camera: str | Path | None = None,
        fov: float | None = None,
        rotate: float = 0.0,
        mount: tuple[float, float] = (0.0, 0.0),
        confidence: str | Path | None = "auto",
        gpu: str | int = "0",
        precision: str = "auto",
    ) -> None:
        # The camera first: reading a checkpoint takes a while.
        self.lens = Lens(None if camera is None else str(camera), fov, rotate, mount)
        self.checkpoint = pretrained_weights() if checkpoint is None else Path(checkpoint)
        if confidence == "auto":
            beside = confidence_path(self.checkpoint)
            confidence = beside if beside.is_file() else None
        self.confidence = load_confidence(Path(confidence)) if confidence else None
        self.network = load_network(self.checkpoint, gpu, precision)
        #: What is known or assumed of the pictures' lens, by their width and height.
        self.views: dict[tuple[int, int], View] = {}
        self._lock = threading.Lock()

    def study(self, pictures: Sequence[np.ndarray]) -> None:
        """Find the lens of each size from several pictures (H, W[, C]) uint8, which is more robust
        than from one.  A size that cannot be used is skipped: :meth:`prepare` says why."""
        by_size: dict[tuple[int, ...], list[np.ndarray]] = {}
        for picture in map(as_rgb, pictures):
            by_size.setdefault(picture.shape, []).append(picture)
        for group in by_size.values():
            with contextlib.suppress(UserError):
                self._view_of(group)

    def _view_of(self, pictures: Sequence[np.ndarray]) -> View:
        size = pictures[0].shape[1], pictures[0].shape[0]
        with self._lock:
            if size not in self.views:
                self.views[size] = self.lens.view(pictures, self.network.input_size)
            return self.views[size]

    def prepare(self, picture: np.ndarray) -> Prepared:
        """What the network gets of a (H, W[, C]) uint8 picture. Cheap to run in a thread; UserError
        for a picture of a size that does not fit the calibration."""
        picture = as_rgb(picture)
        transform = self._view_of([picture]).transform
        return Prepared(transform.image(picture), transform)

    def poses(
        self,
        prepared: Sequence[Prepared],
        places: Sequence[Place] | None = None,
        track: Track | None = None,
    ) -> list[Pose]:
        """Poses of prepared pictures, in one batch. For a model that looks back ``places`` are the
        sequence (any name) of each and its number there, and ``track``, of ``network.new_track``,
        holds the frames before these; a history is cut where a number is missing."""
        squares = torch.from_numpy(np.stack([item.square for item in prepared]))
        found = self.network(squares, places, track)
        placed = self.network.camera.project(found.joints3d + found.neck[:, None], clamp=True)
        both = np.stack([found.joints2d, placed], 1)
        poses = []
        for row, item in enumerate(prepared):
            heights = found.confidence[row]
            seen, expected = item.view.points_back(both[row])
            weights = np.maximum(heights[_SEEN], _MIN_WEIGHT)
            off = np.hypot(*(found.joints2d[row] - placed[row]).T)[_SEEN] / self.network.input_size
            off_source = np.hypot(*(seen - expected).T)[_SEEN]
            poses.append(
                Pose(
                    joints3d=found.joints3d[row],
                    joints2d=seen,
                    confidence=self.confidence(heights) if self.confidence else heights,
                    neck=found.neck[row],
                    residual=float(np.average(off_source, weights=weights)),
                    disagrees=bool(np.average(off, weights=weights) > DISAGREEMENT),
                    uncertainty=None if found.uncertainty is None else found.uncertainty[row],
                )
            )
        return poses

    def batch(self, pictures: Sequence[np.ndarray | str | Path]) -> list[Pose]:
        """Poses of several pictures, see :meth:`__call__`; they may differ in size."""
        arrays = (
            item if isinstance(item, np.ndarray) else read_picture(Path(item)) for item in pictures
        )
        prepared = list(map(self.prepare, arrays))
        return self.poses(prepared) if prepared else []

    def __call__(self, picture: np.ndarray | str | Path) -> Pose:
        """Pose of one picture: (H, W[, C]) uint8, RGB where there is colour, or its path;
        BrokenFrameError for a file that is no picture; ValueError for an array that is none."""
        return self.batch([picture])[0]
