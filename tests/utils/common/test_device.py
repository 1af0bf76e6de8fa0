"""What --gpu and torchrun's environment mean."""

import os

import pytest
import torch
from commands import refused

from utils.common.device import autocast, prepare_device, select_device, torchrun_ranks

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("count", "mps", "devices", "wrong"),
    [
        (0, False, {"0": "cpu", "cpu": "cpu"}, ["1", "-1", "first", "mps"]),
        (0, True, {"0": "mps", "mps": "mps"}, ["1"]),
        (2, False, {"0": "cuda:0", "cuda": "cuda:0", "1": "cuda:1", " CPU ": "cpu"}, ["2", "mps"]),
    ],
)
def test_gpu_names_a_device_of_this_machine(count, mps, devices, wrong, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    for gpu, expected in devices.items():
        assert select_device(gpu) == torch.device(expected)
        fallback = f"No CUDA device here: running on {expected.upper()}.\n"
        assert capsys.readouterr().out == (fallback if gpu == "0" and not count else "")
    for gpu in wrong:
        refused(f"--gpu {gpu}: ", select_device, gpu)


def test_precision_is_that_asked_for_or_what_the_device_is_fast_in(monkeypatch):
    for fast, precision, expected in (
        (True, "auto", torch.bfloat16),
        (False, "auto", None),
        (False, "bf16", torch.bfloat16),
        (True, "fp16", torch.float16),
        (True, "fp32", None),
    ):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda fast=fast: fast)
        with autocast(CPU, precision):
            assert torch.is_autocast_enabled("cpu") == (expected is not None)
            assert expected in (None, torch.get_autocast_dtype("cpu"))
    refused("fp16 needs a GPU", prepare_device, CPU, "fp16", True)


TORCHRUN = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}
ADDRESS = {"MASTER_ADDR": "a", "MASTER_PORT": "1"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"WORLD_SIZE": "1", "RANK": "0"}, None),
        (TORCHRUN | ADDRESS, (3, 4, 1)),
        (TORCHRUN, "only some are set: .*torchrun .*env -u WORLD_SIZE"),
        (TORCHRUN | ADDRESS | {"RANK": "x"}, "only some"),
        ({"LOCAL_RANK": "0"}, "only some"),
    ],
)
def test_several_processes_know_their_places_or_are_refused(environment, expected, monkeypatch):
    for name in [*TORCHRUN, *ADDRESS]:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setitem(os.environ, name, value)
    if isinstance(expected, str):
        refused(expected, torchrun_ranks)
    else:
        assert torchrun_ranks() == expected
