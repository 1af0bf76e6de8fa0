"""Which checkpoints a run keeps: the last few epochs', the best, and the newest within an epoch."""

from pathlib import Path
from typing import Any

from utils.common.checkpoint import (
    BEST,
    TrainingState,
    checkpoint_name,
    checkpoint_position,
    list_checkpoints,
    save_checkpoint,
)
from utils.common.config import CheckpointSection


class Keeper:
    """Writes checkpoints to a folder and removes those that are no longer wanted.

    Whatever happens, a whole checkpoint is there: an old one goes only once the new one is
    written.

    Args:
        folder: where they lie; what killed runs left half-written there is removed.
        settings: how many to keep.
    """

    def __init__(self, folder: Path, settings: CheckpointSection) -> None:
        self.folder = folder
        self.settings = settings
        for part in folder.glob(".*.part.tar"):
            part.unlink(missing_ok=True)

    def save(self, content: dict[str, Any], state: TrainingState, is_best: bool) -> Path:
        """Write a checkpoint under the name of its position.

        Raises:
            UserError: where that is not possible; all older ones are still there.
        """
        if is_best:
            # Before the numbered one: a run killed between the two does the epoch again, and a
            # resumed one never believes in a best that was not written.
            save_checkpoint(self.folder / BEST, content)
        path = self.folder / checkpoint_name(state.epoch, state.step)
        save_checkpoint(path, content)
        self._remove_old(path)
        return path

    def _remove_old(self, newest: Path) -> None:
        older = [
            path
            for path in list_checkpoints(self.folder)
            if checkpoint_position(path) < checkpoint_position(newest)
        ]
        epochs = [path for path in older if checkpoint_position(path)[1] == 0]
        within = [path for path in older if checkpoint_position(path)[1] > 0]
        if self.settings.keep is not None:
            # The newest counts if it ends an epoch.
            kept = self.settings.keep - (checkpoint_position(newest)[1] == 0)
            within += epochs[kept:]
        for path in within:
            path.unlink(missing_ok=True)
