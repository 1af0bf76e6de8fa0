"""Which stage trains which kind of model."""

from utils.config import Config
from utils.engine.paper_stages import Finetune, Train2D, Train3D
from utils.engine.stage import Stage
from utils.engine.temporal_stage import TransformerTemporal
from utils.engine.transformer_stages import TransformerFinetune, TransformerTrain3D

TRAINING_TYPES = ("train2d", "train3d", "finetune")
#: Trained after them, on videos, where it is asked for.
TEMPORAL = "temporal"

_STAGES: dict[str, dict[str, type[Stage]]] = {
    "autoencoder": {"train2d": Train2D, "train3d": Train3D, "finetune": Finetune},
    "transformer": {
        "train2d": Train2D,
        "train3d": TransformerTrain3D,
        "finetune": TransformerFinetune,
        TEMPORAL: TransformerTemporal,
    },
}


def stage_class(training_type: str, config: Config) -> type[Stage]:
    """The stage of a training type for the kind of model of a configuration."""
    return _STAGES[config.model.kind][training_type]
