"""Checking every label and picture of a set, of any format."""

from collections import Counter
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
from dataset.faults import ABSURD_POSE, KINDS, OFF_CAMERA, WRONG_SET, Fault
from dataset.labels import Label
from dataset.release.table import CHARACTERS
from dataset.skip_list import read_skip_list
from dataset.view import projection_residuals

#: No bone of a person is longer than this, metres, and none has no length at all.
_LONGEST_LIMB, _SHORTEST_LIMB = 1.5, 1e-4


@dataclass(frozen=True, slots=True)
class Shift:
    """What pairing the sorted pictures and labels of a folder by position would have done:
    ``mislabelled`` pictures, the first to the last, would have got the label of another frame."""

    folder: str
    pictures: int
    labels: int
    mislabelled: int
    first: int
    last: int


def pairing_by_position(folder: str, pictures: list[int], labels: list[int]) -> Shift | None:
    """The shift of a folder's frame numbers; None where position and number agree."""
    wrong = [p for p, n in zip(sorted(pictures), sorted(labels), strict=False) if p != n]
    if not wrong:
        return None
    return Shift(folder, len(pictures), len(labels), len(wrong), wrong[0], wrong[-1])


@dataclass(slots=True)
class SetReport:
    """A check of one set.

    ``frames`` have a picture and a label that can be read, ``label_frames`` a label only.
    ``skipped`` are faults of frames that the skip list leaves out already.  ``residuals`` are those
    of :func:`projection_residual`, one a frame.
    """

    set_type: SetType
    faults: list[Fault]
    shifts: list[Shift]
    skip: frozenset[FrameId]
    frames: list[FrameId] = field(default_factory=list)
    label_frames: int = 0
    skipped: list[Fault] = field(default_factory=list)
    actions: Counter[str] = field(default_factory=Counter)
    residuals: list[float] = field(default_factory=list)

    def good(self) -> set[FrameId]:
        """The frames without a fault that the skip list does not name either."""
        faulty = {fault.frame_id for fault in self.faults + self.skipped}
        return set(self.frames) - faulty - self.skip

    def characters(self) -> dict[str, int]:
        """Frames by character."""
        return dict(sorted(Counter(frame.character for frame in self.frames).items()))

    def groups(self) -> dict[str, int]:
        """Frames by action group of the official evaluation; ``unknown`` counts in All only."""
        groups: Counter[str] = Counter()
        for action, count in self.actions.items():
            groups[action_group(action) or "unknown"] += count
        return dict(groups.most_common())

    def residual_figures(self) -> dict[str, float] | None:
        """Median, 99th percentile and maximum of the residuals, pixels."""
        if not self.residuals:
            return None
        median, high = np.percentile(self.residuals, [50, 99])
        return {"median": float(median), "p99": float(high), "max": float(max(self.residuals))}

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""

        def listed(faults: list[Fault]) -> list[dict[str, str]]:
            return [{"kind": f.kind, "where": f.where, "detail": f.detail} for f in faults]

        return {
            "set": self.set_type.folder,
            "frames": len(self.frames),
            "good_frames": len(self.good()),
            "label_frames": self.label_frames,
            "counts": {k: n for k in KINDS if (n := sum(f.kind == k for f in self.faults))},
            "faults": listed(self.faults),
            "on_skip_list": listed(self.skipped),
            "pairing_by_position": [asdict(shift) for shift in self.shifts],
            "projection_residual_px": self.residual_figures(),
            "characters": self.characters(),
            "action_groups": self.groups(),
            "actions": dict(self.actions.most_common()),
        }

    def add_label(self, label: Label, frame_id: FrameId, where: str, max_residual: float) -> None:
        """Count a label, and note what is wrong with it."""

        def add(kind: str, detail: str) -> None:
            self.faults.append(Fault(kind, where, detail, frame_id))

        self.actions[label.action] += 1
        if reason := absurdity(label):
            add(ABSURD_POSE, reason)
        residual = projection_residual(label)
        if residual is not None:
            self.residuals.append(residual)
            if residual > max_residual:
                add(OFF_CAMERA, f"by up to {residual:.1f} px")


def projection_residual(label: Label) -> float | None:
    """Largest of a frame's :func:`~dataset.view.projection_residuals`; None where there is none."""
    residuals = projection_residuals(label.joints2d, label.joints3d, label.headset)
    known = residuals[np.isfinite(residuals)]
    return float(known.max()) if len(known) else None


def absurdity(label: Label) -> str | None:
    """What no body can be: a bone without length or as long as a person."""
    a, b = np.array(LIMBS).T
    lengths = np.linalg.norm(label.joints3d[a] - label.joints3d[b], axis=-1)
    if lengths.max() > _LONGEST_LIMB:
        return f"a limb of {lengths.max():.2f} m"
    if lengths.min() < _SHORTEST_LIMB:
        return "a limb of no length"
    return None


def check_set(
    root: Path,
    set_type: SetType,
    pictures: bool,
    jobs: int,
    max_residual: float,
    headset: Headset | None = None,
) -> SetReport:
    """Check a set: its labels and, with ``pictures``, every picture, in ``jobs`` threads.

    2D joints may lie ``max_residual`` pixels off the projections of the 3D ones; ``headset`` is of
    labels that do not state one; UserError for a set that is not there or empty.
    """
    how = {"pictures": False, "report": False, "check": True, "headset": headset}
    data = data_format(root, set_type)(root, set_type, **how)
    if not (data.faults or len(data)):
        raise UserError(f"{data.folder}: holds no frame")
    skip = read_skip_list(root, set_type)
    report = SetReport(set_type, list(data.faults), data.shifts(), skip)
    for character in data.table.characters:
        known = CHARACTERS.get(character)
        if known is not None and known.set_type is not set_type:
            where, right = f"{set_type.folder}/{character}", known.set_type.folder
            report.faults.append(Fault(WRONG_SET, where, f"belongs in {right}"))
    for row in range(len(data)):
        frame_id = data.frame_id(row)
        report.add_label(data.table.label(row), frame_id, data.where(row), max_residual)
        if data.has_picture[row]:
            report.frames.append(frame_id)
        else:
            report.label_frames += 1
    if pictures:
        checks = data.picture_checks()
        with ThreadPoolExecutor(jobs) as pool:
            found = pool.map(lambda check: check(), checks)
            title = f"checking {set_type.folder}"
            for faults in tqdm(found, title, len(checks), leave=False, unit="file"):
                report.faults += faults
    report.faults.sort(key=lambda fault: (list(KINDS).index(fault.kind), fault.where))
    report.skipped = [fault for fault in report.faults if fault.frame_id in skip]
    report.faults = [fault for fault in report.faults if fault.frame_id not in skip]
    return report
