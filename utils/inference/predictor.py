"""A checkpoint as an object that turns pictures of any size into poses in their pixels."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch

from base.errors import UserError
from base.skeleton import HEATMAP_JOINTS
from dataset.consecutive_frames import Place
from dataset.headset_view import Transform
from dataset.pictures import read_picture
from model.backbone import to_bfloat16
from utils.common.device import fast_bf16, select_device
from utils.common.networks import load_pose_model
from utils.common.pretrained import model_path
from utils.inference.body_size import check_height, with_height
from utils.inference.confidence import confidence_path, load_confidence
from utils.inference.lens_finder import Lens, LensFinder
from utils.inference.square_predictor import (
    OnnxSquarePredictor,
    SquarePredictor,
    Track,
    fold_batch_norms,
)
from utils.inference.test_time_augmentation import view_moves
from utils.inference.trained_range import TrainedRange

#: Mean distance between the placed pose and ``joints2d``, as a share of the network's picture,
#: above which the two disagree.
DISAGREEMENT = 0.10
#: Turns of pictures that are tried, degrees; by how much the mean confidence with one of them must
#: be above that with the others; what it must be, for noise leads by chance (0.20); and the number
#: of pictures after which no more are looked at.
TURNS = (0, 90, 180, 270)
_CLEAR, _LEAST, _ENOUGH = 0.06, 0.35, 3

_SEEN = list(HEATMAP_JOINTS)
_MIN_WEIGHT = 1e-6


@dataclass(frozen=True, slots=True)
class Pose:
    """The pose of one picture, joints in the order of :data:`base.skeleton.JOINTS`, float32; its
    axes are those of a camera that looks straight down (doc/inference.md has more on each)."""

    joints3d: np.ndarray  # (16, 3) metres, Neck at the origin
    joints2d: np.ndarray  # (16, 2) pixels of the given picture
    confidence: np.ndarray  # (16,) as in Prediction, or by the calibration
    neck: np.ndarray  # (3,) metres: joints3d + neck is the pose in the camera's frame
    residual: float  # pixels between that and joints2d, mean weighted by confidence
    disagrees: bool  # that is so much that pose and picture do not belong together
    out_of_range: bool  # that, or a view which the model was not trained on, see TrainedRange
    uncertainty: np.ndarray | None = None  # (16,) metres, radius with 90 % coverage


class Preprocessing(NamedTuple):
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
    outside of what the model was trained on."""

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
) -> SquarePredictor:
    """The network of a finetuned checkpoint, or of an export of one (*.onnx), ready to run;
    UserError for a file that is neither, or a device that is not there."""
    if path.suffix == ".onnx":
        return OnnxSquarePredictor(path, views=views)
    device = select_device(str(gpu))
    loaded = load_pose_model(path, device)
    fold_batch_norms(loaded.model.pose2d)
    if precision == "bf16" or (precision == "auto" and fast_bf16(device)):
        # Once, instead of at every call.
        to_bfloat16(loaded.model.pose2d)
    model = loaded.model.to(memory_format=torch.channels_last)
    return SquarePredictor(model, device, precision, loaded.camera, loaded.mounts, views)


