"""Pictures agree with labels: the body is where its joints project, and not mirrored."""

from dataclasses import replace

import numpy as np
import pytest

from base.camera import RELEASE_CAMERA, world_to_camera
from dataset.synthetic.body.body_model import make_body
from dataset.synthetic.body.head_camera import camera_poses, mount
from dataset.synthetic.body.pose import Pose, stack
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.body.release_joints import occluded
from dataset.synthetic.clothes.wardrobe import dress
from dataset.synthetic.output.label_json import RIM
from dataset.synthetic.render.background import Background
from dataset.synthetic.render.camera_response import CameraResponse
from dataset.synthetic.render.renderer import OBJECT_IDS, PASSES, Renderer
from dataset.synthetic.scene.place import make_place
from dataset.synthetic.scene.textures import sample


@pytest.fixture(scope="module")
def scene():
    """One person pointing ahead with the left hand, the right arm hanging; picture and labels."""
    rng = np.random.default_rng(5)
    body = make_body(male=False, full=False, short=False, rng=rng)
    pose = Pose(hand=np.array([(0.1, -0.45, 0.75), (0.25, -0.9, 0.1)]))
    joints, turns = (each[0] for each in Poser(body).place(stack([pose])))
    rig = mount(body, rng)
    head = body.rig.index("Head")
    trans, rot = (each[0] for each in camera_poses(rig, joints[head : head + 1], turns[None, head]))
    outfit, place = dress(body, rng), make_place(rng)
    # Red all over, so that the body tells from any place.
    red = np.tile(np.array([0.5, 0.01, 0.01], np.float32), (len(outfit.colours), 1))
    outfit = replace(outfit, colours=red, pattern="plain")
    response = CameraResponse(exposure=1.0, vignette=0.0, grain=2.0, blur=0.4)
    renderer = Renderer(outfit, place, response, step=2)

    passes = {}

    def draw(vertices):
        rng = np.random.default_rng(0)
        pictures, lead = renderer.draw(vertices, trans, rot, np.zeros(4), joints, rng, PASSES)
        passes.update(pictures)
        return pictures["rgba"], lead

    skin = body.skin(joints, turns, outfit.vertices, outfit.weights)
    # The same place with the person far away, and so without a shadow as well.
    empty, _ = draw(skin + np.array([0.0, 0.0, 9000.0]))
    picture, lead = draw(skin)
    pixels = RELEASE_CAMERA.project(world_to_camera(joints, trans, rot))
    depths = world_to_camera(joints, trans, rot)[:, 2]
    return body, picture, empty, pixels, lead, passes, depths


def changed(scene, pixel):
    _, picture, empty, *_ = scene
    x, y = np.round(pixel).astype(int)
    difference = picture[y, x].astype(int) - empty[y, x]
    return np.abs(difference).max() > 25


def test_joints_lie_on_the_body_in_the_picture(scene):
    body, _, _, pixels, *_ = scene
    for name in ("Neck", "LeftArm", "LeftForeArm", "LeftHand", "RightArm", "RightHand"):
        assert changed(scene, pixels[body.rig.index(name)]), name


def test_the_left_hand_is_on_the_right_of_the_picture_and_the_picture_is_not_mirrored(scene):
    body, _, _, pixels, _, passes, _ = scene
    hand = pixels[body.rig.index("LeftHand")]
    assert hand[0] > RELEASE_CAMERA.cx and hand[1] > RELEASE_CAMERA.cy + 50
    mirrored = 2 * RELEASE_CAMERA.cx - hand[0]
    y, (here, there) = round(hand[1]), (round(hand[0]), round(mirrored))
    identity = passes["objectId"]
    assert identity[y, here] in (OBJECT_IDS["skin"], OBJECT_IDS["top"])
    assert identity[y, there] in (OBJECT_IDS["surroundings"], OBJECT_IDS["things"])


