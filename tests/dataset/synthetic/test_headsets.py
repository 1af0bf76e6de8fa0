"""The camera is where its headset says, looks where it says, and sees what its lens shows."""

import json
import math
from dataclasses import asdict, replace

import archives
import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from base.headset import RELEASE_HEADSET, Headset, load_headset
from base.release_camera import RELEASE_CAMERA, world_to_camera
from base.set_type import SetType
from dataset import open_split
from dataset.synthetic import any_headset
from dataset.synthetic.any_headset import draw_headset
from dataset.synthetic.body.head_camera import camera_poses, mount, nose_tip
from dataset.synthetic.recipe import Recipe
from dataset.synthetic.render.camera_response import CameraResponse, develop
from dataset.synthetic.render.ray_casting import Rays, Traced
from dataset.synthetic.render.renderer import ObjectId
from utils import make_synthetic, pack_data

OPTIONS = ("--ray_step", "2", "--frames_per_character", "1", "--seed", "7", "--workers", "1")
COUNTS = ("--train", "3", "--val", "0", "--test", "0", "--label_frames", "1")
SIN25, COS25 = math.sin(math.radians(25)), math.cos(math.radians(25))


def seen_from(body, headset, directions):
    """Directions (x to the wearer's left, y up, z ahead of an upright head) in camera axes."""
    worn = mount(body, headset, np.random.default_rng(5))
    trans, rot = (each[0] for each in camera_poses(worn, np.zeros((1, 3)), np.eye(3)[None]))
    return trans, world_to_camera(trans + np.array(directions, float), trans, rot)


@pytest.mark.parametrize(
    ("mounted", "direction", "expected"),
    [
        ({}, (0, -1, 0), (0, 0, 1)),
        ({}, (1, 0, 0), (1, 0, 0)),  # the wearer's left is the picture's right
        ({}, (0, 0, 1), (0, 1, 0)),  # what is ahead lies at the bottom
        ({"forward": 25.0}, (0, -COS25, SIN25), (0, 0, 1)),
        ({"forward": 25.0}, (1, 0, 0), (1, 0, 0)),
        ({"left": -25.0}, (-SIN25, -COS25, 0), (0, 0, 1)),
        ({"left": -25.0}, (0, 0, 1), (0, 1, 0)),
        ({"rotate": 180.0}, (1, 0, 0), (-1, 0, 0)),
        # To be turned by 90° clockwise until the face is at the top: it is at the left.
        ({"rotate": 90.0}, (0, 0, -1), (-1, 0, 0)),
        ({"rotate": 90.0, "forward": 25.0}, (0, -COS25, SIN25), (0, 0, 1)),
    ],
)
def test_a_camera_looks_where_its_headset_says(poser, mounted, direction, expected):
    headset = replace(RELEASE_HEADSET, tilt_spread=0.0, **mounted)
    assert np.allclose(seen_from(poser.body, headset, direction)[1], expected, atol=1e-9)


def test_another_mount_is_worn_as_the_releases_is_by_the_same_person(poser):
    trans, axes = seen_from(poser.body, RELEASE_HEADSET, np.eye(3))
    x, y, z = RELEASE_HEADSET.position
    moved = replace(RELEASE_HEADSET, position=(x + 3, y + 8, z + 9), forward=20.0, rotate=90.0)
    moved_trans, moved_axes = seen_from(poser.body, moved, np.eye(3))
    assert np.allclose(moved_trans - trans, (3, 8, 9))
    assert np.allclose(moved_axes, axes @ moved.rotation.T)
    wide = replace(RELEASE_HEADSET, position_spread=(1.4, 1.2, 1.6), tilt_spread=3.2)
    straight = replace(RELEASE_HEADSET, position_spread=(0, 0, 0), tilt_spread=0.0)
    (wide_trans, wide_axes), (straight_trans, straight_axes) = (
        seen_from(poser.body, each, np.eye(3)) for each in (wide, straight)
    )
    assert np.allclose(wide_trans - straight_trans, 2 * (trans - straight_trans))
    assert np.abs(trans - straight_trans).min() > 0.05
    tilt, wide_tilt = (
        Rotation.from_matrix(straight_axes.T @ each).magnitude() for each in (axes, wide_axes)
    )
    assert math.isclose(wide_tilt, 2 * tilt) and 0.5 < math.degrees(tilt) < 3.0


