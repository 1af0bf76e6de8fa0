"""The training loop, the same for every stage, device and number of processes."""

import contextlib
import dataclasses
import itertools
import math
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from base.cameras import camera_to_dict
from base.errors import UserError
from base.files import make_folder, write_text
from base.lock import clear_leftovers
from model.weight_file import load_strictly
from utils.common.checkpoint import BEST, Checkpoint, TrainingState, save_in_run
from utils.common.config import dump_config
from utils.common.signals import Interruption
from utils.training.logger import LossMonitor, RunLog, memory_gib
from utils.training.optim import make_average, make_optimizer, make_schedule, restore_optimizer
from utils.training.stage import Stage


class _StopRequested(Exception):
    """Leaves the loop where a signal was received."""


class Trainer:
    """Trains one stage, validating after each epoch; the caller holds ``log_dir``.

    Writes ``checkpoints/checkpoint_{epoch}.tar`` (epochs count from 1), ``model_best.tar``,
    ``config.yml``, ``log.jsonl`` and TensorBoard's files there; goes on from ``resume``."""

    def __init__(self, stage: Stage, log_dir: Path, resume: Checkpoint | None = None) -> None:
        self.stage = stage
        self.processes = stage.processes
        self.log_dir = log_dir
        self.steps_per_epoch = len(stage.loader)
        settings, config = stage.settings, stage.config
        frames = stage.loader.frames
        self.frames_per_step = min(settings.batch_size, frames)
        self._refuse_small_batches()
        self.optimizer = make_optimizer(stage.model, settings)
        self.scaler = torch.amp.GradScaler(stage.device.type, enabled=config.precision == "fp16")
        # Made of the weights a checkpoint keeps for use, before those for training replace them.
        self.average = make_average(stage.model, settings.ema_decay)
        self.state = TrainingState(stage.name, 0, 0, math.inf)
        if resume is not None:
            self._restore(resume)
        if self.average is not None:
            stage.evaluated = self.average.module
        # Built from the steps done and this run's settings, so that a change of epochs or of the
        # number of frames is taken into account.
        self.schedule = make_schedule(self.optimizer, settings, self.steps_per_epoch, self._steps)
        self._losses = LossMonitor(self.processes, log_dir)
        self._interruption = Interruption()

    @property
    def _steps(self) -> int:
        return self.state.epoch * self.steps_per_epoch + self.state.step

    def fit(self) -> None:
        """Train to the last epoch; UserError for a loss that is not finite or a checkpoint that
        cannot be written, SystemExit after a signal, once a checkpoint is written."""
        stage, state, epochs = self.stage, self.state, self.stage.settings.epochs
        if state.epoch >= epochs:
            if self.processes.main:
                print(f"{stage.name}: all {epochs} epochs are trained already; more with --epochs.")
            return
        if self.processes.main:
            clear_leftovers(make_folder(self.log_dir / "checkpoints"))
            write_text(self.log_dir / "config.yml", dump_config(stage.config))
        began, first, total = time.perf_counter(), self._steps, epochs * self.steps_per_epoch
        log = RunLog(self.log_dir, stage.name, first, total, self.processes.main)
        with self._interruption, log as self.log:
            try:
                while state.epoch < epochs:
                    self._train_epoch()
                    self._validate()
            except _StopRequested:
                path = self._save()
                # In several processes the signal may have reached another one only.
                number = self._interruption.signal or signal.SIGTERM
                done = f"stopped by {number.name} after step {self._steps}"
                self.log.print(f"{done}: go on with --resume ({path})")
                raise SystemExit(128 + number) from None
        self._summarise(self._steps - first, time.perf_counter() - began)

    def _train_epoch(self) -> None:
        stage, state = self.stage, self.state
        stage.start_epoch(state.epoch, state.step)
        if state.random is not None:
            stage.restore_random_states(state.random)
            state.random = None
        stage.network.train()
        self._saved_at = self._logged_at = time.monotonic()
        self._logged_step, self._waited = state.step, 0.0
        batches = iter(stage.loader)
        while state.step < self.steps_per_epoch:
            micro_batches = self._next_batches(batches)
            losses = self.train_step(micro_batches)
            state.step += 1
            self.log.bar.update()
            frames = [frame for batch in micro_batches for frame in batch.frame_ids]
            self._losses.steps.append((self._steps, losses, frames))
            due = self._steps % stage.config.log_every == 0
            if due:
                self._log_progress()
            if due or self.processes.world == 1:
                self._save_or_stop()
        self._log_progress()

    def train_step(self, micro_batches: list[Any]) -> dict[str, torch.Tensor]:
        """One step of the optimiser; returns the loss terms, detached, means over the batch."""
        stage, count = self.stage, len(micro_batches)
        self.optimizer.zero_grad(set_to_none=True)
        means: dict[str, torch.Tensor] = {}
        for number, sample in enumerate(stage.training_samples(micro_batches), 1):
            with self.processes.accumulating(stage.network, last=number == count):
                losses = stage.losses(sample)
                loss = torch.stack(list(losses.values())).sum() / count
                self.scaler.scale(loss).backward()
            for name, value in losses.items():
                means[name] = means.get(name, 0) + value.detach() / count
        if stage.settings.clip_norm:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(stage.model.parameters(), stage.settings.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()
        if self.average is not None:
            self.average.update_parameters(stage.model)
        return means

    def _next_batches(self, batches: Iterator[Any]) -> list[Any]:
        stage, since = self.stage, time.perf_counter()
        with self._reading():
            found = list(itertools.islice(batches, stage.division.accumulate))
        self._waited += time.perf_counter() - since
        return found

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Saves where the run is if the data are gone."""
        try:
            yield
        except UserError as error:
            # Several processes could disagree here.
            if self.processes.world > 1 or not self._steps:
                raise
            raise UserError(f"{error}; go on with --resume ({self._save()} is saved)") from None

    def _log_progress(self) -> None:
        losses = self._losses.check()
        if losses is None:
            return
        now, stage = time.monotonic(), self.stage
        elapsed = max(1e-9, now - self._logged_at)
        steps = self.state.step - self._logged_step
        self.log.training(
            *(self.state.epoch + 1, self._steps, losses),
            lr=self.schedule.get_last_lr()[0],
            frames_per_second=steps * self.frames_per_step / elapsed,
            data_wait_share=min(1.0, self._waited / elapsed),
            memory_gib=memory_gib(stage.device),
        )
        self._logged_at, self._logged_step, self._waited = now, self.state.step, 0.0

    def _validate(self) -> None:
        stage, state = self.stage, self.state
        stage.model.eval()
        stage.evaluated.eval()
        with torch.inference_mode(), self._reading():
            figures, by_action = stage.validate(self._until_stopped(stage.validation))
            drawn = stage.draw_predictions() if self.processes.main else None
        state.epoch, state.step = state.epoch + 1, 0
        value = figures[stage.metric]
        is_best = value < state.best_value
        if is_best:
            state.best_epoch, state.best_value = state.epoch, value
        listed = ", ".join(f"{name} {figure:.1f}" for name, figure in figures.items())
        self.log.print(f"epoch {state.epoch}: validation {listed}{' (best)' if is_best else ''}")
        self.log.validation(state.epoch, self._steps, figures, by_action)
        if drawn is not None:
            self.log.image("validation_frames", drawn, state.epoch)
        self._save(is_best)

    def _until_stopped(self, batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            # Several processes could disagree here, and the rest would wait for the one that left.
            if self.processes.world == 1 and self._interruption.signal is not None:
                raise _StopRequested
            yield batch

    def _save_or_stop(self) -> None:
        """Save when it is time to, and stop when a signal has come."""
        due = time.monotonic() - self._saved_at > 60 * self.stage.config.checkpoints.minutes
        due = due and self.state.step < self.steps_per_epoch
        stop, due = self.processes.any(self._interruption.signal is not None, due)
        if stop:
            raise _StopRequested
        if due:
            self._save()
            self._saved_at = time.monotonic()

    def _save(self, is_best: bool = False) -> Path | None:
        """Check the losses and write a checkpoint; its path in the main process."""
        self._losses.check()
        path = None
        if self.processes.main:
            keep = self.stage.config.checkpoints.keep
            path = save_in_run(self.log_dir / "checkpoints", self._content(), keep, is_best)
        self.processes.wait()
        return path

    def _content(self) -> dict[str, Any]:
        stage, state, average = self.stage, self.state, self.average
        training = dataclasses.replace(
            state,
            random=stage.random_states() if state.step else None,
            scaler=self.scaler.state_dict() or None,
            weights=None if average is None else stage.model.state_dicts(),
            ema_updates=0 if average is None else int(average.n_averaged),
        )
        return stage.evaluated.state_dicts() | {
            "optimizer_state_dict": self.optimizer.state_dict(),
            "scheduler": self.schedule.state_dict(),
            "training": vars(training),
            "config": stage.config.model_dump(),
            "mean_pose": torch.from_numpy(stage.mean_pose),
            "camera": camera_to_dict(stage.camera),
            "mounts": stage.mounts,
        }

    def _restore(self, resume: Checkpoint) -> None:
        state, model = resume.training, self.stage.model
        ours = resume.path.parent == self.log_dir / "checkpoints"
        if state is None or (resume.optimizer is None and not ours):
            # A file of the reference: its optimiser's state has the order of its own modules.
            if self.processes.main:
                print(f"{resume.path} holds weights only: starting at epoch 1.")
            return
        if resume.optimizer is not None:
            # In fp16 the first steps may have been left out.
            used = resume.config.precision != "fp16" and model.uses_all_weights(resume.config.loss)
            restore_optimizer(self.optimizer, resume, self.scaler, used)
        elif state.epoch < self.stage.settings.epochs:
            raise UserError(
                f"{resume.path}: all that is left, and without the optimiser's state: start a new "
                "run from it with --load_model and another --log_dir"
            )
        if state.weights is not None:
            for name, part in model.held_parts().items():
                key = model.parts[name].key
                load_strictly(part, state.weights.get(key, {}), f"{resume.path}: training: {key}")
        if self.average is not None:
            self.average.n_averaged.fill_(state.ema_updates)
        state.scaler = state.weights = None
        self.state = state
        if state.step:
            # The same frames are left to do where the batch size has changed meanwhile.
            done = state.step * resume.config.stage(state.stage).batch_size
            settings, frames = self.stage.settings, self.stage.loader.frames
            if done - resume.config.stage(state.stage).batch_size >= frames:
                raise UserError(
                    f"{resume.path}: {state.step} steps are more than an epoch of the {frames} "
                    "frames here: resume with the set it was trained on"
                )
            state.step = min(done // settings.batch_size, self.steps_per_epoch)

    def _refuse_small_batches(self) -> None:
        """Refuse batches in which BatchNorm would have one value a channel, and sets of fewer
        frames than a batch has parts."""
        stage, count = self.stage, len(self.stage.loader.dataset)
        parts = stage.division.world * stage.division.accumulate
        norm = any(isinstance(module, nn.BatchNorm1d) for module in stage.model.modules())
        if count < parts or (norm and self.frames_per_step // stage.division.accumulate == 1):
            raise UserError(
                f"{stage.name}: a batch of {self.frames_per_step} of {count} frames cannot be "
                f"divided into {parts} parts (processes × accumulate) of at least "
                f"{1 + norm} frames: raise --batch_size or lower --accumulate"
            )

    def _summarise(self, steps: int, seconds: float) -> None:
        stage, state = self.stage, self.state
        stage.report_broken()
        if not self.processes.main:
            return
        frames = steps * self.frames_per_step
        best = f"{state.best_value:.1f} {stage.unit} at epoch {state.best_epoch}"
        print(
            f"{stage.name}: best {stage.metric} {best} of {stage.settings.epochs}: "
            f"{self.log_dir / 'checkpoints' / BEST}\n"
            f"{stage.name}: {frames} frames in {seconds // 60:.0f} min {seconds % 60:.0f} s "
            f"({frames / seconds:.0f} frames/s with validation), at most "
            f"{memory_gib(stage.device):.1f} GiB of memory"
        )