class EgoPosePredictor:
    """Pictures in, 3D poses out. Calls from several threads do not disturb each other.

    ``checkpoint`` is a path as of ``--load_model``, None for the pretrained weights; ONNX Runtime
    runs an export without regard to ``gpu`` and ``precision``. ``confidence`` is a file of
    ``utils/calibrate_confidence.py``, "auto" for the one beside the checkpoint, if there is one, or
    None for the model's own. All else is as on the command line of ``inference.py``. UserError for
    what cannot be used."""

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
        height: float | None = None,
    ) -> None:
        # What is wrong with these first: reading a checkpoint takes a while.
        view_moves(views)
        check_height(height)
        self.height = height
        files = (None if name is None else str(name) for name in (headset, camera))
        self.lens = LensFinder(*files, fov, rotate, mount)
        self.checkpoint = model_path("pretrained" if checkpoint is None else str(checkpoint))
        if confidence == "auto":
            beside = confidence_path(self.checkpoint)
            confidence = beside if beside.exists() else None
        self.confidence = load_confidence(Path(confidence)) if confidence else None
        self.network = load_network(self.checkpoint, gpu, precision, views)
        if self.network.headset is not None:
            if (headset, camera, fov, rotate, mount) != (None,) * 5:
                raise UserError(
                    f"{self.checkpoint}: exported with a headset, whose pictures it takes as they "
                    "are: leave out --headset, --camera, --fov, --rotate and --mount"
                )
            self.lens = LensFinder(self.network.headset)
        self._turns = headset is None and rotate is None and self.network.headset is None
        #: Whether neither lens nor turn depends on pictures.
        self.stated = self.lens.stated and not self._turns
        self.range = TrainedRange(self.network.mounts)
        #: What is known or assumed of the pictures' headset, by their width, height and sequence.
        self.preprocessing: dict[tuple[int, int, str | None], Preprocessing] = {}
        self._lock = threading.Lock()

    def study(
        self, pictures: Sequence[np.ndarray], sequence: str | None = None
    ) -> UserError | None:
        """Find lens and turn for each size from several (H, W[, C]) uint8, which is more robust
        than from one; where those of a ``sequence`` do not tell, as studied without it before, and
        the turn of a size that does not tell is that of the size that tells it most clearly.
        Returns what is wrong with a size that cannot be used."""
        by_key, lenses, fault = {}, {}, None
        for picture in map(as_rgb, pictures):
            by_key.setdefault((*picture.shape[1::-1], sequence), []).append(picture)
        with self._lock:
            known = {k: v.lens for k, v in self.preprocessing.items() if k[2] in (None, sequence)}
            for key in [key for key in by_key if key not in known]:
                try:
                    lens = self.lens.find(by_key[key], known.get((*key[:2], None)))
                    lenses[key] = self._turned(by_key[key], lens) if self._turns else lens
                except UserError as error:
                    fault = error
            known |= lenses
            clear = [key for key in known if known[key].lead > _CLEAR]
            for key, lens in lenses.items():
                if lens.lead <= _CLEAR and clear:
                    ranks = ((k[2] == sequence, k[:2] == key[:2], known[k].lead, k) for k in clear)
                    *_, best = max(ranks)
                    text = f"as of pictures of {best[0]}×{best[1]}, {known[best].orientation}"
                    lens = lens.turned(known[best].headset.rotate, text, known[best].lead)
                try:
                    transform = lens.view(self.network.camera)
                    faults = self.range.fault(lens.headset, transform)
                    self.preprocessing[key] = Preprocessing(lens, transform, faults)
                except UserError as error:
                    fault = error
        return fault

    def _turned(self, pictures: Sequence[np.ndarray], lens: Lens) -> Lens:
        """The lens with the turn of which the network is most certain, which is not clear for some
        pictures, and in words how that was found."""
        views = [lens.turned(turn, "").view(self.network.camera) for turn in TURNS]
        scores = []
        for count, picture in enumerate(pictures, 1):
            turned = torch.from_numpy(np.stack([view.image(picture) for view in views]))
            scores.append(self.network.one_view(turned).confidence[:, _SEEN].mean(1))
            mean = np.mean(scores, axis=0)
            second, best = np.argsort(mean)[-2:]
            lead = float(mean[best] - mean[second]) if mean[best] >= _LEAST else 0.0
            if lead > _CLEAR and count >= _ENOUGH:
                break
        values = f"mean confidence {mean[best]:.2f}, of the next best turn {mean[second]:.2f}"
        if lead > _CLEAR:
            return lens.turned(float(TURNS[best]), f"found by the network: {values}", lead)
        hint = f"assumed, none is convincing: {values}; state it with --rotate"
        return lens.turned(0.0, hint, lead)

    def prepare(self, picture: np.ndarray, sequence: str | None = None) -> Prepared:
        """What the network gets of a (H, W[, C]) uint8 picture, of a sequence if these are studied
        each. Cheap to run in a thread; UserError for one that does not fit the calibration."""
        picture = as_rgb(picture)
        size, built_in = picture.shape[1::-1], self.network.headset
        if built_in and size != (built_in.camera.width, built_in.camera.height):
            raise UserError(
                f"a picture of {size[0]}×{size[1]}, but {self.checkpoint} was exported for the "
                f"{built_in.camera.width}×{built_in.camera.height} of its headset"
            )
        key = (*size, sequence)
        if key not in self.preprocessing and (fault := self.study([picture], sequence)):
            raise fault
        known = self.preprocessing[key]
        square = picture if built_in else known.transform.image(picture)
        return Prepared(square, known.transform, bool(known.out_of_range))

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
        if self.height is not None:
            found = with_height(found, self.height)
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
