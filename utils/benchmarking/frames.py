"""The sets of a scale: made once, checked against what is written down."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from base.errors import UserError
from base.files import write_text
from utils.benchmarking.fingerprint import differences, fingerprint
from utils.benchmarking.launch import Launcher
from utils.benchmarking.spec import Sizes

#: Beside a set: its fingerprint, which takes a minute to compute.
_FOUND = "fingerprint.json"
_AS_WRITTEN = "the set written down"


def is_made(root: Path) -> bool:
    """Whether a set is there and whole."""
    return (root / _FOUND).is_file()


def make_set(
    sizes: Sizes, picture_size: int, seed: int, flags: Sequence[str], root: Path, launcher: Launcher
) -> None:
    """Make a set where it is not there; goes on where it was stopped.

    Args:
        sizes: frames of each split.
        picture_size: side of the packed pictures.
        seed: of the set.
        flags: further ones of utils/make_synthetic.py.
        root: where.
        launcher: runs the command.
    """
    if is_made(root):
        return
    frames = sizes.train + sizes.val + sizes.test
    print(f"Making {frames} frames of {picture_size} px in {root}")
    values = {
        "--seed": seed,
        "--train": sizes.train,
        "--val": sizes.val,
        "--test": sizes.test,
        "--pack_size": picture_size,
    }
    launcher(
        "utils/make_synthetic.py",
        [
            *("--output", str(root), "--pack", "--resume"),
            *(text for name, value in values.items() for text in (name, str(value))),
            *flags,
        ],
        None,
        lambda seconds: None,
    )
    found = fingerprint(root, picture_size)
    write_text(root / _FOUND, json.dumps(found, indent=1) + "\n")


def set_fingerprint(root: Path) -> dict[str, Any]:
    """Fingerprint of a set that :func:`make_set` made.

    Raises:
        UserError: where it cannot be read.
    """
    path = root / _FOUND
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UserError(f"{path}: cannot be read; delete it, and it is made again") from None


def check_set(written: Path, root: Path, freeze: bool, accept: bool) -> str:
    """Compare a set with the fingerprint that is written down, or write it down.

    Args:
        written: the file where it stands.
        root: the set.
        freeze: write it down.
        accept: go on with another set.

    Returns:
        What the table is to say of it.

    Raises:
        UserError: if it is another one, unless ``accept``.
    """
    found = set_fingerprint(root)
    if freeze:
        write_text(written, json.dumps(found, indent=1) + "\n")
        print(f"Checksum of the set: written to {written}")
        return _AS_WRITTEN
    if not written.is_file():
        print(f"The checksum of this set is not written down yet ({written}; --freeze does it)")
        return "its checksum not written down"
    different = differences(json.loads(written.read_text(encoding="utf-8")), found)
    if not different:
        print(f"The set is the one written down in {written}")
        return _AS_WRITTEN
    line = f"{root} is not the set written down in {written} ({'; '.join(different[:3])})"
    if not accept:
        raise UserError(
            f"{line}: figures on it are no rows of the same table. Was it made by another version? "
            "Delete it to make it anew, or go on with --any_set"
        )
    print(f"{line}: going on, as --any_set asks")
    return "**another set than the one written down**"
