"""SceneEgo (Wang et al., CVPR 2023) and EgoPW (Wang et al., CVPR 2022): pickles of MPI's 15 joints
in the camera's frame, metres, one folder a sequence."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from base.documents import read_document
from base.errors import UserError
from base.headset import Headset, load_headset
from base.pickles import read_pickle
from base.set_type import SetType
from dataset.faults import BAD_LABEL, PICTURE_ALONE, Fault
from dataset.protocol import Protocol
from dataset.recordings import RecordedSet, Recording, names_in, numbered, numeric, ordered

#: Places of our joints among MPI's 15: Neck, right arm, left arm, right leg, left leg; no Head.
MPI_15 = (0, -1, 4, 5, 6, 1, 2, 3, 11, 12, 13, 14, 7, 8, 9, 10)
_PICTURE = r"img_([0-9]{1,9})\.(?:jpg|png)"


class SceneEgo(RecordedSet):
    """The set has no ValSet: the sequence pranay2 of its train folder is taken for it.

    ``pairing``: of labels that do not name their picture; "drift" leaves one picture out of each
    thousand, as EgoWholeMocap's loader does.  ``camera``: the calibration; 05_08 fits the rim of
    the pictures.
    """

    layout = "train/SEQUENCE, test/SEQUENCE with imgs and annotation.pkl or local_pose_gt.pkl"
    options: ClassVar = {"pairing": ("sync", "drift"), "camera": ("05_08", "01_12")}
    protocol = Protocol(
        "SceneEgo",
        {"MPJPE (camera frame)": "absolute", "PA-MPJPE": "pa_mpjpe"},
        "not stated in the repository; data at edmond.mpg.de, doi 10.17617/3.VCIHDO",
        "Wang et al., Scene-aware Egocentric 3D Human Pose Estimation, CVPR 2023",
    )
    labels, pose = ("annotation.pkl", "local_pose_gt.pkl"), "ego_pose_gt"

    @classmethod
    def sources(
        cls, root: Path, set_type: SetType, missing: list[str], alone: bool = False
    ) -> list[Path]:
        """Those of a set's sequences that hold labels, or pictures ``alone``."""
        split = root / ("test" if set_type is SetType.TEST else "train")
        found = cls.holding((split / name for name in names_in(split)), alone)
        if set_type is SetType.TEST:
            return found
        held_out = [f for f in found if f.name == "pranay2" and len(found) > 1]
        return held_out if set_type is SetType.VAL else [f for f in found if f not in held_out]

    @classmethod
    def holding(cls, folders: Iterable[Path], alone: bool) -> list[Path]:
        """Those of the folders that hold labels, or pictures ``alone``."""
        found = [f for f in folders if any((f / name).is_file() for name in cls.labels) != alone]
        return [f for f in found if not alone or (f / "imgs").is_dir()]

    @property
    def in_doubt(self) -> set[str]:
        """How pictures are paired only where a label does not name its own."""
        return {*self.options} - (set() if self.by_clock else {"pairing"})

    def recordings(self, faults: list[Fault]) -> Iterator[Recording]:
        """The sequences."""
        self.by_clock = set()
        for folder in self.sources(self.root, self.set_type, []):
            try:
                yield self.recording(folder)
            except (UserError, KeyError, TypeError, ValueError, OverflowError) as error:
                where = folder.relative_to(self.root).as_posix()
                faults.append(Fault(BAD_LABEL, where, str(error).removeprefix(f"{folder}/")))
        for set_type in self.answers_for():
            for folder in self.sources(self.root, set_type, [], alone=True):
                where = folder.relative_to(self.root).as_posix()
                faults.append(Fault(PICTURE_ALONE, where, f"no {' or '.join(self.labels)}"))

    def headset(self) -> Headset:
        """Of all pictures."""
        headset = load_headset("sceneego")
        if self.choices["camera"] == "01_12":
            headset = replace(headset, camera=load_headset("egowholebody").camera)
        return headset

    def character(self, folder: Path) -> str:
        """Whose sequence it is: its name less the number."""
        return re.sub(r"\d+$", "", folder.name) or folder.name

    def recording(self, folder: Path) -> Recording:
        """A sequence; UserError, KeyError, TypeError or ValueError for labels of another form."""
        path = next(p for name in self.labels if (p := folder / name).is_file())
        entries = read_pickle(path)
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            raise UserError(f"{path}: no list of labels")
        numbers = self._numbers(entries, folder)
        poses = np.full((len(entries), 15, 3), np.nan)
        for pose, entry in zip(poses, entries, strict=True):
            if entry[self.pose] is not None:
                pose[:] = numeric(entry[self.pose], (15, 3))
        names = numbered(folder / "imgs", _PICTURE)
        below = f"{folder.relative_to(self.root).as_posix()}/imgs"
        pictures = [f"{below}/{names[n]}" if n in names else "" for n in numbers]
        joints, about = ordered(poses, MPI_15), (self.character(folder), folder.name, folder.name)
        return Recording(*about, self.headset(), numbers, joints, pictures)

    def _numbers(self, entries: list[dict[str, Any]], folder: Path) -> list[int]:
        """Of each label's picture: by its name, or by the two clocks of the recording."""
        names = [entry.get("image_name") for entry in entries]
        named = [isinstance(n, str) and re.fullmatch(_PICTURE, n, re.IGNORECASE) for n in names]
        if all(named):
            return [int(match[1]) for match in named]
        self.by_clock.add(folder.name)
        return self.by_clocks(entries, read_document(folder / "syn.json"))

    def by_clocks(self, entries: list[dict[str, Any]], sync: dict[str, Any]) -> list[int]:
        """Pictures of labels, from the numbers that both recordings have for one moment."""
        since = [int(entry["ext_id"]) - int(sync["ext"]) for entry in entries]
        if self.choices["pairing"] == "drift":
            since = [n + n // 1000 + (n % 1000 > 500) for n in since]
        return [n + int(sync["ego"]) for n in since]


class EgoPW(SceneEgo):
    """Pseudo truth, to train on only; the last person, by name, is taken for the ValSet."""

    layout = "PERSON/SEQUENCE with imgs and pseudo_gt.pkl"
    options: ClassVar = {}
    protocol = Protocol(
        "EgoPW",
        {},
        "of the data not stated; data at edmond.mpg.de, doi 10.17617/3.FQAEOV",
        "Wang et al., Estimating Egocentric 3D Human Pose in the Wild with External Weak "
        "Supervision, CVPR 2022",
        note="its labels are pseudo truth, to train on",
    )
    labels, pose = ("pseudo_gt.pkl",), "optimized_local_pose"

    @classmethod
    def sources(
        cls, root: Path, set_type: SetType, missing: list[str], alone: bool = False
    ) -> list[Path]:
        """Of the last person with labels, or of the others."""
        places = [root / a / b for a in names_in(root) for b in names_in(root / a)]
        found = cls.holding(places, False)
        last = max((f.parent.name for f in found), default="")
        single = len({f.parent for f in found}) < 2
        if set_type is SetType.TEST or (set_type is SetType.VAL and single):
            return []
        found = cls.holding(places, alone)
        return [f for f in found if single or (f.parent.name == last) == (set_type is SetType.VAL)]

    def headset(self) -> Headset:
        """Mo2Cap2's camera."""
        return load_headset("mo2cap2")

    def character(self, folder: Path) -> str:
        """The person's folder."""
        return folder.parent.name
