"""One stage of training, of any kind of model: its batches, targets, losses and validation."""

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import torch

from base.base_dataset import BaseDataset
from base.cameras.camera import Camera
from base.errors import BrokenFrameError, UserError
from base.headset import Headset
from base.set_type import SetType
from base.skeleton import HEATMAP_JOINTS, NECK, labelled
from dataset.augment import Augmentation, BatchPart, augment
from dataset.batch import Batch, collate, to_input
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from dataset.loader import FrameLoader
from dataset.mixed import Mixed, Roots
from dataset.split import Split
from model.decode import decode_heatmaps
from model.pose_model import PoseModel, PoseOutput, Targets
from model.rays import CameraRays
from utils.common.config import Config
from utils.common.device import autocast
from utils.common.networks import training_type
from utils.drawing.split_painter import evenly_spaced
from utils.evaluation.mpjpe import mpjpe_by_group
from utils.inference.trained_range import RELEASE_RANGE, trunk_uncertainty
from utils.training.data import (
    HistoryBatch,
    HistoryLoader,
    LabelLoader,
    open_pictures,
    predict_frames,
    refuse_overlap,
    report_broken,
)
from utils.training.distributed import Processes
from utils.training.validation_images import project_at_neck, sheet, with_head

_SEEN = list(HEATMAP_JOINTS)
_SETS = (SetType.TRAIN, SetType.VAL)
_SIDE = 800  # of a picture in which distances are given: the release's square
_RANGE = (0.005, 0.995)  # quantiles of the range of mounts
_FEWEST = 100  # frames of ValSet from which on its quantile of the uncertainty means anything
_NARROW = 0.05  # share of a set's headsets that may see less than the range of its model says


class Sample(NamedTuple):
    """A batch on the device: arguments of the model, and what it should predict."""

    inputs: dict[str, Any]
    targets: Targets


def _checksum(headset: Headset) -> str:
    """Tells a headset from another one, whatever it is called."""
    return f"{crc32(repr(replace(headset, name='')).encode()):08x}"


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.double().cpu().numpy()


