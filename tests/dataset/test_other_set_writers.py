"""The writers of other laboratories' sets against the facts known of the sets."""

import ast
import json
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from other_sets import ego_body3m, mpi, unreal_ego

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "other_sets" / "egobody3m"
CHECKS = {(716.700, 680.187): mpi.LENSES["05_08"], (716.304, 679.931): mpi.LENSES["01_12"]}
CHECKS |= {(761.477, 682.708): mpi.LENSES["mo2cap2"], (677.676, 760.710): unreal_ego.LENS}


@pytest.mark.parametrize("pixel", CHECKS)
def test_lenses_project_the_point_of_the_facts(pixel):
    lens = CHECKS[pixel]
    assert lens.project(np.array([0.2, 0.3, 0.5])) == pytest.approx(pixel, abs=6e-4)
    assert tuple(lens.project(np.array([0.0, 0.0, 1.0]))) == lens.centre


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the genuine labels are not here")
def test_genuine_labels_of_ego_body3m_have_our_form():
    for path in SAMPLES.rglob("*.json"):
        joints = ego_body3m.in_headset(label := json.loads(path.read_text()))
        for eye in range(4):
            stated = np.array(label[f"projected_joint_positions_cam{eye}_px"])
            known = np.column_stack([joints, np.ones(26)])  # depth: along an axis of the headset
            axis, *_ = np.linalg.lstsq(known, stated[:, 2], rcond=None)
            assert known @ axis == pytest.approx(stated[:, 2], abs=3e-5)
            off = ego_body3m.projected(eye, joints) - stated
            assert np.abs(off[:, 2]).max() < 0.05
            for side in stated[:, 2] > 1, stated[:, 2] < -1:  # what is behind is mirrored
                assert np.median(np.abs(off[side, :2])) < 10


def check_left(poses, left=11, right=7):
    """Hips of (…, J, 3) poses whose x is to the wearer's left."""
    assert (poses[..., left, 0] > poses[..., right, 0]).all()


def test_left_is_left_after_the_turn_of_the_mpi_frame(rendered_for, tmp_path):
    turn = -1, -1, 1
    mpi.write_scene_ego(tmp_path / "s", rendered_for("scene_ego"), mkdir=tmp_path / "made")
    rows = pickle.loads((tmp_path / "s/test/jian1/annotation.pkl").read_bytes())
    check_left(np.array([row["ego_pose_gt"] for row in rows]) * turn)
    pickle.loads((tmp_path / "s/train/jian1/annotation.pkl").read_bytes())
    assert (tmp_path / "made").is_dir()
    mpi.write_ego_pw(tmp_path / "p", rendered_for("mo2cap2"), start=57)
    row, _ = pickle.loads((tmp_path / "p/ayush/kitchen2/pseudo_gt.pkl").read_bytes())
    assert (tmp_path / "p/ayush/kitchen2/imgs" / row["image_name"]).name == "img_000057.jpg"
    check_left(row["optimized_local_pose"] * turn)
    mpi.write_mo2cap2(tmp_path, rendered_for("mo2cap2"))
    with h5py.File(tmp_path / "training_data/mo2cap2_chunk_0002.hdf5") as chunk:
        check_left(chunk["Annot3D"][:] * turn)
        pixels = mpi.LENSES["mo2cap2"].project(chunk["Annot3D"][:]) / 4
        assert chunk["Annot2D"][:] == pytest.approx(pixels)
    poses = scipy.io.loadmat(tmp_path / "test_data/TestSet/olek_outdoor_gt.mat")["pose_gt"]
    thighs = np.linalg.norm(poses[:, 7] - poses[:, 8], axis=-1)
    assert len(poses) == 7 and ((thighs > 300) & (thighs < 550)).all()


def test_stereo_pairs_and_names_of_unreal_ego(rendered_for, tmp_path):
    unreal_ego.write_unreal_ego(tmp_path, rendered_for("unreal_ego"), prefix="./UnrealEgoData/")
    motion = tmp_path / (tmp_path / "test.txt").read_text().splitlines()[0][16:]
    joints = json.loads((motion / "json/frame_10.json").read_text())["joints"]
    eyes = [np.array([j[f"camera_{e}_pts3d"] for j in joints.values()]) for e in ("left", "right")]
    assert eyes[1] - eyes[0] == pytest.approx(np.array([[12.0, 0, 0]] * len(joints)), abs=1e-3)
    check_left(eyes[0], *(list(joints).index(f"thigh_{side}") for side in "lr"))


def test_recordings_of_ego_body3m(rendered_for, tmp_path):
    ego_body3m.write_ego_body3m(tmp_path, rendered_for("ego_body3m"))
    lists = ast.parse((tmp_path / "sequences.py").read_text()).body
    for path in (tmp_path / ast.literal_eval(lists[2].value)[0]).glob("*.json"):
        joints = ego_body3m.in_headset(label := json.loads(path.read_text()))
        check_left(joints, 20, 14)
        assert 0 < np.min(label["joint_positions_world_cm"], 0)[1] < 25  # y up, the floor at 0
