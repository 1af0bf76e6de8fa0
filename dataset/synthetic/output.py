"""Where frames go: the release's layout and label keys, or straight into shards, the packed form of
the same tree. Files are replaced as a whole, so that a killed run goes on to the same bytes."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from base.files import write_bytes
from base.frame import FrameId
from base.headset import RELEASE_HEADSET, Headset
from base.release_camera import world_to_camera
from base.set_type import SetType
from base.skeleton import JOINT_PREFIX
from dataset.labels import Label, parse_label
from dataset.packed.packing import encode_square, write_environment
from dataset.packed.shards import INDEX, ROWS, Environment, PackOptions, assemble

#: Environments: of frames with pictures, and of those with labels alone.
PICTURES, LABELS_ONLY = "env_001", "env_002"
#: Holds frames on their way into shards.
STAGING = ".frames"
#: Half the time of level 1's defaults on these pictures, and a twentieth smaller.
_FAST_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]
_FAST_PNG += [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # OpenCV 4.12 and later
    _FAST_PNG += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
#: How files end that are whole.
_ENDS = {".png": b"IEND\xaeB`\x82", ".jpg": b"\xff\xd9", ".json": b"}"}


def is_whole(path: Path) -> bool:
    """Whether a file is there to its end: a computer that loses its power leaves empty ones."""
    try:
        with path.open("rb") as file:
            file.seek(-min(8, path.stat().st_size), 2)
            return file.read().endswith(_ENDS[path.suffix])
    except OSError:
        return False


@dataclass(frozen=True)
class Folder:
    """Where the frames of a character in one environment go: in the tree or, where ``pack`` says
    how, into shards, before which each waits as a JPEG with its label until all are there."""

    root: Path
    set_type: SetType
    character: str
    environment: str
    passes: tuple[str, ...] = ()  # pictures of a frame besides the coloured one
    pack: PackOptions | None = None

    @property
    def _split(self) -> Path:
        return self.root / self.set_type.folder

    @property
    def _staging(self) -> Path:
        return self.root / STAGING / self.set_type.folder / f"{self.character}-{self.environment}"

    @property
    def _frame(self) -> FrameId:
        return FrameId(self.character, self.environment, 0)

    def _path(self, kind: str, number: int) -> Path:
        """Place of a file of a frame in the tree, or where it waits."""
        if self.pack:
            return self._staging / f"{number:06d}{'.json' if kind == 'json' else '.jpg'}"
        name = f"_{number:06d}.json" if kind == "json" else f".{kind}.{number:06d}.png"
        place = self._split / self.character / self.environment / "cam_down" / kind
        return place / f"{self.character}{name}"

    def _is_there(self, number: int) -> bool:
        pictures = () if self.environment == LABELS_ONLY else ("rgba", *self.passes)
        return all(is_whole(self._path(kind, number)) for kind in ("json", *pictures))

    def missing(self, numbers: Iterable[int]) -> set[int]:
        """Those of the frame numbers that are still to be made."""
        packed = self._packed() if self.pack else {}
        return {n for n in numbers if n not in packed and not self._is_there(n)}

    def write(self, number: int, label: bytes, pictures: dict[str, np.ndarray]) -> None:
        """Write a frame: pictures by name, if any (``rgba`` (H, W, 3) uint8 RGB, passes (H, W)
        uint8 or uint16), then the label, each whole or not at all."""
        for kind, picture in pictures.items():
            path = self._path(kind, number)
            if self.pack:
                encoded = encode_square(picture, self.pack, parse_label(label, path).headset)
            else:
                how = [cv2.IMWRITE_PNG_COMPRESSION, 3]
                if kind == "rgba":
                    picture, how = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), _FAST_PNG
                encoded = cv2.imencode(".png", picture, how)[1].tobytes()
            write_bytes(path, encoded, single_writer=True)
        write_bytes(self._path("json", number), label, single_writer=True)

    def _packed(self) -> dict[int, Label]:
        """Labels of the frames whose rows and shards are there; deletes shards that are cut off."""
        path = Environment.path(self._split, self._frame)
        if not path.is_file():
            return {}
        table, shards, _ = Environment.load(path)
        whole = {-1} if self.environment == LABELS_ONLY else set()
        for number, shard in enumerate(self._split / name for name in shards):
            its = table.rows[table.rows["shard"] == number]
            if shard.is_file() and shard.stat().st_size >= (its["offset"] + its["length"]).max():
                whole.add(number)
            else:
                shard.unlink(missing_ok=True)
        shard_of = dict(zip(table.rows["number"].tolist(), table.rows["shard"], strict=True))
        return {n: table.label(row) for row, n in enumerate(shard_of) if shard_of[n] in whole}

    def finish(self) -> None:
        """Put the frames that wait, if any, into shards, beside those that are there."""
        if not self._staging.is_dir():
            return
        labels = self._packed()
        for path in self._staging.glob("[0-9]*.json"):
            if self._is_there(int(path.stem)):
                labels[int(path.stem)] = parse_label(path.read_bytes(), path)
        pictured = () if self.environment == LABELS_ONLY else labels
        # Of those that do not wait, the pictures in the shards are kept.
        pictures = {number: str(self._path("rgba", number)) for number in pictured}
        if labels:
            write_environment(
                *(self._split, self._frame, self.pack, labels, pictures),
                lambda paths, _: [Path(path).read_bytes() for path in paths],
            )
        shutil.rmtree(self._staging, ignore_errors=True)


def put_together(root: Path, options: PackOptions) -> None:
    """Write the indices and annotations of all sets, which makes them readable."""
    for set_type in SetType:
        if any((root / set_type.folder / ROWS).glob("*.npz")):
            assemble(root / set_type.folder, set_type, options)
    shutil.rmtree(root / STAGING, ignore_errors=True)


def remove_indices(root: Path) -> None:
    """Make the sets unreadable before they change."""
    for set_type in SetType:
        (root / set_type.folder / INDEX).unlink(missing_ok=True)


def encode_label(
    action: str,
    names: tuple[str, ...],
    joints: np.ndarray,
    turns: np.ndarray,
    trans: np.ndarray,
    rot: np.ndarray,
    occluded: np.ndarray | None,
    headset: Headset,
    more: dict,
) -> bytes:
    """The content of a label's json file: (J, 3) joints in world centimetres, (J, 3, 3) turns of
    the bones on top of a T-pose facing +z; position ``trans`` and degrees ``rot`` (3,) of the
    camera; (J,) joints that are ``occluded``, None where nobody knows; ``more`` entries."""
    # What is derived comes from the rounded values: read back, it agrees to 1e-3 px.
    joints, trans, rot = np.round(joints, 5), np.round(trans, 5), np.round(rot, 8)
    points = np.round(world_to_camera(joints, trans, rot), 5)
    camera = headset.camera
    visible = camera.in_view(points) & (camera.angle(points) < headset.rim)
    if occluded is not None:
        visible &= ~occluded
    fov = round(2 * float(np.degrees(headset.rim)), 3)
    # Degrees about the static x, y and z axes.
    x, z = np.arctan2(turns[:, [2, 1], [1, 0]], turns[:, [2, 0], [2, 0]]).T
    angles = np.degrees(np.stack([x, np.arcsin(np.clip(-turns[:, 2, 0], -1, 1)), z], -1))
    rows = zip(names, joints.tolist(), np.round(angles, 3).tolist(), strict=True)
    content = {
        "action": action,
        "camera": {"cam_fov": fov, "trans": trans.tolist(), "rot": rot.tolist()},
        "joints": [{"name": JOINT_PREFIX + n, "trans": at, "rot": angle} for n, at, angle in rows],
        "pts3d_fisheye": points.T.tolist(),
        "pts2d_fisheye": np.round(camera.project(points, clamp=True).T, 4).tolist(),
        "visible": visible.tolist(),
        **({} if headset == RELEASE_HEADSET else {"headset": headset.as_dict()}),
        **more,
    }
    return json.dumps(content, separators=(",", ":")).encode()
