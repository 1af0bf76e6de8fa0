"""The extracted release as a dataset; the synthetic set has the same layout and is read by it."""

import os
from collections.abc import Sequence
from pathlib import Path

from base.frame import FrameId
from base.set_type import SetType
from dataset.bone_labels import BoneLabels, read_bone_labels
from dataset.split import Contents, Split
from dataset.tree.index import load_index


class Mocap(Split):
    """Frames of the extracted layout, pictures and labels paired by frame number."""

    layout = "TrainSet, ValSet or TestSet with CHARACTER/ENVIRONMENT/cam_down"

    @classmethod
    def sets(cls, root: Path) -> list[SetType]:
        """Those that have a folder, where one has that layout, or is empty, or cannot be read."""
        found = super().sets(root)
        return found if any(_is_set(Path(root) / each.folder) for each in found) else []

    def read(self, check: bool) -> Contents:
        """From the cached index of the set's folder, if nothing has changed in it."""
        table, self._pictures, faults = load_index(self.folder, check, self.unstated)
        return Contents(table, self._pictures != b"", faults)

    def picture_path(self, index: int) -> Path:
        """Where the picture of a frame lies."""
        return self.root / self.picture_where(self._rows[index])

    def picture_where(self, row: int) -> str:
        """The file that was found."""
        return f"{self._camera_folder(row)}/rgba/{os.fsdecode(self._pictures[row])}"

    def where(self, row: int) -> str:
        """The json, by its usual name."""
        frame = self.table.frame_id(row)
        return f"{self._camera_folder(row)}/json/{frame.character}_{frame.number:06d}.json"

    def bone_labels(self, frames: Sequence[FrameId]) -> BoneLabels | None:
        """From the files once more: the index has none."""
        rows = {self.table.frame_id(row): row for row in self._rows}
        return read_bone_labels([self.root / self.where(rows[frame]) for frame in frames])

    def _camera_folder(self, row: int) -> str:
        frame = self.table.frame_id(row)
        return f"{self.folder.name}/{frame.character}/{frame.environment}/cam_down"


def _is_set(folder: Path, level: int = 0) -> bool:
    """Whether a set's folder holds CHARACTER/ENVIRONMENT/cam_down, or nothing, or what may not be
    read; ``level``: of a folder that far below it."""
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.name[0] != "."]
    except NotADirectoryError:
        return False
    except OSError:
        return True
    if level == 2:
        return "cam_down" in names
    return not (names or level) or any(_is_set(folder / name, level + 1) for name in names)
