"""``pip install .``: the package ``xr_egopose`` with :class:`EgoPosePredictor`, for other projects.

The scripts import ``base``, ``model``, ``dataset`` and ``utils``, names that another project has as
well.  In the installed package they lie under ``xr_egopose``, and their imports say so.
"""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PACKAGES = ("base", "dataset", "model", "utils")
DATA = ("experiments/configs/*.yml", "experiments/headsets/*.yml", "model/weights/*")
DATA += ("dataset/synthetic/scene/environments.*",)
IMPORT = re.compile(rf"^( *from )({'|'.join(PACKAGES)})(?=[. ])", re.MULTILINE)
INIT = '''"""Egocentric 3D human pose from a headset's downward-looking camera."""

from xr_egopose.utils.inference.predictor import EgoPosePredictor

__all__ = ["EgoPosePredictor"]
'''


class BuildUnderOneName(build_py):
    def run(self) -> None:
        target = Path(self.build_lib) / "xr_egopose"
        shutil.rmtree(target, ignore_errors=True)  # of an earlier build
        for name in PACKAGES:
            for file in (ROOT / name).rglob("*.py"):
                place = file.relative_to(ROOT)
                if len(place.parts) == 2 and name == "utils":
                    continue  # a command
                (target / place).parent.mkdir(parents=True, exist_ok=True)
                text = IMPORT.sub(r"\1xr_egopose.\2", file.read_text(encoding="utf-8"))
                (target / place).write_text(text, encoding="utf-8")
        for file in (file for pattern in DATA for file in ROOT.glob(pattern)):
            (target / file.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target / file.relative_to(ROOT))
        (target / "__init__.py").write_text(INIT, encoding="utf-8")

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [str(path) for path in Path(self.build_lib).rglob("*") if path.is_file()]


setup(
    packages=["xr_egopose"],
    package_dir={"xr_egopose": "."},
    cmdclass={"build_py": BuildUnderOneName},
)
