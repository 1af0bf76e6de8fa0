"""UnrealEgo (Akada et al., ECCV 2022) and UnrealEgo2: rendered, two cameras on glasses, one json a
frame with each camera's joints, centimetres; a picture of either is a frame."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from base.frame import FrameId
from base.headset import load_headset
from base.set_type import SetType
from dataset.faults import Fault
from dataset.protocol import Protocol
from dataset.recordings import RecordedSet, Recording, absent, numbered, numeric

#: Names of our 16 joints in the labels.
_NAMES = (
    *("neck_01", "head"),
    *("upperarm_l", "lowerarm_l", "hand_l", "upperarm_r", "lowerarm_r", "hand_r"),
    *("thigh_l", "calf_l", "foot_l", "ball_l", "thigh_r", "calf_r", "foot_r", "ball_r"),
)
_METRES_PER_CENTIMETRE = 0.01
_LISTS = {SetType.TRAIN: "train.txt", SetType.VAL: "validation.txt", SetType.TEST: "test.txt"}
_SIDES = ("left", "right")
_LABEL = r"frame_([0-9]{1,9})\.json"


class UnrealEgo(RecordedSet):
    """Lists of motions, and for each ``json`` and ``fisheye_final_image`` with both cameras."""

    shares_people = True
    long_to_read = ("json", *(f"fisheye_final_image/camera_{side}" for side in ("left", "right")))
    layout = "train.txt, validation.txt or test.txt beside ENVIRONMENT/DAY/PERSON/…/json"
    # What is published: github.com/ChenhongyiYang/egoposeformer.
    protocol = Protocol(
        "UnrealEgo",
        {"MPJPE (pelvis)": "pelvis", "PA-MPJPE": "pa_mpjpe"},
        "non-commercial, no redistribution; data at 4dqv.mpi-inf.mpg.de/UnrealEgo",
        "Akada et al., UnrealEgo: A New Dataset for Robust Egocentric 3D Human Motion Capture, "
        "ECCV 2022",
        "pelvis: here the midpoint of the hips",
        {
            "EgoPoseFormer, both pictures": {
                "MPJPE (pelvis)": 34.5,
                "PA-MPJPE": 33.4,
            }
        },
    )

    @classmethod
    def sources(cls, root: Path, set_type: SetType, missing: list[str]) -> Iterator[Path]:
        """Folders of a list that are there; its lines begin with a folder of their own.  Lines of
        the others are added to ``missing``."""
        path = root / _LISTS[set_type]
        lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
        for line in dict.fromkeys(lines):
            # "./UnrealEgoData/ENVIRONMENT/…": wherever the set lies now.
            parts = [part for part in line.strip().split("/") if part not in (".", "")]
            for start in range(0 if ".." in parts else min(2, len(parts))):
                # False for absurd names, where Path.is_dir raises.
                if os.path.isdir(root.joinpath(*parts[start:], "json")):  # noqa: PTH112
                    yield root.joinpath(*parts[start:])
                    break
            else:
                missing += ["/".join(parts)] if parts else []

    def recordings(self, faults: list[Fault]) -> Iterator[Recording]:
        """Two of each motion."""
        headsets = [load_headset(f"unrealego_{side}") for side in _SIDES]
        missing: list[str] = []
        for folder in self.sources(self.root, self.set_type, missing):
            # ENVIRONMENT/DAY/PERSON/GLASSES/CATEGORY/MOTION
            place = folder.relative_to(self.root)
            person, name = (*place.parts, "", "")[2] or "person", "_".join(place.parts)
            who = FrameId(person, f"{name}_left", 0)
            labels = self.read_labels(folder / "json", _LABEL, _labels, faults, who)
            values = np.array([*labels.values()]).reshape(-1, 2, 16, 5)
            for camera, (side, headset) in enumerate(zip(_SIDES, headsets, strict=True)):
                pictures = place / "fisheye_final_image" / f"camera_{side}"
                there = numbered(self.root / pictures, r"final_([0-9]{1,9})\.png")
                yield Recording(
                    person,
                    f"{name}_{side}",
                    folder.name,
                    headset,
                    list(labels),
                    values[:, camera, :, :3] * _METRES_PER_CENTIMETRE,
                    [f"{(pictures / there[n]).as_posix()}" if n in there else "" for n in labels],
                    values[:, camera, :, 3:],
                )
        faults += absent(missing, "motions", _LISTS[self.set_type])


def _labels(frame: Any) -> np.ndarray:
    """(2, 16, 5): for the left and the right camera each joint's place, centimetres in its frame,
    and its pixel."""
    joints = frame["joints"]

    def each(what: str, size: int) -> np.ndarray:
        values = [[joints[n][f"camera_{s}_{what}"] for n in _NAMES] for s in _SIDES]
        return numeric(values, (2, 16, size))

    return np.concatenate([each("pts3d", 3), each("pts2d", 2)], -1)
