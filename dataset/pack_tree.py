"""Packing a set of an extracted tree, several environments at a time."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from base.errors import BrokenFrameError
from base.frame import FrameId
from base.set_type import SetType
from dataset.faults import LABEL_ALONE, PICTURE_ALONE
from dataset.index import SplitIndex
from dataset.jpegs import encode_picture
from dataset.labels import Label
from dataset.packing import Plan
from dataset.shards import PackOptions
from dataset.transforms import SquareCrop

#: Bound on the environments that wait in memory.
_ENVIRONMENTS_IN_FLIGHT = 16


def pack_tree(
    root: Path,
    set_type: SetType,
    output: Path,
    options: PackOptions,
    pool: ThreadPoolExecutor,
    on_frames: Callable[[int], object],
    index: SplitIndex,
) -> None:
    """Pack a set of an extracted tree; shards that are there already are kept.

    Args:
        root: data root of the tree.
        set_type: which set.
        output: data root of the packed form.
        options: how.
        pool: encodes shards.
        on_frames: told how many labels are done.
        index: of the set.
    """
    source, split = root / set_type.folder, output / set_type.folder
    planned: deque[tuple[Plan, list[Future]]] = deque()

    def finish_first() -> None:
        plan, futures = planned.popleft()
        for future in futures:
            plan.take(*future.result())
        plan.save()
        on_frames(len(plan.labels))

    for row, folder in enumerate(index.folders):
        rows = np.flatnonzero(index.folder == row)
        orphans = _orphans(index, folder)
        if len(rows) or orphans:
            plan = _plan(index, rows, source / folder, orphans, split, options)
            if plan.is_saved():
                on_frames(len(plan.labels))
                continue
            planned.append((plan, [pool.submit(plan.shard, name) for name in plan.by_shard()]))
            if len(planned) > _ENVIRONMENTS_IN_FLIGHT:
                finish_first()
    while planned:
        finish_first()


def _orphans(index: SplitIndex, folder: str) -> list[str]:
    listed = {
        PICTURE_ALONE: index.picture_without_label,
        LABEL_ALONE: index.label_without_picture,
        "": index.broken,
    }
    return [
        f"{path}: {why}" if why else path
        for why, paths in listed.items()
        for path in paths
        if path.startswith(f"{folder}/")
    ]


def _plan(
    index: SplitIndex,
    rows: np.ndarray,
    folder: Path,
    orphans: list[str],
    split: Path,
    options: PackOptions,
) -> Plan:
    """An environment whose pictures lie in an extracted folder."""
    character, environment = folder.parts[-3:-1]
    labels = {
        int(index.number[row]): Label(
            index.joints2d[row],
            index.joints3d[row],
            index.visible[row],
            index.actions[index.action[row]],
        )
        for row in rows
    }
    crop = SquareCrop(options.size)

    def encode(number: int) -> bytes:
        name = f"rgba/{character}.rgba.{number:06d}.png"
        try:
            data = (folder / name).read_bytes()
        except OSError as error:
            raise BrokenFrameError(f"{name}: cannot be read ({error.strerror})") from None
        return encode_picture(data, name, crop, options.quality)

    pictures = [int(n) for n in index.number[rows][index.has_picture[rows]]]
    frame = FrameId(character, environment, 0)
    return Plan(frame, split, options, labels, encode, pictures, list(orphans))
