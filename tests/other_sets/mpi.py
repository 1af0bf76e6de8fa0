"""Small copies of SceneEgo, EgoPW and Mo2Cap2: camera axes and 15 joints are the same."""

import json
import pickle

import cv2
import h5py
import numpy as np
from other_sets.common import by_person, moved, scaramuzza, spoil, write_picture
from scipy.io import savemat
from scipy.spatial.transform import Rotation

_LIMBS = ["Arm", "ForeArm", "Hand"], ["UpLeg", "Leg", "Foot", "ToeBase"]
MPI15 = ("Neck", *(side + part for limb in _LIMBS for side in ("Right", "Left") for part in limb))
_0508 = "478.5893205 350.3715829 79.00065565 62.28794006 32.64466851 15.68380501 7.766879337"
_0508 += " 2.19079137 -.1084229689 -.1903842667 -.02776267870"
_0112 = "432.36953 215.266504 -44.714138 36.138109 19.152423 -19.063185 10.143698 15.609481"
_0112 += " -9.845174 -4.933322 5.333398 .984883 -1.098085 .171683 .203421"
LENSES = {"05_08": scaramuzza(614.93216999, 527.53465649, _0508)}
LENSES["01_12"] = scaramuzza(614.668874, 527.479001, _0112)
LENSES["mo2cap2"] = scaramuzza(659.708711, 530.055662, _0508)


def _pickle(path, content, protocol):
    """Of protocol 3 with NumPy 1's names of modules, as the genuine ones."""
    data = pickle.dumps(content, protocol)
    path.write_bytes(data.replace(b"cnumpy._core.", b"cnumpy.core.") if protocol == 3 else data)


def _pose(frame, wrong):
    pose = frame.points(MPI15).astype(np.float32)
    pose[3, 1] = np.nan if wrong else pose[3, 1]
    return pose


def write_scene_ego(folder, rendered, none=(), nan=(), camera="05_08", truncated=False, mkdir=None):
    """People in ``train``, the last in ``test``; both have a ``jian1``.  none, nan: rows of each
    sequence without pose, with a NaN; camera: lens of pictures; truncated: second picture of the
    first sequence; mkdir: its labels, trusted, make this folder."""
    for place, split, frames in by_person(rendered):
        sequence = folder / ("test" if split == "test" else "train")
        sequence /= ("jian1", "diogo1", "jian2", "pranay2")[0 if split == "test" else place]
        ext, ego, rows = 503 + 7 * place, 21 + 4 * place, []
        for n, frame in enumerate(frames):
            picture = frame.picture
            if camera != "05_08":
                picture = LENSES["05_08"].as_seen_by(LENSES[camera], picture)
            name, pose = f"img_{ego + n:06d}.jpg", None if n in none else _pose(frame, n in nan)
            write_picture(sequence / "imgs" / name, picture)
            row = {"ext_id": ext + n, "ego_pose_gt": pose, "image_name": name}
            rows.append(row | {"ext_pose_gt": moved(frame.world, frame.points(MPI15))})
        _pickle(sequence / "annotation.pkl", rows, 3)
        _pickle(sequence / "local_pose_gt.pkl", [dict(list(row.items())[:2]) for row in rows], 3)
        (sequence / "syn.json").write_text(json.dumps({"ego": ego, "ext": ext}))
        if truncated and place == 0:
            spoil(sequence / "imgs" / f"img_{ego + 1:06d}.jpg")
        for path in sequence.glob("*.pkl") if mkdir and place == 0 else ():
            spoil(path, mkdir)


def write_ego_pw(folder, rendered, truncated=False, mkdir=None):
    """Of frames with Mo2Cap2's headset; an identity with one sequence a person, whose numbers do
    not begin with 0.  truncated: second picture of the first sequence; mkdir: its labels make this
    folder."""
    for place, _, frames in by_person(rendered):
        identity, rows = ("ayush", "binchen", "chao_new", "kripa")[place], []
        sequence = folder / identity / ("kitchen2", "out")[place % 2]
        for number, frame in enumerate(frames, 57):
            path, pose = sequence / "imgs" / f"img_{number:06d}.jpg", frame.points(MPI15)
            write_picture(path, frame.picture)
            there = f"/CT/EgoMocap/{identity}/imgs/{path.name}"  # where the set was made
            row = {"image_name": path.name, "image_path": there, "gt_pose": None}
            rows.append(row | {"optimized_local_pose": pose.astype(np.float32)})
        _pickle(sequence / "pseudo_gt.pkl", rows, 4)
        if truncated and place == 0:
            spoil(sequence / "imgs" / rows[1]["image_name"])
        if mkdir and place == 0:
            spoil(sequence / "pseudo_gt.pkl", mkdir)


def _square(picture):
    """(3, 256, 256): the middle of a picture, channels first."""
    small = cv2.resize(picture[:, 128:1152], (256, 256), interpolation=cv2.INTER_AREA)
    return small.transpose(2, 0, 1)


def write_mo2cap2(folder, rendered, columns=32, bgr=False, left_first=False, truncated=False):
    """A chunk for each person but the last, who is in olek_outdoor; the first is in weipeng_studio
    too, whose pictures begin with the third pose and end before the poses.  columns: Annot2D less
    where joints are in Images, 32, or 33, or 0; bgr: the chunks' channels; left_first: joints 1–3
    and 7–10 are the left ones, everywhere; truncated: first picture of olek_outdoor."""
    people = by_person(rendered)
    swap = [0, 4, 5, 6, 1, 2, 3, 11, 12, 13, 14, 7, 8, 9, 10]
    order = [MPI15[i] for i in swap] if left_first else MPI15
    (folder / "training_data").mkdir(parents=True)
    for place, _, frames in people[:-1]:
        pictures = [frame.picture[..., :: -1 if bgr else 1] for frame in frames]
        poses = np.array([frame.points(order) for frame in frames])
        pixels = LENSES["mo2cap2"].project(poses)
        name = f"training_data/mo2cap2_chunk_{place + 1:04d}.hdf5"
        with h5py.File(folder / name, "w") as chunk:
            chunk["Annot2D"] = (pixels - (128, 0)) / 4 + (columns, 0)
            chunk["Annot3D"], chunk["Images"] = poses * 1000, np.array([*map(_square, pictures)])
    tests = [("olek_outdoor", "fc2_save_2017-11-06-1502-", 158, people[-1][2])]
    tests += [("weipeng_studio", "frame_c_0_f_", 387, people[0][2])]
    for name, stem, first, frames in tests:
        sequence = folder / "test_data/TestSet" / name
        for number, frame in enumerate(frames, first + 2):
            write_picture(sequence / f"{stem}{number:04d}.jpg", frame.picture)
        around = [frames[-1]] * 2 + frames + [frames[0]] * 3
        poses = np.array([moved(frame.world, frame.points(order)) for frame in around])
        turn = Rotation.from_euler("xyz", [90, 0, 30 + first], degrees=True).as_matrix()
        poses = poses @ turn.T * 1000 + (830.0, -410.0, 95.0)
        savemat(sequence.with_name(f"{name}_gt.mat"), {"pose_gt": poses})
        if truncated and name == "olek_outdoor":
            spoil(sequence / f"{stem}{first + 2:04d}.jpg")