def test_any_headset_is_within_its_range_and_outside_the_head(poser, other_poser):
    drawn = []
    ahead = np.array([(x, y, 1) for x in (-0.3, 0, 0.3) for y in (-0.3, 0, 0.3)], np.float32)
    sides = np.float32([(0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)])
    for person, body in enumerate((poser.body, other_poser.body)):
        scene = Traced(body.vertices - body.heads[body.rig.index("Head")], body.rig.faces)
        inside = np.tile(np.float32((0, 4, 5)), (len(ahead), 1))
        assert scene.blocked(ahead, inside).all()  # from within the head the face is in the way
        for seed in range(100):
            rng = np.random.default_rng((person, seed))
            headset = draw_headset(body, rng)
            assert headset == draw_headset(body, np.random.default_rng((person, seed)))
            drawn.append(headset)
            worn = np.tile(np.float32(mount(body, headset, rng).offset), (len(ahead), 1))
            assert not scene.blocked(ahead, worn).any(), headset
            # Around the camera as it is meant to be, the face is 2 cm away and more.
            face = np.float32(nose_tip(body) + headset.position - (0, 0, 2)) + 1.5 * sides
            assert not scene.blocked(np.tile(np.float32((0, 0, 1)), (len(face), 1)), face).any()
    x, y, z = (np.array([headset.position for headset in drawn]) - RELEASE_HEADSET.position).T
    columns = {
        "left": (x, -8, 8),
        "up": (y, -8, 12),
        "ahead": (z, -5, 12),
        "forward": ([headset.forward for headset in drawn], -25, 25),
        "tilt to the left": ([headset.left for headset in drawn], -15, 15),
        "fov": ([2 * math.degrees(headset.rim) for headset in drawn], 120, 200),
    }
    for name, (values, low, high) in columns.items():
        assert low <= min(values) + 1e-9 and max(values) <= high + 1e-9, name
        edge = 0.15 * (high - low)
        assert min(values) < low + edge and max(values) > high - edge, name
    assert {headset.rotate for headset in drawn} == {0, 90, 180, 270}
    sizes = {(headset.camera.width, headset.camera.height) for headset in drawn}
    assert sizes == set(any_headset.SIZES)
    for headset in drawn:
        camera, angles = headset.camera, np.linspace(0, headset.rim, 50)
        rays = np.stack([np.sin(angles), np.zeros(50), np.cos(angles)], -1)
        radius = camera.project(rays)[:, 0] - camera.cx
        assert (np.diff(radius) > 0.3 * radius[1]).all()  # NaN fails as well
        assert 0.94 < 2 * radius[-1] / min(camera.width, camera.height) < 1.31


LENSES = {
    "sideways": """
        position: [4, 5, 6]
        forward: 20
        rotate: 90
        fov: 200
        camera: {fx: 180, fy: 190, cx: 310.5, cy: 239.5, k: [0.01, 0, 0, 0], width: 640,
          height: 480}
    """,
    "narrow": """
        position: [0, 1, 8]
        left: -15
        fov: 100
        camera: {model: pinhole, fx: 150, fy: 150, cx: 199.5, cy: 249.5, distortion: [], width: 400,
          height: 500}
    """,
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, make):
    """A set of two headsets, and their files."""
    root = tmp_path_factory.mktemp("headsets")
    paths = [root / f"{name}.yml" for name in LENSES]
    for path in paths:
        path.write_text(LENSES[path.stem])
    passes = ("--passes", "depth", "objectId")
    return make(root / "set", *OPTIONS, *COUNTS, "--headset", *paths, *passes), paths


