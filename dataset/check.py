"""Checking every label and picture of a set, of any format."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from base.actions import action_group
from base.errors import UserError
from base.frame import FrameId
from base.headset import Headset
from base.set_type import SetType
from base.skeleton import LIMBS
from dataset import data_format
from dataset.annotations import Table
from dataset.faults import (
    ABSURD_POSE,
    BAD_LABEL,
    KINDS,
    LABEL_ALONE,
    OFF_CAMERA,
    PICTURE_ALONE,
    WRONG_SET,
    Fault,
)
from dataset.headset_view import projection_residuals
from dataset.known_errors import find_traps
from dataset.recordings import RecordedSet
from dataset.release.table import CHARACTERS
from dataset.skip_list import read_skip_list
from dataset.split import Split, rows_by_code

#: No bone of a person is longer than this, metres, and none has no length at all.
_LONGEST_LIMB, _SHORTEST_LIMB = 1.5, 1e-4
_CHUNK = 4096  # labels looked at in one go
#: One of :meth:`~dataset.split.Split.picture_checks`, of a set.
Check = tuple[SetType, Callable[[], list[Fault]]]


@dataclass(frozen=True, slots=True)
class Shift:
    """What pairing the sorted pictures and labels of an environment by position would have done:
    ``mislabelled`` pictures, the first to the last, would have got the label of another frame."""

    folder: str
    pictures: int
    labels: int
    mislabelled: int
    first: int
    last: int


@dataclass(slots=True)
class SetReport:
    """A check of one set.

    ``frames`` have a picture and a label that can be read, ``label_frames`` a label only, ``good``
    frames no fault either. ``skipped`` are faults of frames that the skip list leaves out already.
    """

    set_type: SetType
    faults: list[Fault]
    shifts: list[Shift] = field(default_factory=list)
    frames: list[FrameId] = field(default_factory=list)
    label_frames: int = 0
    good: set[FrameId] = field(default_factory=set)
    skipped: list[Fault] = field(default_factory=list)
    actions: Counter[str] = field(default_factory=Counter)
    residuals: dict[str, float] | None = None  # median, 99th percentile, maximum, pixels
    notes: list[str] = field(default_factory=list)  # what is worth knowing, though no fault

    def characters(self) -> dict[str, int]:
        """Frames by character."""
        return dict(sorted(Counter(frame.character for frame in self.frames).items()))

    def groups(self) -> dict[str, int]:
        """Frames by action group of the official evaluation; ``unknown`` counts in All only."""
        groups: Counter[str] = Counter()
        for action, count in self.actions.items():
            groups[action_group(action) or "unknown"] += count
        return dict(groups.most_common())

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""

        def listed(faults: list[Fault]) -> list[dict[str, str]]:
            return [{"kind": f.kind, "where": f.where, "detail": f.detail} for f in faults]

        return {
            "set": self.set_type.folder,
            "frames": len(self.frames),
            "good_frames": len(self.good),
            "label_frames": self.label_frames,
            "counts": {k: n for k in KINDS if (n := sum(f.kind == k for f in self.faults))},
            "faults": listed(self.faults),
            "on_skip_list": listed(self.skipped),
            "pairing_by_position": [asdict(shift) for shift in self.shifts],
            "projection_residual_px": self.residuals,
            "notes": self.notes,
            "characters": self.characters(),
            "action_groups": self.groups(),
            "actions": dict(self.actions.most_common()),
        }


def measured(table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of N labels, (N,) each: the shortest and the longest limb, metres, and the largest of
    :func:`~dataset.headset_view.projection_residuals`, NaN where there is none."""
    parents, children = np.array(LIMBS).T
    bones = table.rows["joints3d"][:, parents] - table.rows["joints3d"][:, children]
    lengths = np.linalg.norm(bones, axis=-1)
    residuals = np.full(len(table.rows), np.nan)
    by_headset = rows_by_code(table.rows["headset"], len(table.headsets))
    for headset, numbers in zip(table.headsets, by_headset, strict=True):
        for part in np.array_split(numbers, -(-len(numbers) // _CHUNK) or 1):
            rows = table.rows[part]
            found = projection_residuals(rows["joints2d"], rows["joints3d"], headset)
            residuals[part] = np.fmax.reduce(found, axis=-1)
    # Of joints that are not labelled there is no length.
    return np.fmin.reduce(lengths, 1), np.fmax.reduce(lengths, 1), residuals


def _shifts(data: Split, frames: list[FrameId]) -> list[Shift]:
    """Environments in which the sorted frame numbers of pictures and labels do not correspond."""
    kinds = BAD_LABEL, LABEL_ALONE, PICTURE_ALONE
    broken, no_picture, no_label = (
        {fault.frame_id for fault in data.faults if fault.kind == kind} - {None} for kind in kinds
    )
    labels = {data.frame_id(index) for index in range(len(data))} | broken
    pictures = {*frames} | no_label | (broken - no_picture)
    numbers = defaultdict(lambda: ([], []))
    for which, each in enumerate((pictures, labels)):
        for frame in sorted(each):
            numbers[f"{frame.character}/{frame.environment}"][which].append(frame.number)
    shifts = []
    for place, pair in numbers.items():
        if wrong := [number for number, other in zip(*pair, strict=False) if number != other]:
            counts = *map(len, pair), len(wrong)
            shifts.append(Shift(f"{data.folder.name}/{place}", *counts, wrong[0], wrong[-1]))
    return shifts


def open_set(
    root: Path, set_type: SetType, headset: Headset | None = None, format: str | None = None
) -> Split:
    """A set with all its labels, read anew; ``headset`` is of labels that do not state one,
    ``format`` as of :class:`~dataset.split.Split`; UserError for a set that is not there or empty,
    or whose skip list cannot be read."""
    how = {"pictures": False, "check": True, "headset": headset, "format": format}
    data = data_format(root, set_type, format)(root, set_type, **how)
    if not (data.faults or len(data)):
        raise UserError(f"{data.folder}: holds no frame")
    read_skip_list(root, set_type)
    return data


def check_pictures(checks: Sequence[Check], jobs: int) -> dict[SetType, list[Fault]]:
    """What some checks find, in ``jobs`` threads."""
    faults: dict[SetType, list[Fault]] = defaultdict(list)
    with ThreadPoolExecutor(jobs) as pool:
        found = pool.map(lambda each: each[1](), checks)
        bar = tqdm(found, "checking pictures", len(checks), leave=False, unit="file")
        for (set_type, _), more in zip(checks, bar, strict=True):
            faults[set_type] += more
    return faults


def check_labels(
    data: Split, max_residual: float, of_pictures: list[Fault] | None = None
) -> SetReport:
    """Check all labels of a set and report on it, with the faults ``of_pictures``, None where no
    picture is to be read; 2D joints may lie ``max_residual`` pixels off the projections of the 3D
    ones."""
    table, set_type, faults = data.table, data.set_type, list(data.faults)

    def add(kind: str, row: int, detail: str) -> None:
        faults.append(Fault(kind, data.where(row), detail, table.frame_id(row)))

    shortest, longest, residuals = measured(table)
    for row in np.flatnonzero((shortest < _SHORTEST_LIMB) | (longest > _LONGEST_LIMB)):
        length = f"{longest[row]:.2f} m" if longest[row] > _LONGEST_LIMB else "no length"
        add(ABSURD_POSE, row, f"a limb of {length}")
    for row in np.flatnonzero(residuals > max_residual):
        add(OFF_CAMERA, row, f"by up to {residuals[row]:.1f} px")
    for character in table.characters:
        known = CHARACTERS.get(character)
        if known is not None and known.set_type is not set_type:
            where, right = f"{set_type.folder}/{character}", known.set_type.folder
            faults.append(Fault(WRONG_SET, where, f"belongs in {right}"))
    notes: list[str] = []
    if isinstance(data, RecordedSet):
        found, notes = find_traps(data, max_residual, of_pictures is not None)
        faults += found
    faults += of_pictures or []
    faults.sort(key=lambda fault: (list(KINDS).index(fault.kind), fault.where))
    skip, source = read_skip_list(data.root, set_type), getattr(data, "source", type(data))
    frames = [table.frame_id(row) for row in np.flatnonzero(data.has_picture)]
    known = residuals[np.isfinite(residuals)]
    figures = [float(np.percentile(known, share)) for share in (50, 99, 100)] if len(known) else []
    return SetReport(
        set_type,
        [fault for fault in faults if fault.frame_id not in skip],
        # Only the release's pictures and labels are files that could be paired so.
        [] if issubclass(source, RecordedSet) else _shifts(data, frames),
        frames,
        label_frames=len(data) - len(frames),
        good={*frames} - {fault.frame_id for fault in faults} - skip,
        skipped=[fault for fault in faults if fault.frame_id in skip],
        actions=Counter(table.actions[code] for code in table.rows["action"].tolist()),
        residuals=dict(zip(("median", "p99", "max"), figures, strict=False)) or None,
        notes=notes,
    )
