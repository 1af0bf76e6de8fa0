"""The camera is where its headset says, looks where it says, and sees what its lens shows."""

import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from base.headset import RELEASE_HEADSET, Headset, load_headset
from base.release_camera import world_to_camera
from dataset.synthetic.any_headset import draw_headset
from dataset.synthetic.body.head_camera import camera_poses, mount, nose_tip
from dataset.synthetic.meshes import Traced
from dataset.synthetic.render.picture_camera import CameraResponse, Rays, develop
from dataset.synthetic.render.renderer import ObjectId

OPTIONS = ("--ray_step", "2", "--frames_per_character", "1", "--seed", "7", "--workers", "1")
COUNTS = ("--train", "3", "--val", "0", "--test", "0", "--label_frames", "1")


def test_another_mount_is_worn_as_the_releases_is_by_the_same_person(poser):
    moved = {"position": tuple(np.add(RELEASE_HEADSET.position, (3, 8, 9))), "rotate": 90.0}
    changes = {}, moved, {"position_spread": (0, 0, 0), "tilt_spread": 0.0}
    headsets = [replace(RELEASE_HEADSET, **change) for change in changes]
    places, axes = [], []
    for each in headsets:
        worn = mount(poser.body, each, np.random.default_rng(5))
        trans, rot = (found[0] for found in camera_poses(worn, np.zeros((1, 3)), np.eye(3)[None]))
        places.append(trans)
        axes.append(world_to_camera(trans + np.eye(3), trans, rot))
    assert np.allclose(places[1] - places[0], (3, 8, 9))
    assert np.allclose(axes[1], axes[0] @ headsets[1].rotation.T)
    assert 0.05 < np.abs(places[0] - places[2]).min() < 2.0
    tilt = Rotation.from_matrix(axes[2].T @ axes[0]).magnitude()
    assert 0.5 < math.degrees(tilt) < 3.0


def test_any_headset_is_within_its_range_and_outside_the_head(poser, other_poser):
    drawn = []
    ahead = np.array([(x, y, 1) for x in (-0.3, 0, 0.3) for y in (-0.3, 0, 0.3)], np.float32)
    for person, body in enumerate((poser.body, other_poser.body)):
        scene = Traced(body.vertices - body.heads[body.rig.index("Head")], body.rig.faces)
        inside = np.tile(np.float32((0, 4, 5)), (len(ahead), 1))
        assert scene.blocked(ahead, inside).all()  # from within the head the face is in the way
        for seed in range(100):
            rng = np.random.default_rng((person, seed))
            drawn.append(draw_headset(body, rng))
            worn = mount(body, drawn[-1], rng).offset, nose_tip(body) + drawn[-1].position
            # As it is worn, and 2 cm behind where it is meant to be.
            for place in (worn[0], worn[1] - (0, 0, 2)):
                place = np.tile(np.float32(place), (len(ahead), 1))
                assert not scene.blocked(ahead, place).any(), drawn[-1]
    x, y, z = (np.array([headset.position for headset in drawn]) - RELEASE_HEADSET.position).T
    tilts = np.array([(each.forward, each.left, 2 * math.degrees(each.rim)) for each in drawn]).T
    ranges = (-8, 8), (-8, 12), (-5, 12), (-25, 25), (-15, 15), (120, 200)
    for values, (low, high) in zip((x, y, z, *tilts), ranges, strict=True):
        edge = 0.15 * (high - low)
        assert low - 1e-9 <= min(values) < low + edge and high - edge < max(values) <= high + 1e-9
    assert {headset.rotate for headset in drawn} == {0, 90, 180, 270}
    for headset in drawn:
        camera, angles = headset.camera, np.linspace(0, headset.rim, 50)
        rays = np.stack([np.sin(angles), np.zeros(50), np.cos(angles)], -1)
        radius = camera.project(rays)[:, 0] - camera.cx
        assert (np.diff(radius) > 0.3 * radius[1]).all()  # NaN fails as well
        assert 0.94 < 2 * radius[-1] / min(camera.width, camera.height) < 1.31


