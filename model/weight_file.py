"""Weights: files read without running any code of theirs, or named for what they are instead; and
loaded into a network with one clear line for whatever does not fit."""

import argparse
import contextlib
import os
import pickletools
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from base.errors import UserError

# NumPy's functions have another name in files of NumPy 1 than in those of NumPy 2.
_SCALAR, _ARRAY = np.float64().__reduce__()[0], np.zeros(0).__reduce__()[0]
#: What training scripts store beside tensors and plain values, and what cannot do anything.
_HARMLESS = [
    *(argparse.Namespace, np.dtype, np.ndarray),
    *{type(np.dtype(code)) for code in np.typecodes["All"] if code not in "OV"},
    *(
        (function, f"numpy.{core}.multiarray.{name}")
        for core in ("core", "_core")
        for function, name in ((_SCALAR, "scalar"), (_ARRAY, "_reconstruct"))
    ),
    # As text alone: a path of another system cannot be made here.
    *(
        (kind, f"{module}.{name}")
        for module in ("pathlib", "pathlib._local")
        for kind, name in ((PurePosixPath, "PosixPath"), (PureWindowsPath, "WindowsPath"))
    ),
]
_AGAIN = "copy or download it again"
#: Beginnings of files that are something else, in lower case, and what to do.
_BEGINNINGS = {
    (b"version https://git-lfs",): "a Git LFS pointer, not the file: get that with 'git lfs pull'",
    (b"<",): "a web page, saved in place of the file that it offers: download that",
    (b"\x1f\x8b", b"bzh", b"\xfd7zxz", b"7z\xbc\xaf", b"rar!"): (
        "compressed: unpack it and give what is in it"
    ),
    # What torch.save wrote before it wrote zip archives.
    (b"\x80\x02\x8a\nl\xfc\x9cf\xf9 j\xa8p\x19",): (
        f"cut off, or with Python objects in it that could run code: {_AGAIN}"
    ),
    (b"\x80",): "a Python pickle, which could run code: save the weights with torch.save",
}
_LEGACY_PICKLES = 5  # of a file of torch.save before it wrote zip archives
#: Items of a tuple, those of the tuples in it included.
_MOST_ITEMS = 10**4


def write_weight_file(path: Path, content: Any) -> None:
    """``torch.save``, to the disk itself; OSError where it cannot be written."""
    try:
        torch.save(content, path)
        with path.open("ab") as file:
            # A power cut after a renaming must not find the new name with nothing in it.
            os.fsync(file.fileno())
    except RuntimeError as error:  # of torch's writer, which does not say why
        with path.open("ab") as file:
            file.write(bytes(1 << 20))
        raise OSError(f"writing failed: {str(error).splitlines()[0]}") from error


