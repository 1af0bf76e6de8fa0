import datetime
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from commands import refused

from base.pickles import read_pickle

SAMPLES = Path(__file__).parents[2].parent / "shared" / "other_sets" / "egowholemocap"
LABELS = [
    {"ego_pose_gt": np.arange(45.0).reshape(15, 3), "image_name": "img_000001.jpg", "ext_id": 7},
    {"ego_pose_gt": None, "weight": np.float32(2.5), "names": np.array(["a", None], object)},
]


class _Calls:
    """Pickled as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce_ex__(self, protocol):
        return self.call


def _write(path: Path, content: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def _assert_labels(found):
    np.testing.assert_array_equal(found[0]["ego_pose_gt"], LABELS[0]["ego_pose_gt"])
    assert {**found[0], "ego_pose_gt": 0} == {**LABELS[0], "ego_pose_gt": 0}
    assert found[1]["weight"] == 2.5 and found[1]["ego_pose_gt"] is None
    assert found[1]["names"].tolist() == ["a", None]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_data_comes_back(tmp_path, protocol):
    _assert_labels(read_pickle(_write(tmp_path / "a.pkl", LABELS, protocol)))


def test_spellings_of_older_numpy_are_read(tmp_path):
    old = pickle.dumps(LABELS, 3).replace(b"numpy._core", b"numpy.core")
    (tmp_path / "old.pkl").write_bytes(old)
    _assert_labels(read_pickle(tmp_path / "old.pkl"))


def test_byte_strings_of_python_2_are_read(tmp_path):
    # What Python 2 writes for [np.array([1.5, -2.0])]: numbers in a byte string.
    head = b"(lp0\ncnumpy.core.multiarray\n_reconstruct\np1\n(cnumpy\nndarray\np2\n"
    head += b"(I0\ntp3\nS'b'\np4\ntp5\nRp6\n"
    state = b"(I1\n(I2\ntp7\ncnumpy\ndtype\np8\n(S'f8'\np9\nI0\nI1\ntp10\nRp11\n(I3\nS'<'\n"
    numbers = np.array([1.5, -2.0]).tobytes().decode("latin1").encode("unicode_escape")
    data = head + state + b"NNNI-1\nI-1\nI0\ntbI00\nS'" + numbers + b"'\ntba."
    (tmp_path / "two.pkl").write_bytes(data)
    np.testing.assert_array_equal(read_pickle(tmp_path / "two.pkl"), [[1.5, -2.0]])


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (_Calls(os.system, "touch ran"), "posix.system"),
        (_Calls(eval, "open('ran', 'w')"), "builtins.eval"),
        ([np.zeros(3), {"a": _Calls(os.mkdir, "ran")}], "posix.mkdir"),
        (np.array([_Calls(os.mkdir, "ran")], object), "posix.mkdir"),
        (datetime.date(2023, 1, 1), "datetime.date"),
        (_Calls(np.load, "a.npy"), "numpy.load"),
    ],
)
def test_anything_else_is_refused_by_name_and_does_not_run(tmp_path, monkeypatch, content, name):
    monkeypatch.chdir(tmp_path)
    refused(f"refused: it would call {name}", read_pickle, _write(tmp_path / "bad.pkl", content))
    assert not (tmp_path / "ran").exists()


def test_damaged_and_missing_files_are_named(tmp_path):
    whole = pickle.dumps(LABELS)
    for i, data in enumerate([b"", b"no pickle", whole[: len(whole) // 2], b"\x93NUMPY\x01\x00"]):
        path = tmp_path / f"{i}.pkl"
        path.write_bytes(data)
        refused("damaged, or no pickle", read_pickle, path)
    refused("cannot be read", read_pickle, tmp_path / "missing.pkl")


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples of other sets")
def test_genuine_pickles_are_read():
    matrix = read_pickle(SAMPLES / "hand_eye_calibration_0809.pkl")
    assert matrix.shape == (4, 4) and np.allclose(matrix[3], [0, 0, 0, 1])
    rotation = matrix[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
    statistics = read_pickle(SAMPLES / "ego_mean_std.pkl")
    assert all(isinstance(values, np.ndarray) for values in statistics.values())


def _state(dtype, state, content=b"\x41" * 8):
    """A type of an array with a state of the file's choice, and an array of it with a content."""
    made = _Calls(np.dtype, dtype, False, True)
    made.call = (np.dtype, (dtype, False, True), state)
    array = _Calls(np._core.multiarray._reconstruct, np.ndarray, (0,), b"b")
    array.call = (*array.call, (1, (1,), made, False, content))
    return array


@pytest.mark.parametrize(
    "content",
    [
        _state("V8", (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0)),
        _state("V8", (3, "|", (np.dtype("f8"), (1 << 27,)), None, None, 8, 1, 0)),
        _state("O", (3, "|", None, None, None, -1, -1, 0)),
        _state("O", (3, "|", None, None, None, -1, -1, 63), []),
        _state("f8", (3, "<", None, None, None, -1, -1, 0), []),
        _Calls(np._core.multiarray.scalar, np.dtype("O"), b"A" * 8),
        _Calls(np.dtype, "f8,O"),
    ],
)
def test_types_that_lie_about_their_bytes_are_refused(tmp_path, content):
    refused(r"refused|damaged", read_pickle, _write(tmp_path / "bad.pkl", content))
