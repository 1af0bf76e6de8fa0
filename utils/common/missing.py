"""What a command says where Python lacks a package, or a package a library of the system."""

import os
import sys
from pathlib import Path
from types import TracebackType

from utils.common.paths import REPOSITORY

#: What ``make`` sets up.
ENVIRONMENT = REPOSITORY / ".venv"
#: Packages that requirements.txt leaves out, and the file that has them.
_EXTRAS = dict.fromkeys(("anny", "embreex", "warp"), "requirements-synthetic.txt") | dict.fromkeys(
    ("onnx", "onnxruntime", "onnxscript"), "requirements-onnx.txt"
)


def explain(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """``sys.excepthook`` of a command. Where a package is missing here and ``make`` has set up an
    environment, the command is started again in that; otherwise one line says what to install, and
    the status is 2. Ctrl-C while packages are imported is no traceback either."""
    if isinstance(error, KeyboardInterrupt):
        line, status = "interrupted", 130
    elif isinstance(error, ModuleNotFoundError) and error.name:
        package, python = error.name.partition(".")[0], ENVIRONMENT / "bin" / "python"
        if python.is_file() and Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
            print(f"No package '{package}' in this Python: going on in .venv", file=sys.stderr)
            os.execv(python, [str(python), *sys.orig_argv[1:]])
        file = _EXTRAS.get(package, "requirements.txt")
        line = f"error: this Python has no package '{package}': 'pip install -r {file}', or 'make' "
        line, status = line + "and 'source .venv/bin/activate'", 2
    elif isinstance(error, ImportError) and error.name == "cv2" and ".so" in str(error):
        library = str(error).partition(":")[0]
        line = f"error: OpenCV needs {library}, which this system lacks: 'apt-get install libgl1 "
        line += "libglib2.0-0' or 'dnf install mesa-libGL glib2'; or take OpenCV without windows: "
        line += "'pip uninstall opencv-python' and 'pip install opencv-python-headless'"
        status = 2
    else:
        sys.__excepthook__(kind, error, trace)
        return
    print(line, file=sys.stderr)
    sys.exit(status)
