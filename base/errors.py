"""The errors a person can act on."""

import re
import reprlib


def printable(text: str) -> str:
    """A text, which may cite names of files and keys, as one line without terminal escapes."""
    line = " ".join(text.splitlines())
    return re.sub("[\x00-\x1f\x7f-\x9f]", lambda odd: f"\\x{ord(odd[0]):02x}", line)


class UserError(Exception):
    """Something the person at the keyboard can put right.  The message is one line that says what
    is wrong, where, and what to do; commands print it without a traceback and exit with status 2
    (``utils/common/command.py``)."""

    def __str__(self) -> str:
        return printable(super().__str__())


class BrokenFrameError(UserError):
    """One frame's picture or label cannot be used; a run over many frames skips and counts it."""


def shown(value: object) -> str:
    """A value for a message, cut where it is long or deep."""
    return reprlib.repr(value)[:200]
