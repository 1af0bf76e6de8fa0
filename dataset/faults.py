"""What can be wrong with a set: the faults, and what a check of it found."""

import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from base.actions import action_group
from base.camera import RELEASE_CAMERA
from base.errors import BrokenFrameError
from base.frame import FrameId
from base.set_type import SetType
from base.skeleton import LIMBS
from dataset.labels import Label
from dataset.pictures import WrongSizeError
from dataset.release.table import CHARACTERS

#: Kinds of faults.
UNREADABLE_FOLDER = "unreadable folder"
RENAMED_FOLDER = "renamed folder"
UNEXPECTED_FILE = "unexpected file"
DUPLICATE_FILE = "duplicate file"
LABEL_ALONE = "label without picture"
PICTURE_ALONE = "picture without label"
BAD_PICTURE = "unreadable picture"
WRONG_PICTURE = "wrong size or channels"
BAD_LABEL = "broken label"
ABSURD_POSE = "absurd pose"
OFF_CAMERA = "2D and 3D joints disagree"
WRONG_SET = "character in the wrong set"
BAD_SHARD = "damaged shard"
#: In the order they are reported; the plural of each.
KINDS = {
    UNREADABLE_FOLDER: "unreadable folders",
    RENAMED_FOLDER: "renamed folders",
    UNEXPECTED_FILE: "unexpected files",
    DUPLICATE_FILE: "duplicate files",
    LABEL_ALONE: "labels without picture",
    PICTURE_ALONE: "pictures without label",
    BAD_PICTURE: "unreadable pictures",
    WRONG_PICTURE: "pictures of wrong size or channels",
    BAD_LABEL: "broken labels",
    ABSURD_POSE: "absurd poses",
    OFF_CAMERA: "frames whose 2D and 3D joints disagree",
    WRONG_SET: "characters in the wrong set",
    BAD_SHARD: "damaged shards",
}

#: How many faults of a kind a summary names before it only counts.
_SHOWN = 5

#: No bone of a person is longer than this, metres, and none has no length at all.
_LONGEST_LIMB, _SHORTEST_LIMB = 1.5, 1e-4

