"""The processes of a run, which torchrun starts, and the device of each, through Accelerate."""

import contextlib
import os
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from accelerate.utils import DistributedDataParallelKwargs, broadcast_object_list, gather_object
from timm.layers import convert_sync_batchnorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from base.errors import UserError
from dataset.order import Division
from utils.common.device import select_device, torchrun_ranks


class _SumOverProcesses(torch.autograd.Function):
    """Sum of a tensor over all processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: object, values: Tensor) -> Tensor:
        total = values.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    backward = forward


class GlobalBatchNorm(_BatchNorm):
    """BatchNorm over the batches of all processes, which must be of the same size: what
    ``nn.SyncBatchNorm`` does on CUDA, in plain operations for any device."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C, …) over everything but C, in all processes together."""
        if not self.training:
            statistics = self.running_mean, self.running_var
            out = F.batch_norm(input, *statistics, self.weight, self.bias, eps=self.eps)
        else:
            values, world = input.float(), dist.get_world_size()
            others = [axis for axis in range(values.dim()) if axis != 1]
            shape = [1, -1] + [1] * (values.dim() - 2)
            mean = _SumOverProcesses.apply(values.mean(others)) / world
            centred = values - mean.view(shape)
            variance = _SumOverProcesses.apply(centred.square().mean(others)) / world
            count = world * values.numel() // values.shape[1]
            with torch.no_grad():
                self.num_batches_tracked += 1
                unbiased = variance * (count / max(1, count - 1))
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(unbiased, self.momentum)
            scale = self.weight * torch.rsqrt(variance + self.eps)
            out = (centred * scale.view(shape) + self.bias.view(shape)).to(input.dtype)
        # timm's BatchNorm has the activation in it.
        return self.act(self.drop(out)) if hasattr(self, "act") else out


def _device_of_process(gpu: str) -> torch.device:
    """With several processes each has the CUDA device of its local rank."""
    ranks = torchrun_ranks()
    if ranks and gpu.strip().lower() != "cpu":
        gpu = str(ranks[2]) if torch.cuda.is_available() else "cpu"
    return select_device(gpu)


class Processes:
    """Where this process runs, and what it shares with the others; a context that ends the
    connections.  ``gpu`` is the option ``--gpu``, of which with several processes only "cpu"
    matters; UserError for a device that this machine does not have.

    ``device`` is that of this process, ``rank`` its number of ``world``; the one that is ``main``
    writes files and prints.
    """

    def __init__(self, gpu: str) -> None:
        self.device = _device_of_process(gpu)
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        # The only way to give Accelerate the device of a single process.
        os.environ["ACCELERATE_TORCH_DEVICE"] = str(self.device)
        self._accelerator = Accelerator(cpu=self.device.type == "cpu")
        self.rank = self._accelerator.process_index
        self.world = self._accelerator.num_processes
        self.main = self._accelerator.is_main_process
        #: Waits until all processes are here.
        self.wait = self._accelerator.wait_for_everyone

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self._accelerator.end_training()
        # Accelerate would keep its set-up for a second run in this interpreter.
        GradientState._reset_state()
        AcceleratorState._reset_state(reset_partial_state=True)
        os.environ.pop("ACCELERATE_TORCH_DEVICE", None)

    def division(self, batch_size: int, accumulate: int) -> Division:
        """How a global batch is divided; UserError if it cannot be, evenly."""
        if batch_size % (self.world * accumulate):
            raise UserError(
                f"batch_size {batch_size} cannot be divided evenly among {self.world} × "
                f"{accumulate} (processes × accumulate): it counts the frames of all of them"
            )
        return Division(self.rank, self.world, accumulate)

    def synchronise(self, model: nn.Module) -> nn.Module:
        """Make BatchNorm's statistics those of the whole batch, if it is divided."""
        if self.world > 1 and self.device.type == "cuda":
            return convert_sync_batchnorm(model)
        for module in model.modules() if self.world > 1 else ():
            if isinstance(module, _BatchNorm):
                module.__class__ = GlobalBatchNorm
        return model

    def wrap(self, model: nn.Module, all_used: bool) -> nn.Module:
        """The model, on the device, whose backward pass averages gradients over the processes;
        ``all_used`` says whether every weight takes part in every loss."""
        if self.world == 1:
            return model
        handler = DistributedDataParallelKwargs(find_unused_parameters=not all_used)
        self._accelerator.ddp_handler = handler
        return self._accelerator.prepare_model(model, device_placement=False)

    def accumulating(self, model: nn.Module, last: bool) -> contextlib.AbstractContextManager[None]:
        """Context of a micro-batch's backward pass: gradients are averaged over the processes in
        the last one of a step, until then they only add up."""
        return contextlib.nullcontext() if last else self._accelerator.no_sync(model)

    def mean(self, values: Tensor) -> Tensor:
        """Element-wise mean over the processes."""
        return self._accelerator.reduce(values, "mean")

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """For each flag, whether it is set in any process; all must call this together."""
        if self.world == 1:  # without waiting for the device
            return flags
        counts = torch.tensor(flags, dtype=torch.float32, device=self.device)
        return tuple((self._accelerator.reduce(counts, "sum") > 0).tolist())

    def gathered(self, items: list[Any]) -> list[Any]:
        """The items of all processes, in the order of their ranks, in each of them."""
        return gather_object(items)

    def from_main(self, item: Any) -> Any:
        """The main process's item, in each process."""
        return broadcast_object_list([item])[0]
