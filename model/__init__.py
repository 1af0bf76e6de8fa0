"""The networks, and the registry of model kinds.

A kind of model is one file with a subclass of :class:`model.pose_model.PoseModel` and one line in
:data:`KINDS`; doc/extending.md shows how.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from base.errors import UserError, shown
from base.registry import load_class

if TYPE_CHECKING:
    from model.pose_model import PoseModel

#: ``model.kind`` of the configuration → "module:class".
KINDS = {
    "autoencoder": "model.autoencoder:Autoencoder",
    "transformer": "model.transformer:Transformer",
}
#: The stages that they are trained in, each by some, see :attr:`PoseModel.training_types`.
TRAINING_TYPES = ("train2d", "train3d", "finetune", "temporal")


def model_class(kind: str) -> "type[PoseModel]":
    """The class of a kind of model; a :class:`UserError` for one that is not registered."""
    if not isinstance(kind, str) or kind not in KINDS:
        raise UserError(f"model.kind: there is {', '.join(KINDS)}, but no {shown(kind)}")
    return load_class(KINDS[kind])


def build(settings: Any, input_size: int, parts: Collection[str] | None = None) -> "PoseModel":
    """A network with random weights, on the CPU, in training mode.

    Args:
        settings: the section ``model`` of a configuration; a UserError for an unknown backbone.
        input_size: side S of the network's picture, pixels.
        parts: the parts it has, of :attr:`PoseModel.parts`; None for those of the stage finetune.
    """
    kind = model_class(settings.kind)
    if parts is None:
        parts = kind.training_types["finetune"].parts
    return kind(getattr(settings, settings.kind), settings.backbone, input_size, parts)
