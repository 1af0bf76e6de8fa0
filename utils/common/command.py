"""What every command has in common: options, and one clear line for what a person can put right."""

import argparse
import io
import math
import os
import re
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from base.errors import UserError, printable
from base.headset_files import headset_path
from base.remote import root_path, url_of
from base.set_type import SetType
from utils.common.cores import cpu_count
from utils.common.paths import DEFAULT_DATA_ROOT
from utils.common.pretrained import check_model, model_path

EXIT_INTERRUPTED = 130
#: Packages that requirements.txt leaves out, and the file that has them.
_EXTRAS = (
    {"ray": "requirements-scale.txt"}
    | dict.fromkeys(("anny", "embreex", "warp"), "requirements-synthetic.txt")
    | dict.fromkeys(("onnx", "onnxruntime", "onnxscript"), "requirements-onnx.txt")
)


def number(least: float, most: float, kind: type = float) -> Callable[[str], Any]:
    """The type of an option that is a number of a kind from ``least`` to ``most``."""

    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            what = f"{'whole ' * (kind is int)}number from {least:.10g} to {most:.10g}"
            raise argparse.ArgumentTypeError(f"'{text}' is no {what}")
        return value

    return parse


def whole_number(least: int, most: int = 10**9) -> Callable[[str], int]:
    """The type of an option that is a whole number from ``least`` to ``most``."""
    return number(least, most, int)


