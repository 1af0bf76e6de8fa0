"""What other laboratories' sets have wrong: each planted in a small set of its own, and found; and
nothing found in the same set without it."""

import json
import pickle
from functools import partial
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from commands import check_set, run_check
from moving_body import standing
from other_sets import ego_body3m, mpi, unreal_ego
from other_sets_tiny import MPI

from base.headset import load_headset
from base.set_type import SetType
from dataset.faults import BAD_LABEL, OFF_PICTURE, OFF_STATED, SWAPPED_SIDES

SAMPLE = Path(__file__).parents[2].parent / "shared" / "other_sets" / "egobody3m"
SKIN, CLOTHES = (205, 150, 120), (90, 100, 110)
WRISTS = [3, 6]
OFF_RIM = "by the calibration the centre is (615, 528)"
BGR = "channels look like BGR: try --format mo2cap2:colour=bgr"
SWAPPED_ALL = "in 100%: names are swapped"
SWAPPED = [0, 4, 5, 6, 1, 2, 3, 11, 12, 13, 14, 7, 8, 9, 10]


def poses(count, headset):
    """(count, 15, 3) metres in the camera's frame: hands that move in bursts."""
    rng = np.random.default_rng(0)
    found = np.repeat(standing()[None, MPI] - [0, 0.12, 0], count, 0)  # the camera is before them
    for wrist in WRISTS:
        steps = rng.normal(0, 0.03, (count, 3)) * (rng.random(count) < 0.3)[:, None]
        place = np.zeros(3)
        for pose, step in zip(found, steps, strict=True):
            place = np.clip(place + step, -0.1, 0.1)
            pose[wrist] += place
    return found @ headset.rotation.T


