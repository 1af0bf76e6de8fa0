"""The list of frames to leave out: written by the doctor or by hand, honoured by every loader."""

import re
from collections.abc import Iterable
from pathlib import Path

from base.errors import UserError
from base.frame import FrameId
from base.set_type import SetType

#: Lies in the data root, beside TrainSet, ValSet and TestSet.
SKIP_LIST = "skip_list.txt"

_HEADER = """\
# Frames that loaders leave out, one a line: SET/CHARACTER/ENVIRONMENT/FRAME, then anything.
"""
_LINE = re.compile(r"(?P<set>\w+Set)/(?P<character>[^/]+)/(?P<environment>[^/]+)/(?P<number>\d+)")


def read_skip_list(root: Path, set_type: SetType) -> frozenset[FrameId]:
    """The frames of a set to leave out; none where there is no list.

    Raises:
        UserError: for a line that names no frame.
    """
    path = Path(root) / SKIP_LIST
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return frozenset()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from None
    skip = set()
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line.strip())
        if match is None:
            raise UserError(
                f"{path}:{number}: no frame like TrainSet/female_001_a_a/env_001/000123: {line!r}"
            )
        if match["set"] == set_type.folder:
            skip.add(FrameId(match["character"], match["environment"], int(match["number"])))
    return frozenset(skip)


def format_skip_list(entries: Iterable[tuple[SetType, FrameId, str]]) -> str:
    """Content of a list: set, frame and reason of each entry, one line a frame."""
    reasons: dict[str, list[str]] = {}
    for set_type, frame_id, reason in entries:
        reasons.setdefault(f"{set_type.folder}/{frame_id}", []).append(reason)
    lines = [f"{name}  {'; '.join(why)}\n" for name, why in sorted(reasons.items())]
    return _HEADER + "".join(lines)
