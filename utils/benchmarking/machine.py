"""What a machine is called in the table."""

import platform
from pathlib import Path

import torch

from utils.cores import cpu_count


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def machine(gpu: str) -> str:
    """The device that ``--gpu`` means here, in words."""
    if torch.cuda.is_available() and gpu != "cpu":
        return torch.cuda.get_device_name(int(gpu) if gpu.isdecimal() else 0)
    return f"{cpu_count()} CPU cores ({_processor()})"
