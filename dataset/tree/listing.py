"""What lies in the folders of a set, and which of them cannot be read."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from base.errors import UserError
from base.set_type import SetType
from dataset.faults import UNREADABLE_FOLDER, Fault
from dataset.tree.names import CameraFolder, pair_files

#: Files and folders asked for at a time: a disk or a network answers many in the time of one.
READERS = 8


def sets_in(root: Path) -> list[SetType]:
    """The sets that have a folder in a data root.

    Raises:
        UserError: where the root cannot be read.
    """
    try:
        names = {entry.name for entry in os.scandir(root)}
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(f"{root}: cannot be read ({error.strerror})") from None
    return [set_type for set_type in SetType if set_type.folder in names]


def split_folder(root: Path, set_type: SetType) -> Path:
    """Folder of a split.

    Raises:
        UserError: where it is not there.
    """
    if set_type not in sets_in(root):
        raise UserError(
            f"no {set_type.folder} in {root}: give the folder that holds TrainSet, ValSet and "
            "TestSet with --data_root, or make a synthetic set with "
            f"'python utils/make_synthetic.py --output {root}'"
        )
    return Path(root) / set_type.folder


@dataclass(slots=True)
class Listing:
    """Names of the files of a set.

    Attributes:
        folders: path of each ``cam_down`` folder relative to the data root → what
            :func:`~dataset.tree.names.pair_files` takes.
        faults: folders above those that cannot be read.
        signature: changes whenever a file comes, goes or is renamed, and when a label is written.
    """

    folders: dict[str, dict[str, list[str] | Fault]]
    faults: list[Fault]
    signature: str

    def camera_folders(self) -> list[CameraFolder]:
        """The frames of each folder."""
        return [pair_files(path, content) for path, content in self.folders.items()]


def list_split(root: Path, set_type: SetType) -> Listing:
    """List a set: CHARACTER/ENVIRONMENT/cam_down with ``rgba`` and ``json``, links followed.

    Raises:
        UserError: for a set that is not there.
    """
    root = split_folder(root, set_type).parent
    faults: list[Fault] = []

    def below(folder: str) -> list[str]:
        """Paths of what lies in a folder, none where it is a file or cannot be read."""
        names = _scan(root, folder)
        if isinstance(names, Fault):
            faults.append(names)
            return []
        return [f"{folder}/{name}" for name in names]

    cameras = [
        camera
        for character in below(set_type.folder)
        for environment in below(character)
        for camera in below(environment)
        if camera.endswith("/cam_down")
    ]
    passes = [
        path for camera in cameras for path in below(camera) if path.endswith(("/rgba", "/json"))
    ]
    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(lambda path: _scan(root, path, path.endswith("/json")), passes))
    folders: dict[str, dict[str, list[str] | Fault]] = {camera: {} for camera in cameras}
    for path, names in zip(passes, found, strict=True):
        camera, _, kind = path.rpartition("/")
        folders[camera][kind] = names if isinstance(names, Fault) else list(names)
    digest = hashlib.blake2b(repr((cameras, faults, passes)).encode())
    for names in found:
        digest.update(repr(names).encode())
    return Listing(folders, faults, digest.hexdigest())


def _scan(root: Path, folder: str, stamped: bool = False) -> dict[str, str] | Fault:
    """Name → size and time of change (where asked for) of what lies in a folder, but hidden."""
    found = {}
    try:
        with os.scandir(root / folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    found[entry.name] = _stamp(entry) if stamped else ""
    except NotADirectoryError:
        return {}
    except OSError as error:
        return Fault(UNREADABLE_FOLDER, folder, str(error.strerror))
    return dict(sorted(found.items()))


def _stamp(entry: os.DirEntry) -> str:
    try:
        stat = entry.stat()
    except OSError:
        return "unknown"
    return f"{stat.st_size} {stat.st_mtime_ns}"
