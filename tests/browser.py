"""Node programs of ``tests/web``, and the browser that npm carries for them."""

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from base.errors import UserError
from utils.web.packages import install_packages

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "tests" / "web"


@functools.cache
def packages(folder: Path) -> Path:
    """``node_modules`` of a folder; the test is skipped where they cannot be had."""
    if shutil.which("node") is None:
        pytest.skip("no Node.js")
    try:
        return install_packages(folder)
    except UserError as error:
        pytest.skip(str(error))


def node(program: str, folder: Path, *arguments: object, given: Any = None) -> Any:
    """What a program of ``tests/web`` prints as JSON, with the packages of a ``folder``."""
    home = packages(folder)
    command = ["node", WEB / program, home, *map(str, arguments)]
    # The browser is unpacked to the folder for temporary files, once.
    (unpacked := home.parent / "unpacked").mkdir(exist_ok=True)
    run = subprocess.run(
        command,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"TMPDIR": str(unpacked)},
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)


def three_positions(path: Path) -> dict[str, np.ndarray]:
    """World positions (F, 3) of each named node of a GLB file at its F keyframes, by three.js, and
    under "times" (F,) these, seconds."""
    found = node("glb_positions.mjs", ROOT / "utils" / "web", path)
    return {name: np.array(places) for name, places in found["nodes"].items()} | {
        "times": np.array(found["times"])
    }
