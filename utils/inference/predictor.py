"""A checkpoint as an object that turns pictures of any size into poses in their pixels."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch

from base.cameras.camera import Camera
from base.errors import UserError
from base.skeleton import HEATMAP_JOINTS
from dataset.pictures import read_picture
from dataset.runs import Place
from dataset.view import Transform
from model.pose_model import PoseModel
from utils.common.device import fast_bf16, select_device
from utils.common.networks import load_pose_model
from utils.common.pretrained import model_path
from utils.inference.confidence import confidence_path, load_confidence
from utils.inference.lens import Lens, LensFinder
from utils.inference.pose_predictor import (
    OnnxPosePredictor,
    PosePredictor,
    Track,
    fold_batch_norms,
)
from utils.inference.trained_range import TrainedRange
from utils.inference.views import view_count

#: Mean distance between the placed pose and ``joints2d``, as a share of the network's picture,
#: above which the two disagree.
DISAGREEMENT = 0.10
#: Turns of pictures that are tried, degrees; by how much the mean confidence with one of them must
#: be above that with the others; and the number of pictures after which no more are looked at.
TURNS = (0, 90, 180, 270)
_CLEAR, _ENOUGH = 0.06, 3

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
    belong together. ``out_of_range`` says that the view is not one that the model was trained on:
    see :class:`utils.inference.trained_range.TrainedRange`, or ``disagrees``.
    ``uncertainty`` (16,) is a radius in metres with 90 % coverage, or None.
    """

    joints3d: np.ndarray
    joints2d: np.ndarray
    confidence: np.ndarray
    neck: np.ndarray
    residual: float
    disagrees: bool
    out_of_range: bool
    uncertainty: np.ndarray | None = None


class View(NamedTuple):
    """How pictures of one size reach the network: their lens, the transform to its pictures, and
    what of the headset is outside the range that the model was trained on, in words, or ""."""

    lens: Lens
    transform: Transform
    out_of_range: str

    def describe(self) -> dict[str, Any]:
        """For ``poses.json``."""
        headset = self.lens.headset
        return {
            "size": [headset.camera.width, headset.camera.height],
            "lens": self.lens.lens,
            "assumed": self.lens.assumed,
            "rotate": headset.rotate,
            "orientation": self.lens.orientation,
            "rotation_to_camera": np.round(headset.rotation, 9).tolist(),
            "out_of_range": self.out_of_range,
        }


class Prepared(NamedTuple):
    """The square (S, S, 3) uint8 RGB that the network gets of a picture, or the picture itself
    where the network has its headset inside; where it is in the square, and whether its headset is
    outside the range that the model was trained on."""

    square: np.ndarray
    transform: Transform
    out_of_range: bool = False


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


def load_network(
    path: Path, gpu: str | int = "0", precision: str = "auto", views: int = 1
) -> PosePredictor:
    """The network of a finetuned checkpoint, or of an export of one (*.onnx), ready to run;
    UserError for a file that is neither, or a device that is not there."""
    if path.suffix == ".onnx":
        return OnnxPosePredictor(path, views=views)
    device = select_device(str(gpu))
    loaded = load_pose_model(path, device)
    return ready_network(loaded.model, device, precision, loaded.camera, loaded.mounts, views)


def ready_network(
    model: PoseModel,
    device: torch.device,
    precision: str = "auto",
    camera: Camera | None = None,
    mounts: dict[str, Any] | None = None,
    views: int = 1,
) -> PosePredictor:
    """A network on ``device``, in evaluation mode, changed in place to run fast; the rest is as of
    :class:`PosePredictor`."""
    fold_batch_norms(model.pose2d)
    if precision == "bf16" or (precision == "auto" and fast_bf16(device)):
        # Once, instead of at every call.
        model.pose2d.bfloat16()
    model.to(memory_format=torch.channels_last)
    return PosePredictor(model, device, precision, camera, mounts, views)


