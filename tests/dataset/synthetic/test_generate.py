"""A whole set: the release's layout, exact labels, the same bytes again, and bad input."""

import errno
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import archives
import cv2
import killing
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import UserError
from base.lock import locked
from base.release_camera import RELEASE_CAMERA
from base.set_type import SetType
from base.skeleton import JOINT_PREFIX, JOINTS
from dataset.synthetic.body import body_model
from dataset.synthetic.generate import check_folder
from dataset.synthetic.recipe import Recipe, character_name
from dataset.tree.mocap import Mocap
from utils import make_synthetic

OPTIONS = ["--ray_step", "4", "--frames_per_character", "3", "--seed", "7", "--workers", "2"]
COUNTS = [*OPTIONS, "--train", "6", "--val", "2", "--test", "3", "--label_frames", "4"]
TRAIN = [*OPTIONS, "--val", "0", "--test", "0", "--train"]
#: Contents of a set's note: of the right keys and of any others.
VALUES = st.none() | st.integers() | st.just(10**400) | st.text() | st.lists(st.floats())
NOTES = st.dictionaries(st.sampled_from(list(Recipe(0).described())) | st.text(), VALUES)


@pytest.fixture(scope="module")
def small(tmp_path_factory, make):
    return make(tmp_path_factory.mktemp("synthetic") / "set", *COUNTS)


def contents(root):
    """Without the index that a reader of the set leaves there."""
    return {n: c for n, c in archives.contents(root).items() if not n.endswith("/.index.npz")}


def labels(root):
    return sorted(root.glob("*/*/*/cam_down/json/*.json"))


def test_the_layout_is_the_releases(small):
    for set_type, count, start in zip(SetType, (6, 2, 3), "123", strict=True):
        split = Mocap(small, set_type)
        assert len(split) == count
        assert [split.frame_id(n).number for n in range(2)] == [0, 150]
        path, character = split.picture_path(0), split.frame_id(0).character
        assert path.parts[-5:-1] == (character, "env_001", "cam_down", "rgba")
        assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape == (800, 1280, 3)
        gender, number, build, height = character.split("_")
        assert gender in ("female", "male") and build in "af" and height in "as"
        assert number == f"{start}01"
    assert len(Mocap(small, SetType.TRAIN, pictures=False)) == 6 + 4
    # The splits share no character, of these and of many more.
    names, others = (
        [character_name(Recipe(s), k, n) for k in range(3) for n in range(99)] for s in (0, 1)
    )
    assert len({name[-7:-4] for name in names}) == len(names) and names != others
    assert "_1101_" in character_name(Recipe(0), 0, 99)


def test_labels_have_the_releases_keys_and_agree_with_its_camera(small):
    assert len(labels(small)) == 6 + 2 + 3 + 4
    for path in labels(small):
        label = json.loads(path.read_text())
        names = {joint["name"].removeprefix(JOINT_PREFIX) for joint in label["joints"]}
        assert names > {*JOINTS, "LeftHandIndex1"} and len(names) == len(label["visible"])
        assert label["camera"].keys() == {"cam_fov", "trans", "rot"} and "headset" not in label
        assert label["camera"]["cam_fov"] == 180
        pixels = RELEASE_CAMERA.project(np.array(label["pts3d_fisheye"]).T, clamp=True).T
        assert np.abs(pixels - label["pts2d_fisheye"]).max() < 1e-3
        assert label["seed"] == 7 and 0 <= label["phenotype"]["weight"] <= 1


def test_two_processes_a_kill_and_more_frames_later_give_the_same_bytes(small, tmp_path, make):
    root = tmp_path / "set"
    with pytest.MonkeyPatch.context() as patched:  # real processes, which import nothing anew
        patched.setattr("base.work_parts.ProcessPoolExecutor", ProcessPoolExecutor)
        patched.setattr("base.work_parts.get_context", lambda _: get_context("fork"))
        make_synthetic.main(["--output", str(root), *TRAIN, "4"])
    kept, *damaged = labels(root)
    assert len(damaged) == 3
    pictures = sorted(root.rglob("*.png"))
    damaged[0].unlink()  # what a kill between picture and label leaves
    damaged[1].write_bytes(b"")  # and what a computer leaves that loses its power
    pictures[3].write_bytes(bytes(pictures[3].stat().st_size))
    for folder in (root, kept.parent):
        (folder / f".{kept.name}.part").touch()
    before = kept.stat().st_mtime_ns
    make(root, *COUNTS, "--resume")
    assert contents(root) == contents(small)
    assert kept.stat().st_mtime_ns == before


