"""The errors a person can act on."""


class UserError(Exception):
    """Something the person at the keyboard can put right: a path, a file, an option.

    The message is one line that says what is wrong, where, and what to do.  Commands print it
    without a traceback and exit with status 2 (see ``utils/command.py``).
    """


class BrokenFrameError(UserError):
    """One frame's picture or label cannot be used; a run over many frames skips and counts it."""
