"""From the ``--gpu`` option to a torch device and a precision it handles well."""

import contextlib
import ctypes
import os
import platform

import torch

from base.errors import UserError

_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


def torchrun_ranks() -> tuple[int, int, int] | None:
    """This process's number, how many there are, its number on this machine, as torchrun sets them;
    None for a process on its own; UserError where only some of that is set."""
    given = [os.environ.get(name, "") for name in _TORCHRUN]
    if all(given) and all(number.isdecimal() for number in given[:3]):
        rank, world, local = map(int, given[:3])
        return rank, world, local
    if os.environ.get("WORLD_SIZE", "1") != "1" or "LOCAL_RANK" in os.environ:
        raise UserError(
            f"of {', '.join(_TORCHRUN)} only some are set: start several processes with 'torchrun "
            "--nproc_per_node=N', one with 'env -u WORLD_SIZE -u LOCAL_RANK python …'"
        )
    return None


def select_device(gpu: str) -> torch.device:
    """Device that ``--gpu`` means on this machine; says so in one line when it is not CUDA;
    UserError for a device that this machine does not have."""
    name = gpu.strip().lower()
    if name == "cpu":
        return torch.device("cpu")
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise UserError("--gpu mps: this machine has no MPS device; use --gpu cpu")
        return torch.device("mps")
    name = "0" if name in ("cuda", "cuda:0") else name
    if not name.isdecimal():
        raise UserError(f"--gpu {gpu}: not a device number, 'cpu', 'mps' or 'cuda'")
    index, count = int(name), torch.cuda.device_count()
    if index < count:
        return torch.device("cuda", index)
    if count:
        known = f"this machine has CUDA devices 0 to {count - 1}"
        raise UserError(f"--gpu {gpu}: {known}; torchrun starts one process for each, at most")
    if index > 0:
        raise UserError(f"--gpu {gpu}: this machine has no CUDA device; use --gpu 0 or --gpu cpu")
    fallback = "mps" if torch.backends.mps.is_available() else "cpu"
    print(f"No CUDA device here: running on {fallback.upper()}.")
    return torch.device(fallback)


def fast_bf16(device: torch.device) -> bool:
    """Whether the device computes bfloat16 products in hardware."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported()
    return False


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[None]:
    """Context that runs the forward pass in ``precision``: "fp32", "bf16", "fp16", or "auto" (bf16
    where the device has it in hardware, fp32 elsewhere)."""
    if precision == "fp16":
        return torch.autocast(device.type, torch.float16)
    if precision == "bf16" or (precision == "auto" and fast_bf16(device)):
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


def _keep_large_blocks() -> None:
    """Let glibc use freed blocks of any size again instead of giving them back to the kernel, which
    would clear each page of the half-precision copies of large matrices that each step allocates
    anew: half of a small batch's time."""
    # Pages of 2 MiB; PyTorch reads this when it first allocates.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(-4, 0)  # M_MMAP_MAX: no block is mapped on its own
        libc.mallopt(-1, -1)  # M_TRIM_THRESHOLD: no memory goes back to the kernel


def prepare_device(device: torch.device, precision: str, tf32: bool) -> None:
    """Set what holds for all training on a device; UserError for fp16 on the CPU."""
    if device.type == "cpu":
        if precision == "fp16":
            raise UserError("precision fp16 needs a GPU: on the CPU use bf16, fp32 or auto")
        _keep_large_blocks()
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32
        # Every batch has one shape: cuDNN measures once which kernels are fastest.
        torch.backends.cudnn.benchmark = True
