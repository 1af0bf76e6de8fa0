"""What --gpu means on a machine without CUDA."""

import pytest
import torch

from base.errors import UserError
from utils.common.device import select_device


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_gpu_0_falls_back_to_the_cpu_and_says_so(capsys):
    assert select_device("0").type == "cpu"
    assert capsys.readouterr().out == "No CUDA device here: running on CPU.\n"


def test_the_cpu_can_be_asked_for(capsys):
    assert select_device("cpu").type == "cpu"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("gpu", ["7", "mps", "first", "-1"])
def test_a_device_that_is_not_there_is_refused(gpu):
    with pytest.raises(UserError, match=f"--gpu {gpu}"):
        select_device(gpu)


def test_a_number_beyond_the_last_device_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert select_device("1") == torch.device("cuda", 1)
    with pytest.raises(UserError, match="devices 0 to 1"):
        select_device("2")
