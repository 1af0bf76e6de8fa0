"""Mo2Cap2 (Xu et al., TVCG 2019): chunks of rendered training frames, two real test sequences."""

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy.io import loadmat

from base.cameras.camera import Camera
from base.errors import BrokenFrameError, UserError
from base.headset import Headset, load_headset
from base.set_type import SetType
from dataset.faults import BAD_LABEL, LABEL_ALONE, PICTURE_ALONE, Fault
from dataset.protocol import Protocol
from dataset.recordings import RecordedSet, Recording, names_in, numbered, numeric, ordered
from dataset.scene_ego import MPI_15
from dataset.square_crop import SquareCrop

_CHUNK = r"mo2cap2_chunk_[0-9]{4}\.(hdf5|h5)"
#: Side of the chunks' pictures: every fourth pixel of the whole one's middle 1024 columns.
_SIDE, _SCALE = 256, 4
#: Labels of a chunk and their shapes; a chunk has 1000 rows.
_LABELS = (("Annot3D", (15, 3)), ("Annot2D", (15, 2)))
#: Sequence → pattern of its pictures, and their number less the row of the truth.
_TEST_FOLDERS = ("", "TestSet", "test_data/TestSet")
_TESTS = {
    "olek_outdoor": (r"fc2_save_.*-([0-9]{1,9})\.jpg", 158),
    "weipeng_studio": (r"frame_c_0_f_([0-9]{1,9})\.jpg", 387),
}
_MILLIMETRES = 1000


