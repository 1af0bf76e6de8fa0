"""Writes a few frames in the formats of other laboratories' sets, by hand."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import release
from other_sets.mpi import MPI15

from base.skeleton import JOINTS

#: MPI's 15 joints among our 16: Neck, right arm, left arm, right leg, left leg.
MPI = [JOINTS.index(name) for name in MPI15]
HEAD = JOINTS.index("Head")


def picture(number: int, height: int = 1024, width: int = 1280) -> np.ndarray:
    """(H, W, 3) smooth colours that tell one frame number, and each of its corners, from others."""
    y, x = np.mgrid[:height, :width]
    channels = 255 * x // width, 255 * y // height, np.full_like(x, 30 * number % 256)
    return np.stack(channels, -1).astype(np.uint8)


def scene_ego(root: Path, **sequences: int) -> Path:
    """So many frames of sequences, called SPLIT_NAME, such as ``train_jian1``; numbers from 1."""
    for place, count in sequences.items():
        folder = root.joinpath(*place.split("_", 1))
        (folder / "imgs").mkdir(parents=True)
        labels = []
        for number in range(1, count + 1):
            name = f"img_{number:06d}.jpg"
            labels.append({"image_name": name, "ego_pose_gt": release.pose_for(number)[MPI]})
            cv2.imwrite(str(folder / "imgs" / name), picture(number)[..., ::-1])
        (folder / "annotation.pkl").write_bytes(pickle.dumps(labels))
    return root


def mo2cap2(root: Path, frames: int = 3) -> Path:
    """Two chunks, and a test sequence whose first picture is there."""
    import h5py
    from scipy.io import savemat

    root.mkdir(parents=True)
    poses = np.array([release.pose_for(number)[MPI] * 1000 for number in range(frames)])
    for chunk in (1, 2):
        with h5py.File(root / f"mo2cap2_chunk_{chunk:04d}.hdf5", "w") as file:
            file["Annot3D"], file["Annot2D"] = poses, np.zeros((frames, 15, 2))
            small = [picture(number, 256, 256).transpose(2, 0, 1) for number in range(frames)]
            file["Images"] = np.array(small)
    savemat(root / "olek_outdoor_gt.mat", {"pose_gt": poses + 3000})
    (root / "olek_outdoor").mkdir()
    cv2.imwrite(str(root / "olek_outdoor" / "fc2_save_2017-0158.jpg"), picture(1))
    return root
