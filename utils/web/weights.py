"""ONNX files of half the size, of weights that were stored in half precision."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
from torch import Tensor

#: Numbers of a tensor from which on it pays.
_LEAST = 512
#: By how much a product of a half and its channel's factor may be off, relatively: rounding.
_ROUNDING = 1e-6


def halve_weights(path: Path, trained: Mapping[str, Tensor]) -> None:
    """Rewrite an export so that weights which half precision holds exactly are stored in it; they
    become float32 when it is loaded. Of a convolution into which a batch norm was folded the
    weights as ``trained`` (name → tensor of the model) are stored, and a factor a channel."""
    model = onnx.load(path)
    nodes, factors = [], []
    for tensor in model.graph.initializer:
        values, name = numpy_helper.to_array(tensor), tensor.name
        if values.dtype != np.float32 or values.size < _LEAST:
            continue
        source, factor = values, None
        if not _is_half(values) and (own := trained.get(name.removeprefix("model."))) is not None:
            source, factor = own.numpy(), _factor(values, own.numpy())
        if not _is_half(source) or (source is not values and factor is None):
            continue
        tensor.CopyFrom(numpy_helper.from_array(source.astype(np.float16), f"{name}.half"))
        whole = name if factor is None else f"{name}.trained"
        nodes.append(helper.make_node("Cast", [f"{name}.half"], [whole], to=onnx.TensorProto.FLOAT))
        if factor is not None:
            factors.append(numpy_helper.from_array(factor, f"{name}.factor"))
            nodes.append(helper.make_node("Mul", [whole, f"{name}.factor"], [name]))
    for node in reversed(nodes):  # before the nodes that use them
        model.graph.node.insert(0, node)
    model.graph.initializer.extend(factors)
    path.write_bytes(model.SerializeToString())


def _is_half(values: np.ndarray) -> bool:
    return np.array_equal(values.astype(np.float16), values)


def _factor(values: np.ndarray, source: np.ndarray) -> np.ndarray | None:
    """What each channel, the first axis, of ``source`` was multiplied by to become ``values``, of
    a shape that multiplies it; None where they are related otherwise."""
    if source.shape != values.shape:
        return None
    rows, whole = (array.reshape(len(array), -1) for array in (source, values))
    largest = np.abs(rows).argmax(1)[:, None]
    there, here = (np.take_along_axis(array, largest, 1) for array in (rows, whole))
    factor = np.divide(here, there, out=np.zeros_like(here), where=there != 0)
    if not np.allclose(rows * factor, whole, rtol=_ROUNDING, atol=1e-12):
        return None
    return factor.reshape(-1, *[1] * (values.ndim - 1))