def read_weight_file(path: Path) -> Any:
    """Content of a file of ``torch.save``, on the CPU: tensors, plain values, NumPy's numbers and
    arrays, and ``argparse.Namespace``; UserError saying what another file is."""
    if not path.is_file():  # a pipe would keep us waiting
        what = "a folder: give a file in it, as checkpoints/model_best.tar" if path.is_dir() else ""
        raise UserError(f"{path}: {what or 'no such file, or none of data'}")
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if any(entry.file_size != entry.compress_size for entry in archive.infolist()):
                    raise ValueError("compressed, perhaps to a bomb; torch.save only stores")
                if archive.testzip():  # torch.load does not compare them
                    raise UserError(f"{path}: damaged (its checksum differs): {_AGAIN}")
                for name in archive.namelist():
                    if name.endswith("data.pkl"):
                        _check_tuples(archive.open(name))
        else:
            with path.open("rb") as file:
                for _ in range(_LEGACY_PICKLES):
                    _check_tuples(file)
        with safe_globals(_HARMLESS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of files that are refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except Exception as error:  # whatever the unpickler trips over
        if isinstance(error, MemoryError) or "allocate" in str(error):
            raise UserError(f"{path}: reading it takes more memory than there is") from None
        raise UserError(f"{path}: {_described(path, start)}") from None


def _check_tuples(pickled: IO[bytes]) -> None:
    """ValueError for a pickle with a tuple so large that to hash it, as a key, may take for ever:
    a tuple twice in a tuple, and so on, is of few bytes.  On the stack are numbers of items."""
    stack, memo, marks = [], {}, []
    for code, argument, _ in pickletools.genops(pickled):
        before = code.stack_before
        if code.name == "MARK":
            marks.append(len(stack))
        elif "PUT" in code.name:
            memo[argument] = stack[-1]
        elif "GET" in code.name:
            stack.append(memo[argument])
        else:
            start = len(stack) - len(before)
            if pickletools.markobject in before:
                start = marks.pop() - before.index(pickletools.markobject)
            items = 1 + sum(stack[start:]) if "TUPLE" in code.name else 1
            if items > _MOST_ITEMS:
                raise ValueError("a tuple of too many items")
            stack[start:] = [items] * len(code.stack_after)


def _described(path: Path, start: bytes) -> str:
    """What a file with that beginning is, if it is no checkpoint, and what to do."""
    if start.startswith(b"PK"):
        return _described_zip(path)
    if start[257:262] == b"ustar":
        return "a tar archive: unpack it and give a checkpoint that is in it"
    if start[8:10] == b'{"':
        return "a safetensors file, which is not read here: save its tensors with torch.save"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if kinds := [kind for starts, kind in _BEGINNINGS.items() if text.startswith(starts)]:
        return kinds[0]
    if text.isascii() and b"\0" not in text:
        return "a text file, not a checkpoint" if start else f"an empty file: {_AGAIN}"
    return "not a checkpoint, or a damaged one"


def _described_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {Path(name).name for name in archive.namelist()}
    except zipfile.BadZipFile:
        return f"cut off, its end is missing: {_AGAIN}"
    if "data.pkl" not in names:
        return "a zip archive, not a checkpoint: unpack it and give a checkpoint that is in it"
    if "constants.pkl" in names:
        return "a TorchScript model: give the checkpoint that it was made of"
    with contextlib.suppress(Exception), safe_globals(_HARMLESS):  # the pickle may be damaged
        if objects := get_unsafe_globals_in_checkpoint(path):
            return (
                f"holds Python objects ({', '.join(sorted(objects))}), which could run code: save "
                "the weights alone, as torch.save(model.state_dict(), …)"
            )
    return f"damaged: {_AGAIN}"


def check_weights(weights: Mapping[str, Tensor], what: str) -> None:
    """UserError, beginning with ``what``, for tensors that are no weights: not of real numbers that
    are finite in float32, or of a shape that the file holds fewer numbers for."""
    for name, value in weights.items():
        fault = ""
        if value.layout != torch.strided or value.device.type != "cpu" or value.is_complex():
            fault = "is no tensor of real numbers"
        elif value.numel() * value.element_size() > value.untyped_storage().nbytes():
            fault = f"has shape {tuple(value.shape)}, and fewer numbers in the file"
        elif not value.float().isfinite().all():
            fault = "holds NaN or infinite values: the training that wrote it has diverged"
        if fault:
            raise UserError(f"{what}: {name[:80]} {fault}")


def load_strictly(module: nn.Module, state_dict: Mapping[str, Tensor], what: str) -> None:
    """Load weights that must fit the module name by name and shape by shape; UserError, beginning
    with ``what``, with how many are missing, unexpected and misshapen, and the first of each."""
    own = module.state_dict()
    faults = {
        # Counters that BatchNorm never reads in forward; files older than PyTorch 0.4.1 lack them.
        "missing": [k for k in own if k not in state_dict and "num_batches_tracked" not in k],
        "unexpected": [name[:80] for name in state_dict if name not in own],
        "of another shape": [
            f"{name} {tuple(value.shape)} for {tuple(own[name].shape)}"
            for name, value in state_dict.items()
            if name in own and value.shape != own[name].shape
        ],
    }
    lines = [
        f"{label} {len(names)} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
        for label, names in faults.items()
        if names
    ]
    if lines:
        raise UserError(f"{what}: weights do not fit the network: {'; '.join(lines)}")
    module.load_state_dict(state_dict, strict=not set(own) - set(state_dict))
