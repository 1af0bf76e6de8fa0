"""The errors a person can act on."""

import reprlib
import sys
from types import TracebackType

_hook_before = sys.excepthook


class UserError(Exception):
    """Something the person at the keyboard can put right.  The message is one line that says what
    is wrong, where, and what to do; commands print it without a traceback and exit with status 2
    (``utils/common/command.py``)."""


class BrokenFrameError(UserError):
    """One frame's picture or label cannot be used; a run over many frames skips and counts it."""


def shown(value: object) -> str:
    """A value for a message: cut where it is long, deep, or a number of thousands of digits."""
    try:
        return reprlib.repr(value)
    except ValueError:  # Python refuses to write such numbers
        return "a huge number"


def explain_missing_library(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """``sys.excepthook`` that says in one line what to install where OpenCV, which is imported
    before any command could catch that, lacks a library of the system; exits with status 2."""
    if not (isinstance(error, ImportError) and error.name == "cv2" and ".so" in str(error)):
        _hook_before(kind, error, trace)
        return
    library = str(error).partition(":")[0]
    print(
        f"error: OpenCV needs {library}, which this system lacks: 'apt-get install libgl1 "
        "libglib2.0-0' or 'dnf install mesa-libGL glib2'; or take OpenCV without windows: 'pip "
        "uninstall opencv-python' and 'pip install opencv-python-headless'",
        file=sys.stderr,
    )
    sys.exit(2)
