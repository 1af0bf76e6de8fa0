"""Whatever the files of a set hold, reading them gives what fits together, or one line."""

import contextlib
import json
import pickle
from pathlib import Path

import mutations
import numpy as np
import pytest
import release
from commands import pack, refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from base.errors import BrokenFrameError, UserError
from base.headset import RELEASE_HEADSET, Headset
from base.set_type import SetType
from dataset.labels import MAX_DISTANCE, Label, parse_label
from dataset.packed.packed import Packed
from dataset.packed.packing import _marker_path, is_packed_whole
from dataset.packed.shards import Environment, PackOptions, prepare_output
from dataset.tree.index import load_index

TRAIN = SetType.TRAIN
FUZZ = settings(mutations.FUZZ, suppress_health_check=[HealthCheck.function_scoped_fixture])
LABEL = release.label_for(1) | {
    "visible": [True] * len(release.FILE_JOINTS),
    "headset": Headset(RELEASE_HEADSET.camera, name="mine").as_dict(),
}


@mutations.FUZZ
@given(mutations.mutated_json(LABEL))
def test_a_label_has_sixteen_joints_that_can_be_or_is_a_broken_frame(data):
    try:
        label = parse_label(data, "there")
    except BrokenFrameError as error:
        assert str(error).startswith("there: ") and len(str(error)) < 300
        return
    assert label.joints2d.shape == (16, 2) and label.joints3d.shape == (16, 3)
    assert label.visible.shape == (16,) and label.visible.dtype == bool
    assert label.joints2d.dtype == label.joints3d.dtype == np.float32
    assert np.isfinite(label.joints2d).all() and np.abs(label.joints3d).max() <= MAX_DISTANCE
    assert isinstance(label.action, str)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A tree whose index is cached, and it packed."""
    root = tmp_path_factory.mktemp("sets")
    folder = release.fill(root / "tree", range(3))
    release.label_path(folder, 2).write_text("{}")
    pack(root / "tree", root / "packed", 32)
    load_index(root / "tree" / "TrainSet")
    return root


def opened(root):
    """All that a loader may ask of a packed set; whether it could be opened."""
    try:
        data = Packed(root / "packed", TRAIN, report=False)
    except UserError as error:
        assert len(str(error)) < 1000
        return False
    for row in range(len(data)):
        try:
            assert data[row].image.shape == (32, 32, 3)
        except BrokenFrameError:
            continue
        assert np.isfinite(data[row].joints3d).all()
    return len(data.annotations()) == len(data)


@contextlib.contextmanager
def restoring(path):
    """Writes other content to a file, and the old when it is left."""
    whole = path.read_bytes()
    try:
        yield path.write_bytes
    finally:
        path.write_bytes(whole)


@FUZZ
@given(st.data())
def test_a_damaged_index_of_a_packed_set_is_one_line_or_of_no_consequence(sets, data):
    path = sets / "packed" / "TrainSet" / "index.json"
    with restoring(path) as write:
        write(data.draw(mutations.mutated_json(json.loads(path.read_bytes()))))
        opened(sets)


@FUZZ
@given(st.data())
def test_damaged_annotations_are_one_line(sets, data):
    path = sets / "packed" / "TrainSet" / "annotations.npy"
    whole = path.read_bytes()
    other = data.draw(mutations.damaged(whole))
    with restoring(path) as write:
        write(other)
        assert opened(sets) == (other.startswith(whole))


class Evil:
    """Makes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


_ODD = np.zeros(3), np.zeros((2, 2), "<i4"), np.array({"a": 1}, object), np.array(["x"])
_ODD += np.array([b"x.png"]), np.zeros(3, [("character", "<i4")]), np.zeros((), "V5")
ODD_ARRAYS = st.sampled_from(_ODD)


@FUZZ
@given(ODD_ARRAYS)
def test_other_arrays_are_no_annotations_and_pickles_are_not_spoken_of(sets, array):
    path = sets / "packed" / "TrainSet" / "annotations.npy"
    with restoring(path):
        np.save(path, array, allow_pickle=True)
        with pytest.raises(UserError, match="pack again") as caught:
            Packed(sets / "packed", TRAIN)
        assert "pickle" not in str(caught.value)
        np.save(path, np.array([Evil(sets / "ran")]), allow_pickle=True)
        for content in (path.read_bytes(), pickle.dumps(Evil(sets / "ran"))):
            path.write_bytes(content)
            refused("damaged, or no arrays of numbers; pack again", Packed, sets / "packed", TRAIN)
        with path.open("wb") as file:
            np.savez(file, np.zeros(3))
        refused("damaged, or no arrays of numbers; pack again", Packed, sets / "packed", TRAIN)
        assert not (sets / "ran").exists()


@FUZZ
@given(st.data())
def test_a_damaged_cache_of_labels_is_built_anew(sets, data):
    folder = sets / "tree" / "TrainSet"
    path = folder / ".index.npz"
    stored = dict(np.load(path))
    lists = mutations.mutated(json.loads(str(stored["lists"]))).map(json.dumps)
    changed = data.draw(st.sampled_from(["bytes", "lists", "rows", "pictures"]))
    with restoring(path) as write:
        if changed == "bytes":
            write(data.draw(mutations.damaged(path.read_bytes())))
        else:
            array = np.array(data.draw(lists)) if changed == "lists" else data.draw(ODD_ARRAYS)
            np.savez(path, **(stored | {changed: array}))
        index = load_index(folder)
        assert len(index.table.rows) == len(index.pictures) == 2
        assert [index.table.label(row).action for row in (0, 1)] == ["walking"] * 2
        assert isinstance(index.table.label(0), Label) and index.table.frame_id(1).number == 1


@FUZZ
@given(st.data())
def test_rows_and_markers_that_are_damaged_are_told_apart_from_those_that_are_whole(sets, data):
    split = sets / "packed" / "TrainSet"
    [path] = (split / "rows").glob("*.npz")
    stored = dict(np.load(path))
    with restoring(path) as write:
        meta = data.draw(mutations.mutated(json.loads(str(stored["meta"]))).map(json.dumps))
        for change in (lambda: np.savez(path, rows=stored["rows"], meta=np.array(meta)), None):
            write(data.draw(mutations.damaged(path.read_bytes()))) if change is None else change()
            try:
                assert Environment.load(path).table.label(1).action
            except UserError as error:
                assert "delete it and pack again" in str(error)
    marker = _marker_path(split, "ann")
    made = {"parts": {}, "files": {"packed": {"index.json": 7}}, "skipped": []}
    marker.write_bytes(data.draw(mutations.mutated_json(made)))
    assert not is_packed_whole(split, "ann", [path])
    manifest = sets / "packed" / "packed.json"
    with restoring(manifest) as write:
        write(data.draw(mutations.mutated_json(json.loads(manifest.read_bytes()))))
        try:
            prepare_output(sets / "packed", PackOptions(size=32))
        except UserError as error:
            assert len(str(error)) < 1000
