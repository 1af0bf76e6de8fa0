"""Checking every file of an extracted set."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from base.camera import RELEASE_CAMERA
from base.errors import BrokenFrameError, UserError
from base.frame import FrameId
from base.set_type import SetType
from dataset.faults import (
    BAD_LABEL,
    BAD_PICTURE,
    LABEL_ALONE,
    PICTURE_ALONE,
    WRONG_PICTURE,
    Fault,
    SetReport,
    check_character,
    check_label,
    pairing_by_position,
)
from dataset.index import (
    LABEL_NAME,
    PICTURE_NAME,
    camera_folders,
    folder_identity,
    numbered_files,
    split_folder,
)
from dataset.labels import Label, read_label
from dataset.pictures import read_picture
from dataset.skip_list import read_skip_list

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
    split = split_folder(root, set_type)
    report = SetReport(set_type)
    folders = camera_folders(split)
    listed = [
        (
            name,
            numbered_files(split / name / "rgba", PICTURE_NAME),
            numbered_files(split / name / "json", LABEL_NAME),
        )
        for name in folders
    ]
    for character in sorted({folder_identity(name)[0] for name in folders}):
        check_character(report, character)
    total = sum(len(found.keys() | labels.keys()) for _, found, labels in listed)
    if total == 0:
        raise UserError(f"{split}: holds no frame under CHARACTER/ENVIRONMENT/cam_down")
    with (
        ThreadPoolExecutor(jobs) as pool,
        tqdm(total=total, desc=f"checking {split.name}", unit="frame", leave=False) as bar,
    ):
        for name, found, labels in listed:
            _check_folder(report, split, name, found, labels, pool, bar, pictures, max_residual)
    report.sort_out(read_skip_list(root, set_type))
    return report


def _check_folder(
    report: SetReport,
    split: Path,
    name: str,
    found: dict[int, str],
    labels: dict[int, str],
    pool: ThreadPoolExecutor,
    bar: tqdm,
    pictures: bool,
    max_residual: float,
) -> None:
    character, environment = folder_identity(name)
    labels_only = not (split / name / "rgba").is_dir()
    shift = pairing_by_position(f"{split.name}/{name}", list(found), list(labels))
    if shift is not None:
        report.shifts.append(shift)

    def check(number: int) -> tuple[Label | str | None, tuple[str, str] | None]:
        label = picture_fault = None
        if number in labels:
            try:
                label = read_label(split / name / "json" / labels[number])
            except BrokenFrameError as error:
                label = str(error)
        if number in found and pictures:
            picture_fault = _picture_fault(split / name / "rgba" / found[number])
        return label, picture_fault

    numbers = sorted(found.keys() | labels.keys())
    for number, (label, picture_fault) in zip(numbers, pool.map(check, numbers), strict=True):
        bar.update()
        frame_id = FrameId(character, environment, number)
        picture_path = f"{split.name}/{name}/rgba/{found.get(number)}"
        label_path = f"{split.name}/{name}/json/{labels.get(number)}"

        def add(kind: str, where: str, detail: str, frame_id: FrameId = frame_id) -> None:
            # Messages of single files name the file first; the report names it by itself.
            report.faults.append(Fault(kind, where, detail.rpartition(f"{where}: ")[2], frame_id))

        if number not in labels:
            add(PICTURE_ALONE, picture_path, f"no label has number {number}")
        elif isinstance(label, str):
            add(BAD_LABEL, label_path, label)
        else:
            check_label(report, label, frame_id, label_path, max_residual)
        if number not in found and not labels_only:
            add(LABEL_ALONE, label_path, f"no picture has number {number}")
        if picture_fault is not None:
            add(picture_fault[0], picture_path, picture_fault[1])
        if labels_only:
            report.label_frames += 1
        elif number in found and number in labels:
            report.frames += 1
            report.characters[character] += 1


def _picture_fault(path: Path) -> tuple[str, str] | None:
    """Kind and reason of what is wrong with a picture's file."""
    try:
        height, width = read_picture(path).shape[:2]
        with path.open("rb") as file:
            header = file.read(26)
    except BrokenFrameError as error:
        return BAD_PICTURE, str(error)
    if (width, height) != (RELEASE_CAMERA.width, RELEASE_CAMERA.height):
        return WRONG_PICTURE, f"{width}×{height} pixels"
    if header[1:4] == b"PNG":
        channels, bits = _CHANNELS.get(header[_COLOUR], 0), header[_DEPTH]
        if channels not in (3, 4) or bits != 8:
            return WRONG_PICTURE, f"{channels} channels of {bits} bits"
    return None
