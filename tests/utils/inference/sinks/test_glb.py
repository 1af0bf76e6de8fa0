"""glTF read back by three.js, which most viewers are made of: joints, times, and the body."""

import numpy as np
import pygltflib
import pytest
from browser import three_positions
from moving_body import moving, written

from base.skeleton import JOINTS
from utils.inference.sinks.glb import GlbFormat
from utils.motion.rig import CAMERA_TO_RIG

TIMES = [0.0, 0.1, 0.5, 0.6, 4000.0]  # an hour later
NAMES = [f"mixamorig:{name}" for name in JOINTS]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("glb") / "poses.glb"
    return written(GlbFormat, path, moving(len(TIMES)), TIMES)


@pytest.fixture(scope="module")
def seen(path):
    return three_positions(path)


def test_joints_are_where_the_poses_have_them_at_their_times(seen):
    expected = moving(len(TIMES)) @ CAMERA_TO_RIG.T
    expected[..., 1] -= np.median(expected[..., 1].min(1))
    assert seen["times"] == pytest.approx(TIMES)
    assert np.abs(np.stack([seen[name] for name in NAMES], 1) - expected).max() < 1e-4


def test_the_body_is_drawn_along_the_bones_and_moves_with_them(seen):
    for frame, corners in enumerate(seen["corners"]):
        # The last corner of each bone is the joint that it leads to.
        ends = corners[None, 5::6] - np.array([seen[name][frame] for name in NAMES])[:, None]
        assert np.linalg.norm(ends, axis=-1).min(1).max() < 1e-4
        # Outward: the volume inside each bone is positive.
        a, b, c = corners[seen["faces"]].reshape(-1, 3, 3).swapaxes(0, 1)
        assert (np.einsum("fi,fi->f", a, np.cross(b, c)).reshape(-1, 8).sum(1) > 0).all()


def test_bounds_are_those_of_the_values(path):
    file = pygltflib.GLTF2().load(path)
    for accessor in file.accessors:
        view = file.bufferViews[accessor.bufferView]
        kind = {5126: "<f4", 5123: "<u2", 5121: "u1"}[accessor.componentType]
        part = file.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
        values = np.frombuffer(part, kind).reshape(accessor.count, -1)
        assert view.byteOffset % 4 == 0
        assert (values.min(0).tolist(), values.max(0).tolist()) == (accessor.min, accessor.max)
