"""Pictures agree with labels: the body is where its joints project, and not mirrored."""

from types import SimpleNamespace

import numpy as np
import pytest

from base.headset import RELEASE_HEADSET
from base.release_camera import RELEASE_CAMERA, world_to_camera
from dataset.synthetic import PASSES
from dataset.synthetic.body.body_model import make_body
from dataset.synthetic.body.head_camera import camera_poses, mount
from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.body.release_joints import occluded
from dataset.synthetic.clothes.wardrobe import dress
from dataset.synthetic.render.camera import CameraResponse
from dataset.synthetic.render.renderer import ObjectId, Renderer
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
    outfit = outfit._replace(colours=red, pattern="plain")
    renderer = Renderer(outfit, place, CameraResponse(1.0, 0.0, 2.0, 0.4), step=2)
    skin = body.skin(joints, turns, outfit.vertices, outfit.weights)
    pictures, lead = renderer.draw(skin, trans, rot, place.things, joints, rng, PASSES)
    points = world_to_camera(joints, trans, rot)
    return SimpleNamespace(
        **{"body": body, "lead": lead, "rgba": pictures["rgba"].astype(float)},
        **{"depth": pictures["depth"], "id": pictures["objectId"]},
        **{"pixels": RELEASE_CAMERA.project(points), "depths": points[:, 2]},
    )


def test_joints_lie_on_the_body_in_the_picture_and_it_is_not_mirrored(scene):
    for name in ("Neck", "LeftArm", "LeftForeArm", "LeftHand", "RightArm", "RightHand"):
        x, y = np.round(scene.pixels[scene.body.rig.index(name)]).astype(int)
        red, green, _ = scene.rgba[y, x]
        assert red > 2 * green and scene.id[y, x] >= ObjectId.SKIN, name
    x, y = scene.pixels[scene.body.rig.index("LeftHand")]
    assert x > RELEASE_CAMERA.cx and y > RELEASE_CAMERA.cy + 50
    assert scene.id[round(y), round(x)] in (ObjectId.SKIN, ObjectId.TOP)
    mirrored = scene.id[round(y), round(2 * RELEASE_CAMERA.cx - x)]
    assert mirrored in (ObjectId.SURROUNDINGS, ObjectId.THINGS)


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