def test_the_surround_is_black_and_the_inside_is_not(scene):
    _, picture, *_ = scene
    v, u = np.mgrid[:800, :1280]
    rays = RELEASE_CAMERA.unproject(np.stack([u, v], -1).astype(float))
    angle = np.arctan2(np.hypot(rays[..., 0], rays[..., 1]), rays[..., 2])
    assert picture.shape == (800, 1280, 3) and picture.dtype == np.uint8
    assert picture[angle > RIM + 0.03].max() == 0
    assert picture[angle < RIM - 0.03].mean() > 30


def test_what_lies_behind_the_body_is_occluded_and_what_points_at_the_camera_is_not(scene):
    body, _, _, _, lead, *_ = scene
    hidden = occluded(lead, body)
    assert not hidden[body.rig.index("LeftHand")]
    assert not hidden[body.rig.index("LeftForeArm")]
    far = lead.copy()
    far[body.rig.index("LeftHand")] = 60.0
    assert occluded(far, body)[body.rig.index("LeftHand")]


def test_depth_and_object_pass_agree_with_the_labels(scene):
    body, picture, _, pixels, _, passes, depths = scene
    depth, identity = passes["depth"], passes["objectId"]
    assert depth.shape == identity.shape == picture.shape[:2]
    assert depth.dtype == np.uint16 and identity.dtype == np.uint8
    row = body.rig.index("LeftHand")
    x, y = np.round(pixels[row]).astype(int)
    assert abs(depth[y, x] / 10.0 - depths[row]) < 8.0  # millimetres; the joint is in the flesh
    assert identity[y, x] not in (0, OBJECT_IDS["surroundings"])
    floor = identity == OBJECT_IDS["surroundings"]
    assert floor.any() and depth[floor].max() > 1000
    assert (identity[:, 0] == 0).all() and (depth[identity == 0] == 0).all()


def test_a_texture_is_sampled_between_its_pixels_and_at_no_point_at_all():
    texture = np.array([[0.0, 10.0], [20.0, 30.0]], np.float32)
    points = np.array([0.0, 0.5], np.float32)
    assert sample(texture, points, points).tolist() == [0.0, 15.0]
    assert sample(texture, points[:0], points[:0]).shape == (0,)
    colours = np.zeros((2, 2, 3), np.uint8)
    assert sample(colours, points[:0], points[:0]).shape == (0, 3)


def test_a_panorama_is_seen_from_inside_level_and_not_mirrored():
    width, height = 720, 360  # half a degree a pixel
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.arange(width) * 250 / width
    picture[..., 1] = np.arange(height)[:, None] * 250 / height
    place = replace(make_place(np.random.default_rng(0)), panorama=picture)
    background = Background(place)

    def seen(*directions, camera=(0.0, 150.0, 0.0)):
        ways = np.array(directions, np.float32)
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        light = background.light(ways, np.array(camera), np.zeros((384, 384), np.float32))
        # Columns and rows of the panorama in degrees, the linear light brought back to 8 bits.
        return np.sqrt(light[:, :2]) * 255 / 250 * (360.0, 180.0)

    # Someone who looks along +z and turns to the right, towards -x, goes on to higher columns.
    ahead = seen((-0.01, 0.0, 1.0), (-1.0, 0.0, 1.0), (-1.0, 0.0, 0.0), (0.0, 0.0, -1.0))
    assert np.allclose(ahead[:, 0], (0.6, 45, 90, 180), atol=2.0)
    assert np.allclose(ahead[:, 1], 90.0, atol=1.5)  # the horizon half-way down
    assert np.allclose(seen((-1, 1, 0), (-1, -1, 0), (-0.01, -1, 0))[:, 1], (45, 135, 180), atol=2)
    # From half the height the floor's spots are nearer than they were; the horizon is the same.
    low = seen((-1, -0.5, 0), (-1, -0.01, 0), (-1, 0.01, 0), camera=(0.0, 75.0, 0.0))
    assert np.allclose(low[:, 1], (135.0, 91.1, 89.4), atol=1.5)
    # A step towards a spot of the floor brings it below: it was 150 cm away.
    assert np.allclose(seen((-0.01, -1, 0), camera=(-150.0, 150.0, 0.0)), (90, 135), atol=2.0)
