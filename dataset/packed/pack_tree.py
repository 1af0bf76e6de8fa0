"""Packing a set of an extracted tree, several environments at a time."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from base.errors import BrokenFrameError
from base.frame import FrameId
from base.set_type import SetType
from dataset.faults import Fault
from dataset.packed.jpegs import encode_picture
from dataset.packed.packing import Plan
from dataset.packed.shards import PackOptions
from dataset.pictures import read_bytes
from dataset.transforms import SquareCrop
from dataset.tree.index import SplitIndex
from dataset.tree.names import folder_identity

#: Bound on the environments that wait in memory.
_ENVIRONMENTS_IN_FLIGHT = 16
#: Parts of the path of a camera folder: set, character, environment, ``cam_down``.
_DEPTH = 4


def pack_tree(
    root: Path,
    set_type: SetType,
    output: Path,
    options: PackOptions,
    pool: ThreadPoolExecutor,
    on_frames: Callable[[int], object],
    index: SplitIndex,
) -> list[Fault]:
    """Pack a set of an extracted tree; shards that are there already are kept.

    Args:
        root: data root of the tree.
        set_type: which set.
        output: data root of the packed form.
        options: how.
        pool: encodes shards.
        on_frames: told how many labels are done.
        index: of the set.

    Returns:
        Faults of the set that belong to no environment.
    """
    planned: deque[tuple[Plan, list[Future]]] = deque()
    faults: dict[str, list[Fault]] = {}
    for fault in index.faults:
        faults.setdefault("/".join(fault.where.split("/")[:_DEPTH]), []).append(fault)

    def finish_first() -> None:
        plan, futures = planned.popleft()
        for future in futures:
            plan.take(*future.result())
        plan.save()
        on_frames(len(plan.labels))

    for row, folder in enumerate(index.folders):
        rows = np.flatnonzero(index.folder == row)
        left_out = faults.pop(folder, [])
        if len(rows) or left_out:
            plan = _plan(root, index, rows, folder, left_out, output / set_type.folder, options)
            if plan.is_saved():
                on_frames(len(plan.labels))
                continue
            planned.append((plan, [pool.submit(plan.shard, name) for name in plan.by_shard()]))
            if len(planned) > _ENVIRONMENTS_IN_FLIGHT:
                finish_first()
    while planned:
        finish_first()
    return [fault for remaining in faults.values() for fault in remaining]


def _plan(
    root: Path,
    index: SplitIndex,
    rows: np.ndarray,
    folder: str,
    left_out: list[Fault],
    split: Path,
    options: PackOptions,
) -> Plan:
    """An environment whose pictures lie in an extracted folder."""
    frame = FrameId(*folder_identity(folder), 0)
    row_of = {int(index.number[row]): int(row) for row in rows}
    crop = SquareCrop(options.size)

    def encode(number: int) -> bytes | Fault:
        where = index.picture_path(row_of[number])
        try:
            return encode_picture(read_bytes(root / where), where, crop, options.quality)
        except BrokenFrameError as error:
            return Fault.of_file(error, where, index.frame_id(row_of[number]))

    labels = {number: index.label(row) for number, row in row_of.items()}
    pictures = [number for number, row in row_of.items() if index.picture[row]]
    return Plan(frame, split, options, labels, encode, pictures, left_out)
