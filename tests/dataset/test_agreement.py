"""On any damaged tree, the check, the loader and the packer mean the same frames."""

import json
import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import release
from archives import cut

from base.errors import BrokenFrameError, UserError
from base.frame import FrameId
from base.set_type import SetType
from dataset.check import check_set
from dataset.packed.packed import Packed
from dataset.skip_list import add_to_skip_list
from dataset.tree.mocap import Mocap
from utils import pack_data

CHARACTERS = "female_001_a_a", "male_004_a_a"
DAMAGES = []


def damage(function):
    """Add a way to damage a tree to those that are drawn from."""
    DAMAGES.append(function)
    return function


def png(height=800, width=1280) -> bytes:
    return cv2.imencode(".png", np.zeros((height, width, 3), np.uint8))[1].tobytes()


PICTURE, SMALL_PICTURE = png(), png(80, 128)


class Tree:
    """A set with what is expected of it.

    Attributes:
        root: data root.
        rng: what the damage is drawn from.
        good: the frames that everything must find.
        kinds: of the faults that the check must tell, and no others.
        unreadable: folders that cannot be read.
        in_archives: whether archives of its characters hold the same frames.
    """

    def __init__(self, root, rng):
        self.root, self.rng = root, rng
        self.good, self.kinds, self.unreadable = set(), set(), set()
        self.in_archives = True
        for character, env, count in (
            (CHARACTERS[0], "env_001", 3),
            (CHARACTERS[0], "env_002", 2),
            (CHARACTERS[1], "env_001", 2),
        ):
            release.camera_folder(root, character=character, env=env)
            for number in range(count):
                frame = FrameId(character, env, number)
                self.picture(frame).write_bytes(PICTURE)
                self.label(frame).write_text(json.dumps(release.label_for(number)))
                self.good.add(frame)
        self._untouched = sorted(self.good)

    def frame(self):
        """One of the frames that nothing has happened to yet."""
        return self._untouched.pop(self.rng.integers(len(self._untouched)))

    def lose(self, kind, *frames):
        self.good.difference_update(frames)
        self._untouched = [frame for frame in self._untouched if frame not in frames]
        self.kinds.add(kind)

    def folder(self, frame):
        return self.root / "TrainSet" / frame.character / frame.environment / "cam_down"

    def picture(self, frame):
        return release.picture_path(self.folder(frame), frame.number)

    def label(self, frame):
        return release.label_path(self.folder(frame), frame.number)

    def file(self, frame):
        return self.rng.choice([self.picture(frame), self.label(frame)])


@damage
def missing_partner(tree):
    frame = tree.frame()
    path = tree.file(frame)
    path.unlink()
    kind = "picture without label" if path.suffix == ".json" else "label without picture"
    tree.lose(kind, frame)


@damage
def bad_file(tree):
    frame = tree.frame()
    kind, path, content = (
        ("unreadable picture", tree.picture(frame), PICTURE[:-40]),
        ("wrong size or channels", tree.picture(frame), SMALL_PICTURE),
        ("broken label", tree.label(frame), b'{"action": "walking"'),
    )[tree.rng.integers(3)]
    path.write_bytes(content)
    tree.lose(kind, frame)


@damage
def other_spelling(tree):
    path = tree.file(tree.frame())
    name = path.name.replace("00000", tree.rng.choice(["", "000", "00000000"]))
    path.rename(path.with_name(name.replace(path.suffix, path.suffix.upper())))


@damage
def surplus_files(tree):
    """Copies under names that are no frame's, or another spelling beside the release's."""
    path = tree.file(tree.frame())
    for name, kind in (
        (f"Copy of {path.name}", "unexpected file"),
        (f"{path.stem} (1){path.suffix}", "unexpected file"),
        (path.name.replace("_00", "_a_00").replace("_a.", "_s."), "unexpected file"),
        (path.name.replace("00000", "00"), "duplicate file"),
        (f"._{path.name}", None),
        (f".{path.name}.part", None),
        ("Thumbs.db", None),
    ):
        if tree.rng.random() < 0.5:
            # It tells another story: whoever takes it has taken the wrong one.
            path.with_name(name).write_bytes(b"{}")
            tree.kinds |= {kind} - {None}


@damage
def spelled_twice(tree):
    frame = tree.frame()
    path = tree.file(frame)
    path.with_name(path.name.replace("00000", "00")).write_bytes(path.read_bytes())
    path.rename(path.with_name(path.name.replace("00000", "")))
    tree.lose("duplicate file", frame)


