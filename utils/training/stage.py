"""One stage of training, of any kind of model: its batches, targets, losses and validation."""

from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from base.camera import RELEASE_CAMERA, FisheyeCamera
from base.errors import UserError
from base.frame import FrameId
from base.set_type import SetType
from base.skeleton import HEATMAP_JOINTS
from dataset.augment import Part, augment
from dataset.batch import Batch, collate, to_input
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from dataset.packed.packed import Packed
from dataset.tree.mocap import Mocap
from model.decode import decode_heatmaps
from model.pose_model import PoseModel, PoseOutput, Targets
from model.rays import CameraRays
from utils.common.config import Config
from utils.common.device import autocast
from utils.common.networks import data_camera, training_type
from utils.evaluation.mpjpe import mpjpe_by_group
from utils.training.data import (
    LabelLoader,
    batch_order,
    open_labels,
    open_pictures,
    picture_loader,
    refuse_overlap,
    report_broken,
)
from utils.training.distributed import Processes
from utils.training.histories import HistoryBatch, HistoryLoader, predict_frames
from utils.training.validation_images import Shown, placed_in_picture, readable, spread, with_head

_SEEN = list(HEATMAP_JOINTS)
_SETS = (SetType.TRAIN, SetType.VAL)


class Validation(NamedTuple):
    """What a stage measures on ValSet.

    Attributes:
        figures: name → value; the stage's metric is among them.
        by_action: action group → MPJPE in millimetres, "All" first; empty where no pose is made.
    """

    figures: dict[str, float]
    by_action: dict[str, float]


class Sample(NamedTuple):
    """A batch on the device.

    Attributes:
        inputs: arguments of the model.
        targets: what it should predict.
    """

    inputs: dict[str, Any]
    targets: Targets


def tells_hidden(labels: Mocap | Packed, camera: FisheyeCamera) -> bool:
    """Whether a split's labels tell joints that are hidden from joints that are seen."""
    known = labels.annotations()
    return bool((camera.in_picture(known.joints2d) & ~known.visible).any())


