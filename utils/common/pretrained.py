"""The weights that come with the project, so that it can be tried without training."""

from pathlib import Path

from base.errors import UserError
from utils.common.paths import REPOSITORY

#: Half precision, made by utils/export_weights.py; its card lies beside it.
BOX = REPOSITORY / "model" / "weights" / "egopose.tar"
#: What ``--load_model`` calls them; a file of that name is ``./box``.
NAME = "box"
CARD = "README.md"


def box_weights() -> Path:
    """Where the weights in the box are.

    Raises:
        UserError: if this checkout lacks them.
    """
    if not BOX.is_file():
        raise UserError(
            f"no weights in the box: {BOX} is not in this checkout; get it with 'git checkout -- "
            "model/weights', or give a checkpoint with --load_model ('make quickstart' trains one)"
        )
    return BOX


def model_path(text: str) -> Path:
    """What ``--load_model`` means: 'box', or a path.

    Raises:
        UserError: as :func:`box_weights`.
    """
    return box_weights() if text == NAME else Path(text)


def chosen_model(given: Path | None) -> Path:
    """The model to run: the one given, else the one in the box, and then a line says so.

    Raises:
        UserError: as :func:`box_weights`.
    """
    path = box_weights() if given is None else given
    if path == BOX:
        print(
            f"Model: the weights in the box, trained on synthetic frames only "
            f"({BOX.parent.relative_to(REPOSITORY) / CARD})"
        )
    return path
