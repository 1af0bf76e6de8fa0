"""A checkpoint as an object that takes pictures of any size and returns poses in their pixels."""

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from base.base_transform import BaseTransform
from base.errors import UserError
from base.skeleton import HEATMAP_JOINTS
from dataset.pictures import read_picture
from dataset.runs import Place
from model.pose_model import PoseModel
from utils.common.device import select_device
from utils.common.networks import load_pose_model
from utils.common.pretrained import pretrained_weights
from utils.inference.confidence import ConfidenceMap, confidence_path, load_confidence
from utils.inference.fold import prepare_model
from utils.inference.lens import Lens, View
from utils.inference.onnx_predictor import OnnxPosePredictor
from utils.inference.pose_predictor import PosePredictor
from utils.inference.track import Track

#: Mean distance between the placed pose and the joints seen, as a share of the network's picture,
#: above which the two disagree.
DISAGREEMENT = 0.10

_SEEN = list(HEATMAP_JOINTS)
_LEAST_WEIGHT = 1e-6


@dataclass(frozen=True, slots=True)
class Pose:
    """The pose of one picture.

    Attributes:
        joints3d: (16, 3) float32 metres, camera axes (x right in the picture, y down in it, z
            along the optical axis), Neck at the origin; order of :data:`base.skeleton.JOINTS`.
        joints2d: (16, 2) float32 pixels of the picture that was given; the Head, which has no
            heatmap, is projected from the 3D pose.
        confidence: (16,) float32 in [0, 1]: of a model that says how sure it is, or with a
            calibration, the probability that the joint is right; else the height of its heatmap.
        neck: (3,) float32 metres: where the Neck is in the camera frame; ``joints3d + neck`` is
            the pose before the camera.
        residual: pixels of the picture by which the placed 3D pose misses ``joints2d``, mean over
            the joints that have a heatmap, weighted by confidence.
        disagrees: whether that is so much that pose and picture do not belong together.
        uncertainty: (16,) float32 metres: the joint is in the ball of that radius around
            ``joints3d + neck`` in 90 % of the cases; None if the model does not say.
    """

    joints3d: np.ndarray
    joints2d: np.ndarray
    confidence: np.ndarray
    neck: np.ndarray
    residual: float
    disagrees: bool
    uncertainty: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture on its way through the network.

    Attributes:
        square: (S, S, 3) uint8 RGB, what the network is shown.
        view: how the square came out of the picture.
    """

    square: np.ndarray
    view: BaseTransform


def as_rgb(picture: np.ndarray) -> np.ndarray:
    """A picture of 1, 3 or 4 channels as three.

    Args:
        picture: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) uint8; RGB where there is colour.

    Returns:
        (H, W, 3) uint8 RGB, sharing memory where nothing had to change.

    Raises:
        ValueError: for another shape or type.
    """
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or 0 in picture.shape:
        raise ValueError(f"a picture is (H, W[, C]) uint8, not {picture.shape} {picture.dtype}")
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    if channels == 1:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    if channels not in (3, 4):
        raise ValueError(f"a picture has 1, 3 or 4 channels, not {channels}")
    return picture[..., :3]


def load_network(path: Path, gpu: str | int = "0", precision: str = "auto") -> PosePredictor:
    """The network of a finetuned checkpoint, or of an export of one (*.onnx), ready to run.

    Raises:
        UserError: for a file that is neither, or a device that is not there.
    """
    if path.suffix == ".onnx":
        return OnnxPosePredictor(path)
    device = select_device(str(gpu))
    return ready_network(load_pose_model(path, device).model, device, precision)


def ready_network(model: PoseModel, device: torch.device, precision: str = "auto") -> PosePredictor:
    """A network made ready to run on ``device``, where its weights are."""
    prepare_model(model, device, precision)
    return PosePredictor(model, device, precision)


def find_confidence(given: str | Path | None, model: Path) -> ConfidenceMap | None:
    """The confidence map that was asked for; "auto" for the one beside the model, if any.

    Raises:
        UserError: for a file that is none.
    """
    if given is None:
        return None
    if given == "auto":
        beside = confidence_path(model)
        return load_confidence(beside) if beside.is_file() else None
    return load_confidence(Path(given))


class EgoPosePredictor:
    """Pictures in, 3D poses out.  Calls from several threads do not disturb each other.

    Args:
        checkpoint: a finetuned checkpoint, of this project or of the reference implementation, or
            a file of ``utils/export_onnx.py`` (*.onnx), which ONNX Runtime then runs; ``gpu`` and
            ``precision`` do not matter to it.  None for the weights that come with the project.
        camera: the camera that took the pictures: None to judge by each picture, "training",
            "circle", or a calibration file; see :class:`utils.inference.lens.Lens`.
        fov: angle across the image circle, degrees, where no calibration tells it.
        rotate: degrees by which the pictures must be turned clockwise for the wearer's face to be
            at the top and what is ahead at the bottom.
        mount: degrees by which the camera looks (forward, to the wearer's left) of straight down.
        confidence: a file of ``utils/calibrate_confidence.py`` that makes probabilities of the
            heights of heatmaps; "auto" for the one beside the checkpoint, if there is one; None
            for the heights as they are.
        gpu: as ``--gpu``: a CUDA device number, "cpu", "mps".
        precision: "auto", "fp32" or "bf16".

    Attributes:
        checkpoint: its path.
        input_size: side S of the network's picture, pixels.
        confidence: the map in use, None for plain heights.

    Raises:
        UserError: for a checkpoint that is none or of another stage, a device that is not there, a
            calibration that cannot be used.
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
        self._lens = Lens(None if camera is None else str(camera), fov, rotate, mount)
        self.checkpoint = pretrained_weights() if checkpoint is None else Path(checkpoint)
        self.confidence = find_confidence(confidence, self.checkpoint)
        self._network = load_network(self.checkpoint, gpu, precision)
        self.input_size = self._network.input_size
        self._views: dict[tuple[int, int], View] = {}
        self._making = threading.Lock()

    @property
    def needs_pictures(self) -> bool:
        """Whether :meth:`study` helps: the lens is judged by what pictures show."""
        return self._lens.needs_pictures

    @property
    def has_uncertainty(self) -> bool:
        """Whether poses come with an uncertainty."""
        return self._network.has_uncertainty

    @property
    def views(self) -> dict[tuple[int, int], View]:
        """What is known or assumed of the pictures' lens, by their width and height."""
        return dict(self._views)

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3), the axes of the poses (a camera that looks straight down) → the user's camera."""
        return self._lens.rotation

    def study(self, pictures: Sequence[np.ndarray]) -> None:
        """Find the lens of each size from several pictures at once, which is surer than from one.

        A size that cannot be used is passed over: :meth:`prepare` says why.

        Args:
            pictures: (H, W[, C]) uint8, any sizes.
        """
        by_size: dict[tuple[int, int], list[np.ndarray]] = {}
        for picture in map(as_rgb, pictures):
            by_size.setdefault((picture.shape[1], picture.shape[0]), []).append(picture)
        for group in by_size.values():
            with contextlib.suppress(UserError):
                self._view_of(group)

    def _view_of(self, pictures: Sequence[np.ndarray]) -> View:
        size = pictures[0].shape[1], pictures[0].shape[0]
        if (view := self._views.get(size)) is not None:
            return view
        with self._making:
            if size not in self._views:
                self._views[size] = self._lens.view(pictures, self.input_size)
            return self._views[size]

    def prepare(self, picture: np.ndarray) -> Prepared:
        """What the network is shown of a (H, W[, C]) uint8 picture.  Cheap to run in a thread.

        Raises:
            UserError: for a picture of a size that the calibration is not of.
        """
        picture = as_rgb(picture)
        transform = self._view_of([picture]).transform
        return Prepared(transform.image(picture), transform)

    def new_track(self) -> Track | None:
        """Where the frames of a video are kept between calls of :meth:`poses`; None for a model
        that does not look back."""
        return self._network.new_track()

    def poses(
        self,
        prepared: Sequence[Prepared],
        places: Sequence[Place] | None = None,
        track: Track | None = None,
    ) -> list[Pose]:
        """Poses of prepared pictures, in one batch.

        Args:
            prepared: of :meth:`prepare`.
            places: for each its sequence (any name) and its number there; None for pictures that
                stand alone.  A history is cut where a number is missing.
            track: of :meth:`new_track`, for a model that looks back: the frames before these.
        """
        squares = torch.from_numpy(np.stack([item.square for item in prepared]))
        found = self._network(squares, places, track)
        placed = self._network.camera.project(found.joints3d + found.neck[:, None], clamp=True)
        poses = []
        for row, item in enumerate(prepared):
            both = np.concatenate([found.joints2d[row], placed[row]])
            seen, expected = np.split(item.view.points_back(both), 2)
            heights = found.confidence[row]
            off = np.hypot(*(found.joints2d[row] - placed[row]).T) / self.input_size
            weights = np.maximum(heights[_SEEN], _LEAST_WEIGHT)
            poses.append(
                Pose(
                    joints3d=found.joints3d[row],
                    joints2d=seen,
                    confidence=self._confident(heights),
                    neck=found.neck[row],
                    residual=float(
                        np.average(np.hypot(*(seen - expected)[_SEEN].T), weights=weights)
                    ),
                    disagrees=bool(np.average(off[_SEEN], weights=weights) > DISAGREEMENT),
                    uncertainty=None if found.uncertainty is None else found.uncertainty[row],
                )
            )
        return poses

    def _confident(self, heights: np.ndarray) -> np.ndarray:
        return heights if self.confidence is None else self.confidence(heights)

    def batch(self, pictures: Sequence[np.ndarray | str | Path]) -> list[Pose]:
        """Poses of several pictures, see :meth:`__call__`; they may differ in size."""
        if not pictures:
            return []
        return self.poses(
            [
                self.prepare(item if isinstance(item, np.ndarray) else read_picture(Path(item)))
                for item in pictures
            ]
        )

    def __call__(self, picture: np.ndarray | str | Path) -> Pose:
        """Pose of one picture: (H, W[, C]) uint8, RGB where there is colour, or its path.

        Raises:
            BrokenFrameError: for a file that is no picture.
            ValueError: for an array that is none.
        """
        return self.batch([picture])[0]