@damage
def further_folders(tree):
    (release.camera_folder(tree.root, env="env_008") / "nothing").mkdir()
    folder = release.camera_folder(tree.root, env="env_009")
    (folder / "rgba").rmdir()
    release.write_label(folder, 1)


@damage
def skip_list_entry(tree):
    frame = tree.frame()
    add_to_skip_list(tree.root, [(SetType.TRAIN, frame, "tired of it")])
    tree.good.remove(frame)
    tree.in_archives = False


def renamed_folder(tree):
    folder = tree.root / "TrainSet" / CHARACTERS[tree.rng.integers(2)]
    folder.rename(folder.with_name("somebody"))
    lost = [frame for frame in tree.good if frame.character == folder.name]
    tree.lose("renamed folder", *lost)
    tree.in_archives = False


def unreadable_folder(tree):
    frame = tree.frame()
    pictures = tree.picture(frame).parent
    # The two passes, cam_down, the environment, the character and the set.
    inside = [tree.label(frame).parent, pictures, *pictures.parents][:6]
    folder = inside[tree.rng.integers(len(inside))]
    tree.unreadable.add(str(folder))
    lost = [f for f in tree.good if folder in (*tree.picture(f).parents, tree.label(f).parent)]
    tree.lose("unreadable folder", *lost)
    tree.in_archives = False


def damaged(root, seed) -> Tree:
    """A tree with some damage: first of whole folders, then of what is left."""
    rng = np.random.default_rng(seed)
    tree = Tree(root, rng)
    if rng.random() < 0.5:
        rng.choice([renamed_folder, unreadable_folder])(tree)
    for function in rng.choice(DAMAGES, 4, replace=False):
        if tree._untouched:
            function(tree)
    return tree


def loaded(open_data) -> set[FrameId]:
    """The frames that can be read of a dataset, none where there is no dataset."""
    try:
        data = open_data()
    except UserError:
        return set()
    frames = set()
    for i in range(len(data)):
        try:
            frames.add(data[i].frame_id)
        except BrokenFrameError:
            continue
    return frames


def frame_ids(data) -> list[FrameId]:
    return [data.frame_id(i) for i in range(len(data))]


def pack(source, output) -> dict:
    """Pack and give the index of the training set."""
    options = ["--input", str(source), "--output", str(output), "--size", "32", "--jobs", "1"]
    try:
        pack_data.main(options)
    except UserError as error:
        assert "not complete" in str(error)
        return {}
    return json.loads((output / "TrainSet" / "index.json").read_text())


def archived(tree) -> Path:
    """The characters as GNU tar packs them, cut into the release's parts."""
    folder = tree.root.parent / "parts"
    for character in CHARACTERS:
        tar = ["tar", "-cz", "-C", str(tree.root / "TrainSet"), character]
        cut(subprocess.run(tar, check=True, capture_output=True).stdout, character, folder)
    return folder


@pytest.mark.parametrize("seed", range(30))
def test_check_loader_and_packer_agree_on_a_damaged_tree(seed, tmp_path, monkeypatch):
    tree = damaged(tmp_path / "tree", seed)
    scandir = os.scandir

    def refusing(folder):
        if str(folder) in tree.unreadable:
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    report = check_set(tree.root, SetType.TRAIN, True, 1, 5.0)
    assert report.good() == tree.good
    assert {fault.kind for fault in report.faults} == tree.kinds and not report.skipped
    assert loaded(lambda: Mocap(tree.root, SetType.TRAIN)) == tree.good

    output = tmp_path / "packed"
    index = pack(tree.root, output)
    assert loaded(lambda: Packed(output, SetType.TRAIN)) == tree.good
    if index:
        labelled = Packed(output, SetType.TRAIN, pictures=False, report=False)
        assert frame_ids(labelled) == frame_ids(Mocap(tree.root, SetType.TRAIN, pictures=False))
        packed = check_set(output, SetType.TRAIN, True, 1, 5.0)
        assert packed.good() == tree.good
        assert {(f.kind, f.where, f.frame_id) for f in packed.faults} == {
            (f.kind, f.where, f.frame_id) for f in report.faults
        }
    if tree.in_archives:
        from_archives = pack(archived(tree), tmp_path / "from_archives")
        assert from_archives == index
        assert loaded(lambda: Packed(tmp_path / "from_archives", SetType.TRAIN)) == tree.good