#: Nothing from behind the camera, up to 125°, lands so near the axis, radians.
_SURELY_ONE_TO_ONE = np.radians(80.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        kind: one of :data:`KINDS`.
        where: path relative to the data root, with ``/``.
        detail: what exactly.
        frame_id: the frame that cannot be used or trusted, where it is one.
    """

    kind: str
    where: str
    detail: str
    frame_id: FrameId | None = None

    @classmethod
    def of_file(cls, error: BrokenFrameError, where: str, frame_id: FrameId) -> "Fault":
        """What was met on reading a frame's picture or label, given its path ``where``."""
        kind = WRONG_PICTURE if isinstance(error, WrongSizeError) else BAD_PICTURE
        if where.lower().endswith(".json"):
            kind = BAD_LABEL
        # Errors of single files name the file first; a report names it by itself.
        return cls(kind, where, str(error).rpartition(f"{where}: ")[2], frame_id)

    def __str__(self) -> str:
        # Any console can print it, though the name of a file may be no UTF-8.
        return f"{self.where} ({self.detail})".encode("utf-8", "backslashreplace").decode()

    def as_dict(self) -> dict[str, Any]:
        """Content for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any] | str) -> "Fault":
        """The fault that :meth:`as_dict` has stored, or a line of a set packed before it was."""
        if isinstance(stored, str):
            where, _, detail = stored.partition(": ")
            kind = BAD_LABEL if where.endswith(".json") else BAD_PICTURE
            return cls(detail if detail in KINDS else kind, where, detail)
        frame = stored["frame_id"]
        return cls(**stored | {"frame_id": frame and FrameId(**frame)})


def print_faults(name: str, faults: list[Fault]) -> None:
    """Tell on standard error what is wrong with a set of that name."""
    for line in summary(faults):
        print(f"{name}: {line}", file=sys.stderr)


def summary(faults: list[Fault]) -> list[str]:
    """One line for each kind of fault: how many, and the first of them by name."""
    lines = []
    for kind, plural in KINDS.items():
        named = [str(fault) for fault in faults if fault.kind == kind]
        if named:
            more = f"; and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
            what = kind if len(named) == 1 else plural
            lines.append(f"{len(named)} {what}: {'; '.join(named[:_SHOWN])}{more}")
    return lines


@dataclass(frozen=True, slots=True)
class Shift:
    """What pairing a folder's sorted pictures and labels by position would have done.

    Attributes:
        folder: the ``cam_down`` folder, relative to the data root.
        pictures, labels: how many there are.
        mislabelled: how many pictures would have got the label of another frame.
        first, last: numbers of the first and the last of them.
    """

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

    Attributes:
        set_type: the set.
        frames: frames with a picture and a label that can be read.
        label_frames: further labels that can be read.
        faults: what is wrong.
        skipped: faults of frames that the skip list leaves out already.
        skip: the frames on the skip list.
        shifts: folders where pairing by position goes wrong.
        actions: frames by clip name.
        residuals: each checked frame's largest distance between ``pts2d_fisheye`` and the
            projection of ``pts3d_fisheye``, pixels of the 1280×800 picture.
    """

    set_type: SetType
    frames: list[FrameId] = field(default_factory=list)
    label_frames: int = 0
    faults: list[Fault] = field(default_factory=list)
    skipped: list[Fault] = field(default_factory=list)
    skip: frozenset[FrameId] = frozenset()
    shifts: list[Shift] = field(default_factory=list)
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

    def sort_out(self, skip: frozenset[FrameId]) -> None:
        """Order the faults, and put those of frames on the skip list apart."""
        self.skip = skip
        self.faults.sort(key=lambda fault: (list(KINDS).index(fault.kind), fault.where))
        self.skipped = [fault for fault in self.faults if fault.frame_id in skip]
        self.faults = [fault for fault in self.faults if fault.frame_id not in skip]


def check_character(report: SetReport, character: str) -> None:
    """Whether the release has this character in another set."""
    known = CHARACTERS.get(character)
    if known is not None and known.set_type is not report.set_type:
        where = f"{report.set_type.folder}/{character}"
        report.faults.append(Fault(WRONG_SET, where, f"belongs in {known.set_type.folder}"))


def projection_residual(label: Label) -> float | None:
    """Largest distance of a frame's 2D joints from the projections of its 3D joints, pixels.

    Joints outside the picture are left out, and so are those behind the camera whose pixel lies
    far off axis too: there the lens model is not one-to-one, and the release does not say how it
    draws them.
    """
    rays = RELEASE_CAMERA.unproject(label.joints2d.astype(np.float64))
    inside = RELEASE_CAMERA.in_picture(label.joints2d) & (
        (RELEASE_CAMERA.angle(label.joints3d) < RELEASE_CAMERA.max_theta)
        | (RELEASE_CAMERA.angle(rays) < _SURELY_ONE_TO_ONE)
    )
    if not inside.any():
        return None
    projected = RELEASE_CAMERA.project(label.joints3d[inside].astype(np.float64), clamp=True)
    return float(np.linalg.norm(projected - label.joints2d[inside], axis=-1).max())


def absurdity(label: Label) -> str | None:
    """What no body can be: a bone without length or as long as a person."""
    a, b = np.array(LIMBS).T
    lengths = np.linalg.norm(label.joints3d[a] - label.joints3d[b], axis=-1)
    if lengths.max() > _LONGEST_LIMB:
        return f"a limb of {lengths.max():.2f} m"
    if lengths.min() < _SHORTEST_LIMB:
        return "a limb of no length"
    return None


def check_label(
    report: SetReport, label: Label, frame_id: FrameId, where: str, max_residual: float
) -> None:
    """Add what is wrong with a readable label to the report, and count it."""
    report.actions[label.action] += 1
    if reason := absurdity(label):
        report.faults.append(Fault(ABSURD_POSE, where, reason, frame_id))
    residual = projection_residual(label)
    if residual is not None:
        report.residuals.append(residual)
        if residual > max_residual:
            report.faults.append(Fault(OFF_CAMERA, where, f"by up to {residual:.1f} px", frame_id))
