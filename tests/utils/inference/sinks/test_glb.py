"""glTF read back without a library: the tree, its animation, and the body that moves with it."""

import json
import struct
from contextlib import closing

import numpy as np
import pytest
from browser import three_positions
from moving_body import moving
from scipy.spatial.transform import Rotation

from base.skeleton import JOINTS
from utils.inference.results import FramePose, RunInfo
from utils.inference.sinks.glb import GlbFormat
from utils.motion.rig import CAMERA_TO_RIG
from utils.motion.solver import solve_clip

WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}
TYPES = {5126: "<f4", 5123: "<u2", 5121: "u1"}
TIMES = [0.0, 0.1, 0.5, 0.6, 4000.0]  # an hour later


class Glb:
    """The parts of a binary glTF file."""

    def __init__(self, content):
        magic, version, length = struct.unpack_from("<4sII", content)
        assert (magic, version, length) == (b"glTF", 2, len(content))
        size, kind = struct.unpack_from("<I4s", content, 12)
        assert kind == b"JSON"
        self.tree = json.loads(content[20 : 20 + size])
        more, kind = struct.unpack_from("<I4s", content, 20 + size)
        assert kind == b"BIN\0" and size % 4 == more % 4 == 0
        self.binary = content[28 + size : 28 + size + more]

    def values(self, accessor):
        stated = self.tree["accessors"][accessor]
        view = self.tree["bufferViews"][stated["bufferView"]]
        assert view["byteOffset"] % 4 == 0
        width, kind = WIDTHS[stated["type"]], np.dtype(TYPES[stated["componentType"]])
        values = np.frombuffer(self.binary, kind, stated["count"] * width, view["byteOffset"])
        values = values.reshape(-1, width)
        assert values.min(0).tolist() == stated["min"] and values.max(0).tolist() == stated["max"]
        return values

    def at(self, frame):
        """The 4×4 matrix of each node at a keyframe, by name."""
        nodes, (animation,) = self.tree["nodes"], self.tree["animations"]
        parts = [
            [np.array(node.get("translation", (0, 0, 0)), float), np.array([0, 0, 0, 1.0])]
            for node in nodes
        ]
        for channel in animation["channels"]:
            target, sampler = channel["target"], animation["samplers"][channel["sampler"]]
            row = ("translation", "rotation").index(target["path"])
            parts[target["node"]][row] = self.values(sampler["output"])[frame]
        found = {}

        def walk(row, above):
            place, turn = parts[row]
            own = np.eye(4)
            own[:3, :3], own[:3, 3] = Rotation.from_quat(turn).as_matrix(), place
            found[nodes[row]["name"]] = above @ own
            for child in nodes[row].get("children") or ():
                walk(child, above @ own)

        for row in self.tree["scenes"][0]["nodes"]:
            walk(row, np.eye(4))
        return found


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("glb") / "poses.glb"
    motion = solve_clip(moving(len(TIMES)))
    with closing(GlbFormat(path, RunInfo(None, 30.0, False, "camera"))) as sink:
        for k, time in enumerate(TIMES):
            sink.add(FramePose("a", "a", (1, 1), None, k, time, k, motion=motion.frame(k)), None)
        sink.finish(None)
    return path


@pytest.fixture(scope="module")
def file(path):
    return Glb(path.read_bytes())


def test_joints_are_where_the_poses_have_them_at_their_times(file):
    expected = moving(len(TIMES)) @ CAMERA_TO_RIG.T
    expected[..., 1] -= np.median(expected[..., 1].min(1))
    sampler = file.tree["animations"][0]["samplers"][0]
    assert file.values(sampler["input"])[:, 0] == pytest.approx(TIMES)
    for frame in range(len(TIMES)):
        found = file.at(frame)
        places = [found[f"mixamorig:{name}"][:3, 3] for name in JOINTS]
        assert np.abs(places - expected[frame]).max() < 1e-4


def test_the_body_is_drawn_along_the_bones_and_moves_with_them(file):
    (skin,), (mesh,) = file.tree["skins"], file.tree["meshes"]
    (primitive,) = mesh["primitives"]
    corners = file.values(primitive["attributes"]["POSITION"])
    owners = file.values(primitive["attributes"]["JOINTS_0"])[:, 0]
    weights = file.values(primitive["attributes"]["WEIGHTS_0"])
    assert (weights == [1, 0, 0, 0]).all()
    faces = file.values(primitive["indices"]).reshape(-1, 3)
    assert faces.max() == len(corners) - 1
    to_joints = file.values(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    names = [file.tree["nodes"][row]["name"] for row in skin["joints"]]
    found = file.at(2)
    turned = np.array([found[name] for name in names]) @ to_joints
    moved = np.einsum("vij,vj->vi", turned[owners], np.c_[corners, np.ones(len(corners))])[:, :3]
    # The last corner of each bone is the joint that it leads to.
    ends = [
        name
        for name in names
        if any(np.allclose(found[name][:3, 3], c, atol=1e-5) for c in moved[5::6])
    ]
    assert {f"mixamorig:{name}" for name in JOINTS if "Hips" not in name} <= set(ends)
    # Outward: the volume inside is positive.
    a, b, c = (moved[faces[:, k]] for k in range(3))
    assert (np.einsum("fi,fi->f", a, np.cross(b, c)).reshape(-1, 8).sum(1) > 0).all()


def test_another_reader_sees_the_same(file, path):
    """three.js, which most viewers are made of."""
    found = three_positions(path)
    assert found["times"] == pytest.approx(TIMES)
    for name in JOINTS:
        places = [file.at(frame)[f"mixamorig:{name}"][:3, 3] for frame in range(len(TIMES))]
        assert np.abs(found[f"mixamorig:{name}"] - places).max() < 1e-4