def test_killed_workers_full_disks_and_other_writers_end_a_run_with_one_line(
    tmp_path, make, monkeypatch, refused
):
    write = Path.write_bytes

    def write_bytes(path, content):
        write(path, content[:100])
        if "000150" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", write_bytes)
        assert "No space left on device" in refused("--output", tmp_path, *TRAIN, 3)
    assert not list(tmp_path.rglob("*.part*")) and len(labels(tmp_path)) == 1
    again = "--output", tmp_path, *TRAIN, 3, "--resume"
    with locked(tmp_path):
        assert f"process {os.getpid()}" in refused(*again)
    monkeypatch.setattr("base.work_parts.ProcessPoolExecutor", ProcessPoolExecutor)
    monkeypatch.setattr("dataset.synthetic.generate.run_job", killing.end)
    assert "go on with fewer of them" in refused(*again)


def test_parts_give_the_files_of_a_single_run(small, tmp_path, make):
    for part in ("2/2", "1/2"):
        make(tmp_path, *COUNTS, "--part", part)
        assert len(labels(tmp_path)) == {"2/2": 6, "1/2": 15}[part]
    assert contents(tmp_path) == contents(small)


def test_all_parts_together_say_how_many_frames_there_are(small, make, capsys, monkeypatch):
    def run_parts(module, argv, ray):
        with monkeypatch.context() as patched:
            patched.setattr("base.work_parts._is_worker", True)
            make(small, *COUNTS, "--resume")

    monkeypatch.setattr(make_synthetic, "run_parts", run_parts)
    make(small, *COUNTS, "--parts", 3)
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == f"{small} is complete: 15 frames" and "wrote" not in " ".join(said)


def test_nothing_is_left_where_the_body_model_cannot_be_loaded(tmp_path, monkeypatch, refused):
    for cached in (body_model._model, body_model.load_rig):
        monkeypatch.setattr(body_model, cached.__name__, cached.__wrapped__)
    monkeypatch.setattr("dataset.synthetic.generate.load_rig", body_model.load_rig)
    monkeypatch.setitem(sys.modules, "anny", None)
    assert "install requirements.txt" in refused("--output", tmp_path / "new", *TRAIN, 1)
    assert not (tmp_path / "new").exists()


@settings(derandomize=True, max_examples=100, deadline=None, database=None)
@given(st.binary(max_size=40) | NOTES.map(lambda note: json.dumps(note).encode()))
def test_any_note_of_a_set_is_its_own_or_one_line(tmp_path_factory, content):
    root = tmp_path_factory.getbasetemp() / "noted"
    root.mkdir(exist_ok=True)
    (root / "synthetic.json").write_bytes(content)
    with pytest.raises(UserError) as caught:
        check_folder(root, Recipe(0).described() | {"pack": None}, resume=True)
    assert len(str(caught.value).splitlines()) == 1 and len(str(caught.value)) < 300


def test_a_set_with_the_clutter_of_an_earlier_version_is_not_gone_on_with(tmp_path):
    made = Recipe(0, clutter=True).described()
    for before, message in ((2, "by another version"), (None, "with another --clutter")):
        (tmp_path / "synthetic.json").write_text(json.dumps(made | {"clutter": before}))
        with pytest.raises(UserError, match=message):
            check_folder(tmp_path, made, resume=True)


def test_bad_input_ends_with_one_clear_line(small, tmp_path, refused):
    other, a_file, new = tmp_path / "other", tmp_path / "file", tmp_path / "new"
    other.mkdir()
    (other / "thesis.txt").write_text("precious")
    a_file.write_text("")
    cases = {
        "already holds a synthetic set": (small,),
        "holds a synthetic set: go on": (small, "--part", "1/2"),  # which has no parts
        "holds no synthetic set": (other, "--resume"),
        "is a file": (a_file,),
        "nothing to make": (new, "--train", 0, "--val", 0, "--test", 0),
        "was made with another --seed": (small, "--resume", "--seed", 3),
        "another --frames_per_character": (small, "--resume", "--frames_per_character", 2),
        "six digits": (new, "--stride", 20000),  # of 50 labels of a character
        "no action Flying: give": (new, "--actions", "Walking", "Flying"),
        "--actions picks among": (new, "--actions", "Walking", "--bvh", other),
        "give --bvh as well": (new, "--bvh_share", 0.5),
        "another --actions": (small, "--resume", "--actions", "Walking"),
        "--clutter draws other things": (new, "--clutter", "--video"),
        "another --pack": (small, "--resume", "--pack", "--pack_size", 64),
        "holds no settings": (new, "--headset", a_file),
        "--pack and --passes exclude each other": (new, "--pack", "--passes", "depth"),
        "give --pack as well": (new, "--pack_size", 368),
    }
    for message, (root, *options) in cases.items():
        assert message in refused("--output", root, *OPTIONS, *options)
    assert (other / "thesis.txt").read_text() == "precious"
    assert not new.exists() and len(labels(small)) == 15
