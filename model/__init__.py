"""The networks, and the registry of model kinds; doc/extending.md shows how to add one."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from base.errors import UserError, shown
from base.registry import load_class

if TYPE_CHECKING:
    from model.pose_model import PoseModel

#: ``model.kind`` of the configuration → "module:class" of a :class:`model.pose_model.PoseModel`.
KINDS = {
    "autoencoder": "model.paper_model:Autoencoder",
    "transformer": "model.transformer_model:Transformer",
}
#: The stages that they are trained in, each by some, see :attr:`PoseModel.training_types`.
TRAINING_TYPES = ("train2d", "train3d", "finetune", "temporal")


def model_class(kind: str) -> "type[PoseModel]":
    """The class of a kind of model; a :class:`UserError` for one that is not registered."""
    if not isinstance(kind, str) or kind not in KINDS:
        raise UserError(f"model.kind: there is {', '.join(KINDS)}, but no {shown(kind)}")
    return load_class(KINDS[kind])


def build(settings: Any, input_size: int, parts: Collection[str] | None = None) -> "PoseModel":
    """A network with random weights, on the CPU, in training mode, for pictures of side S pixels:
    of the section ``model`` of a configuration, with some of :attr:`PoseModel.parts`, by default
    those of the stage finetune; UserError for an unknown backbone."""
    kind = model_class(settings.kind)
    parts = kind.training_types["finetune"].parts if parts is None else parts
    return kind(getattr(settings, settings.kind), settings.backbone, input_size, parts)
