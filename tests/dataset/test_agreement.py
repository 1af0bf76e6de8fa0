"""On any damaged tree, the check, the loaders and the packer mean the same frames."""

import json
import os

import archives
import cv2
import numpy as np
import pytest
import release
from commands import check_set, pack, refused

from base.errors import BrokenFrameError
from base.frame import FrameId
from base.set_type import SetType
from dataset.packed.packed import Packed
from dataset.skip_list import add_to_skip_list
from dataset.tree.mocap import Mocap

TRAIN, NAME = SetType.TRAIN, "female_001_a_a"
NUMBERS = range(1, 5)  # frame 2 is the one that is damaged
PICTURE, LABEL = f"rgba/{NAME}.rgba.000002.png", f"json/{NAME}_000002.json"


def image(*shape):
    return cv2.imencode(".png", np.zeros(shape, np.uint8))[1].tobytes()


def write(name, content=b"{}"):
    """Damage: a file that is replaced or more than there should be."""
    return lambda folder: (folder / name).write_bytes(content)


def label(**changes):
    return write(LABEL, json.dumps(release.label_for(2) | changes).encode())


def cut_picture(folder):
    (folder / PICTURE).write_bytes((folder / PICTURE).read_bytes()[:-100])


def flip_bit(folder):
    content = bytearray((folder / PICTURE).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / PICTURE).write_bytes(content)


def spell_twice(folder):
    (folder / LABEL).rename(folder / f"json/{NAME}_02.json")
    (folder / f"json/{NAME}_2.json").write_bytes(b"{}")


def skip(folder):
    add_to_skip_list(folder.parents[3], [(TRAIN, FrameId(NAME, "env_001", 2), "tired of it")])


#: Damage to a ``cam_down`` folder, the faults that it makes, and whether frame 2 is lost.
DAMAGES = {
    "no picture": (lambda f: (f / PICTURE).unlink(), {("label without picture", LABEL)}, True),
    "no label": (lambda f: (f / LABEL).unlink(), {("picture without label", PICTURE)}, True),
    "cut": (cut_picture, {("unreadable picture", PICTURE)}, True),
    "bit": (flip_bit, {("unreadable picture", PICTURE)}, True),
    "size": (write(PICTURE, image(400, 640, 3)), {("wrong size or channels", PICTURE)}, True),
    "alpha": (write(PICTURE, image(800, 1280, 4)), (), False),
    "joints": (label(joints=[]), {("broken label", LABEL)}, True),
    "no UTF-8": (write("rgba/\udcff.png"), {("unexpected file", "rgba/\udcff.png")}, False),
    "twice": (
        spell_twice,
        {("duplicate file", f"json/{NAME}_02.json"), ("duplicate file", f"json/{NAME}_2.json")},
        True,
    ),
    "skipped": (skip, (), True),
}


def readable(data):
    """The frames of a dataset that can be read, each with its own picture and label."""
    found = set()
    for i in range(len(data)):
        try:
            frame = data[i]
        except BrokenFrameError:
            continue
        number = frame.frame_id.number
        assert (frame.image == number).all() or number == 2
        assert np.allclose(frame.joints3d, release.pose_for(number), atol=1e-6)
        found.add(frame.frame_id)
    return found


def told(report):
    return {(fault.kind, fault.where, fault.frame_id) for fault in report.faults}


@pytest.mark.parametrize("name", DAMAGES)
def test_check_loaders_and_packer_agree_on_a_damaged_tree(name, tmp_path):
    damage, faults, lost = DAMAGES[name]
    tree = tmp_path / "tree"
    folder = release.fill(tree, NUMBERS)
    release.fill(tree, [3], env="env_002")
    damage(folder)
    good = {FrameId(NAME, "env_001", n) for n in NUMBERS if not (lost and n == 2)}
    good.add(FrameId(NAME, "env_002", 3))
    report = check_set(tree, TRAIN)
    assert report.good == good and not report.skipped
    found = {(kind, where.partition("cam_down/")[2]) for kind, where, _ in told(report)}
    assert found == set(faults)
    assert readable(Mocap(tree, TRAIN)) == good
    packed = pack(tree, tmp_path / "packed", 32, "--jobs", 1)
    assert readable(Packed(packed, TRAIN)) == good
    checked = check_set(packed, TRAIN)
    assert checked.good == good and told(checked) == told(report)
    labels = Packed(packed, TRAIN, pictures=False), Mocap(tree, TRAIN, pictures=False)
    ids = [[data.frame_id(i) for i in range(len(data))] for data in labels]
    assert ids[0] == ids[1]
    if name != "skipped":
        content = archives.archive(tree / "TrainSet" / NAME)
        archives.cut(content, NAME, tmp_path / "parts")
        again = pack(tmp_path / "parts", tmp_path / "again", 32, "--jobs", 1)
        index = "TrainSet/index.json"
        assert (again / index).read_bytes() == (packed / index).read_bytes()
        assert readable(Packed(again, TRAIN)) == good


@pytest.mark.parametrize("inside", ["", NAME, "env_001", "cam_down", "rgba", "json", "link"])
def test_an_unreadable_folder_is_left_out_by_all_and_named(inside, tmp_path, monkeypatch, capsys):
    tree = tmp_path / "tree"
    folder = release.fill(tree)
    other = {FrameId("male_004_a_a", "env_001", 1)} if inside else set()
    release.fill(tree, [1], character="male_004_a_a")
    Mocap(tree, TRAIN)  # with its index cached
    paths = [folder / "rgba", folder / "json", *folder.parents[:2], folder, tree / "TrainSet"]
    where = next((path for path in paths if path.name == inside), tree / "TrainSet")
    reason, scandir = "Permission denied", os.scandir
    if inside == "link":
        where, reason = tree / "TrainSet" / "female_002_a_a", "No such file or directory"
        where.symlink_to(tmp_path / "not_mounted")
        other |= {FrameId(NAME, "env_001", n) for n in range(1, 5)}

    def refusing(path):
        if str(path) == str(where) and inside != "link":
            raise PermissionError(13, reason)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    report = check_set(tree, TRAIN)
    assert report.good == other
    fault = ("unreadable folder", str(where.relative_to(tree)), reason)
    assert [(f.kind, f.where, f.detail) for f in report.faults] == [fault]
    line = f"1 unreadable folder: {fault[1]} ({reason})"
    capsys.readouterr()
    if not other:
        refused("no frame can be used: 1 unreadable folder", Mocap, tree, TRAIN)
        return
    assert readable(Mocap(tree, TRAIN)) == other
    assert f"TrainSet: {line}" in capsys.readouterr().err
    assert readable(Packed(pack(tree, tmp_path / "packed", 32, "--jobs", 1), TRAIN)) == other
    assert line in capsys.readouterr().out
    monkeypatch.undo()
    assert len(Mocap(tree, TRAIN)) == 5


def test_a_renamed_character_is_reported_by_all(tmp_path):
    release.fill(tmp_path).parents[1].rename(tmp_path / "TrainSet" / "anna")
    report = check_set(tmp_path, TRAIN)
    [(kind, where, frame)] = told(report)
    assert (kind, where, frame) == ("renamed folder", "TrainSet/anna/env_001/cam_down", None)
    advice = f"its 8 files are named after {NAME}: rename the folder anna to that"
    refused(f"no frame can be used: 1 renamed folder: .*{advice}", Mocap, tmp_path, TRAIN)
    refused(advice, pack, tmp_path, tmp_path / "packed", 32)
