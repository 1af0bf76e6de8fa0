"""A whole set: the release's layout, exact labels, the same bytes again, and bad input."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from base.camera import RELEASE_CAMERA, world_to_camera
from base.set_type import SetType
from base.skeleton import JOINT_PREFIX, JOINTS
from dataset.tree.mocap import Mocap
from utils import make_synthetic

OPTIONS = ["--ray_step", "4", "--frames_per_character", "3", "--seed", "7"]


def make(root: Path, *options: str) -> Path:
    make_synthetic.main(["--output", str(root), *OPTIONS, *options])
    return root


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and "cam_down" in path.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    counts = ("--train", "6", "--val", "2", "--test", "3", "--label_frames", "4")
    return make(tmp_path_factory.mktemp("synthetic") / "set", *counts, "--workers", "1")


def test_labels_agree_with_the_camera_formula(small):
    paths = sorted(small.glob("*/*/*/cam_down/json/*.json"))
    assert len(paths) == 6 + 2 + 3 + 4
    for path in paths:
        label = json.loads(path.read_text())
        camera = label["camera"]
        assert camera.keys() == {"cam_fov", "trans", "rot"}
        world = np.array([joint["trans"] for joint in label["joints"]])
        points = world_to_camera(world, np.array(camera["trans"]), np.array(camera["rot"]))
        assert np.abs(points.T - label["pts3d_fisheye"]).max() < 1e-4
        residual = RELEASE_CAMERA.project(points, clamp=True).T - label["pts2d_fisheye"]
        assert np.abs(residual).max() < 1e-3
        names = [joint["name"].removeprefix(JOINT_PREFIX) for joint in label["joints"]]
        assert set(JOINTS) < set(names) and "LeftHandIndex1" in names
        assert len(label["visible"]) == len(names) == len(label["joints"])
        assert len(label["joints"][0]["rot"]) == 3


def test_the_layout_is_the_releases(small):
    for set_type, count in ((SetType.TRAIN, 6), (SetType.VAL, 2), (SetType.TEST, 3)):
        split = Mocap(small, set_type)
        assert len(split) == count
        frame = split[0]
        path = split.picture_path(0)
        character = frame.frame_id.character
        assert path.parts[-5:-1] == (character, "env_001", "cam_down", "rgba")
        assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape == (800, 1280, 3)
        gender, _, build, height = character.split("_")
        assert gender in ("female", "male") and build in "af" and height in "as"
    assert len(Mocap(small, SetType.TRAIN, pictures=False)) == 6 + 4


def test_the_sets_share_no_character(small):
    people = [
        {path.name for path in (small / s.folder).iterdir() if path.is_dir()} for s in SetType
    ]
    assert all(people) and sum(map(len, people)) == len(set.union(*people))


def test_people_stand_below_their_headset(small):
    joints = Mocap(small, SetType.TRAIN, pictures=False).annotations().joints3d
    feet = joints[:, [JOINTS.index("LeftFoot"), JOINTS.index("RightFoot")]]
    assert np.median(feet[..., 2]) > 1.0  # metres along the optical axis
    across = joints[:, JOINTS.index("LeftArm"), 0] - joints[:, JOINTS.index("RightArm"), 0]
    assert (across > 0.1).mean() > 0.8  # the wearer's left is the picture's right


def test_the_same_seed_gives_the_same_bytes_in_two_runs_and_with_two_workers(small, tmp_path):
    first = make(tmp_path / "set", "--train", "2", "--val", "0", "--test", "0", "--workers", "2")
    before = contents(first)
    assert len(before) == 4
    options = ("--val", "2", "--test", "3", "--label_frames", "4", "--resume", "--workers", "2")
    make(first, "--train", "6", *options)
    assert contents(first) == contents(small)


def test_another_seed_gives_other_frames(small, tmp_path):
    options = ("--train", "1", "--val", "0", "--test", "0", "--workers", "1", "--seed", "8")
    root = make(tmp_path / "set", *options)
    ours = sorted(root.glob("*/*/*/cam_down/json/*.json"))[0]
    theirs = sorted(small.glob("TrainSet/*/env_001/cam_down/json/*.json"))[0]
    assert json.loads(ours.read_text())["joints"] != json.loads(theirs.read_text())["joints"]


def test_half_a_frame_is_made_again(small, tmp_path):
    root = make(tmp_path / "set", "--train", "2", "--val", "0", "--test", "0", "--workers", "1")
    before = contents(root)
    label = sorted(root.glob("*/*/*/cam_down/json/*.json"))[0]
    label.unlink()  # what a kill between picture and label leaves
    make(root, "--train", "2", "--val", "0", "--test", "0", "--workers", "1", "--resume")
    assert contents(root) == before


def test_parts_give_the_files_of_a_single_run(small, tmp_path):
    counts = ("--train", "6", "--val", "2", "--test", "3", "--label_frames", "4")
    for part in ("2/2", "1/2"):
        make(tmp_path / "set", *counts, "--workers", "1", "--part", part)
    assert contents(tmp_path / "set") == contents(small)


def test_another_lens_further_passes_and_what_a_person_is(tmp_path):
    lens = {
        "K": [[180.0, 0, 319.5], [0, 180.0, 239.5], [0, 0, 1]],
        "D": [0.01, 0.0, 0.0, 0.0],
        "model": "fisheye",
        "width": 640,
        "height": 480,
    }
    (tmp_path / "lens.json").write_text(json.dumps(lens))
    options = ("--train", "1", "--val", "0", "--test", "0", "--workers", "1")
    options += ("--camera", str(tmp_path / "lens.json"), "--passes", "depth", "objectId")
    root = make(tmp_path / "set", *options)
    folder = next((root / "TrainSet").glob("*/env_001/cam_down"))
    for name in ("rgba", "depth", "objectId"):
        path = next((folder / name).iterdir())
        assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape[:2] == (480, 640)
        assert path.name.split(".")[1] == name
    label = json.loads(next((folder / "json").iterdir()).read_text())
    points = np.array(label["pts3d_fisheye"]).T
    ahead = points[np.argmin(np.hypot(points[:, 0], points[:, 1]) / points[:, 2])]
    theta = np.arctan2(np.hypot(*ahead[:2]), ahead[2])
    radius = 180.0 * theta * (1 + 0.01 * theta**2)
    pixel = np.array([319.5, 239.5]) + radius * ahead[:2] / np.hypot(*ahead[:2])
    assert np.abs(np.array(label["pts2d_fisheye"]).T - pixel).max(1).min() < 0.01
    assert label["seed"] == 7 and 0 <= label["phenotype"]["weight"] <= 1


def test_bad_input_ends_with_one_clear_line_and_exit_2(small, tmp_path, refused):
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("precious")
    a_file = tmp_path / "file"
    a_file.write_text("")
    nothing = ("--train", "0", "--val", "0", "--test", "0")
    cases = {
        "already holds a synthetic set": (small,),
        "holds no synthetic set": (other, "--overwrite"),
        "is a file": (a_file,),
        "nothing to make": (tmp_path / "new", *nothing),
        "cannot be negative": (tmp_path / "new", "--train", "-1"),
        "was made with --seed": (small, "--resume", "--seed", "3"),
        "--workers must be at least 1": (tmp_path / "new", "--workers", "0"),
        "--part 3/2": (tmp_path / "new", "--part", "3/2"),
        "six digits": (tmp_path / "new", "--stride", "500000"),
        "no such folder": (tmp_path / "new", "--panoramas", str(tmp_path / "none")),
        "holds no .jpg or .png": (tmp_path / "new", "--panoramas", str(other)),
        "no action Flying": (tmp_path / "new", "--actions", "Walking", "Flying"),
        "--actions picks among": (tmp_path / "new", "--actions", "Walking", "--bvh", str(other)),
        "another --actions": (small, "--resume", "--actions", "Walking"),
        "--camera": (tmp_path / "new", "--camera", str(a_file)),
    }
    for message, (root, *options) in cases.items():
        assert message in refused("--output", root, *OPTIONS, *options)
    assert (other / "thesis.txt").read_text() == "precious"
    assert not (tmp_path / "new").exists()
