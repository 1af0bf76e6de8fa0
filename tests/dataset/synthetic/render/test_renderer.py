"""Pictures agree with labels: the body is where its joints project, and not mirrored."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from base.headset import RELEASE_HEADSET
from base.release_camera import RELEASE_CAMERA, world_to_camera
from dataset.synthetic.body.body_model import make_body
from dataset.synthetic.body.head_camera import camera_poses, mount
from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.body.release_joints import occluded
from dataset.synthetic.clothes.wardrobe import dress
from dataset.synthetic.render.background import Background
from dataset.synthetic.render.camera_response import CameraResponse
from dataset.synthetic.render.renderer import PASSES, ObjectId, Renderer
from dataset.synthetic.scene.place import make_place


@pytest.fixture(scope="module")
def scene():
    """One person pointing ahead with the left hand, the right arm hanging; pictures and labels."""
    rng = np.random.default_rng(5)
    body = make_body(male=False, full=False, short=False, rng=rng)
    pose = BodyPose(hand=np.array([(0.1, -0.45, 0.75), (0.25, -0.9, 0.1)]))
    joints, turns = (each[0] for each in Poser(body).place(stack([pose])))
    head = body.rig.index("Head")
    worn = mount(body, RELEASE_HEADSET, rng)
    trans, rot = (each[0] for each in camera_poses(worn, joints[None, head], turns[None, head]))
    outfit, place = dress(body, rng), make_place(rng)
    # Red all over, so that the body tells from any place.
    red = np.tile(np.array([0.5, 0.01, 0.01], np.float32), (len(outfit.colours), 1))
    outfit = replace(outfit, colours=red, pattern="plain")
    response = CameraResponse(exposure=1.0, vignette=0.0, grain=2.0, blur=0.4)
    renderer = Renderer(outfit, place, response, step=2)

    def draw(vertices):
        rng = np.random.default_rng(0)
        return renderer.draw(vertices, trans, rot, np.zeros(4), joints, rng, PASSES)

    skin = body.skin(joints, turns, outfit.vertices, outfit.weights)
    # The same place with the person far away, and so without a shadow as well.
    empty = draw(skin + np.array([0.0, 0.0, 9000.0]))[0]["rgba"]
    pictures, lead = draw(skin)
    points = world_to_camera(joints, trans, rot)
    return SimpleNamespace(
        **{"body": body, "outfit": outfit, "place": place, "skin": skin, "lead": lead},
        **{"rgba": pictures["rgba"], "depth": pictures["depth"], "id": pictures["objectId"]},
        **{"empty": empty, "pixels": RELEASE_CAMERA.project(points), "depths": points[:, 2]},
    )


def test_joints_lie_on_the_body_in_the_picture(scene):
    for name in ("Neck", "LeftArm", "LeftForeArm", "LeftHand", "RightArm", "RightHand"):
        x, y = np.round(scene.pixels[scene.body.rig.index(name)]).astype(int)
        assert np.abs(scene.rgba[y, x].astype(int) - scene.empty[y, x]).max() > 25, name


def test_the_left_hand_is_on_the_right_of_the_picture_and_the_picture_is_not_mirrored(scene):
    hand = scene.pixels[scene.body.rig.index("LeftHand")]
    assert hand[0] > RELEASE_CAMERA.cx and hand[1] > RELEASE_CAMERA.cy + 50
    row, mirrored = scene.id[round(hand[1])], round(2 * RELEASE_CAMERA.cx - hand[0])
    assert row[round(hand[0])] in (ObjectId.SKIN, ObjectId.TOP)
    assert row[mirrored] in (ObjectId.SURROUNDINGS, ObjectId.THINGS)


def test_what_lies_behind_the_body_is_occluded_and_what_points_at_the_camera_is_not(scene):
    hand, elbow = (scene.body.rig.index(f"Left{name}") for name in ("Hand", "ForeArm"))
    assert not occluded(scene.lead, scene.body)[[hand, elbow]].any()
    scene.lead[hand] = 60.0
    assert occluded(scene.lead, scene.body)[hand]


def test_depth_and_object_pass_agree_with_the_labels(scene):
    assert scene.depth.shape == scene.id.shape == scene.rgba.shape[:2]
    assert scene.depth.dtype == np.uint16 and scene.id.dtype == np.uint8
    row = scene.body.rig.index("LeftHand")
    x, y = np.round(scene.pixels[row]).astype(int)
    assert abs(scene.depth[y, x] / 10.0 - scene.depths[row]) < 8.0  # the joint is in the flesh
    assert scene.depth[scene.id == ObjectId.SURROUNDINGS].max() > 1000
    assert (scene.id[:, 0] == 0).all() and (scene.depth[scene.id == 0] == 0).all()


def test_a_panorama_is_seen_from_inside_level_and_not_mirrored():
    width, height = 720, 360  # half a degree a pixel
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.arange(width) * 250 / width
    picture[..., 1] = np.arange(height)[:, None] * 250 / height
    place = replace(make_place(np.random.default_rng(0)), panorama=picture)

    def seen(*directions, camera=(0.0, 150.0, 0.0)):
        ways = np.array(directions, np.float32)
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        light = Background(place, np.array(camera), np.zeros((384, 384), np.float32), 350.0).light(
            ways
        )
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
