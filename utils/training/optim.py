"""Optimiser, learning-rate schedule and moving average of a stage."""

import math

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from base.errors import UserError
from utils.common.checkpoint import Checkpoint
from utils.common.config import StageSection


def make_optimizer(model: nn.Module, stage: StageSection) -> torch.optim.Optimizer:
    """Adam or AdamW over the weights of ``model`` that learn, fused where the device has it."""
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[stage.optimizer]
    parameters = [p for p in model.parameters() if p.requires_grad]
    fused = all(p.device.type in ("cuda", "cpu") for p in parameters)
    return kind(parameters, lr=stage.lr, weight_decay=stage.weight_decay, fused=fused)


def make_schedule(
    optimizer: torch.optim.Optimizer, stage: StageSection, steps_per_epoch: int, done: int = 0
) -> LambdaLR:
    """Factor on the learning rate at each step: linear warm-up, then step, cosine or constant;
    ``done`` steps of the run are behind it."""
    total = stage.epochs * steps_per_epoch

    def factor(step: int) -> float:
        warm = min(1.0, (step + 1) / stage.warmup_steps) if stage.warmup_steps else 1.0
        if stage.schedule == "step":
            return warm * stage.step_factor ** (step // steps_per_epoch // stage.step_epochs)
        if stage.schedule == "cosine":
            return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, step / total)))
        return warm

    for group in optimizer.param_groups:
        group["initial_lr"] = stage.lr
    return LambdaLR(optimizer, factor, last_epoch=done - 1)


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    checkpoint: Checkpoint,
    scaler: torch.amp.GradScaler,
    all_weights: bool = True,
) -> None:
    """Put a checkpoint's state into an optimiser and a loss scaler; settings stay those of this
    run.  UserError if it is of another optimiser or other weights, or lacks the moments of any
    weight with ``all_weights``, otherwise of all."""
    try:
        [group], state = optimizer.param_groups, checkpoint.optimizer["state"]
        [stored] = checkpoint.optimizer["param_groups"]
        shapes = [weight.shape for weight in group["params"]]
        # Before it is copied, which follows whatever is nested in it.
        for number, moments in state.items():
            found = {name: value.shape for name, value in moments.items()}
            one = shapes[number]
            if number < 0 or found != {"step": torch.Size(), "exp_avg": one, "exp_avg_sq": one}:
                raise ValueError("moments of other shapes than the weights")
        missing = len(shapes) - len(state)
        if len(stored["params"]) != len(shapes) or (missing and (all_weights or not state)):
            raise ValueError(f"the moments of {missing} weights are missing")
        groups = [group | {"params": list(range(len(shapes)))}]
        optimizer.load_state_dict({"state": state, "param_groups": groups})
        if checkpoint.training.scaler:
            scaler.load_state_dict(checkpoint.training.scaler)
    except Exception as error:  # whatever a stranger's value trips over
        raise UserError(
            f"{checkpoint.path}: its optimiser does not fit this run: {str(error)[:200]}"
        ) from None


def make_average(model: nn.Module, decay: float | None) -> AveragedModel | None:
    """Exponential moving average of weights and BatchNorm statistics; None without ``decay``, which
    rises from 0.2 to its value as (1 + n) / (10 + n) over the first n updates, so that a short run
    is not an average of its random start."""
    if decay is None:
        return None

    def update(averages: list, values: list, count: torch.Tensor) -> None:
        # Counters and indices are rounded down by averaging: an index of 7 becomes 6 in time.
        if not averages[0].is_floating_point():
            torch._foreach_copy_(averages, values)
            return
        updates = int(average.n_averaged)  # on the CPU: reading it makes no device wait
        now = min(decay, (1 + updates) / (10 + updates))
        get_ema_multi_avg_fn(now)(averages, values, count)

    average = AveragedModel(model, multi_avg_fn=update, use_buffers=True)
    average.module.requires_grad_(False)
    return average
