"""The pretrained weights that come with the project, so that it can be tried without training."""

from pathlib import Path

from base.errors import UserError
from utils.common.paths import REPOSITORY

#: Half precision, made by utils/export_weights.py, which writes their cards beside them.
PRETRAINED = REPOSITORY / "model" / "weights" / "base.tar"
#: What ``--load_model`` calls the files beside it, a former name too; a file of such a name is
#: ``./small``.
_NAMES = {"pretrained": "base.tar", "box": "base.tar", "base": "base.tar", "small": "small.tar"}


def pretrained_weights(name: str = "pretrained") -> Path:
    """The file of the pretrained weights of this name; UserError if this checkout lacks it."""
    path = PRETRAINED.with_name(_NAMES[name])
    if not path.is_file():
        raise UserError(
            f"no pretrained weights: {path} is not in this checkout; get it with 'git "
            "checkout -- model/weights', or give a checkpoint with --load_model ('make "
            "quickstart' trains one)"
        )
    return path


def model_path(text: str) -> Path:
    """What ``--load_model`` means: 'pretrained', 'small', or a path."""
    return pretrained_weights(text) if text in _NAMES else Path(text)


def check_model(path: Path) -> Path:
    """The path; UserError where nothing is there."""
    if not path.exists():
        raise UserError(
            f"no checkpoint at {path}: give a file of train.py, or 'pretrained' or 'small', the "
            "weights that come with this project"
        )
    return path


def chosen_model(given: Path | None) -> Path:
    """The model to run: the one given, else the pretrained weights, which a line names."""
    path = pretrained_weights() if given is None else given
    if path in [PRETRAINED.with_name(name) for name in _NAMES.values()]:
        card = path.with_suffix(".md").relative_to(REPOSITORY)
        print(f"Model: the pretrained weights, trained on synthetic frames only ({card})")
    return path


def model_name(path: Path, checksum: str) -> str:
    """A model without where it lies: as ``--load_model`` takes it, else file and SHA-256."""
    names = {PRETRAINED.with_name(file): name for name, file in reversed(_NAMES.items())}
    return names.get(path) or f"{path.name} (SHA-256 {checksum[:12]}…)"
