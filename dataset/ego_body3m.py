"""EgoBody3M (Meta, 2024): four grey cameras of a VR headset, one json a frame with 26 joints in the
world, centimetres, and where each camera sees them.

The set has no calibration: that of each recording's cameras is fitted to the labels themselves.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import UserError
from base.frame import FrameId
from base.headset import Headset, mount_angles
from base.lens_fit import LensFit, fit_lens
from base.set_type import SetType
from dataset.faults import BAD_LABEL, Fault
from dataset.protocol import Protocol
from dataset.recordings import (
    RecordedSet,
    Recording,
    absent,
    holds,
    names_in,
    numbered,
    numeric,
    ordered,
)

#: Places of our joints among its 26; the base of the skull is the Head's, no joint is the toes'.
_ORDER = (9, 0, 2, 3, 4, 6, 7, 8, 20, 21, 22, -1, 14, 15, 16, -1)
_SIZES = ((636, 480), (1280, 1024), (1280, 1024), (636, 480))
#: Of the tip of the nose in the headset's frame, assumed: left, ahead and down, centimetres.
_NOSE = np.array([0.0, 2.5, 3.5])
#: Points from which a lens is fitted, spread over the recording, and the least depth, centimetres:
#: behind the camera labels are mirrored.
_FITTED, _LEAST_DEPTH = 600, 2.0
#: Median pixels within which labels are of a device known already; another's are 6 to 11 off.
_SAME_DEVICE = 0.5
_LISTS = {
    SetType.TRAIN: "train_sequences",
    SetType.VAL: "validation_sequences",
    SetType.TEST: "test_sequences",
}


#: A camera on the head, and its lens and place in the head's axes, centimetres.
_Fit = tuple[Headset, LensFit]


class EgoBody3M(RecordedSet):
    """Folders of unzipped recordings; which set each is of is read from ``sequences.py`` of the
    set's repository beside them. Without it all are the TestSet."""

    long_to_read = (".",)
    layout = "sequences.py beside RECORDING/frame0000.json and frame0000_cam0.jpg"
    protocol = Protocol(
        "EgoBody3M",
        {"MPJPE (camera frame)": "absolute", "PA-MPJPE": "pa_mpjpe"},
        "CC-BY-NC 4.0; data by download.py of github.com/facebookresearch/EgoBody3M",
        "Zhao et al., EgoBody3M: Egocentric Body Tracking on a VR Headset using a Diverse Dataset, "
        "ECCV 2024",
        note="its authors publish no code that measures",
    )

    @classmethod
    def sources(cls, root: Path, set_type: SetType, missing: list[str]) -> list[Path]:
        """Recordings of a set that are there; the names of the others are added to ``missing``."""
        found = [root / n for n in names_in(root) if n.isdigit()]
        found = [f for f in found if holds(f, ".json")]
        lists = _read_lists(root / "sequences.py") if found else None
        if lists is None:
            return found if set_type is SetType.TEST else []
        missing += sorted(lists[set_type] - {f.name for f in found})
        return [f for f in found if f.name in lists[set_type]]

    def recordings(self, faults: list[Fault]) -> Iterator[Recording]:
        """Four of each folder."""
        known: list[list[_Fit]] = [[] for _ in _SIZES]
        missing: list[str] = []
        for folder in self.sources(self.root, self.set_type, missing):
            who = FrameId(folder.name, "cam0", 0)
            labels = self.read_labels(folder, r"frame([0-9]{1,9})\.json", _labels, faults, who)
            for camera in range(len(_SIZES)):
                try:
                    yield self._recording(folder, labels, camera, known[camera])
                except UserError as error:
                    faults.append(Fault(BAD_LABEL, f"{folder.name} cam{camera}", str(error)))
        faults += absent(missing, "recordings", f"sequences.py {_LISTS[self.set_type]}")

    def _recording(
        self, folder: Path, labels: dict[int, np.ndarray], camera: int, known: list[_Fit]
    ) -> Recording:
        """What one camera saw; UserError where its lens cannot be fitted."""
        values = np.array([*labels.values()]).reshape(-1, 26, 15)
        head, seen = values[..., :3], values[..., 3 + 3 * camera : 6 + 3 * camera]
        headset, fit = _fitted(head.reshape(-1, 3), seen.reshape(-1, 3), camera, known)
        there = numbered(folder, rf"frame([0-9]{{1,9}})_cam{camera}\.(?:jpg|png)")
        return Recording(
            folder.name,
            f"cam{camera}",
            folder.name,
            headset,
            list(labels),
            ordered((head - fit.position) @ headset.rotation.T / 100, _ORDER),
            [f"{folder.name}/{there[n]}" if n in there else "" for n in labels],
            ordered(seen[..., :2], _ORDER),
        )


