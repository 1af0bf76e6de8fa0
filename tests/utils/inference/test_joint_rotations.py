"""Results with their motion: solved over each sequence, or at once where they are live."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from commands import refused
from moving_body import moving

from utils.inference.joint_rotations import WithMotion, read_skeletons
from utils.inference.outputs import FramePose, Sink, Summary
from utils.motion.rig import forward_kinematics
from utils.motion.solver import solve_clip
from utils.motion.world import World

CLIP = moving(9)


class Kept(Sink):
    def __init__(self):
        self.results = []

    def add(self, result, picture):
        self.results.append(result)


def given(count=9, cut=9):
    """Frames of two sequences, the second from frame ``cut``, 20 % larger."""
    for k in range(count):
        pose = SimpleNamespace(joints3d=CLIP[k] - CLIP[k, :1], neck=CLIP[k, 0])
        if k >= cut:
            pose = SimpleNamespace(joints3d=1.2 * pose.joints3d, neck=1.2 * pose.neck)
        sequence, index = ("", k) if k < cut else ("second", k - cut)
        yield FramePose(f"{k}", f"{k}", (1, 1), pose, index=index, sequence=sequence)


def run(frames, **options):
    """What a sink behind gets of frames, and the summary."""
    kept, summary = Kept(), Summary()
    sink = WithMotion([kept], 30.0, **options)
    for frame in frames:
        sink.add(frame, None)
    sink.finish(summary)
    return kept.results, summary


def test_each_sequence_has_bones_of_its_own():
    results, summary = run(given(cut=5))
    assert [result.file for result in results] == [f"{k}" for k in range(9)]
    for rows, scale, skeleton in (
        (slice(0, 5), 1, summary.skeletons[0]),
        (slice(5, 9), 1.2, summary.skeletons[1]),
    ):
        expected = solve_clip(scale * CLIP[rows])
        assert np.allclose(skeleton["offsets"], expected.offsets, atol=1e-5)
        for k, result in enumerate(results[rows]):
            assert np.allclose(result.motion.root, expected.root[[k]])
            assert np.allclose(result.motion.rotations, expected.rotations[[k]])
    assert [skeleton["sequence"] for skeleton in summary.skeletons] == ["", "second"]


def test_live_results_are_handed_on_at_once():
    kept = Kept()
    sink = WithMotion([kept], 30.0, live=True)
    for count, frame in enumerate(given(), 1):
        sink.add(frame, None)
        assert len(kept.results) == count and kept.results[-1].motion.root.shape == (1, 3)
    sink.finish(summary := Summary())
    assert len(summary.skeletons) == 1


def test_known_bones_and_the_room_are_taken(tmp_path):
    _, summary = run(given())
    path = tmp_path / "poses.json"
    path.write_text(json.dumps({"skeletons": summary.skeletons}))
    results, later = run(given(cut=0), known=read_skeletons(path), world=World)
    assert np.allclose(later.skeletons[0]["offsets"], summary.skeletons[0]["offsets"], atol=2e-5)
    for live in (False, True):
        results, _ = run(given(), live=live, known=read_skeletons(path), world=World)
        lowest = [forward_kinematics(*result.motion)[0][0, :, 1].min() for result in results]
        assert min(lowest) > 0 and max(lowest) < 0.08


def test_each_sequence_gets_its_own_of_several_known_skeletons(tmp_path):
    _, summary = run(given(cut=5))
    path = tmp_path / "poses.json"
    path.write_text(json.dumps({"skeletons": summary.skeletons[::-1]}))
    _, later = run(given(cut=4), known=read_skeletons(path))
    for before, after in zip(summary.skeletons, later.skeletons, strict=True):
        assert np.allclose(before["offsets"], after["offsets"], atol=2e-5)
    results, _ = run(given(), known=read_skeletons(path), live=True)
    assert np.allclose(results[-1].motion.offsets, summary.skeletons[0]["offsets"], atol=2e-5)


@pytest.mark.parametrize("content", ["", "[]", '{"skeletons": []}', 20, 19, np.nan, 100.0])
def test_a_file_without_a_skeleton_like_ours_is_refused(tmp_path, content):
    if isinstance(content, int):
        [skeleton] = run(given())[1].skeletons
        skeleton["offsets"] = skeleton["offsets"][:content]
        skeleton["joint_names"][0] = "Pelvis" if content == 20 else "Hips"
        content = json.dumps({"skeletons": [skeleton]})
    elif isinstance(content, float):  # metres times this
        [skeleton] = run(given())[1].skeletons
        skeleton["offsets"] = (content * np.array(skeleton["offsets"])).tolist()
        content = json.dumps({"skeletons": [skeleton]})
    (tmp_path / "poses.json").write_text(content)
    refused("with skeletons: one is written by", read_skeletons, tmp_path / "poses.json")