class Mo2Cap2(RecordedSet):
    """The last fiftieth of the chunks there are, one at least of several, is taken for the ValSet.

    The truth of the test sequences is in the frame of the motion capture.  ``colour``: order of the
    channels in the chunks, which nobody has measured.
    """

    layout = "training_data/mo2cap2_chunk_0001.hdf5, or test_data/TestSet/olek_outdoor_gt.mat"
    options: ClassVar = {"colour": ("rgb", "bgr")}
    protocol = Protocol(
        "Mo2Cap2",
        {"BA-MPJPE": "ba_pa_mpjpe", "PA-MPJPE": "pa_mpjpe"},
        "research only; data at vcai.mpi-inf.mpg.de",
        "Xu et al., Mo2Cap2: Real-time Mobile 3D Motion Capture with a Cap-mounted Fisheye Camera, "
        "TVCG 2019",
        note="BA: both skeletons get the bones of mean3D, then similarity alignment; the authors' "
        "own code was not seen",
    )

    @classmethod
    def sources(cls, root: Path, set_type: SetType, missing: list[str]) -> list[Path]:
        """Chunks, or the truths of test sequences, below the root as they are downloaded, or in
        it."""
        if set_type is SetType.TEST:
            paths = [root / below / f"{n}_gt.mat" for n in _TESTS for below in _TEST_FOLDERS]
            return [path for path in paths if path.is_file()]
        folders = [root, root / "training_data"]
        chunks = [f / name for f in folders for name in names_in(f) if re.fullmatch(_CHUNK, name)]
        last = len(chunks) - (max(1, len(chunks) // 50) if len(chunks) > 1 else 0)
        return chunks[:last] if set_type is SetType.TRAIN else chunks[last:]

    @classmethod
    def aligned_only(cls, set_type: SetType) -> str | None:
        """The test sequences' truth has no camera pose."""
        return "its truth is in the motion capture's frame" if set_type is SetType.TEST else None

    def recordings(self, faults: list[Fault]) -> Iterator[Recording]:
        """Each file's."""
        headset = load_headset("mo2cap2")
        read = self._test if self.set_type is SetType.TEST else self._chunk
        for path in self.sources(self.root, self.set_type, []):
            try:
                yield read(path, headset)
            except Exception as error:  # what h5py and SciPy raise shares no base class
                faults.append(Fault(BAD_LABEL, path.name, f"cannot be read ({error})"))
        if SetType.TEST in self.answers_for():
            faults += self._halves()

    def _halves(self) -> Iterator[Fault]:
        """Test sequences without pictures, or without truth."""
        for name, (pattern, _) in _TESTS.items():
            for folder in (self.root / below / name for below in _TEST_FOLDERS):
                truth = folder.with_name(f"{name}_gt.mat")
                pair = [bool(numbered(folder, pattern)), truth.is_file()]
                path = (folder if pair[0] else truth).relative_to(self.root).as_posix()
                if pair == [True, False]:
                    yield Fault(PICTURE_ALONE, path, f"no {truth.name}")
                if pair == [False, True]:
                    yield Fault(LABEL_ALONE, path, f"no pictures in {name}")

    def _chunk(self, path: Path, headset: Headset) -> Recording:
        """The rows of a chunk; "pictures" are the file and the row."""
        with _hdf5().File(path) as file:
            joints, pixels = (_array(file, *what) for what in _LABELS)
            pictures = _array(file, "Images", (3, _SIDE, _SIDE), read=False)
            if not len(joints) == len(pixels) == len(pictures) or pictures.dtype != np.uint8:
                raise UserError("its labels and pictures do not belong together")
        numbers = range(len(joints))
        pictures = [f"{path.relative_to(self.root).as_posix()}#{number}" for number in numbers]
        about, metres = (path.stem, "train", "train"), ordered(joints / _MILLIMETRES, MPI_15)
        stated = ordered(pixels * _SCALE, MPI_15)
        return Recording(*about, headset, numbers, metres, pictures, stated)

    def _test(self, path: Path, headset: Headset) -> Recording:
        """A test sequence; its truth goes on where there are no pictures, which are no frames."""
        try:
            poses = loadmat(path)["pose_gt"]
        except NotImplementedError:  # MATLAB 7.3, whose axes are the other way round
            with _hdf5().File(path) as file:
                poses = _array(file, "pose_gt", (15, len(file["pose_gt"][0][0]))).T
        poses = numeric(poses, (None, 15, 3))
        name = path.name.removesuffix("_gt.mat")
        pattern, first = _TESTS[name]
        folder = path.parent / name
        found = numbered(folder, pattern)
        numbers = [n for n in found if first <= n < first + len(poses)]
        below = folder.relative_to(self.root).as_posix()
        pictures = [f"{below}/{found[n]}" for n in numbers]
        poses = poses[np.array(numbers, int) - first]
        about, joints = (name, name, name), ordered(poses / _MILLIMETRES, MPI_15)
        return Recording(*about, headset, numbers, joints, pictures)

    @classmethod
    def kept_side(cls, set_type: SetType) -> int | None:
        """Of the chunks' pictures."""
        return None if set_type is SetType.TEST else _SIDE

    @property
    def in_doubt(self) -> set[str]:
        """The channels of the chunks."""
        return set() if self.set_type is SetType.TEST else {*self.options}

    def kept_camera(self, headset: Headset) -> Camera:
        """Of the chunks' small pictures."""
        camera, side = headset.camera, self.kept_side(self.set_type)
        return SquareCrop(side, camera.width, camera.height).camera(camera) if side else camera

    def image(self, row: int) -> np.ndarray:
        """A row of a chunk, or a test picture."""
        if self.set_type is SetType.TEST:
            return super().image(row)
        name, _, number = self.picture_where(row).partition("#")
        try:
            path = self.root / name
            image = _chunk_pictures(path, path.stat().st_mtime_ns, os.getpid())[int(number)]
        except Exception as error:  # nor what h5py raises for damaged chunks
            raise BrokenFrameError(f"{self.root / name}: row {number}: {error}") from None
        image = image.transpose(1, 2, 0)
        return np.ascontiguousarray(image[..., ::-1] if self.choices["colour"] == "bgr" else image)


@lru_cache(maxsize=4)
def _chunk_pictures(path: Path, written: int, process: int) -> Any:
    """The (N, 3, 256, 256) pictures of a chunk, not read yet; opened once in each process."""
    return _array(_hdf5().File(path), "Images", (3, _SIDE, _SIDE), read=False)


def _array(file: Any, name: str, shape: tuple[int | None, ...], read: bool = True) -> Any:
    """The (N, …) array of a chunk; UserError for one of another shape."""
    found = file[name]
    if found.shape[1:] != shape:
        raise UserError(f"{name} is not of shape (N, {', '.join(map(str, shape))})")
    return numeric(found[:], (None, *shape)) if read else found


def _hdf5() -> Any:
    try:
        import h5py
    except ImportError:
        raise UserError("Mo2Cap2 is in HDF5, which needs h5py: pip install h5py") from None
    return h5py
