"""UnrealEgo (Akada et al., ECCV 2022) and UnrealEgo2: rendered, two cameras on glasses, one json a
frame with each camera's joints, centimetres; a picture of either is a frame."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from base.errors import BrokenFrameError
from base.headset import Headset, load_headset
from base.set_type import SetType
from dataset.faults import BAD_LABEL, Fault
from dataset.pictures import read_bytes
from dataset.recordings import RecordedSet, Recording, file_stamps, numbered

#: Names of our 16 joints in the labels.
_NAMES = (
    *("neck_01", "head"),
    *("upperarm_l", "lowerarm_l", "hand_l", "upperarm_r", "lowerarm_r", "hand_r"),
    *("thigh_l", "calf_l", "foot_l", "ball_l", "thigh_r", "calf_r", "foot_r", "ball_r"),
)
_METRES_PER_CENTIMETRE = 0.01
_LISTS = {SetType.TRAIN: "train.txt", SetType.VAL: "validation.txt", SetType.TEST: "test.txt"}
_SIDES = ("left", "right")


class UnrealEgo(RecordedSet):
    """Lists of motions, and for each ``json`` and ``fisheye_final_image`` with both cameras."""

    layout = "train.txt, validation.txt or test.txt beside ENVIRONMENT/DAY/PERSON/…/json"

    @classmethod
    def sets(cls, root: Path) -> list[SetType]:
        """Those whose list names a motion that is there."""
        return [set_type for set_type in SetType if any(cls.motions(root, set_type))]

    @classmethod
    def motions(cls, root: Path, set_type: SetType) -> Iterator[Path]:
        """Folders of a list that are there; its lines begin with a folder of their own."""
        path = root / _LISTS[set_type]
        lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
        for line in lines:
            # "./UnrealEgoData/ENVIRONMENT/…": wherever the set lies now.
            parts = [part for part in line.strip().split("/") if part not in (".", "")]
            for start in range(min(2, len(parts))):
                if (root.joinpath(*parts[start:]) / "json").is_dir():
                    yield root.joinpath(*parts[start:])
                    break

    def signature(self) -> str:
        """Changes with any label."""
        return file_stamps(each / "json" for each in self.motions(self.root, self.set_type))

    def recordings(self, faults: list[Fault]) -> Iterator[Recording]:
        """Two of each motion."""
        headsets = [load_headset(f"unrealego_{side}") for side in _SIDES]
        with ThreadPoolExecutor() as pool:
            for folder in self.motions(self.root, self.set_type):
                frames = numbered(folder / "json", r"frame_([0-9]{1,9})\.json")
                paths = [folder / "json" / name for name in frames.values()]
                found = dict(zip(frames, pool.map(_labels, paths), strict=True))
                for number, each in found.items():
                    if isinstance(each, str):
                        where = (folder / "json" / frames[number]).relative_to(self.root).as_posix()
                        faults.append(Fault(BAD_LABEL, where, each))
                good = {n: each for n, each in found.items() if not isinstance(each, str)}
                for camera, (side, headset) in enumerate(zip(_SIDES, headsets, strict=True)):
                    yield self._recording(folder, good, camera, side, headset)

    def _recording(
        self, folder: Path, labels: dict[int, np.ndarray], camera: int, side: str, headset: Headset
    ) -> Recording:
        """What one camera saw, of (2, 16, 5) labels by frame number."""
        place = folder.relative_to(self.root)
        pictures = place / "fisheye_final_image" / f"camera_{side}"
        there = numbered(self.root / pictures, r"final_([0-9]{1,9})\.png")
        values = np.array([*labels.values()]).reshape(-1, 2, 16, 5)[:, camera]
        # ENVIRONMENT/DAY/PERSON/GLASSES/CATEGORY/MOTION
        person, name = (place.parts[2] if len(place.parts) > 2 else ""), "_".join(place.parts)
        return Recording(
            person or "person",
            f"{name}_{side}",
            folder.name,
            headset,
            list(labels),
            values[..., :3] * _METRES_PER_CENTIMETRE,
            [f"{(pictures / there[n]).as_posix()}" if n in there else "" for n in labels],
            values[..., 3:],
        )


def _labels(path: Path) -> np.ndarray | str:
    """(2, 16, 5): for the left and the right camera each joint's place, centimetres in its frame,
    and its pixel; or what is wrong with the file."""
    try:
        joints = json.loads(read_bytes(path))["joints"]
        labels = [
            [[*joints[n][f"camera_{s}_pts3d"], *joints[n][f"camera_{s}_pts2d"]] for n in _NAMES]
            for s in _SIDES
        ]
        return np.array(labels, float).reshape(2, 16, 5)
    except BrokenFrameError as error:
        return str(error)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        return f"not the labels of a frame ({type(error).__name__}: {error!s:.80})"
