"""What utils/benchmark.py and utils/bench.py share: running the other commands, reading notes."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from base.documents import read_document
from base.errors import UserError
from utils.common.command import EXIT_INTERRUPTED
from utils.common.cores import cpu_count
from utils.common.paths import REPOSITORY


def read(path: Path) -> dict[str, Any]:
    """Content of a JSON file of ours; empty where it is not there."""
    content = read_document(path) if path.is_file() else {}
    if not isinstance(content, dict):
        raise UserError(f"{path}: damaged: delete it")
    return content


def launch(script: str, *arguments: object, quiet: bool = False) -> None:
    """Run ``python script arguments``, where quiet without its standard output; UserError where it
    fails, KeyboardInterrupt where it was stopped."""
    command = [str(REPOSITORY / script), *map(str, arguments)]
    print(shlex.join(["python", *command]), flush=True)
    output = subprocess.DEVNULL if quiet else None
    process = subprocess.Popen([sys.executable, *command], stdout=output)
    try:
        status = process.wait()
    finally:
        process.terminate()  # where we were stopped: training writes a checkpoint and ends
        process.wait()
    if status in (EXIT_INTERRUPTED, 143, -2, -15):
        raise KeyboardInterrupt
    if status:
        raise UserError(f"{script} ended with status {status}")


def machine(gpu: str) -> str:
    """The device that ``--gpu`` means here, in words."""
    if torch.cuda.is_available() and gpu != "cpu":
        return torch.cuda.get_device_name(int(gpu) if gpu.isdecimal() else 0)
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", info.read_text()) if info.is_file() else []
    return f"{cpu_count()} CPU cores" + (f" ({names[0]})" if names else "")
