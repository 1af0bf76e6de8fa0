"""Checking every file of an extracted set."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from base.errors import BrokenFrameError, UserError
from base.frame import FrameId
from base.set_type import SetType
from dataset.faults import (
    WRONG_PICTURE,
    Fault,
    SetReport,
    check_character,
    check_label,
    pairing_by_position,
)
from dataset.pictures import decode_release_picture, read_bytes
from dataset.skip_list import read_skip_list
from dataset.tree.index import build_index
from dataset.tree.listing import list_split
from dataset.tree.names import folder_identity

#: Byte positions in a PNG's header: bits a channel, and colour type (channels by type below).
_DEPTH, _COLOUR = 24, 25
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def check_tree(
    root: Path, set_type: SetType, pictures: bool, jobs: int, max_residual: float
) -> SetReport:
    """Check a set, file by file.

    Args:
        root: data root.
        set_type: which set.
        pictures: decode every picture; False looks at names and labels only.
        jobs: decoding threads.
        max_residual: 2D joints may lie so many pixels off the projections of the 3D ones.

    Raises:
        UserError: for a set that is not there or empty.
    """
    listing = list_split(root, set_type)
    folders = listing.camera_folders()
    index = build_index(root, folders, listing.faults)
    report = SetReport(set_type, faults=list(index.faults))
    if not (report.faults or len(index.number)):
        raise UserError(
            f"{root / set_type.folder}: holds no frame under CHARACTER/ENVIRONMENT/cam_down"
        )
    for character in sorted({folder_identity(folder.path)[0] for folder in folders}):
        check_character(report, character)
    for folder in folders:
        shift = pairing_by_position(folder.path, list(folder.pictures), list(folder.labels))
        report.shifts += [shift] if shift else []
    for row in range(len(index.number)):
        folder, frame_id = folders[index.folder[row]], index.frame_id(row)
        where = f"{folder.path}/json/{folder.labels[frame_id.number]}"
        check_label(report, index.label(row), frame_id, where, max_residual)
        if index.picture[row]:
            report.frames.append(frame_id)
        else:
            report.label_frames += 1
    if pictures:
        total = sum(len(folder.pictures) for folder in folders)
        with (
            ThreadPoolExecutor(jobs) as pool,
            tqdm(total=total, desc=f"checking {set_type.folder}", unit="frame", leave=False) as bar,
        ):
            for folder in folders:
                paths = [f"{folder.path}/rgba/{name}" for name in folder.pictures.values()]
                ids = [folder.frame_id(number) for number in folder.pictures]
                for fault in pool.map(lambda w, f: _picture_fault(root, w, f), paths, ids):
                    report.faults += [fault] if fault else []
                    bar.update()
    report.sort_out(read_skip_list(root, set_type))
    return report


def _picture_fault(root: Path, where: str, frame_id: FrameId) -> Fault | None:
    """What is wrong with a picture's file."""
    try:
        data = read_bytes(root / where)
        decode_release_picture(data, where)
    except BrokenFrameError as error:
        return Fault.of_file(error, where, frame_id)
    if data[1:4] == b"PNG":
        channels, bits = _CHANNELS.get(data[_COLOUR], 0), data[_DEPTH]
        if channels not in (3, 4) or bits != 8:
            return Fault(WRONG_PICTURE, where, f"{channels} channels of {bits} bits", frame_id)
    return None
