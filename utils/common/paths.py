"""Where things are when the person does not say."""

import os
from pathlib import Path

from base.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGS = REPOSITORY / "experiments" / "configs"

#: Holds TrainSet, ValSet and TestSet.  ``make quickstart`` fills it with the synthetic set.
DEFAULT_DATA_ROOT = REPOSITORY / "data" / "synthetic"

#: The reference's recipe; ``--config`` takes another.
DEFAULT_CONFIG = CONFIGS / "paper.yml"


def config_path(name: str, folder: Path = Path(), among: Path = CONFIGS) -> Path:
    """A configuration file by its name ``among`` those of a folder, or its path from ``folder``;
    UserError where it is neither."""
    named, path = among / f"{name}.yml", folder / name
    if os.access(named, os.R_OK):
        return named
    if not os.access(path, os.F_OK):
        known = ", ".join(sorted(file.stem for file in among.glob("*.yml")))
        raise UserError(f"configuration {path}: no such file; give a YAML file, or one of {known}")
    return path
