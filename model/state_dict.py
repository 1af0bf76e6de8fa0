"""Reading state dicts with one clear line for whatever is wrong with them."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from base.errors import UserError

_DATA_PARALLEL = "module."
_KEYS_SHOWN = 3


def is_state_dict(content: object) -> bool:
    """Whether this is a mapping of names to tensors, and not empty."""
    return (
        isinstance(content, Mapping)
        and len(content) > 0
        and all(isinstance(name, str) for name in content)
        and all(isinstance(value, Tensor) for value in content.values())
    )


def strip_prefix(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict without the ``module.`` that ``DataParallel`` puts before every name."""
    if all(name.startswith(_DATA_PARALLEL) for name in state_dict):
        return {name.removeprefix(_DATA_PARALLEL): value for name, value in state_dict.items()}
    return dict(state_dict)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_KEYS_SHOWN])
    return f"{len(names)} ({shown}{', …' if len(names) > _KEYS_SHOWN else ''})"


def load_strictly(module: nn.Module, state_dict: Mapping[str, Tensor], what: str) -> None:
    """Load weights that must fit the module name by name and shape by shape.

    Args:
        module: where they go; unchanged if they do not fit.
        state_dict: names without the prefix ``module.``.
        what: whose weights these are, the beginning of an error's line.

    Raises:
        UserError: naming the first missing, unexpected and misshapen weights and how many there
            are of each.
    """
    own = module.state_dict()
    # Counters that BatchNorm never reads in forward; files older than PyTorch 0.4.1 lack them.
    missing = [k for k in own if k not in state_dict and not k.endswith("num_batches_tracked")]
    unexpected = [name for name in state_dict if name not in own]
    misshapen = [
        f"{name} {tuple(state_dict[name].shape)} for {tuple(own[name].shape)}"
        for name in own
        if name in state_dict and state_dict[name].shape != own[name].shape
    ]
    faults = [
        f"{label} {_some(names)}"
        for label, names in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", misshapen),
        )
        if names
    ]
    if faults:
        raise UserError(f"{what}: weights do not fit the network: {'; '.join(faults)}")
    module.load_state_dict(state_dict, strict=not set(own) - set(state_dict))
