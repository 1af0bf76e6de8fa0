"""The processes of a run and the device of each, through Accelerate.

One process is the usual case.  ``torchrun --nproc_per_node=N train.py …`` starts N on a machine,
with ``--nnodes`` on several machines; the environment it sets tells each process its place.
"""

import contextlib
import os
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from accelerate.utils import DistributedDataParallelKwargs, broadcast_object_list, gather_object
from torch import Tensor, nn

from base.errors import UserError
from dataset.order import Division
from utils.common.device import select_device, torchrun_ranks
from utils.training.batch_norm import synchronise_batch_norm


def _device_of_process(gpu: str) -> torch.device:
    """With several processes each takes the CUDA device of its local rank."""
    if gpu.strip().lower() == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    local = int(os.environ["LOCAL_RANK"])
    if local >= torch.cuda.device_count():
        raise UserError(
            f"--nproc_per_node is over the {torch.cuda.device_count()} CUDA devices of this "
            "machine: start one process for each, or add --gpu cpu"
        )
    return torch.device("cuda", local)


class Processes:
    """Where this process runs, and what it shares with the others.

    Use as a context: leaving it ends the connections.

    Args:
        gpu: the ``--gpu`` option; with several processes only "cpu" matters.

    Attributes:
        device: of this process.
        rank, world: number of this process, and how many there are.
        main: whether this is the one that writes files and speaks.

    Raises:
        UserError: for a device that this machine does not have.
    """

    def __init__(self, gpu: str) -> None:
        device = _device_of_process(gpu) if torchrun_ranks() else select_device(gpu)
        if device.type == "cuda":
            torch.cuda.set_device(device)
        # Accelerate takes the device of a single process from here only.
        os.environ["ACCELERATE_TORCH_DEVICE"] = str(device)
        self._accelerator = Accelerator(cpu=device.type == "cpu")
        self.device = device
        self.rank = self._accelerator.process_index
        self.world = self._accelerator.num_processes
        self.main = self._accelerator.is_main_process

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self._accelerator.end_training()
        # Accelerate remembers its first set-up for the life of the interpreter; a second run in
        # it, on another device, is none of the first one's business.
        GradientState._reset_state()
        AcceleratorState._reset_state(reset_partial_state=True)
        os.environ.pop("ACCELERATE_TORCH_DEVICE", None)

    def division(self, batch_size: int, accumulate: int) -> Division:
        """How a global batch is divided.

        Raises:
            UserError: if it cannot be, evenly.
        """
        if batch_size % (self.world * accumulate):
            several = f"{self.world} processes" + (f" × {accumulate}" if accumulate > 1 else "")
            raise UserError(
                f"batch_size {batch_size} cannot be divided evenly among {several} "
                "(processes × accumulate): --batch_size counts the frames of all of them"
            )
        return Division(self.rank, self.world, accumulate)

    def synchronise(self, model: nn.Module) -> nn.Module:
        """Make BatchNorm's statistics those of the whole batch, if it is divided."""
        return synchronise_batch_norm(model, self.device) if self.world > 1 else model

    def wrap(self, model: nn.Module, all_used: bool) -> nn.Module:
        """The model whose backward pass averages gradients over the processes.

        Args:
            model: on the device.
            all_used: whether every weight takes part in every loss.
        """
        if self.world == 1:
            return model
        self._accelerator.ddp_handler = DistributedDataParallelKwargs(
            find_unused_parameters=not all_used
        )
        return self._accelerator.prepare_model(model, device_placement=False)

    def without_averaging(self, model: nn.Module) -> contextlib.AbstractContextManager[None]:
        """Context of the backward passes whose gradients only add up."""
        return self._accelerator.no_sync(model) if self.world > 1 else contextlib.nullcontext()

    def mean(self, values: Tensor) -> Tensor:
        """Element-wise mean over the processes."""
        return values if self.world == 1 else self._accelerator.reduce(values.clone(), "mean")

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """For each flag, whether it is set in any process; all must call this together."""
        if self.world == 1:
            return flags
        counts = torch.tensor(flags, dtype=torch.float32, device=self.device)
        return tuple((self._accelerator.reduce(counts, "sum") > 0).tolist())

    def gathered(self, items: list[Any]) -> list[Any]:
        """The items of all processes, in the order of their ranks, in each of them."""
        return items if self.world == 1 else gather_object(items)

    def from_main(self, item: Any) -> Any:
        """The main process's item, in each process."""
        return item if self.world == 1 else broadcast_object_list([item])[0]

    def wait(self) -> None:
        """Until all processes are here."""
        self._accelerator.wait_for_everyone()
