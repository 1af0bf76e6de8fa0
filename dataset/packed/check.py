"""Checking every shard of a packed set against its index."""

import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from isal import isal_zlib
from tqdm import tqdm

from base.errors import BrokenFrameError
from base.frame import FrameId
from base.set_type import SetType
from dataset.faults import (
    BAD_LABEL,
    BAD_SHARD,
    Fault,
    SetReport,
    check_character,
    check_label,
)
from dataset.labels import MAX_DISTANCE, Label
from dataset.packed.packed import Packed
from dataset.packed.shards import encode_sample, frame_key
from dataset.pictures import decode_picture
from dataset.skip_list import read_skip_list
from dataset.transforms import SquareCrop


def check_packed(
    root: Path, set_type: SetType, pictures: bool, jobs: int, max_residual: float
) -> SetReport:
    """Check a packed set: every label, and every shard as a reader of streams would see it.

    Args:
        root: data root.
        set_type: which set.
        pictures: read the shards; False looks at the labels only.
        jobs: decoding threads.
        max_residual: 2D joints may lie so many pixels off the projections of the 3D ones.

    Raises:
        UserError: for a set that is not there or not finished.
    """
    data = Packed(root, set_type, pictures=False, report=False, skip=False)
    # What packing has met is wrong with the set still, though no loader trips on it.
    report = SetReport(set_type, faults=list(data.index["left_out"]))
    for character in data.index["characters"]:
        check_character(report, character)
    shards = data.index["shards"]
    rows_of: list[list[int]] = [[] for _ in shards]
    for i in range(len(data)):
        frame_id, label, row = data.frame_id(i), data.label(i), data.row(i)
        where = f"{set_type.folder}/{frame_id}"
        if row["shard"] >= 0:
            rows_of[row["shard"]].append(i)
            report.frames.append(frame_id)
        else:
            report.label_frames += 1
        if not (np.isfinite(label.joints2d).all() and np.isfinite(label.joints3d).all()):
            report.faults.append(Fault(BAD_LABEL, where, "joints are not finite", frame_id))
        elif np.abs(label.joints3d).max() > MAX_DISTANCE:
            report.faults.append(
                Fault(BAD_LABEL, where, f"a joint is over {MAX_DISTANCE:g} m away", frame_id)
            )
        else:
            check_label(report, label, frame_id, where, max_residual)

    def check(shard: int) -> list[Fault]:
        return _check_shard(data, root / set_type.folder, shards[shard], rows_of[shard])

    if pictures:
        with (
            ThreadPoolExecutor(jobs) as pool,
            tqdm(
                total=len(report.frames),
                desc=f"checking {set_type.folder}",
                unit="frame",
                leave=False,
            ) as bar,
        ):
            for rows, faults in zip(rows_of, pool.map(check, range(len(shards))), strict=True):
                report.faults += faults
                bar.update(len(rows))
    report.sort_out(read_skip_list(root, set_type))
    return report


def _check_shard(data: Packed, split: Path, name: str, rows: list[int]) -> list[Fault]:
    where = f"{split.name}/{name}"
    try:
        with tarfile.open(split / name, "r:") as tar:
            members = {info.name: (info.offset_data, tar.extractfile(info).read()) for info in tar}
    except (tarfile.TarError, OSError) as error:
        return [Fault(BAD_SHARD, where, f"cannot be read ({error}); delete it and pack again")]
    faults = []
    crop = SquareCrop(data.index["size"])
    for i in rows:
        frame_id, row = data.frame_id(i), data.row(i)
        for reason in _frame_faults(members, frame_id, row, data.label(i), crop):
            faults.append(Fault(BAD_SHARD, where, f"{frame_id}: {reason}", frame_id))
    expected = {frame_key(data.frame_id(i)) + suffix for i in rows for suffix in (".jpg", ".json")}
    if extra := sorted(members.keys() - expected):
        faults.append(Fault(BAD_SHARD, where, f"{len(extra)} files more than indexed: {extra[0]}"))
    return faults


def _frame_faults(
    members: dict[str, tuple[int, bytes]],
    frame_id: FrameId,
    row: np.void,
    label: Label,
    crop: SquareCrop,
) -> list[str]:
    key = frame_key(frame_id)
    if key + ".jpg" not in members or key + ".json" not in members:
        return ["missing"]
    reasons = []
    offset, picture = members[key + ".jpg"]
    if (offset, len(picture)) != (row["offset"], row["length"]):
        reasons.append("lies elsewhere than its index says")
    if isal_zlib.crc32(picture) != row["crc"]:
        reasons.append("its picture is damaged")
    else:
        try:
            height, width = decode_picture(picture, key).shape[:2]
            if (width, height) != (crop.size, crop.size):
                reasons.append(f"its picture has {width}×{height} pixels")
        except BrokenFrameError as error:
            reasons.append(str(error))
    if members[key + ".json"][1] != encode_sample(label, frame_id, crop):
        reasons.append("its json differs from the annotations")
    return reasons
