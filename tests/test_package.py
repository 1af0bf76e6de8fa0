"""The package that ``pip install .`` builds works beside another project's modules of our names."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = """
import sys
import numpy as np
from xr_egopose import EgoPosePredictor
picture = np.random.default_rng(0).integers(0, 255, (400, 640, 3), np.uint8)
pose = EgoPosePredictor(gpu="cpu")(picture)
assert pose.joints3d.shape == (16, 3)
ours = {name for name in sys.modules if name.split(".")[0] in ("base", "dataset", "model", "utils")}
assert not ours, ours
"""


def test_installed_package_predicts_beside_modules_of_the_same_names(tmp_path):
    built = tmp_path / "site-packages"
    command = [sys.executable, "setup.py", "-q", "build", "--build-base", tmp_path / "build"]
    subprocess.run([*command, "--build-lib", built], cwd=ROOT, check=True)
    for name in ("base", "dataset", "model", "utils"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the other project's own')")
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE], cwd=tmp_path, check=True, env={"PYTHONPATH": str(built)}
    )
    assert {path.name for path in built.iterdir()} == {"xr_egopose"}
