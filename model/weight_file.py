"""Weights: files read without running any code of theirs, or named for what they are instead; and
loaded into a network with one clear line for whatever does not fit."""

import argparse
import contextlib
import os
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
]
_AGAIN = "copy or download it again"
#: Beginnings of files that are something else, in lower case, and what to do.
_BEGINNINGS = {
    b"version https://git-lfs": "a Git LFS pointer, not the file: get that with 'git lfs pull'",
    b"<": "a web page, saved in place of the file that it offers: download that",
}


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
                if archive.testzip():  # torch.load does not compare them
                    raise UserError(f"{path}: damaged (its checksum differs): {_AGAIN}")
        with safe_globals(_HARMLESS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of files that are refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except Exception as error:  # whatever the unpickler trips over
        if isinstance(error, MemoryError) or "allocate" in str(error):
            raise UserError(f"{path}: reading it takes more memory than there is") from None
        raise UserError(f"{path}: {_described(path, start)}") from None


def _described(path: Path, start: bytes) -> str:
    """What a file with that beginning is, if it is no checkpoint, and what to do."""
    for beginning, kind in _BEGINNINGS.items():
        if start.lstrip().lower().startswith(beginning):
            return kind
    with contextlib.suppress(Exception), safe_globals(_HARMLESS):  # the pickle may be damaged
        if objects := get_unsafe_globals_in_checkpoint(path):
            return (
                f"holds Python objects ({', '.join(sorted(objects))}), which could run code: save "
                "the weights alone, as torch.save(model.state_dict(), …)"
            )
    return f"not a checkpoint of torch.save, or one that is cut off or damaged: {_AGAIN}"


def check_weights(weights: Mapping[str, Tensor], what: str) -> None:
    """UserError, beginning with ``what``, for weights that are no real numbers (sparse, quantised,
    without storage), or not finite in float32."""
    for name, value in weights.items():
        plain = value.layout == torch.strided and value.device.type == "cpu"
        if not plain or value.is_complex() or value.is_quantized:
            raise UserError(f"{what}: {name[:80]} is no plain tensor of real numbers")
        if not value.float().isfinite().all():
            fault = "holds NaN or infinite values: the training that wrote it has diverged"
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
