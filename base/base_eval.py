"""Contract of an evaluation: fed batch by batch, read at the end."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np


class BaseEval(ABC):
    """Accumulates errors over batches of poses in constant memory per metric."""

    @abstractmethod
    def update(
        self, predicted: np.ndarray, target: np.ndarray, actions: Sequence[str]
    ) -> np.ndarray:
        """Add a batch.

        Args:
            predicted: (B, 16, 3) metres, camera axes, any origin.
            target: (B, 16, 3) metres, camera axes, any origin.
            actions: B clip names.

        Returns:
            (B,) error of each frame, millimetres.
        """

    @abstractmethod
    def results(self) -> dict[str, Any]:
        """Everything measured so far, ready for JSON."""
