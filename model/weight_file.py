"""Files of weights: read without running any code of theirs, or named for what they are instead."""

import argparse
import warnings
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from base.errors import UserError

# NumPy's functions have another name in files of NumPy 1 than in those of NumPy 2.
_SCALAR, _ARRAY = np.float64().__reduce__()[0], np.zeros(0).__reduce__()[0]
#: What training scripts store beside tensors and plain values, and what cannot do anything.
_HARMLESS = [
    argparse.Namespace,
    np.dtype,
    np.ndarray,
    *(
        (function, f"numpy.{core}.multiarray.{name}")
        for core in ("core", "_core")
        for function, name in ((_SCALAR, "scalar"), (_ARRAY, "_reconstruct"))
    ),
    *{type(np.dtype(code)) for code in np.typecodes["All"] if code not in "OV"},
    # As text alone: a path of another system cannot be made here.
    *(
        (kind, f"{module}.{name}")
        for module in ("pathlib", "pathlib._local")
        for kind, name in ((PurePosixPath, "PosixPath"), (PureWindowsPath, "WindowsPath"))
    ),
]

#: Beginnings of files that are something else.
_ARCHIVES = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "RAR",
}
_WEB_PAGES = (b"<!doctype html", b"<html", b"<head", b"<?xml")
_AGAIN = "copy or download it again"
#: What torch.save wrote before it wrote zip archives.
_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"


def read_weight_file(path: Path) -> Any:
    """Content of a file of ``torch.save``, on the CPU.

    Only tensors, plain values, NumPy's numbers and arrays, and ``argparse.Namespace`` are read.

    Raises:
        UserError: for a file that cannot be read, saying what it is.
    """
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        with safe_globals(_HARMLESS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of files that are refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # whatever the unpickler trips over
        if "allocate" in str(error):
            raise
        raise UserError(f"{path}: {_named(path, start)}") from None


def _named(path: Path, start: bytes) -> str:
    """What a file with that beginning is, if it is no checkpoint, and what to do."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return f"an empty file: {_AGAIN}"
    if text.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the file it stands for: get that with 'git lfs pull'"
    if text.startswith(_WEB_PAGES):
        return "a web page, saved in place of the file that it offers: download that"
    for beginning, kind in _ARCHIVES.items():
        if start.startswith(beginning):
            return f"compressed ({kind}): unpack it and give what is in it"
    if start[257:262] == b"ustar":
        return "a tar archive: unpack it and give a checkpoint that is in it"
    if start[8:10] == b'{"':
        return "a safetensors file, which is not read here: save its tensors with torch.save"
    if start.startswith(b"PK"):
        return _named_zip(path)
    if start.startswith(_LEGACY):
        return f"cut off, or with Python objects in it that could run code: {_AGAIN}"
    if start.startswith(b"\x80"):
        return "a Python pickle, which could run code: save the weights with torch.save"
    if text.isascii() and b"\0" not in text:
        return "a text file, not a checkpoint"
    return "not a checkpoint, or a damaged one"


def _named_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {Path(name).name for name in archive.namelist()}
    except zipfile.BadZipFile:
        return f"cut off, its end is missing: {_AGAIN}"
    if "data.pkl" not in names:
        return "a zip archive, not a checkpoint: unpack it and give a checkpoint that is in it"
    if "constants.pkl" in names:
        return "a TorchScript model: give the checkpoint that it was made of"
    try:
        with safe_globals(_HARMLESS):
            objects = get_unsafe_globals_in_checkpoint(path)
    except Exception:  # the pickle itself is damaged
        objects = []
    if objects:
        return (
            f"holds Python objects ({', '.join(sorted(objects))}), which could run code: save the "
            "weights alone, as torch.save(model.state_dict(), …)"
        )
    return f"damaged: {_AGAIN}"