class EgoPosePredictor:
    """Pictures in, 3D poses out. Calls from several threads do not disturb each other.

    ``checkpoint`` is a finetuned one, of this project or of the reference implementation, a file
    of ``utils/export_onnx.py`` (*.onnx), which ONNX Runtime runs without regard to ``gpu`` and
    ``precision``, or "pretrained" (the same as None) or "base", weights of this project.
    ``headset``, ``camera``, ``fov``, ``rotate`` and ``mount`` are of what took the pictures, see
    :class:`~utils.inference.lens.LensFinder`. ``confidence`` is a file of
    ``utils/calibrate_confidence.py``, "auto" for the one beside the checkpoint, if there is one, or
    None for the heights of heatmaps; ``gpu`` as ``--gpu``, and ``precision`` "auto", "fp32" or
    "bf16"; ``views`` as ``--views``. UserError for what cannot be used.
    """

    def __init__(
        self,
        checkpoint: str | Path | None = None,
        camera: str | Path | None = None,
        fov: float | None = None,
        rotate: float | None = None,
        mount: tuple[float, float] | None = None,
        confidence: str | Path | None = "auto",
        gpu: str | int = "0",
        precision: str = "auto",
        headset: str | Path | None = None,
        views: int = 1,
    ) -> None:
        view_count(views)
        # The camera first: reading a checkpoint takes a while.
        files = (None if name is None else str(name) for name in (headset, camera))
        self.lens = LensFinder(*files, fov, rotate, mount)
        self.checkpoint = model_path("pretrained" if checkpoint is None else str(checkpoint))
        if confidence == "auto":
            beside = confidence_path(self.checkpoint)
            confidence = beside if beside.is_file() else None
        self.confidence = load_confidence(Path(confidence)) if confidence else None
        self.network = load_network(self.checkpoint, gpu, precision, views)
        if self.network.headset is not None:
            if (headset, camera, fov, rotate, mount) != (None,) * 5:
                raise UserError(
                    f"{self.checkpoint}: exported with a headset, whose pictures it takes as they "
                    "are: leave out --headset, --camera, --fov, --rotate and --mount"
                )
            self.lens = LensFinder(self.network.headset)
        try:
            self.range = TrainedRange(self.network.mounts)
        except (TypeError, ValueError):
            text = "what it says of the headsets it was trained on is not as train.py writes it"
            raise UserError(f"{self.checkpoint}: {text}") from None
        #: What is known or assumed of the pictures' headset, by their width and height.
        self.views: dict[tuple[int, int], View] = {}
        #: How far pictures are turned, and how that was found; None before any was seen.
        self._turn: tuple[float, str] | None = None
        self._lock = threading.Lock()

    def study(self, pictures: Sequence[np.ndarray]) -> None:
        """Find the lens of each size, and the pictures' turn, from several (H, W[, C]) uint8, which
        is more robust than from one.  A size that cannot be used is skipped: :meth:`prepare` says
        why."""
        self._study(list(map(as_rgb, pictures)))

    def _study(self, pictures: Sequence[np.ndarray]) -> UserError | None:
        """:meth:`study` (H, W, 3); what was wrong with a size that cannot be used."""
        fault, lenses = None, {}
        with self._lock:
            by_size: dict[tuple[int, int], list[np.ndarray]] = {}
            for picture in pictures:
                by_size.setdefault(picture.shape[1::-1], []).append(picture)
            for size in [size for size in by_size if size not in self.views]:
                try:
                    lens = self.lens.find(by_size[size])
                    lens.view(self.network.camera)
                except UserError as error:
                    fault = error
                else:
                    lenses[size] = lens
            if lenses and self._turn is None and self.network.headset is None:
                known = [picture for picture in pictures if picture.shape[1::-1] in lenses]
                if self.lens.finds_turn or len(known) >= _ENOUGH:
                    self._turn = self._find_turn(known, lenses)
            for size, lens in lenses.items():
                lens = lens.turned(*self._turn) if self._turn else lens
                transform = lens.view(self.network.camera)
                self.views[size] = View(lens, transform, self.range.fault(lens.headset, transform))
        return fault

    def _find_turn(
        self, pictures: Sequence[np.ndarray], lenses: dict[tuple[int, int], Lens]
    ) -> tuple[float, str]:
        """The turn with which the network is most certain, and in words how that was found."""
        stated = next(iter(lenses.values())).headset.rotate
        views = {
            size: [lens.turned((stated + t) % 360, "").view(self.network.camera) for t in TURNS]
            for size, lens in lenses.items()
        }
        scores = []
        for count, picture in enumerate(pictures, 1):
            turned = [view.image(picture) for view in views[picture.shape[1::-1]]]
            found = self.network.one_view(torch.from_numpy(np.stack(turned)))
            scores.append(found.confidence[:, _SEEN].mean(1))
            mean = np.mean(scores, axis=0)
            second, best = np.argsort(mean)[-2:]
            clear = mean[best] - mean[second] > _CLEAR
            if clear and count >= _ENOUGH:
                break
        values = f"mean confidence {mean[best]:.2f}, of the next best turn {mean[second]:.2f}"
        turn = (stated + TURNS[best]) % 360
        if not self.lens.finds_turn:
            hint = f"as stated, but the network is surer with {turn:g}°: {values}; see --rotate"
            return stated, hint if clear and best else "as stated"
        if clear:
            return turn, f"found by the network: {values}"
        return 0.0, f"assumed, none is convincing: {values}; state it with --rotate"

    def _view_of(self, picture: np.ndarray) -> View:
        size = picture.shape[1::-1]
        if size not in self.views and (fault := self._study([picture])):
            raise fault
        return self.views[size]

    def prepare(self, picture: np.ndarray) -> Prepared:
        """What the network gets of a (H, W[, C]) uint8 picture. Cheap to run in a thread; UserError
        for a picture of a size that does not fit the calibration."""
        picture = as_rgb(picture)
        built_in = self.network.headset
        if built_in is not None:
            size, wanted = picture.shape[1::-1], (built_in.camera.width, built_in.camera.height)
            if size != wanted:
                raise UserError(
                    f"a picture of {size[0]}×{size[1]}, but {self.checkpoint} was exported for the "
                    f"{wanted[0]}×{wanted[1]} of its headset"
                )
        view = self._view_of(picture)
        square = view.transform.image(picture) if built_in is None else picture
        return Prepared(square, view.transform, bool(view.out_of_range))

    def poses(
        self,
        prepared: Sequence[Prepared],
        places: Sequence[Place] | None = None,
        tracks: list[Track] | None = None,
    ) -> list[Pose]:
        """Poses of prepared pictures, in one batch. For a model that looks back ``places`` are the
        sequence (any name) of each and its number there, and ``tracks``, of ``network.new_tracks``,
        hold the frames before these; a history is cut where a number is missing."""
        squares = torch.from_numpy(np.stack([item.square for item in prepared]))
        found = self.network(squares, places, tracks)
        placed = self.network.camera.project(found.joints3d + found.neck[:, None], clamp=True)
        both = np.stack([found.joints2d, placed], 1)
        outside = self.range.left_by(found)
        poses = []
        for row, item in enumerate(prepared):
            heights = found.confidence[row]
            seen, expected = item.transform.points_back(both[row])
            weights = np.maximum(heights[_SEEN], _MIN_WEIGHT)
            off = np.hypot(*(found.joints2d[row] - placed[row]).T)[_SEEN] / self.network.input_size
            off_source = np.hypot(*(seen - expected).T)[_SEEN]
            disagrees = bool(np.average(off, weights=weights) > DISAGREEMENT)
            poses.append(
                Pose(
                    joints3d=found.joints3d[row],
                    joints2d=seen,
                    confidence=self.confidence(heights) if self.confidence else heights,
                    neck=found.neck[row],
                    residual=float(np.average(off_source, weights=weights)),
                    disagrees=disagrees,
                    out_of_range=item.out_of_range or disagrees or bool(outside[row]),
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
