"""The list of frames to leave out, by check_data.py or by hand, that every loader honours."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from base.documents import decode_text
from base.errors import UserError
from base.files import write_bytes
from base.frame import FrameId
from base.lock import locked
from base.set_type import SetType
from dataset.annotations import Table

#: Lies in the data root, beside TrainSet, ValSet and TestSet.
SKIP_LIST = "skip_list.txt"

_HEADER = (
    "# Frames that loaders leave out, one a line: SET/CHARACTER/ENVIRONMENT/FRAME, then anything."
)
_SETS = "|".join(set_type.folder for set_type in SetType)
_LINE = re.compile(
    rf"(?P<set>{_SETS})/(?P<character>[^/]+)/(?P<environment>[^/]+)/(?P<number>[0-9]{{1,9}})\b"
)


def _read_text(path: Path) -> str:
    """Content of a list as editors of any system write it; "" where there is none."""
    try:
        return decode_text(path.read_bytes(), "surrogateescape")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", "no text")
        raise UserError(f"{path}: cannot be read ({reason})") from None


def read_skip_list(root: Path, set_type: SetType) -> frozenset[FrameId]:
    """The frames of a set to leave out; none where there is no list; UserError for a list that
    cannot be read, and a line that names no frame."""
    path = Path(root) / SKIP_LIST
    skip = set()
    for number, line in enumerate(_read_text(path).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line.strip().replace("\\", "/"))
        if match is None:
            raise UserError(
                f"{path}:{number}: no frame like TrainSet/female_001_a_a/env_001/000123: "
                f"{line!r:.80}"
            )
        if match["set"] == set_type.folder:
            skip.add(FrameId(match["character"], match["environment"], int(match["number"])))
    return frozenset(skip)


def is_listed(skip: frozenset[FrameId], table: Table) -> np.ndarray:
    """(N,) bool: which rows of a table are of frames to be left out."""
    listed: dict[tuple[str, str], list[int]] = {}
    for frame in skip:
        listed.setdefault((frame.character, frame.environment), []).append(frame.number)
    rows = table.rows
    found = np.zeros(len(rows), bool)
    for (character, environment), numbers in listed.items():
        if character in table.characters and environment in table.environments:
            there = rows["character"] == table.characters.index(character)
            there &= rows["environment"] == table.environments.index(environment)
            found |= there & np.isin(rows["number"], numbers)
    return found


def add_to_skip_list(root: Path, entries: Iterable[tuple[SetType, FrameId, str]]) -> int:
    """Add frames to the list of a data root, each with its reasons; returns how many."""
    reasons: dict[str, dict[str, None]] = {}
    for set_type, frame_id, reason in entries:
        reasons.setdefault(f"{set_type.folder}/{frame_id}", {})[" ".join(reason.split())] = None
    with locked(root):  # two checks may end at once
        path = Path(root) / SKIP_LIST
        lines = _read_text(path).splitlines() or [_HEADER]
        lines += [f"{name}  {'; '.join(why)}" for name, why in sorted(reasons.items())]
        text = "".join(f"{line}\n" for line in lines)
        write_bytes(path, text.encode(errors="surrogateescape"), single_writer=True)
    return len(reasons)
