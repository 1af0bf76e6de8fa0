"""Sets of other laboratories, packed: the same frames as before."""

import json

import numpy as np
import other_sets_tiny
import pytest
from commands import pack, refused

from base.errors import UserError
from base.headset import load_headset
from base.set_type import SetType
from dataset import open_split
from dataset.annotations import LABELS
from dataset.packed.shards import read_shard
from dataset.square_crop import SquareCrop
from utils import check_data


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Two sequences of SceneEgo and a test sequence, and the same packed."""
    folder = tmp_path_factory.mktemp("scene")
    made = {"train_jian1": 2, "train_pranay2": 1, "test_jian1": 1}
    tree = other_sets_tiny.scene_ego(folder / "tree", **made)
    return tree, pack(tree, folder / "packed", 320)


@pytest.fixture(scope="module")
def mo2cap2(tmp_path_factory):
    """Mo2Cap2, and the same packed at half its size."""
    folder = tmp_path_factory.mktemp("mo2cap2")
    tree = other_sets_tiny.mo2cap2(folder / "tree")
    return tree, pack(tree, folder / "packed", 128)


def assert_same_labels(tree, packed, set_type):
    (one, other), rows = (open_split(root, set_type, 64) for root in (tree, packed)), []
    assert len(one) == len(other) > 0 and one.camera == other.camera
    for index in range(len(one)):
        a, b = one[index], other[index]
        assert a.frame_id == b.frame_id and a.action == b.action
        for field in LABELS:
            assert np.allclose(getattr(a, field), getattr(b, field), 0, 1e-6, equal_nan=True)
        rows.append((a, b))
    return rows


@pytest.mark.parametrize("set_type", SetType)
def test_joints_that_are_not_labelled_stay_so(scene, set_type):
    for a, b in assert_same_labels(*scene, set_type):
        assert np.isnan(b.joints3d).any(1).nonzero()[0].tolist() == [other_sets_tiny.HEAD]
        assert not b.visible[other_sets_tiny.HEAD] and b.visible.any()
        assert np.abs(a.image.astype(int) - b.image).mean() < 3


def test_shards_are_valid_json_and_say_what_they_are_of(scene):
    _, packed = scene
    files = read_shard(packed / "TrainSet" / "jian-jian1-00000.tar")

    def refuse(constant):
        raise AssertionError(constant)

    label = json.loads(files["jian-jian1-000001.json"][1], parse_constant=refuse)
    head = other_sets_tiny.HEAD
    assert label["joints3d"][head] == [None] * 3 and label["joints2d"][head] == [None] * 2
    assert None not in np.array(label["joints3d"])[:head].flat
    for path in (packed / "packed.json", packed / "TestSet" / "index.json"):
        assert json.loads(path.read_text())["source"] == "scene_ego:pairing=sync,camera=05_08"
    check_data.main(["--data_root", str(packed)])  # exits 1 where a json differs from its row


def test_another_option_is_another_set(scene, mo2cap2, tmp_path):
    for (tree, packed), option in ((scene, "scene_ego:camera=01_12"), (mo2cap2, "mo2cap2")):
        if option == "mo2cap2":
            pack(tree, packed, 128, "--format", "mo2cap2:colour=rgb")  # as it was
            option = "mo2cap2:colour=bgr"
        size = json.loads((packed / "packed.json").read_text())["size"]
        with pytest.raises(UserError, match=f"packed with --format .*, not {option[:9]}"):
            pack(tree, packed, size, "--format", option)


def test_small_pictures_are_packed_as_they_are_kept(mo2cap2, tmp_path):
    tree, packed = mo2cap2
    for a, b in assert_same_labels(tree, packed, SetType.TRAIN):
        assert np.abs(a.image.astype(int) - b.image).mean() < 3
    split, camera = open_split(packed, SetType.TRAIN, 64), load_headset("mo2cap2").camera
    # Of 1280×1024 pixels the middle 1024 columns.
    assert split.kept_camera(split.headsets[0]) == SquareCrop(128, 1280, 1024).camera(camera)
    blue = [split.image(row)[..., 2].mean() for row in range(3)]
    assert blue == pytest.approx([0, 30, 60], abs=3)
    pack(tree, tmp_path / "bgr", 128, "--format", "mo2cap2:colour=bgr")
    assert open_split(tmp_path / "bgr", SetType.TRAIN, 64).image(2)[..., 0].mean() < 63
    for call in (
        lambda: pack(tree, tmp_path / "large", 257),
        lambda: open_split(tree, SetType.TRAIN, 257),
        lambda: open_split(packed, SetType.TRAIN, 129),
    ):
        refused(r"keeps pictures of (256|128) pixels, fewer than", call)
    assert not (tmp_path / "large").exists()


def test_whole_pictures_of_a_set_that_has_both_are_packed_whole(mo2cap2):
    tree, packed = mo2cap2
    ((a, b),) = assert_same_labels(tree, packed, SetType.TEST)
    assert np.abs(a.image.astype(int) - b.image).mean() < 3
    split = open_split(packed, SetType.TEST, 64)
    assert split.kept_camera(split.headsets[0]).width == 128 and not b.visible.any()


def test_what_cannot_be_measured_stays_so(mo2cap2):
    for root in mo2cap2:
        reasons = [open_split(root, s, 64).aligned_only(s) for s in SetType]
        assert reasons[:2] == [None, None] and "motion capture" in reasons[2]
