"""Stages of tiny networks, in one process, whose settings are all off but for those given."""

from unittest import mock

import pytest
import torch

from dataset.mixed import Roots
from model import build
from utils.common import networks
from utils.common.config import parse_config
from utils.training import stage as stage_module
from utils.training.distributed import Processes
from utils.training.stage import Stage

#: Everything off; float32, because sums are compared.
PLAIN = {
    "precision": "fp32",
    "data": {"input_size": 64, "workers": 0},
    "heatmap": {"sigma": 1.0},
    "model": {"kind": "tiny"},
    "loss": {"coordinates": 1.0},
}


@pytest.fixture(scope="module")
def processes():
    with Processes("cpu") as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def pictures_read_once():
    """Each test opens the same few frames."""
    real, opened = stage_module.open_pictures, {}

    def open_pictures(root, which, config, *more):
        key = str(root), which, config.data.input_size
        if key not in opened:
            opened[key] = real(root, which, config, *more)
        return opened[key]

    with mock.patch.object(stage_module, "open_pictures", open_pictures):
        yield


@pytest.fixture
def make(tiny_kind, tiny_data, processes):
    """Stage of a training type with changes of its section, and of the whole configuration."""

    def made(name="train3d", whole=None, **section):
        torch.manual_seed(0)
        config = parse_config(PLAIN, "test").overridden({name: {"batch_size": 4} | section})
        config = config.overridden(whole or {})
        training = networks.training_type(name, config)
        model = build(config.model, config.data.input_size, training.parts)
        model.train_only(training.trained)
        return Stage(name, model, config, Roots([tiny_data]), processes)

    return made