def labels(root):
    paths = sorted(root.glob("*/*/*/cam_down/json/*.json"))
    return {path: json.loads(path.read_text()) for path in paths}


def radius_at(headset, theta):
    if headset.name == "narrow":
        return 150 * np.tan(theta), 150 * np.tan(theta)
    return 180 * (theta + 0.01 * theta**3), 190 * (theta + 0.01 * theta**3)


def test_characters_take_turns_with_headsets_and_labels_say_which(mixed):
    root, paths = mixed
    headsets = [load_headset(path) for path in paths]
    found = labels(root)
    assert len(found) == 3 + 1
    for path, label in found.items():
        number = int(path.parents[3].name.split("_")[1])  # of the character, from 101 on
        assert Headset.from_dict(label["headset"]) == headsets[(number - 101) % 2]


@pytest.mark.parametrize("name", LENSES)
def test_pictures_and_labels_are_those_of_the_lens(mixed, name):
    found = {p: each for p, each in labels(mixed[0]).items() if each["headset"]["name"] == name}
    assert found
    for path, label in found.items():
        headset = Headset.from_dict(label["headset"])
        camera = headset.camera
        points, pixels = (np.array(label[key]).T for key in ("pts3d_fisheye", "pts2d_fisheye"))
        world = np.array([joint["trans"] for joint in label["joints"]])
        worn = (np.array(label["camera"][key]) for key in ("trans", "rot"))
        assert np.abs(world_to_camera(world, *worn) - points).max() < 1e-4
        theta = np.arctan2(np.hypot(points[:, 0], points[:, 1]), points[:, 2])
        inside = theta < math.radians(headset.fov / 2)
        assert inside.any() and label["camera"]["cam_fov"] == headset.fov
        way = points[:, :2] / np.hypot(points[:, 0], points[:, 1])[:, None]
        expected = (camera.cx, camera.cy) + np.stack(radius_at(headset, theta), -1) * way
        assert np.abs(pixels - expected)[inside].max() < 0.01
        size = camera.width - 0.5, camera.height - 0.5
        within = ((pixels > -0.5) & (pixels < size)).all(1)
        assert not np.array(label["visible"])[~(inside & within)].any()
        if "env_002" in path.parts:
            assert (np.array(label["visible"]) == (inside & within)).all()
            continue
        for kind, channels in (("rgba", 3), ("depth", 1), ("objectId", 1)):
            picture = next((path.parents[1] / kind).iterdir())
            picture = cv2.imread(str(picture), cv2.IMREAD_UNCHANGED)
            assert picture.shape[:2] == (camera.height, camera.width)
            v, u = np.mgrid[: camera.height, : camera.width]
            # Behind the camera there is no depth along its axis.
            rim = min(headset.fov / 2, 90.0) if kind == "depth" else headset.fov / 2
            rx, ry = radius_at(headset, math.radians(rim))
            share = np.hypot((u - camera.cx) / rx, (v - camera.cy) / ry)
            lit = picture.reshape(*picture.shape[:2], channels).max(2) > 0
            assert not lit[share > 1.03].any() and (share > 1.03).any()
            assert lit[share < 0.97].mean() > 0.99
        # Joints that are seen lie on the body: the picture (objectId) is not turned or mirrored.
        x, y = np.round(pixels[label["visible"]]).astype(int).T
        assert len(x) > 3 and (picture[y, x] >= ObjectId.SKIN).mean() > 0.9


