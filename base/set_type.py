"""The three sets of the release and the names of their folders."""

from enum import Enum


class SetType(Enum):
    """A split; its value is what ``--data`` takes on the command line."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"

    @property
    def folder(self) -> str:
        """Folder of the split under the data root: TrainSet, ValSet or TestSet."""
        return f"{self.value.title()}Set"
