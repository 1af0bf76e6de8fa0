"""Where things are when the person does not say."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGS = REPOSITORY / "experiments" / "configs"

#: Holds TrainSet, ValSet and TestSet.  ``make quickstart`` fills it with the synthetic set.
DEFAULT_DATA_ROOT = REPOSITORY / "data" / "synthetic"

#: The reference's recipe; ``--config`` takes another.
DEFAULT_CONFIG = CONFIGS / "paper.yml"