def test_shards_of_headsets_are_those_of_packing_the_tree(mixed, make, tmp_path):
    tree, direct, size = tmp_path / "tree", tmp_path / "direct", ("64",)
    shards = ("--frames_per_shard", str(1000 * make_synthetic.DEFAULT_STRIDE))
    pack_data.main(["--input", str(mixed[0]), "--output", str(tree), "--size", *size, *shards])
    make(direct, *OPTIONS, *COUNTS, "--headset", *mixed[1], "--pack", "--pack_size", *size)
    (direct / "synthetic.json").unlink()
    assert archives.contents(direct) == archives.contents(tree)
    headsets = open_split(direct, SetType.TRAIN, 64).table.headsets
    assert sorted(headset.name for headset in headsets) == sorted(LENSES)


def test_large_pictures_are_developed():
    camera = replace(RELEASE_HEADSET.camera, width=1500, height=1100)
    rays = Rays(replace(RELEASE_HEADSET, camera=camera, fov=20.0), 1)
    light = np.ones((len(rays.pixels), 3), np.float32)
    picture = develop(light, rays, CameraResponse(1.0, 0.0, 1.0, 0.5), np.random.default_rng(0))
    assert picture.shape == (1100, 1500, 3)
    assert abs(picture.any(2).sum() / len(light) - 1) < 0.02


def test_any_leaves_the_people_as_they_are_and_comes_out_the_same(tmp_path, make, mixed):
    roots = [make(tmp_path / name, *OPTIONS, *COUNTS, "--headset", "any") for name in "ab"]
    first, second = (list(labels(root).values()) for root in roots)
    assert first == second
    headsets = {json.dumps(label["headset"]) for label in first}
    assert len(headsets) == 3  # frames of a character in both environments share one
    for label, other in zip(first, labels(mixed[0]).values(), strict=True):
        assert label["phenotype"] == other["phenotype"] and label["headset"] != other["headset"]
    both = make(tmp_path / "both", *OPTIONS, *COUNTS, "--headset", mixed[1][0], "any")
    turns = [list(labels(root).values()) for root in (both, mixed[0], roots[0])]
    own = [label["headset"]["name"] == load_headset(mixed[1][0]).name for label in turns[0]]
    assert 0 < sum(own) < len(own)
    for mine, label, first, drawn in zip(own, *turns, strict=True):
        assert label["headset"] == (first if mine else drawn)["headset"]


def test_a_set_is_gone_on_with_by_its_own_headset_only(tmp_path, mixed, make, refused):
    root, paths = mixed
    go_on = ("--output", root, *OPTIONS, *COUNTS, "--passes", "depth", "objectId", "--resume")
    make(*go_on[1:], "--headset", *paths)
    for other in ((), ("--headset", "any"), ("--headset", paths[0])):
        assert "was made with another --headset" in refused(*go_on, *other)
    inside = tmp_path / "inside.yml"  # behind the tip of the nose
    inside.write_text(LENSES["narrow"].replace("[0, 1, 8]", "[0, 1, -8]"))
    cases = {
        "or one of": (tmp_path / "none.yml",),
        "--headset inside: its camera is inside the head": (paths[0], inside),
    }
    for message, names in cases.items():
        assert message in refused("--output", tmp_path / "new", *OPTIONS, "--headset", *names)
    assert not (tmp_path / "new").exists()
    # As the version before noted the release's camera, and another.
    note = Recipe(seed=7, frames_per_character=1, ray_step=2).described()
    assert note["camera"] == {"kind": "FisheyeCamera"} | asdict(RELEASE_CAMERA)
    note["camera"]["width"] = 640
    (tmp_path / "synthetic.json").write_text(json.dumps(note))
    go_on = ("--output", tmp_path, *OPTIONS, "--resume")
    assert "was made with another --headset" in refused(*go_on)
    assert "was made with another --headset" in refused(*go_on, "--headset", "any")
    note["camera"]["width"] = RELEASE_CAMERA.width
    for content in ("[1]", "null", "{", json.dumps(note | {"pack": [1]})):
        (tmp_path / "synthetic.json").write_text(content)
        assert "synthetic.json cannot be read: start anew" in refused(*go_on)
