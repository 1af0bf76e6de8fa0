"""The extracted release as a dataset; the synthetic set has the same layout and is read by it."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from base.cameras.camera import Camera
from base.errors import BrokenFrameError
from base.frame import FrameId
from dataset.check import Shift, pairing_by_position
from dataset.faults import WRONG_PICTURE, Fault
from dataset.pictures import decode_camera_picture, read_bytes
from dataset.split import Contents, Split
from dataset.tree.index import list_set, load_index

#: Byte positions in a PNG's header: bits a channel, and colour type (channels by type below).
_DEPTH, _COLOUR = 24, 25
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


class Mocap(Split):
    """Frames of the extracted layout, pictures and labels paired by frame number."""

    def read(self, check: bool) -> Contents:
        """From the cached index of the set's folder, if nothing has changed in it."""
        table, self._pictures, faults = load_index(self.folder, check, self.unstated)
        return Contents(table, self._pictures != b"", faults)

    def image(self, row: int) -> np.ndarray:
        """The PNG."""
        path, code = self.root / self._picture(row), self.table.rows["headset"][row]
        camera = self.table.headsets[code].camera
        return decode_camera_picture(read_bytes(path), path, camera)

    def picture_path(self, index: int) -> Path:
        """Where the picture of a frame lies."""
        return self.root / self._picture(self._rows[index])

    def _picture(self, row: int) -> str:
        return f"{self.camera_folder(row)}/rgba/{os.fsdecode(self._pictures[row])}"

    def camera_folder(self, row: int) -> str:
        """Where a frame's files lie, relative to the data root."""
        frame = self.table.frame_id(row)
        return f"{self.folder.name}/{frame.character}/{frame.environment}/cam_down"

    def where(self, row: int) -> str:
        """The json, by its usual name."""
        frame = self.table.frame_id(row)
        return f"{self.camera_folder(row)}/json/{frame.character}_{frame.number:06d}.json"

    def picture_checks(self) -> list[Callable[[], list[Fault]]]:
        """Pictures without a label are read too: as if they were of the first headset."""
        headsets = self.table.headsets or [self.unstated]
        code_of = {
            self.table.frame_id(row): code for row, code in enumerate(self.table.rows["headset"])
        }
        return [
            partial(
                self._picture_faults,
                f"{folder.path}/rgba/{name}",
                folder.frame_id(number),
                headsets[code_of.get(folder.frame_id(number), 0)].camera,
            )
            for folder in list_set(self.folder).camera_folders()
            for number, name in folder.pictures.items()
        ]

    def _picture_faults(self, where: str, frame_id: FrameId, camera: Camera) -> list[Fault]:
        try:
            data = read_bytes(self.root / where)
            decode_camera_picture(data, where, camera)
        except BrokenFrameError as error:
            return [Fault.of_file(error, where, frame_id)]
        if data[1:4] == b"PNG":
            channels, bits = _CHANNELS.get(data[_COLOUR], 0), data[_DEPTH]
            if channels not in (3, 4) or bits != 8:
                return [
                    Fault(WRONG_PICTURE, where, f"{channels} channels of {bits} bits", frame_id)
                ]
        return []

    def shifts(self) -> list[Shift]:
        """Folders whose sorted lists do not correspond."""
        found = (
            pairing_by_position(folder.path, list(folder.pictures), list(folder.labels))
            for folder in list_set(self.folder).camera_folders()
        )
        return [shift for shift in found if shift]