class Stage:
    """One stage of training; UserError for data that cannot be trained on.

    ``network`` (wrapped for several processes, or compiled) is what training calls, ``evaluated``
    (``model`` or the moving average of it) what validation calls; ``loader`` and ``validation``
    give batches of TrainSet and ValSet; by ``metric``, in ``unit``, the best checkpoint is chosen.
    """

    def __init__(
        self,
        name: str,
        model: PoseModel,
        config: Config,
        data: Roots,
        processes: Processes,
        view: Camera | None = None,
    ) -> None:
        self.name, self.config, self.processes = name, config, processes
        self.device, self.data = processes.device, data
        self.settings, self.training = config.stage(name), training_type(name, config)
        if self.training.reads == "videos" and len(data.paths) > 1:
            raise UserError(f"{name} takes one --data_root: its frames follow each other in videos")
        poses = self.training.trained != ("pose2d",)
        self.metric, self.unit = ("mpjpe_mm", "mm") if poses else ("joints2d_px", "px of 800")
        self.division = processes.division(self.settings.batch_size, self.settings.accumulate)
        model = processes.synchronise(model)
        self.model = self.evaluated = model.to(self.device, memory_format=torch.channels_last)
        self.network = processes.wrap(self.model, model.uses_all_weights(config.loss))
        if config.compile:
            self.network = torch.compile(self.network)
        self.input_size, drawn = config.data.input_size, config.heatmap
        self.heatmap_shape = HeatmapShape(model.heatmap_size, drawn.sigma, drawn.subpixel)
        self.labels = self._open_labels(SetType.TRAIN, view)
        self.camera = self.labels.camera
        self.rays = CameraRays(self.camera).to(self.device)
        annotations = self.labels.annotations()
        self.mean_pose = annotations.mean_pose()
        neck = np.quantile(annotations.joints3d[:, NECK], _RANGE, axis=0).round(4).tolist()
        worn = sorted(map(_checksum, self.labels.headsets))
        self.mounts: dict[str, Any] = {"neck": neck, "headsets": worn}  # as of Checkpoint
        edge = float(np.quantile(self.labels.edges(), _NARROW, method="nearest"))
        if edge < RELEASE_RANGE["edge"]:
            self.mounts["edge"] = round(edge, 1)
        if mix := data.mix():
            self.mounts["mix"] = mix
        self.visibility_known = annotations.occlusion_known
        self._augmentation_draws = torch.Generator()
        self._part = BatchPart(self.division.rank, self.division.world)
        self.loader, self.validation = self._open_loaders()

    # ---------------------------------------------------------------- data

    def _open_loaders(self) -> list[Any]:
        settings, division = self.settings, self.division
        shuffled = {
            **{"batch_size": settings.batch_size, "division": division, "seed": self.config.seed},
            **{"shuffle": True, "drop_last": True, "epoch_frames": settings.epoch_frames},
        }
        # As large as the micro-batches of training.
        size = settings.batch_size // division.accumulate
        in_order = {"batch_size": size, "division": division._replace(accumulate=1)}
        if self.training.reads == "labels":
            sets = self.labels, self._open_labels(SetType.VAL, self.camera)
        else:
            opened = (open_pictures(self.data, which, self.config, self.camera) for which in _SETS)
            sets, workers = zip(*opened, strict=True)
        if not self.labels.shares_people:
            refuse_overlap(*sets)
        orders = shuffled, in_order
        if self.training.reads == "labels":
            pairs = zip(sets, orders, strict=True)
            return [LabelLoader(split, self.device, **order) for split, order in pairs]
        if self.training.reads == "videos":
            # Without augmentation all views would be the same.
            views = settings.views if settings.augment.changes else 1
            how = (settings.augment, views), (Augmentation(), 1)
            return [*map(self._histories, sets, workers, how, orders)]
        # In TrainSet the next readable frame replaces a broken one.
        more = {"pin_memory": self.device.type == "cuda"}
        return [
            FrameLoader(split, workers=count, replace_broken=order is shuffled, **more, **order)
            for split, count, order in zip(sets, workers, orders, strict=True)
        ]

    def _open_labels(self, set_type: SetType, view: Camera | None) -> Split | Mixed:
        return self.data.open(set_type, self.input_size, view, pictures=False)

    def _histories(
        self, split: BaseDataset, workers: int, views: tuple[Augmentation, int], order: dict
    ) -> HistoryLoader:
        """Batches of histories; each process predicts all frames of the split."""
        self.model.eval()
        how = self.config, *views, self.device
        frames, broken = predict_frames(self.model, split, workers, *how)
        loader = HistoryLoader(frames, self.model.lags, self.device, **order)
        loader.broken = broken
        if split.set_type is SetType.TRAIN and not loader.complete:
            raise UserError(
                f"{self.data}: no {max(self.model.lags) + 1} frames of its TrainSet follow each "
                "other: give a set of videos (utils/make_synthetic.py --video)"
            )
        return loader

    def report_broken(self) -> None:
        """Name the frames that were skipped."""
        for loader, which in zip((self.loader, self.validation), _SETS, strict=True):
            report_broken(loader.broken, which)

    # ---------------------------------------------------------------- random draws

    def start_epoch(self, epoch: int, step: int = 0) -> None:
        """Fix all random draws of an epoch; its batches will come from ``step`` on."""
        self.loader.epoch, self.loader.start = epoch, step
        seed = self.config.seed * 1_000_003 + epoch
        self._augmentation_draws.manual_seed(seed)
        torch.manual_seed(seed)

    def random_states(self) -> dict[str, torch.Tensor]:
        """States of all generators that training draws from."""
        states = {"draws": self._augmentation_draws.get_state(), "torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.device)
        return states

    def restore_random_states(self, states: dict[str, torch.Tensor]) -> None:
        """Go on drawing where :meth:`random_states` was called."""
        self._augmentation_draws.set_state(states["draws"])
        torch.set_rng_state(states["torch"])
        if self.device.type == "cuda" and "cuda" in states:
            torch.cuda.set_rng_state(states["cuda"], self.device)

    # ---------------------------------------------------------------- training

    def training_samples(self, batches: list[Batch]) -> list[Sample]:
        """The micro-batches of a step, augmented; means over some of the joints are to be those of
        the whole batch, however it is divided."""
        samples = [self.sample(batch, augmented=True) for batch in batches]
        parts = len(samples) * self.processes.world
        if parts == 1:
            return samples
        targets = [sample.targets for sample in samples]
        counts = [torch.stack([t.inside[:, _SEEN].sum(), t.visible_known.sum()]) for t in targets]
        means = self.processes.mean(torch.stack(counts).float().mean(0)).clamp(min=1 / parts)
        names = dict(zip(("inside_count", "known_count"), means, strict=True))
        return [one._replace(targets=one.targets._replace(**names)) for one in samples]

    def losses(self, sample: Sample) -> dict[str, torch.Tensor]:
        """Weighted loss terms; their sum is minimised."""
        with autocast(self.device, self.config.precision):
            output = self.network(**sample.inputs)
        return self.model.losses(
            output, sample.targets, self.config.loss, self.settings.reconstruction
        )

    def sample(self, batch: Batch, augmented: bool = False) -> Sample:
        """A batch on the device, as arguments of the model and what it should predict."""
        joints3d = batch.joints3d.to(self.device, non_blocking=True)
        visible = batch.visible.to(self.device, non_blocking=True)
        if isinstance(batch, HistoryBatch):
            known = (~batch.inside | self.visibility_known) & labelled(joints3d)
            targets = Targets(None, None, joints3d, batch.inside, visible, known)
            return Sample({"history": batch.history}, targets)
        images = None if batch.images is None else to_input(batch.images, self.device)
        joints2d = batch.joints2d.to(self.device, non_blocking=True)
        if augmented:
            record = images, joints2d, joints3d, visible
            how = self.settings.augment, self.camera, self._augmentation_draws
            images, joints2d, joints3d, visible = augment(*record, *how, part=self._part)
        inside = self.camera.in_picture(joints2d)
        # Outside of the picture nothing is seen, whatever the labels know.
        known = (~inside | self.visibility_known) & labelled(joints3d)
        heatmaps = self._draw_heatmaps(joints2d)
        targets = Targets(heatmaps, joints2d, joints3d, inside, visible & inside, known)
        if images is None:
            given = self._corrupted(joints2d, heatmaps) if augmented else heatmaps
            return Sample({"heatmaps": given.nan_to_num(), "rays": self.rays}, targets)
        images = images.contiguous(memory_format=torch.channels_last)
        return Sample({"images": images, "rays": self.rays}, targets)

    def _draw_heatmaps(self, joints2d: torch.Tensor) -> torch.Tensor:
        return draw_heatmaps(joints2d, self.input_size, self.heatmap_shape)

    def _corrupted(self, joints2d: torch.Tensor, heatmaps: torch.Tensor) -> torch.Tensor:
        """Heatmaps as wrong as a 2D module may make them: joints off by a random amount that
        differs from frame to frame, some maps empty."""
        noise, dropout = self.settings.joint_noise, self.settings.joint_dropout
        count, part, draws = len(joints2d), self._part, self._augmentation_draws
        if noise > 0:
            amount = noise * self.input_size * part.draw(torch.rand, count, 1, 1, generator=draws)
            offset = amount * part.draw(torch.randn, count, 16, 2, generator=draws)
            heatmaps = self._draw_heatmaps(joints2d + offset.to(self.device))
        if dropout > 0:
            kept = part.draw(torch.rand, count, heatmaps.shape[1], generator=draws) >= dropout
            heatmaps = heatmaps * kept[..., None, None].to(self.device)
        return heatmaps

    # ---------------------------------------------------------------- validation

    def _predict(self, sample: Sample) -> PoseOutput:
        with autocast(self.device, self.config.precision):
            return self.evaluated(**sample.inputs)

    def validate(self, batches: Iterable[Batch]) -> tuple[dict[str, float], dict[str, float]]:
        """Measure on batches of :attr:`validation`, in all processes together; gradients are off.
        Figures by name, :attr:`metric` among them, and the MPJPE in millimetres by action group,
        "All" first; empty without poses."""
        poses, single, errors2d, ratios, trunks = [], [], [], [], []
        for batch in batches:
            sample = self.sample(batch)
            output, targets = self._predict(sample), sample.targets
            if output.joints3d is not None:
                poses.append((output.joints3d, targets.joints3d, batch.actions))
                found = self.model.calibration_ratios(output, targets.joints3d)
                if found is not None:
                    ratios.append(found[labelled(targets.joints3d)].cpu().numpy())
                if output.uncertainty is not None:
                    trunks.append(trunk_uncertainty(_numpy(output.uncertainty)))
            if "history" in sample.inputs:
                newest = sample.inputs["history"][0][:, 0]
                single.append((newest, targets.joints3d, batch.actions))
            if output.heatmaps is not None:
                errors2d.append(self._errors2d(output.heatmaps, targets))
        figures, by_action = {}, {}
        if not any(self.processes.gathered([bool(poses or errors2d)])):
            raise UserError(f"{SetType.VAL.folder}: none of its pictures can be read")
        if self.metric == "mpjpe_mm":
            by_action = self._mpjpe(poses)
            figures["mpjpe_mm"] = by_action["All"]
            if ratios := self.processes.gathered(ratios):
                # The moving average of the model may be the model itself, already calibrated.
                ratios = np.concatenate(ratios)
                change, _ = [m.calibrate(ratios) for m in (self.evaluated, self.model)]
                trunk = np.concatenate(self.processes.gathered(trunks) or [np.empty(0)])
                if len(trunk) >= _FEWEST:
                    uncertainty = change * np.quantile(trunk, _RANGE[1])
                    self.mounts["uncertainty"] = round(float(uncertainty), 4)
        if self.training.reads == "videos":
            figures["single_frame_mm"] = self._mpjpe(single)["All"]
        if self.training.reads == "pictures":
            distances = np.concatenate(self.processes.gathered(errors2d))
            figures["joints2d_px"] = float(distances.mean())
            figures["joints2d_median_px"] = float(np.median(distances))
        return figures, by_action

    def _mpjpe(self, poses: list[tuple[torch.Tensor, torch.Tensor, list[str]]]) -> dict[str, float]:
        """Action group → MPJPE in millimetres over the poses of all processes."""
        own = [(_numpy(made), _numpy(true), actions) for made, true, actions in poses]
        *both, actions = zip(*self.processes.gathered(own), strict=True)
        return mpjpe_by_group(*map(np.concatenate, both), list(chain.from_iterable(actions)))

    def _errors2d(self, heatmaps: torch.Tensor, targets: Targets) -> np.ndarray:
        """Distances of decoded joints inside the view, pixels of a view of 800."""
        decoded, _ = decode_heatmaps(heatmaps, self.input_size, self.model.subpixel)
        distance = (decoded - targets.joints2d[:, _SEEN]).norm(dim=-1)[targets.inside[:, _SEEN]]
        return distance.cpu().numpy() * (_SIDE / self.input_size)

    @cached_property
    def _fixed_frames(self) -> tuple[Batch, np.ndarray] | None:
        """A few frames of ValSet with (F, S, S, 3) uint8 pictures, black where the stage reads
        none; None for videos, or if no picture can be read."""
        dataset = self.validation.dataset
        numbers = evenly_spaced(range(len(dataset)), 4 if self.training.reads != "videos" else 0)
        if self.training.reads == "labels":
            shape = len(numbers), self.input_size, self.input_size, 3
            return self.validation.rows(numbers), np.zeros(shape, np.uint8)
        frames = []
        for number in numbers:
            with contextlib.suppress(BrokenFrameError):  # validation names them
                frames.append(dataset[number])
        return (collate(frames), collate(frames).images.numpy()) if frames else None

    def draw_predictions(self) -> np.ndarray | None:
        """Picture of the predictions for a few fixed frames of ValSet, see :func:`sheet`; None
        where there are none."""
        if self._fixed_frames is None:
            return None
        batch, images = self._fixed_frames
        sample = self.sample(batch)
        output = self._predict(sample)
        heatmaps = sample.inputs.get("heatmaps", output.heatmaps)
        if output.joints3d is not None:
            pixels = project_at_neck(output.joints3d, batch.joints3d, self.camera)
        else:
            decoded, _ = decode_heatmaps(heatmaps, self.input_size, self.model.subpixel)
            pixels = with_head(decoded), with_head(batch.joints2d[:, _SEEN])
        return sheet(images, heatmaps.float().cpu().numpy(), *pixels)
