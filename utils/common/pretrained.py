"""The pretrained weights that come with the project, so that it can be tried without training."""

from pathlib import Path

from base.errors import UserError
from utils.common.paths import REPOSITORY

#: Half precision, made by utils/export_weights.py, which writes their card beside them.
PRETRAINED = REPOSITORY / "model" / "weights" / "egopose.tar"
CARD = "README.md"
#: What ``--load_model`` calls them, the former name too; a file of that name is ``./pretrained``.
_NAMES = ("pretrained", "box")


def pretrained_weights() -> Path:
    """The file of the pretrained weights; UserError if this checkout lacks it."""
    if not PRETRAINED.is_file():
        raise UserError(
            f"no pretrained weights: {PRETRAINED} is not in this checkout; get it with 'git "
            "checkout -- model/weights', or give a checkpoint with --load_model ('make "
            "quickstart' trains one)"
        )
    return PRETRAINED


def model_path(text: str) -> Path:
    """What ``--load_model`` means: 'pretrained', or a path."""
    return pretrained_weights() if text in _NAMES else Path(text)


def chosen_model(given: Path | None) -> Path:
    """The model to run: the one given, else the pretrained weights, which a line names."""
    path = pretrained_weights() if given is None else given
    if path == PRETRAINED:
        card = PRETRAINED.parent.relative_to(REPOSITORY) / CARD
        print(f"Model: the pretrained weights, trained on synthetic frames only ({card})")
    return path
