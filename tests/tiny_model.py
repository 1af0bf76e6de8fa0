"""A kind of model whose training steps take a millisecond, for tests of what all kinds share.

Run as a script it is train.py, or the command that is its first argument, with this kind added.
"""

import importlib
import sys
from pathlib import Path
from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

import model
from base.schema import Section
from base.skeleton import neck_centred
from model.losses import centred_losses
from model.pose_model import Part, PoseModel, PoseOutput, TrainingType

#: All that draws random numbers or remembers past steps is switched on.
CONFIG = """
precision: fp32
log_every: 1
data: {input_size: 64, workers: 0}
heatmap: {sigma: 1.0}
model: {kind: tiny, tiny: {dropout: 0.2}}
loss: {coordinates: 1.0}
checkpoints: {keep: 2}
train2d: &stage
  epochs: 2
  batch_size: 4
  optimizer: adamw
  weight_decay: 1.0e-2
  schedule: cosine
  warmup_steps: 3
  clip_norm: 1.0
  ema_decay: 0.9
  joint_noise: 0.05
  joint_dropout: 0.1
  augment: {rotation: 10, mirror: true, colour: 0.3, noise: 0.02}
train3d: *stage
finetune: *stage
temporal: *stage
"""


def register(kinds=model.KINDS):
    """Make the kind known; undone by the fixture ``tiny_kind``."""
    kinds["tiny"] = "tiny_model:TinyModel"


class TinyOptions(Section):
    """The one option."""

    dropout: float = Field(0.0, ge=0, lt=1)


class TinyModel(PoseModel):
    """A convolution, and a linear layer on what the heatmaps sum up to in rows and columns."""

    Options = TinyOptions
    parts: ClassVar = {
        "pose2d": Part("tiny2d_state_dict"),
        "lifting": Part("tiny3d_state_dict"),
        "temporal": Part("tiny_temporal_state_dict"),
    }
    training_types: ClassVar = {
        "train2d": TrainingType(("pose2d",), ("pose2d",)),
        "train3d": TrainingType(("lifting",), ("lifting",), reads="labels"),
        "finetune": TrainingType(
            ("pose2d", "lifting"),
            ("pose2d", "lifting"),
            start={"load_2d_model": ("train2d",), "load_3d_model": ("train3d",)},
            start_required=False,
        ),
        "temporal": TrainingType(
            ("pose2d", "lifting", "temporal"), ("temporal",), reads="videos", start_required=False
        ),
    }

    def __init__(self, options, backbone, input_size, parts):
        size = input_size // 4
        super().__init__(input_size, size)
        self.pose2d = self.lifting = self.temporal = None
        if "pose2d" in parts:
            self.pose2d = nn.Sequential(nn.Conv2d(3, 15, 8, 4, 2), nn.BatchNorm2d(15))
        if "lifting" in parts:
            self.lifting = nn.Sequential(nn.Dropout(options.dropout), nn.Linear(30 * size, 48))
        if "temporal" in parts:
            self.temporal = nn.Linear(48, 48)

    def forward(self, images=None, rays=None, heatmaps=None, history=None):
        if history is not None:
            moved = self.temporal(history[0][:, 0].flatten(1))
            return PoseOutput(joints3d=moved.unflatten(1, (16, 3)))
        predicted = self.pose2d(images) if heatmaps is None else None
        if self.lifting is None:
            return PoseOutput(predicted)
        given = predicted if heatmaps is None else heatmaps
        sums = torch.cat([given.sum(2), given.sum(3)], 1).flatten(1)
        return PoseOutput(predicted, self.lifting(sums).unflatten(1, (16, 3)))

    def pose_losses(self, output, targets, weights, reconstruction):
        return centred_losses(output.joints3d, neck_centred(targets.joints3d), weights)

    @property
    def lags(self):
        return () if self.temporal is None else (0,)

    def memory(self, output):
        return (output.joints3d,)


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parent))
    register()
    from utils.common.command import run_command

    name = sys.argv.pop(1) if not sys.argv[1].startswith("-") else "train"
    run_command(importlib.import_module(name).main)
