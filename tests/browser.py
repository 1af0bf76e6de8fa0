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
from base.lock import locked
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
    temporary = _unpacked(home) if folder == WEB else home.parent
    return json.loads(_run(program, home, temporary, *arguments, given=json.dumps(given)))


def _run(program: str, home: Path, temporary: Path, *arguments: object, given: str = "") -> str:
    run = subprocess.run(
        ["node", WEB / program, home, *map(str, arguments)],
        input=given,
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout


def _unpacked(home: Path) -> Path:
    """The folder for temporary files that holds the browser: unpacked by one process, for none can
    be started while it is written."""
    with locked(folder := home.parent / "unpacked", wait=600):
        if not (complete := folder / ".complete").exists():
            for left in (path for path in folder.iterdir() if path.name != ".lock"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            _run("unpack.mjs", home, folder)
            complete.touch()
    return folder


def three_positions(path: Path) -> dict[str, np.ndarray]:
    """Of a GLB file at its F keyframes by three.js: world positions (F, 3) of each named node,
    "times" (F,), seconds, and the skinned mesh, see ``tests/web/glb_positions.mjs``."""
    found = node("glb_positions.mjs", ROOT / "utils" / "web", path)
    return {name: np.array(values) for name, values in (found | found.pop("nodes")).items()}