def draw(pose, camera, rim=92):
    """A lit circle with skin-coloured discs at the palms."""
    image = np.zeros((camera.height, camera.width, 3), np.uint8)
    radius = camera.project(np.array([np.sin(np.radians(rim)), 0, np.cos(np.radians(rim))]))[0]
    centre = round(camera.cx), round(camera.cy)
    cv2.circle(image, centre, round(radius - camera.cx), CLOTHES, -1)
    for wrist in WRISTS:
        palm = camera.project(pose[wrist] + 0.35 * (pose[wrist] - pose[wrist - 1]))
        cv2.circle(image, tuple(map(int, palm.round())), camera.height // 25, SKIN, -1)
    return image


def check(root, *options):
    """Exit status, kinds of faults and the whole report of a set."""
    status, [found] = run_check(root, *options)
    return status, found["counts"], found


def write_chunk(root, stated=lambda pixels: pixels, way=(1, 1, 1)):
    headset = load_headset("mo2cap2")
    joints = poses(30, headset)
    small = headset.camera.cropped(128, 0, 1024, 1024).resized(256, 256)
    with h5py.File(root / "mo2cap2_chunk_0001.hdf5", "w") as file:
        file["Images"] = np.array([draw(pose, small).transpose(2, 0, 1) for pose in joints])
        file["Annot3D"] = 1000 * joints * way
        file["Annot2D"] = stated(headset.camera.project(joints) / 4)
    return root


@pytest.mark.parametrize(
    ("stated", "correction"),
    [
        (lambda p: p / 4, "0.0 px if multiplied by 4"),
        (lambda p: p * [-1, 1] + [1279 / 4, 0], "0.0 px if x mirrored"),
        (lambda p: p[:, SWAPPED], "0.0 px if left and right joint names swapped"),
        (
            lambda p: (p / 4)[:, SWAPPED] - [8, 1],
            "multiplied by 4 and left and right joint names swapped and moved by +128.0, +16.0 px",
        ),
        (lambda p: p[:, ::-1], "no shift, scale, mirroring or swapping of names fits"),
    ],
)
def test_the_correction_of_stated_pixels_is_found(stated, correction, tmp_path):
    status, counts, found = check(write_chunk(tmp_path, stated), "--no_pictures")
    assert status == 1 and counts == {"stated 2D joints are off": 1}
    [fault] = found["faults"]
    assert fault["where"] == "TrainSet/mo2cap2" and correction in fault["detail"]
    assert found["good_frames"] == 30


def test_labels_turned_by_180_degrees_are_told_from_swapped_names(tmp_path):
    _, counts, found = check(write_chunk(tmp_path, way=(-1, -1, 1)), "--no_pictures")
    assert counts[SWAPPED_SIDES] == 1
    assert any("turned by 180°" in fault["detail"] for fault in found["faults"])


def write_sequence(root, count, late=lambda number: 0):
    """Of SceneEgo; ``late`` is how many frames later the picture of a label was taken."""
    headset = load_headset("sceneego")
    joints = poses(count, headset)
    folder = root / "train" / "jian1"
    (folder / "imgs").mkdir(parents=True)
    for number in range(count):
        shown = np.clip(number - late(number), 0, count - 1)
        image = draw(joints[shown], headset.camera)
        cv2.imwrite(str(folder / "imgs" / f"img_{number:06d}.jpg"), image[..., ::-1])
    labels = [{"ext_id": n + 7, "ego_pose_gt": pose} for n, pose in enumerate(joints)]
    (folder / "local_pose_gt.pkl").write_bytes(pickle.dumps(labels))
    (folder / "syn.json").write_text('{"ego": 0, "ext": 7}')
    return root


def test_a_recording_whose_pictures_drift_is_found_with_the_option_to_try(tmp_path):
    root = write_sequence(tmp_path, 166, lambda number: 0 if number < 83 else 3)
    status, counts, found = check(root)
    assert status == 1 and counts == {"pictures and labels disagree": 1}
    [fault] = found["faults"]
    assert fault["where"] == "TrainSet/jian1"
    assert fault["detail"].startswith("pictures lag behind their labels: +0 frames from ")
    assert ", +3 frames from " in fault["detail"]
    assert fault["detail"].endswith(": try --format scene_ego:pairing=drift")


def test_a_sound_recording_is_well_and_its_notes_are_printed(tmp_path, capsys):
    status, counts, found = check(write_sequence(tmp_path, 90))
    assert (status, counts) == (0, {})
    note = found["notes"][-1]
    assert "jian1: pictures lag behind their labels: +0 frames" in note
    assert note in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "write", "kinds", "detail"),
    [
        ("scene_ego", mpi.write_scene_ego, {}, ""),
        ("scene_ego", partial(mpi.write_scene_ego, camera="01_12"), {OFF_PICTURE: 1}, OFF_RIM),
        ("scene_ego", partial(mpi.write_scene_ego, none=[0], nan=[1, 2]), {BAD_LABEL: 3}, ""),
        ("mo2cap2", mpi.write_ego_pw, {}, ""),
        ("mo2cap2", mpi.write_mo2cap2, {}, "mo2cap2: stated 2D joints off the projected, px: 0.0"),
        ("mo2cap2", partial(mpi.write_mo2cap2, columns=0), {OFF_STATED: 1}, "by +128.0, +0.0 px"),
        ("mo2cap2", partial(mpi.write_mo2cap2, columns=33), {OFF_STATED: 1}, "by -4.0, +0.0 px"),
        ("mo2cap2", partial(mpi.write_mo2cap2, bgr=True), {OFF_PICTURE: 1}, BGR),
        ("mo2cap2", partial(mpi.write_mo2cap2, left_first=True), {SWAPPED_SIDES: 1}, SWAPPED_ALL),
        ("unreal_ego", unreal_ego.write_unreal_ego, {}, ""),
        ("unreal_ego", partial(unreal_ego.write_unreal_ego, swapped=True), {SWAPPED_SIDES: 2}, ""),
        ("ego_body3m", ego_body3m.write_ego_body3m, {}, ""),
        ("ego_body3m", partial(ego_body3m.write_ego_body3m, other_device=True), {}, ""),
    ],
)
def test_copies_by_another_hand_are_well_but_for_what_is_planted(
    name, write, kinds, detail, rendered_for, tmp_path
):
    write(tmp_path, rendered_for(name))
    _, [found, *_] = run_check(tmp_path, "--sets", "train")
    assert found["counts"] == kinds
    texts = [fault["detail"] for fault in found["faults"]] or found["notes"]
    assert not detail or detail in texts[0]


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="no genuine labels here")
def test_joints_behind_egobody3ms_cameras_are_counted(tmp_path):
    (tmp_path / "603778748449547").symlink_to(SAMPLE / "603778748449547")
    used = [9, 0, 2, 3, 4, 6, 7, 8, 20, 21, 22, 14, 15, 16]
    report = check_set(tmp_path, SetType.TEST, pictures=False)
    for camera, size in enumerate(((636, 480), (1280, 1024), (1280, 1024), (636, 480))):
        seen = []
        for path in SAMPLE.rglob("frame*.json"):
            content = json.loads(path.read_text())
            seen += [content[f"projected_joint_positions_cam{camera}_px"][joint] for joint in used]
        u, v, depth = np.array(seen).T
        inside = (u > -0.5) & (u < size[0] - 0.5) & (v > -0.5) & (v < size[1] - 0.5) & (depth <= 0)
        text = f"egobody3m_cam{camera}: {(depth <= 0).sum()} stated 2D joints are behind the camera"
        [note] = [note for note in report.notes if note.startswith(text)]
        assert f"left out; {inside.sum()} of them are in the picture, mirrored" in note
    assert {fault.kind for fault in report.faults} == {"label without picture"}
