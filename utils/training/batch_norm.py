"""BatchNorm whose statistics are those of the global batch, on any device.

With them several processes train as one does: the normalisation of a frame does not depend on
which process it happens to be in.
"""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class _SumOverProcesses(torch.autograd.Function):
    """Sum of a tensor over all processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: object, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


class GlobalBatchNorm(_BatchNorm):
    """What ``nn.SyncBatchNorm`` does, which exists for CUDA only, in plain operations.

    Parameters, buffers and their names are those of ``nn.BatchNorm2d``.  All processes must give
    batches of the same size.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected (B, C, …), got {tuple(input.shape)}")

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C, …) over everything but C, in all processes together."""
        self._check_input_dim(input)
        if not self.training:
            statistics = (self.running_mean, self.running_var)
            return F.batch_norm(input, *statistics, self.weight, self.bias, eps=self.eps)
        values = input.float()
        others = [axis for axis in range(values.dim()) if axis != 1]
        world = dist.get_world_size()
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
        return (centred * scale.view(shape) + self.bias.view(shape)).to(input.dtype)


def _replaced(module: nn.Module) -> nn.Module:
    for name, child in module.named_children():
        setattr(module, name, _replaced(child))
    if not isinstance(module, _BatchNorm):
        return module
    norm = GlobalBatchNorm(module.num_features, module.eps, module.momentum)
    norm.weight, norm.bias = module.weight, module.bias
    norm.running_mean, norm.running_var = module.running_mean, module.running_var
    norm.num_batches_tracked = module.num_batches_tracked
    return norm.train(module.training)


def synchronise_batch_norm(model: nn.Module, device: torch.device) -> nn.Module:
    """The model with each BatchNorm replaced by one that shares its statistics; same weights."""
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return _replaced(model)
