"""Which checkpoints a run keeps: the last few epochs', the best to use (without the optimiser's
state), and the newest within an epoch."""

from pathlib import Path
from typing import Any

from base.files import make_folder
from base.lock import clear_leftovers
from utils.common.checkpoint import (
    BEST,
    checkpoint_name,
    list_checkpoints,
    save_checkpoint,
    without_optimizer,
)


class CheckpointManager:
    """Writes checkpoints to a folder and keeps the last ``keep`` epochs', or all if None; what
    killed runs left half-written is removed at the start."""

    def __init__(self, folder: Path, keep: int | None) -> None:
        self.folder = make_folder(folder)
        self.keep = keep
        clear_leftovers(folder)

    def save(self, content: dict[str, Any], epoch: int, step: int, is_best: bool) -> Path:
        """Write a checkpoint after ``epoch`` whole epochs and ``step`` steps of the next; UserError
        where that is not possible: all older ones are still there."""
        if is_best:
            # Before the numbered one: a run killed between the two does the epoch again, and a
            # resumed one does not count a best that was not written.
            save_checkpoint(self.folder / BEST, without_optimizer(content))
        path = self.folder / checkpoint_name(epoch, step)
        save_checkpoint(path, content)
        epochs = 0
        for other, position in list_checkpoints(self.folder).items():
            if position <= (epoch, step):
                epochs += position[1] == 0
                too_old = self.keep is not None and epochs > self.keep
                if other != path and (position[1] > 0 or too_old):
                    other.unlink(missing_ok=True)
        return path
