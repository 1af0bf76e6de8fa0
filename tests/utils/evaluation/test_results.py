"""results.json read back: what demo.py wrote, and anything else."""

import copy
import json

import numpy as np
import pytest
from commands import refused
from sample_poses import evaluated

from utils.evaluation.metrics import measure
from utils.evaluation.results import Measured, read_results

_RNG = np.random.default_rng(0)
_ABOUT = {"visible": _RNG.random((4, 16)) < 0.5, "uncertainty": _RNG.random((4, 16))}
_ABOUT |= {"actions": ["walking", "walking", "Talking", "unknown"], "characters": "aabb"}
_POSES = evaluated(*_RNG.normal(size=(2, 4, 16, 3)), mean_pose=np.zeros((16, 3)), **_ABOUT)
_MEASURED = measure(_POSES)
ABOUT = {"schema": 1, "model": "m.tar", "data": "test", "data_root": "d", "frames": 4}
RESULTS = json.loads(json.dumps(ABOUT | _MEASURED))


def set_at(path, value):
    """The results with another value at nested keys."""
    content = copy.deepcopy(RESULTS)
    *above, last = path
    place = content
    for key in above:
        place = place[key]
    place[last] = value
    return content


def test_what_was_written_is_what_is_read(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(RESULTS))
    assert read_results(path) == read_results(tmp_path) == RESULTS
    path.write_text(json.dumps(_MEASURED))
    assert read_results(path, Measured) == json.loads(json.dumps(_MEASURED))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file.* or its folder"),
        ("[" * 10_000, "recursion"),
        ("[]", "should be an object"),
        (json.dumps(set_at(["schema"], 2)), r"schema: .*1"),
        (json.dumps({"full": {}}), "full: "),
        (json.dumps(set_at(["full", "All"], [])), "full: All: "),
        (json.dumps(set_at(["upper", "All", "mpjpe"], None)), "upper: All: mpjpe: "),
        (json.dumps(set_at(["lower", "All", "mpjpe"], float("nan"))), "lower: .* finite"),
        (json.dumps(set_at(["characters", "a", "full"], 1)), "characters: a: full: "),
        (json.dumps(set_at(["characters", "a"], {"full": {}})), "characters: a: upper: "),
        (json.dumps(set_at(["upper", "All"], {"frames": 4, "pa_mpjpe": 1.0})), "no mpjpe of All"),
        (json.dumps(set_at(["characters", "b", "lower", "All"], {"mpjpe": 1.0})), "no frames of"),
    ],
)
def test_what_is_none_is_one_line_that_says_where(content, message, tmp_path):
    path = tmp_path / "results.json"
    if content is not None:
        path.write_text(content)
    assert str(path) in refused(message, read_results, path)