def _fitted(head: np.ndarray, seen: np.ndarray, camera: int, known: list[_Fit]) -> _Fit:
    """The headset of a camera, and its lens, from (N, 3) joints in the axes of the head and their
    pixels and depths: one of those known from other recordings, or a new one, which joins them."""
    ahead = np.flatnonzero(seen[:, 2] > _LEAST_DEPTH)
    few = ahead[np.linspace(0, len(ahead) - 1, min(len(ahead), _FITTED)).astype(int)]
    points, pixels = head[few], seen[few, :2]
    for headset, fit in known:
        if len(few) and np.median(fit.off(points, pixels)) < _SAME_DEVICE:
            return headset, fit
    fit = _lens(points, pixels, seen[few, 2], *_SIZES[camera])
    rotate, forward, left = mount_angles(fit.rotation)
    x, y, z = (fit.position - _NOSE).tolist()
    name = f"egobody3m_cam{camera}"
    known.append((Headset(fit.camera, (x, -z, y), forward, left, rotate, name=name), fit))
    return known[-1]


def _lens(points: np.ndarray, pixels: np.ndarray, depth: np.ndarray, *size: int) -> LensFit:
    """The lens that most of the labels are of; UserError where there is none."""

    def fitted(some: np.ndarray) -> LensFit:
        return fit_lens(points[some], pixels[some], *size, depth[some])

    def median(fit: LensFit) -> float:
        return float(np.median(fit.off(points, pixels)))

    rows = np.arange(len(points))
    best = fitted(rows)
    if len(rows) >= 100 and median(best) > _SAME_DEVICE:
        # A frame whose joints lie elsewhere than their pixels: not in most of the parts.
        best = min((fitted(part) for part in np.array_split(rows, 5)), key=median)
        best = fitted(rows[best.off(points, pixels) < 4 * _SAME_DEVICE])
    if (off := median(best)) > _SAME_DEVICE:
        raise UserError(f"its labels are of no one lens: {off:.1f} px off")
    return best


def _labels(frame: Any) -> np.ndarray:
    """(26, 15): each joint in the axes of the head, centimetres, then pixel and depth in each of
    the four cameras."""
    pose = numeric(frame["world_from_headset_xf_cm"], (4, 4))
    joints = numeric(frame["joint_positions_world_cm"], (26, 3))
    left, up, ahead = ((joints - pose[:3, 3]) @ pose[:3, :3]).T
    cameras = [frame[f"projected_joint_positions_cam{i}_px"] for i in range(len(_SIZES))]
    seen = numeric(cameras, (len(_SIZES), 26, 3))
    labels = np.concatenate([np.stack([left, ahead, -up], -1), *seen], -1)
    if not np.isfinite(labels).all():
        raise ValueError("NaN")
    return labels


def _read_lists(path: Path) -> dict[SetType, set[str]] | None:
    """The lists of recordings in a Python file, which is not run; None where there is none."""
    if not path.is_file():
        return None
    text = path.read_text("utf-8", "replace")
    lists = {}
    for set_type, name in _LISTS.items():
        if not (match := re.search(rf"^{name}\b[^=\n]*=\s*\[([^]]*)\]", text, re.MULTILINE)):
            raise UserError(f"{path}: no list {name} = [...]")
        lists[set_type] = {*re.findall(r"[0-9]+", match[1])}
    return lists