LENSES = {
    "sideways": """
{position: [4, 5, 6], forward: 20, rotate: 90, fov: 200, camera: {
  fx: 180, fy: 190, cx: 310.5, cy: 239.5, k: [0.01, 0, 0, 0], width: 640, height: 480}}""",
    "narrow": """
{position: [0, 1, 8], left: -15, fov: 100, camera: {model: pinhole,
  fx: 150, fy: 150, cx: 199.5, cy: 249.5, distortion: [], width: 400, height: 500}}""",
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


def test_pictures_and_labels_are_those_of_the_headset_that_a_character_wears(mixed):
    headsets, found = [load_headset(path) for path in mixed[1]], labels(mixed[0])
    assert len(found) == 3 + 1
    for path, label in found.items():
        headset = Headset.from_dict(label["headset"])
        number = int(path.parents[3].name.split("_")[1])  # of the character, from 101 on
        assert headset == headsets[(number - 101) % 2]
        camera = headset.camera
        points, pixels = (np.array(label[key]).T for key in ("pts3d_fisheye", "pts2d_fisheye"))
        world = np.array([joint["trans"] for joint in label["joints"]])
        worn = (np.array(label["camera"][key]) for key in ("trans", "rot"))
        assert np.abs(world_to_camera(world, *worn) - points).max() < 1e-4
        flat = np.hypot(points[:, 0], points[:, 1])
        theta = np.arctan2(flat, points[:, 2])
        inside = theta < math.radians(headset.fov / 2)
        assert inside.any() and label["camera"]["cam_fov"] == headset.fov
        expected = np.stack(radius_at(headset, theta), -1) * points[:, :2] / flat[:, None]
        assert np.abs(pixels - (camera.cx, camera.cy) - expected)[inside].max() < 0.01
        size = camera.width - 0.5, camera.height - 0.5
        within = inside & ((pixels > -0.5) & (pixels < size)).all(1)
        visible = np.array(label["visible"])
        assert not visible[~within].any()
        if "env_002" in path.parts:
            assert (visible == within).all()
            continue
        x, y = np.round(pixels[within]).astype(int).T
        for kind in ("rgba", "depth", "objectId"):
            picture = next((path.parents[1] / kind).iterdir())
            picture = cv2.imread(str(picture), cv2.IMREAD_UNCHANGED)
            assert picture.shape[:2] == (camera.height, camera.width)
            if kind == "depth":  # joints are in the flesh, or something is before them
                before = points[within, 2] - picture[y, x] / 10
                seen, ahead = visible[within], points[within, 2] > 5
                assert np.median(np.abs(before[seen & ahead])) < 5
                assert np.median(before[~seen & ahead]) > 8
            v, u = np.mgrid[: camera.height, : camera.width]
            # Behind the camera there is no depth along its axis.
            rim = min(headset.fov / 2, 90.0) if kind == "depth" else headset.fov / 2
            rx, ry = radius_at(headset, math.radians(rim))
            share = np.hypot((u - camera.cx) / rx, (v - camera.cy) / ry)
            lit = picture.reshape(*picture.shape[:2], -1).max(2) > 0
            assert not lit[share > 1.03].any() and (share > 1.03).any()
            assert lit[share < 0.97].mean() > 0.99
        # Joints that are seen lie on the body: the picture (objectId) is not turned or mirrored.
        assert seen.sum() > 3 and (picture[y, x][seen] >= ObjectId.SKIN).mean() > 0.9


def test_large_pictures_are_developed():
    camera = replace(RELEASE_HEADSET.camera, width=1500, height=1100)
    rays = Rays(replace(RELEASE_HEADSET, camera=camera, fov=20.0), 1)
    light, rng = np.ones((len(rays.pixels), 3), np.float32), np.random.default_rng(0)
    picture = develop(light, rays, CameraResponse(1.0, 0.0, 1.0, 0.5), rng)
    assert abs(picture.any(2).sum() / len(light) - 1) < 0.02


def test_any_leaves_the_people_as_they_are_and_takes_turns(tmp_path, make, mixed):
    drawn = make(tmp_path / "any", *OPTIONS, *COUNTS, "--headset", "any")
    both = make(tmp_path / "both", *OPTIONS, *COUNTS, "--headset", mixed[1][0], "any")
    turns = [list(labels(root).values()) for root in (drawn, mixed[0], both)]
    # Frames of a character in both environments share one.
    assert len({json.dumps(label["headset"]) for label in turns[0]}) == 3
    own = [label["headset"]["name"] == "sideways" for label in turns[2]]
    assert 0 < sum(own) < len(own)
    for mine, first, other, label in zip(own, *turns, strict=True):
        assert first["phenotype"] == other["phenotype"] and first["headset"] != other["headset"]
        assert label["headset"] == (other if mine else first)["headset"]


def test_a_set_is_gone_on_with_by_its_own_headset_only(tmp_path, mixed, make, refused):
    root, paths = mixed
    go_on = ("--output", root, *OPTIONS, *COUNTS, "--passes", "depth", "objectId", "--resume")
    make(*go_on[1:], "--headset", *paths)
    for other in ((), ("--headset", "any"), ("--headset", paths[0])):
        assert "was made with another --headset" in refused(*go_on, *other)
    inside = tmp_path / "inside.yml"  # behind the tip of the nose
    inside.write_text(LENSES["narrow"].replace("[0, 1, 8]", "[0, 1, -8]"))
    message = "--headset inside: its camera is inside the head"
    assert message in refused("--output", tmp_path / "new", *OPTIONS, "--headset", paths[0], inside)
    assert not (tmp_path / "new").exists()