class Stage:
    """One stage of training.

    Args:
        name: of the training type.
        model: of :func:`utils.common.networks.stage_network`.
        config: of the run.
        root: folder that holds TrainSet and ValSet.
        processes: where to train.

    Attributes:
        model: on the device.
        network: what training calls: ``model``, wrapped for several processes or compiled.
        evaluated: what validation calls: ``model``, or the moving average of it.
        loader: training batches; has ``epoch``, ``start`` and a length.
        validation: batches of ValSet in order.
        metric: figure by which the best checkpoint is chosen; lower is better.
        unit: unit of that metric.
        mean_pose: (16, 3) float64 metres, Neck at the origin, mean of TrainSet.
        draws: random numbers of the augmentation.

    Raises:
        UserError: for data that cannot be trained on.
    """

    def __init__(
        self, name: str, model: PoseModel, config: Config, root: Path, processes: Processes
    ) -> None:
        self.name = name
        self.config = config
        self.settings = config.stage(name)
        self.training = training_type(name, config)
        poses = self.training.trained != ("pose2d",)
        self.metric, self.unit = ("mpjpe_mm", "mm") if poses else ("joints2d_px", "px of 800")
        self.processes = processes
        self.device = processes.device
        self.root = root
        self.division = processes.division(self.settings.batch_size, self.settings.accumulate)
        model = processes.synchronise(model)
        self.model = model.to(self.device, memory_format=torch.channels_last)
        self.network = processes.wrap(self.model, model.uses_all_weights(config.loss))
        if config.compile:
            self.network = torch.compile(self.network)
        self.evaluated = self.model
        self.input_size = config.data.input_size
        self.heatmap_shape = HeatmapShape(
            model.heatmap_size, config.heatmap.sigma, config.heatmap.subpixel
        )
        self.camera = data_camera(config)
        self.rays = CameraRays(self.camera).to(self.device)
        self.labels = open_labels(root, SetType.TRAIN, config)
        self.mean_pose = self.labels.annotations().mean_pose()
        self.visibility_known = tells_hidden(self.labels, self.camera)
        self.draws = torch.Generator()
        # Of videos, whose batches are histories: the pictures that the histories were made of.
        self._pictures: Any = None
        opened = {"pictures": self._open_pictures, "labels": self._open_labels}
        self.loader, self.validation = opened.get(self.training.reads, self._open_videos)()

    # ---------------------------------------------------------------- data

    def _order(self, set_type: SetType) -> dict[str, Any]:
        return batch_order(set_type, self.config, self.settings, self.division)

    def _open_pictures(self) -> list[Any]:
        pinned = self.device.type == "cuda"
        loaders = [
            picture_loader(self.root, which, self.config, pinned, self._order(which))
            for which in _SETS
        ]
        refuse_overlap(*(loader.dataset for loader in loaders))
        return loaders

    def _open_labels(self) -> list[Any]:
        labels = self.labels, open_labels(self.root, SetType.VAL, self.config)
        refuse_overlap(*labels)
        return [
            LabelLoader(split, self.device, **self._order(which))
            for split, which in zip(labels, _SETS, strict=True)
        ]

    def _open_videos(self) -> list[Any]:
        """Each process predicts all frames: TrainSet ``views`` times, each with its own
        augmentation; the epochs take the views in turn."""
        splits = [open_pictures(self.root, which, self.config) for which in _SETS]
        refuse_overlap(*(dataset for dataset, _ in splits))
        self._pictures = splits[1][0]
        self.model.eval()
        augmentation = self.settings.augment
        # Without augmentation all views would be the same.
        views = self.settings.views if augmentation.changes else 1
        augmented = {"augmentation": augmentation, "views": views, "seed": self.config.seed}
        loaders = []
        for (dataset, workers), which in zip(splits, _SETS, strict=True):
            frames = predict_frames(
                self.model,
                dataset,
                workers,
                self.camera,
                self.rays,
                self.config.precision,
                **(augmented if which is SetType.TRAIN and augmentation.changes else {}),
            )
            order = self._order(which)
            loaders.append(HistoryLoader(frames, self.model.lags, self.device, **order))
            if not loaders[0].complete:
                raise UserError(
                    f"{self.root}: no {max(self.model.lags) + 1} frames of its "
                    f"{SetType.TRAIN.folder} follow each other, so there is no history to learn "
                    "from: give a set of videos (utils/make_synthetic.py --video)"
                )
        return loaders

    def report_broken(self) -> None:
        """Name the frames that were stepped over."""
        for loader, which in zip((self.loader, self.validation), _SETS, strict=True):
            report_broken(loader.broken, which)

    def frames_of(self, batch: Batch) -> Callable[[], list[FrameId]]:
        """A way to name the frames of a training batch that does not keep its pictures."""
        frame_ids = batch.frame_ids
        return lambda: frame_ids

    # ---------------------------------------------------------------- random draws

    def start_epoch(self, epoch: int, step: int = 0) -> None:
        """Fix all random draws of an epoch; its batches will come from ``step`` on."""
        self.loader.epoch, self.loader.start = epoch, step
        self.draws.manual_seed(self.config.seed * 1_000_003 + epoch)
        torch.manual_seed(self.config.seed * 1_000_003 + epoch)

    def random_states(self) -> dict[str, torch.Tensor]:
        """States of all generators that training draws from."""
        states = {"draws": self.draws.get_state(), "torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.device)
        return states

    def restore_random_states(self, states: dict[str, torch.Tensor]) -> None:
        """Go on drawing where :meth:`random_states` was taken."""
        self.draws.set_state(states["draws"])
        torch.set_rng_state(states["torch"])
        if self.device.type == "cuda" and "cuda" in states:
            torch.cuda.set_rng_state(states["cuda"], self.device)

    # ---------------------------------------------------------------- training

    def prepared(self, batches: list[Batch]) -> list[Sample]:
        """The micro-batches of a step, augmented.

        Where the batch is divided, means over some of the joints are to be those of the whole.
        """
        samples = [self._sample(batch, augmented=True) for batch in batches]
        parts = len(samples) * self.processes.world
        if parts == 1:
            return samples
        masks = [
            (sample.targets.inside[:, _SEEN], sample.targets.visible_known) for sample in samples
        ]
        counts = (
            torch.stack([torch.stack([m.sum() for m in pair]) for pair in masks]).float().sum(0)
        )
        inside, known = self.processes.mean(counts).div(len(samples)).clamp(min=1 / parts)
        return [
            sample._replace(targets=sample.targets._replace(inside_count=inside, known_count=known))
            for sample in samples
        ]

    def losses(self, sample: Sample) -> dict[str, torch.Tensor]:
        """Weighted loss terms; their sum is minimised."""
        with self._autocast():
            output = self.network(**sample.inputs)
        return self.model.losses(
            output, sample.targets, self.config.loss, self.settings.reconstruction
        )

    def _autocast(self) -> Any:
        return autocast(self.device, self.config.precision)

    def _sample(self, batch: Batch, augmented: bool = False) -> Sample:
        joints3d = batch.joints3d.to(self.device, non_blocking=True)
        visible = batch.visible.to(self.device, non_blocking=True)
        if isinstance(batch, HistoryBatch):
            known = ~batch.inside | self.visibility_known
            targets = Targets(None, None, joints3d, batch.inside, visible, known)
            return Sample({"history": batch.history}, targets)
        images = None if batch.images is None else to_input(batch.images, self.device)
        joints2d = batch.joints2d.to(self.device, non_blocking=True)
        if augmented:
            images, joints2d, joints3d, visible = augment(
                images,
                joints2d,
                joints3d,
                visible,
                self.settings.augment,
                self.camera,
                self.draws,
                part=self._part,
            )
        inside = self.camera.in_picture(joints2d)
        # Outside of the picture nothing is seen, whatever the labels know.
        known = ~inside | self.visibility_known
        heatmaps = self._draw(joints2d)
        targets = Targets(heatmaps, joints2d, joints3d, inside, visible & inside, known)
        if images is None:
            given = self._misplaced(joints2d, heatmaps) if augmented else heatmaps
            return Sample({"heatmaps": given, "rays": self.rays}, targets)
        images = images.contiguous(memory_format=torch.channels_last)
        return Sample({"images": images, "rays": self.rays}, targets)

    @property
    def _part(self) -> Part:
        return Part(self.division.rank, self.division.world)

    def _draw(self, joints2d: torch.Tensor) -> torch.Tensor:
        return draw_heatmaps(joints2d, self.input_size, self.heatmap_shape)

    def _misplaced(self, joints2d: torch.Tensor, heatmaps: torch.Tensor) -> torch.Tensor:
        """Heatmaps as wrong as a 2D module may make them: joints off by a random amount that
        differs from frame to frame, some maps empty."""
        noise, dropout = self.settings.joint_noise, self.settings.joint_dropout
        count, part, draws = len(joints2d), self._part, self.draws
        if noise > 0:
            amount = noise * self.input_size * part.draw(torch.rand, count, 1, 1, generator=draws)
            offset = amount * part.draw(torch.randn, count, 16, 2, generator=draws)
            heatmaps = self._draw(joints2d + offset.to(self.device))
        if dropout > 0:
            kept = part.draw(torch.rand, count, heatmaps.shape[1], generator=draws) >= dropout
            heatmaps = heatmaps * kept[..., None, None].to(self.device)
        return heatmaps

    # ---------------------------------------------------------------- validation

    def _predict(self, sample: Sample) -> PoseOutput:
        with self._autocast():
            return self.evaluated(**sample.inputs)

    def validate(self, batches: Iterable[Batch]) -> Validation:
        """Figures on the batches of :attr:`validation` of all processes; gradients are off."""
        poses, single, errors2d, ratios = [], [], [], []
        for batch in batches:
            sample = self._sample(batch)
            output, targets = self._predict(sample), sample.targets
            if output.joints3d is not None:
                poses.append((output.joints3d, targets.joints3d, batch.actions))
                found = self.model.calibration_ratios(output, targets.joints3d)
                if found is not None:
                    ratios.append(found.flatten().cpu().numpy())
            if "history" in sample.inputs:
                newest = sample.inputs["history"][0][:, 0]
                single.append((newest, targets.joints3d, batch.actions))
            if output.heatmaps is not None:
                errors2d.append(self._errors2d(output.heatmaps, targets))
        figures, by_action = {}, {}
        if self.metric == "mpjpe_mm":
            by_action = self._mpjpe(poses)
            figures["mpjpe_mm"] = by_action["All"]
            if ratios := self.processes.gathered(ratios):
                for model in (self.model, self.evaluated):
                    model.calibrate(np.concatenate(ratios))
        if self._pictures is not None:
            figures["single_frame_mm"] = self._mpjpe(single)["All"]
        if self.training.reads == "pictures":
            distances = np.concatenate(self._gathered(errors2d))
            figures["joints2d_px"] = float(distances.mean())
            figures["joints2d_median_px"] = float(np.median(distances))
        return Validation(figures, by_action)

    def _gathered(self, items: list[Any]) -> list[Any]:
        found = self.processes.gathered(items)
        if not found:
            raise UserError(f"{SetType.VAL.folder}: none of its pictures can be read")
        return found

    def _mpjpe(self, poses: list[tuple[torch.Tensor, torch.Tensor, list[str]]]) -> dict[str, float]:
        """Action group → MPJPE in millimetres over the poses of all processes."""
        own = [
            (*(joints.double().cpu().numpy() for joints in pair), actions)
            for *pair, actions in poses
        ]
        predicted, target, actions = zip(*self._gathered(own), strict=True)
        return mpjpe_by_group(
            np.concatenate(predicted), np.concatenate(target), [a for part in actions for a in part]
        )

    def _errors2d(self, heatmaps: torch.Tensor, targets: Targets) -> np.ndarray:
        """Distances of decoded joints inside the picture, pixels of the 800-pixel square."""
        decoded, _ = decode_heatmaps(heatmaps, self.input_size)
        distance = (decoded - targets.joints2d[:, _SEEN]).norm(dim=-1)[targets.inside[:, _SEEN]]
        return distance.cpu().numpy() * (RELEASE_CAMERA.height / self.input_size)

    @cached_property
    def _fixed(self) -> tuple[Batch, np.ndarray] | None:
        """The frames that are shown, with (F, S, S, 3) uint8 pictures, black where none is read."""
        dataset = self._pictures or self.validation.dataset
        numbers = spread(len(dataset))
        if self.training.reads == "labels":
            shape = len(numbers), self.input_size, self.input_size, 3
            return self.validation.rows(numbers), np.zeros(shape, np.uint8)
        frames = readable(dataset, numbers)
        if not frames:
            return None
        batch = collate(frames)
        images = batch.images.numpy()
        if self._pictures is not None:
            rows = {frame: row for row, frame in enumerate(self.validation.dataset.frame_ids)}
            batch = self.validation.rows([rows[frame.frame_id] for frame in frames])
        return batch, images

    def show(self) -> Shown | None:
        """Predictions for a few frames of ValSet, always the same; None if they cannot be read."""
        if self._fixed is None:
            return None
        batch, images = self._fixed
        sample = self._sample(batch)
        output = self._predict(sample)
        heatmaps = sample.inputs.get("heatmaps", output.heatmaps)
        if heatmaps is None:
            with self._autocast():
                heatmaps = self.model.pose2d(to_input(torch.from_numpy(images), self.device))
        if output.joints3d is not None:
            pixels = placed_in_picture(output.joints3d, batch.joints3d, self.camera)
        else:
            decoded, _ = decode_heatmaps(heatmaps, self.input_size)
            pixels = with_head(decoded), with_head(batch.joints2d[:, _SEEN])
        return Shown(images, heatmaps.float().cpu().numpy(), *pixels)
