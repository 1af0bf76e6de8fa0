"""The training loop: the same for every stage."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from base.errors import UserError
from utils.checkpoint import Checkpoint, TrainingState, save_checkpoint
from utils.config import dump_config
from utils.engine.optim import make_optimizer, make_schedule
from utils.engine.stages import Stage
from utils.files import make_folder, write_text

#: Steps between two looks at the loss; each look waits for the device.
_LOOK_EVERY = 10


@dataclass(slots=True)
class Best:
    """The best validation so far."""

    epoch: int
    value: float


class Trainer:
    """Trains one stage, validating and saving after each epoch.

    Writes ``checkpoints/checkpoint_{epoch}.tar`` (epochs count from 1), ``model_best.tar``,
    ``config.yml`` and TensorBoard scalars under ``log_dir``.

    Args:
        stage: what to train.
        log_dir: where the run is kept.
        resume: state of the checkpoint to go on from, if any.
    """

    def __init__(self, stage: Stage, log_dir: Path, resume: Checkpoint | None = None) -> None:
        self.stage = stage
        self.log_dir = log_dir
        self.checkpoints = make_folder(log_dir / "checkpoints")
        self.steps_per_epoch = len(stage.loader)
        self.optimizer = make_optimizer(stage.model, stage.settings)
        self.epoch = 0
        self.best: Best | None = None
        if resume is not None:
            self._restore(resume)
        # Built from the steps done and this run's settings, so that a change of epochs or of the
        # number of frames is taken into account.
        done = self.epoch * self.steps_per_epoch
        self.schedule = make_schedule(self.optimizer, stage.settings, self.steps_per_epoch, done)
        write_text(log_dir / "config.yml", dump_config(stage.config))

    def _restore(self, resume: Checkpoint) -> None:
        state = resume.training
        if state is None:
            # A file of the reference: its optimiser's state has the order of its own modules.
            print(f"{resume.path} does not say how far it was trained: starting at epoch 1.")
            return
        try:
            self.optimizer.load_state_dict(resume.optimizer)
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{resume.path}: its optimiser does not fit this run: {error}"
            ) from None
        self.epoch = state.epoch
        self.best = Best(state.best_epoch, state.best_value)

    def fit(self) -> None:
        """Train to the last epoch.

        Raises:
            UserError: when the loss is no longer finite, or a checkpoint cannot be written.
        """
        stage, epochs = self.stage, self.stage.settings.epochs
        if self.epoch >= epochs:
            print(f"{stage.name}: all {epochs} epochs are trained already; more with --epochs.")
            return
        writer = SummaryWriter(str(self.log_dir))
        bar = tqdm(
            total=epochs * self.steps_per_epoch,
            initial=self.epoch * self.steps_per_epoch,
            desc=stage.name,
            unit="step",
            dynamic_ncols=True,
        )
        try:
            while self.epoch < epochs:
                self._train_epoch(bar, writer)
                self.epoch += 1
                self._finish_epoch(writer)
        finally:
            bar.close()
            writer.close()
        stage.report_broken()
        print(
            f"{stage.name}: best {stage.metric} {self.best.value:.1f} {stage.unit} at epoch "
            f"{self.best.epoch} of {epochs}: {self.checkpoints / 'model_best.tar'}"
        )

    def _train_epoch(self, bar: tqdm, writer: SummaryWriter) -> None:
        stage = self.stage
        stage.start_epoch(self.epoch)
        stage.model.train()
        step = self.epoch * self.steps_per_epoch
        seen, since = 0, time.perf_counter()
        for batch in stage.loader:
            terms = stage.losses(batch)
            total = torch.stack(list(terms.values())).sum()
            self.optimizer.zero_grad(set_to_none=True)
            total.backward()
            if stage.settings.clip_norm:
                torch.nn.utils.clip_grad_norm_(stage.model.parameters(), stage.settings.clip_norm)
            self.optimizer.step()
            self.schedule.step()
            step += 1
            seen += len(batch)
            bar.update()
            if step % _LOOK_EVERY == 0:
                rate = seen / (time.perf_counter() - since)
                self._look(terms, total, rate, step, bar, writer)
                seen, since = 0, time.perf_counter()

    def _look(
        self,
        terms: dict[str, torch.Tensor],
        total: torch.Tensor,
        rate: float,
        step: int,
        bar: tqdm,
        writer: SummaryWriter,
    ) -> None:
        total = total.detach()
        loss = float(total)
        if not torch.isfinite(total):
            parts = ", ".join(f"{name} {float(value.detach()):g}" for name, value in terms.items())
            raise UserError(
                f"the loss is not finite at step {step} ({parts}); the last checkpoint is kept. "
                "Lower the learning rate or set clip_norm in the configuration"
            )
        bar.set_postfix_str(f"loss {loss:.4f}, {rate:.0f} frames/s")
        writer.add_scalar("loss/total", loss, step)
        for name, value in terms.items():
            writer.add_scalar(f"loss/{name}", float(value.detach()), step)
        writer.add_scalar("lr", self.schedule.get_last_lr()[0], step)
        writer.add_scalar("frames_per_second", rate, step)

    def _finish_epoch(self, writer: SummaryWriter) -> None:
        stage = self.stage
        stage.model.eval()
        with torch.inference_mode():
            figures = stage.validate()
        for name, value in figures.items():
            writer.add_scalar(f"validation/{name}", value, self.epoch)
        value = figures[stage.metric]
        is_best = self.best is None or value < self.best.value
        if is_best:
            self.best = Best(self.epoch, value)
        shown = ", ".join(f"{name} {figure:.1f}" for name, figure in figures.items())
        tqdm.write(f"epoch {self.epoch}: validation {shown}{' (best)' if is_best else ''}")
        content = self._content()
        save_checkpoint(self.checkpoints / f"checkpoint_{self.epoch}.tar", content)
        if is_best:
            save_checkpoint(self.checkpoints / "model_best.tar", content)

    def _content(self) -> dict[str, Any]:
        stage = self.stage
        state = TrainingState(
            stage=stage.name,
            epoch=self.epoch,
            best_epoch=self.best.epoch,
            best_value=self.best.value,
        )
        return stage.state_dicts() | {
            "optimizer_state_dict": self.optimizer.state_dict(),
            "scheduler": self.schedule.state_dict(),
            "training": state.as_dict(),
            "config": stage.config.model_dump(),
            "mean_pose": torch.from_numpy(stage.mean_pose),
        }