def counted(number: int, noun: str) -> str:
    """As "1 frame", "2 frames"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _output(text: str, exists: Callable[[Path], bool], what: str) -> Path:
    path = Path(text)
    found = next(place for place in (path, *path.absolute().parents) if os.path.lexists(place))
    fits = exists(path) if found == path else found.is_dir()
    if not fits or not os.access(found if found.is_dir() else found.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text}: no {what} can be written there")
    return path


def output_file(text: str) -> Path:
    """The type of an option that names a file to write, refused where it cannot be."""
    return _output(text, Path.is_file, "file")


def output_folder(text: str) -> Path:
    """The type of an option that names a folder to write to, refused likewise."""
    return _output(text, Path.is_dir, "folder")


def picture_file(text: str) -> Path:
    """The type of an option that names a picture to write, refused likewise."""
    path = output_file(text)
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise argparse.ArgumentTypeError(f"{text}: give a .png or .jpg file")
    return path


def input_path(text: str) -> Path:
    """The type of an option that names a file or folder to read; UserError where it is not."""
    if not Path(text).exists():
        raise UserError(f"{text}: no such file or folder")
    return Path(text)


def calibration_name(text: str) -> str:
    """The type of ``--camera``, see doc/inference.md; UserError where there is no such file."""
    named = "training", "circle"
    if text not in named and not any(map(os.path.exists, (text, text.rpartition("#")[0]))):
        raise UserError(f"{text}: no such file; give a calibration file, or 'training' or 'circle'")
    return text


def headset_name(text: str) -> str:
    """The type of ``--headset``, a file or a profile; UserError where there is neither."""
    if text != "any":  # make_synthetic.py's
        headset_path(text)
    return text


def data_root(text: str | Path) -> Path:
    """The type of ``--data_root``; UserError for a folder of this machine that is not there."""
    root = root_path(text)
    if url_of(root) is None and not root.is_dir():
        raise UserError(
            f"--data_root {root}: no such folder; 'python utils/make_synthetic.py --output {root}' "
            "makes a synthetic set there"
        )
    return root


#: Changes of options for a command that takes several data roots, each with its format.
SEVERAL_ROOTS: dict[str, dict[str, Any]] = {
    "data_root": {
        "nargs": "+",
        "default": [DEFAULT_DATA_ROOT],
        "help": "folder with TrainSet, ValSet and TestSet, a set of another format, or a packed "
        "set elsewhere (s3://bucket/packed); or several (default: data/synthetic)",
    },
    "format": {"nargs": "+", "default": [None]},
}
_SETS = [set_type.value for set_type in SetType]
_SHARED: dict[str, dict[str, Any]] = {
    "gpu": {
        "default": "0",
        "help": "CUDA device number; without CUDA, 0 falls back to MPS or the CPU. Also accepts "
        "'cpu', 'mps' and 'cuda' (default: 0)",
    },
    "load_model": {
        "type": lambda text: check_model(model_path(text)),
        "help": "finetuned checkpoint, or weights of this project: 'pretrained' (the default) "
        "or 'small' (faster, less accurate)",
    },
    "data_root": {
        "type": data_root,
        "default": DEFAULT_DATA_ROOT,
        "help": "folder with TrainSet, ValSet and TestSet, or a packed set elsewhere "
        "(s3://bucket/packed) (default: data/synthetic)",
    },
    "headset": {
        "type": headset_name,
        "metavar": "FILE",
        "help": "headset file, or the name of one in experiments/headsets, of data whose labels do "
        "not state theirs (default: the release's)",
    },
    "camera": {"type": calibration_name, "metavar": "FILE"},
    "format": {
        "metavar": "NAME",
        "help": "format of the data, one of dataset.FORMATS with its options, as "
        "mo2cap2:colour=bgr (default: found by what lies there)",
    },
    "data": {"choices": _SETS, "help": "split to use (default: %(default)s)"},
    "sets": {"choices": _SETS, "nargs": "+", "help": "only these sets (default: all there are)"},
    "characters": {"nargs": "+", "metavar": "NAME", "help": "only these characters"},
    "batch_size": {
        "type": whole_number(1),
        "default": 16,
        "help": "frames per batch (default: %(default)s)",
    },
    "precision": {
        "choices": ("auto", "fp32", "bf16"),
        "default": "auto",
        "help": "auto: bf16 if the device computes it in hardware, otherwise fp32 (default: auto)",
    },
    "views": {
        "type": int,
        "choices": (1, 2, 4, 6, 8, 10),
        "default": 1,
        "metavar": "N",
        "help": "views of each picture whose poses are averaged: 2 for it and its mirror image, 6 "
        "for both turned by -7.5, 0 and 7.5 degrees; N times as slow (default: 1)",
    },
    "jobs": {
        "type": whole_number(1),
        "default": cpu_count,
        "help": "number of parallel workers (default: %(default)s)",
    },
    "input": {"type": Path, "required": True, "help": "folder of the downloaded parts"},
    "output": {"type": Path, "required": True, "help": "folder to write to"},
    "save_dir": {"type": output_folder, "required": True, "help": "folder to write to"},
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, with the choice that was probably meant; exit status 2."""
        if found := re.search(r"invalid choice: '?(.*?)'? \(choose from (.*)\)", message):
            message += _meant(found[1], re.findall(r"[^', ]+", found[2]))
        self.exit(2, f"error: {printable(message)}\n")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuses empty arguments: as a path each would be the current folder; UserError for what
        belongs to no option, as the files that a shell makes of a pattern."""
        given = [str(text) for text in (sys.argv[1:] if args is None else args)]
        if empty := [text for text in given if not text or re.fullmatch(r"--\w+=", text)]:
            self.error(f"argument {empty[0]!r} is empty")
        for flag in (text.partition("=")[0] for text in given if re.match(r"--\w", text)):
            # First: without it, what is required is missing.
            if not any(known.startswith(flag) for known in self._option_string_actions):
                self.error(f"unrecognized {flag}{_meant(flag, self._option_string_actions)}")
        found, rest = self.parse_known_args(given, namespace)
        if rest and rest[0].startswith("-"):
            self.error(f"unrecognized {rest[0]}")
        if rest:
            pattern = "; quote a pattern of files: 'pictures/*.png'" * Path(rest[0]).is_file()
            raise UserError(f"{rest[0]}: one value too many{pattern}")
        for name, value in vars(found).items():
            for path in value if isinstance(value, list) else [value]:
                if isinstance(path, Path) and re.match(r"\w{2,}:/", str(path)):
                    text = str(path).replace(":/", "://", 1)  # of which a path keeps one
                    raise UserError(f"--{name} {text}: no folder or file on this machine")
        return found


def _meant(text: str, known: Iterable[str]) -> str:
    found = [] if re.fullmatch(r"-?\d+", text) else get_close_matches(text, known, 1)
    return "".join(f": did you mean {name}?" for name in found)


def command_parser(
    text: str | None, *shared: str, **changed: dict[str, Any]
) -> argparse.ArgumentParser:
    """A parser whose help begins with ``text``, a module's docstring, and that has shared options,
    by their names, some with settings of ``add_argument`` ``changed``."""
    parser = _Parser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, settings in ({key: {} for key in shared} | changed).items():
        settings = _SHARED.get(name, {}) | settings
        if callable(settings.get("default")):  # asked now: a worker is one from now on
            settings["default"] = settings["default"]()
        parser.add_argument(f"--{name}", **settings)
    return parser


def parse_early(name: str, parse: Callable[[], object]) -> None:
    """Where a command's file runs as a script (``name`` is its ``__name__``), parse its arguments
    between its light imports and those that take seconds: --help and mistakes are answered at once,
    and what those imports lack is explained in one line."""
    if name == "__main__":
        sys.excepthook = _explain_import
        run_command(parse)


def _explain_import(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """``sys.excepthook``: one line on what to install; Ctrl-C meanwhile is no traceback either."""
    if isinstance(error, KeyboardInterrupt):
        line, status = "interrupted", EXIT_INTERRUPTED
    elif isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        file = _EXTRAS.get(package, "requirements.txt")
        line = f"error: this Python has no package '{package}': 'pip install -r {file}', or 'make' "
        line, status = line + "and 'source .venv/bin/activate'", 2
    elif isinstance(error, ImportError) and error.name == "cv2" and ".so" in str(error):
        line = f"error: OpenCV: {error}: install libGL, or 'pip uninstall opencv-python' and 'pip "
        line, status = line + "install opencv-python-headless'", 2
    else:
        sys.__excepthook__(kind, error, trace)
        return
    print(line, file=sys.stderr)
    sys.exit(status)


def run_command(main: Callable[[], None]) -> None:
    """Run ``main`` as a script. A :class:`~base.errors.UserError`, or a file that the system
    refuses, becomes one line on standard error and exit status 2, Ctrl-C status 130; anything else
    is a defect of ours and keeps its traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what the console's encoding lacks
    try:
        main()
    except UserError as error:
        print("error:", error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; Python would complain at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise
        print("error:", UserError(f"{error.filename}: {error.strerror}"), file=sys.stderr)
        sys.exit(2)
