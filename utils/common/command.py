"""What every command has in common: one clear line for what a person can put right."""

import io
import os
import sys
from collections.abc import Callable

from base.errors import UserError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


def run_command(main: Callable[[], None]) -> None:
    """Run ``main`` as a script.

    A :class:`~base.errors.UserError` becomes one line on standard error and exit status 2,
    Ctrl-C exit status 130; anything else is a defect of ours and keeps its traceback.  A character
    that the console's encoding lacks is printed as its code.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; Python would complain at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
