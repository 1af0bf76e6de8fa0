"""Optimiser and learning-rate schedule of a stage."""

import math

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from utils.config import StageSection


def make_optimizer(model: nn.Module, stage: StageSection) -> torch.optim.Optimizer:
    """Adam or AdamW over all weights of ``model``, fused where the device has it."""
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[stage.optimizer]
    parameters = [p for p in model.parameters() if p.requires_grad]
    fused = all(p.device.type in ("cuda", "cpu") for p in parameters)
    return kind(parameters, lr=stage.lr, weight_decay=stage.weight_decay, fused=fused)


def make_schedule(
    optimizer: torch.optim.Optimizer, stage: StageSection, steps_per_epoch: int, done: int = 0
) -> LambdaLR:
    """Factor on the learning rate at each step: linear warm-up, then step, cosine or constant.

    Args:
        optimizer: whose learning rate to set.
        stage: the settings.
        steps_per_epoch: steps of an epoch.
        done: steps taken already by the run that is gone on with.
    """
    total = stage.epochs * steps_per_epoch

    def factor(step: int) -> float:
        warm = min(1.0, (step + 1) / stage.warmup_steps) if stage.warmup_steps else 1.0
        if stage.schedule == "step":
            return warm * stage.step_factor ** (step // steps_per_epoch // stage.step_epochs)
        if stage.schedule == "cosine":
            return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, step / max(1, total))))
        return warm

    for group in optimizer.param_groups:
        group["initial_lr"] = stage.lr
    return LambdaLR(optimizer, factor, last_epoch=done - 1)
