"""Pictures and labels of any headset in the view: a dot drawn at each joint stays there."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import release
from commands import check_set, pack, refused, run_check

from base.cameras.fisheye import FisheyeCamera
from base.cameras.ocam import OCamCamera
from base.cameras.pinhole import PinholeCamera
from base.headset import RELEASE_HEADSET, Headset
from base.release_camera import RELEASE_SQUARE
from base.set_type import SetType
from dataset import open_split
from dataset.headset_view import HeadsetView, own_view

TRAIN, SIZE = SetType.TRAIN, 200
VIEW = RELEASE_SQUARE.resized(SIZE, SIZE)
ALL = np.ones(16, bool)
WIDE = FisheyeCamera(200.0, 201.0, 322.0, 238.0, (0.02, -0.004, 0.0, 0.0), 640, 480)
OCAM = OCamCamera(
    *(324.0, 236.0, (210.0, 0.0, -5e-4, 1e-7), ((1.0, 0.001), (0.002, 1.001)), 640, 480, 300.0)
)
HEADSETS = {
    "release": RELEASE_HEADSET,
    "upright": Headset(WIDE, name="upright"),
    "turned": Headset(WIDE, rotate=180.0, name="turned"),
    "ahead": Headset(OCAM, forward=25.0, name="ahead"),
    "aside": Headset(
        PinholeCamera(250.0, 250.0, 320.0, 240.0, (-0.1, 0.01, 1e-3, -1e-3), 640, 480),
        *((1.0, 2.0, 3.0), -15.0, 8.0, 90.0),
        name="aside",
    ),
}
#: A person before the camera, metres, axes of the head: no two joints in one place of the picture.
JOINTS = np.array(
    [(x, y, 0.6) for y in (-0.3, -0.1, 0.1, 0.3) for x in (-0.3, -0.1, 0.1, 0.32)], np.float64
)


def write_frame(root, headset, number, character):
    """A frame of JOINTS, moved a little by its number, with a dot at each."""
    joints = JOINTS + np.array([0.01 * number, -0.02 * number, 0.01])
    points = joints @ headset.rotation.T
    pixels = headset.camera.project(points)
    rows = [release.FILE_JOINTS.index(name) for name in release.JOINTS]
    label = release.label_for(number)
    for key, values in (("pts3d_fisheye", points * 100), ("pts2d_fisheye", pixels)):
        label[key] = np.array(label[key]).T
        label[key][rows] = values
        label[key] = label[key].T.tolist()
    if headset != RELEASE_HEADSET:
        label["headset"] = headset.as_dict()
    folder = release.camera_folder(root, character=character)
    release.label_path(folder, number).write_text(json.dumps(label))
    image = np.full((headset.camera.height, headset.camera.width, 3), 30, np.uint8)
    for pixel in pixels:
        if headset.camera.in_picture(pixel):
            at = tuple(round(float(value) * 16) for value in pixel)
            cv2.circle(image, at, 5 * 16, (255, 255, 255), -1, cv2.LINE_AA, 4)
    cv2.imwrite(str(release.picture_path(folder, number)), image)
    return joints


def assert_dots_at_joints(frame):
    """Every visible joint is the middle of a bright spot."""
    assert frame.visible.sum() >= 10
    grey = frame.image[..., 0].astype(float)
    y, x = np.mgrid[:SIZE, :SIZE]
    for joint in frame.joints2d[frame.visible]:
        near = np.hypot(x - joint[0], y - joint[1]) < 6
        light = np.where(near, np.clip(grey - 60, 0, None), 0)
        if near.sum() < 100:  # at the picture's border
            continue
        found = [(x * light).sum() / light.sum(), (y * light).sum() / light.sum()]
        assert np.abs(found - joint).max() < 0.5


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A set in which every character has another headset; root and joints by character."""
    root = tmp_path_factory.mktemp("mixed")
    joints = {
        f"female_00{row}_a_a": [write_frame(root, headset, number, f"female_00{row}_a_a")
                                for number in (1, 2)]
        for row, headset in enumerate(HEADSETS.values(), 1)
    }  # fmt: skip
    return root, joints


@pytest.mark.parametrize("packed", [False, True])
def test_pictures_2d_and_3d_joints_of_every_headset_agree_in_the_view(mixed, packed, tmp_path):
    root, joints = mixed
    tree = open_split(root, TRAIN, view=VIEW)
    data = open_split(pack(root, tmp_path / "packed", 480), TRAIN, view=VIEW) if packed else tree
    assert len(data) == 2 * len(HEADSETS) and data.camera == VIEW
    labels = data.annotations()
    for row in range(len(data)):
        frame = data[row]
        true = joints[frame.frame_id.character][frame.frame_id.number - 1]
        assert np.abs(frame.joints3d - true).max() < 1e-5
        assert np.abs(frame.joints2d - VIEW.project(true)).max() < 1e-2
        assert_dots_at_joints(frame)
        lit = [each[row].image.max(-1) > 15 for each in (tree, data)]
        assert (lit[0] != lit[1]).mean() < 0.02  # packing cuts nothing off
        for name in ("joints2d", "joints3d", "visible"):
            assert np.array_equal(getattr(labels, name)[row], getattr(frame, name))


def test_a_joint_that_its_headset_does_not_show_is_not_visible_in_the_view(tmp_path):
    narrow = Headset(PinholeCamera(700.0, 700.0, 320.0, 240.0, (), 640, 480))
    write_frame(tmp_path, narrow, 1, "female_001_a_a")
    frame = open_split(tmp_path, TRAIN, view=VIEW)[0]
    inside = narrow.camera.in_view(frame.joints3d)
    assert VIEW.in_picture(frame.joints2d).all() and 0 < inside.sum() < 16
    assert np.array_equal(frame.visible, inside)
    y, x = np.round(frame.joints2d[~inside]).astype(int).T[::-1]
    assert (frame.image[y, x] == 0).all()


def test_without_a_view_one_upright_headset_is_seen_through_its_own_lens(tmp_path):
    write_frame(tmp_path, HEADSETS["upright"], 1, "female_001_a_a")
    data = open_split(tmp_path, TRAIN, SIZE)
    assert data.camera.fx == pytest.approx(WIDE.fx * SIZE / 480) and data.camera.k == WIDE.k
    assert_dots_at_joints(data[0])
    prism = replace(HEADSETS["aside"], forward=0.0, left=0.0, rotate=0.0)
    assert own_view([prism], SIZE).k == (0.0, 0.0, 0.0, 0.0)  # tangential terms
    assert own_view([prism, RELEASE_HEADSET], SIZE) == VIEW.resized(SIZE, SIZE)
    write_frame(tmp_path, HEADSETS["ahead"], 1, "female_002_a_a")
    data = open_split(tmp_path, TRAIN, SIZE)
    assert data.camera.k == (0.0, 0.0, 0.0, 0.0)  # of neither
    for row in range(2):
        assert_dots_at_joints(data[row])


def leave_headset_out(root, off=((0.0,), (0.0,))):
    """Of the one label there is, whose pixels may be moved."""
    path = next(root.rglob("*.json"))
    label = json.loads(path.read_text())
    del label["headset"]
    label["pts2d_fisheye"] = np.add(label["pts2d_fisheye"], off).tolist()
    path.write_text(json.dumps(label))


def test_labels_that_do_not_fit_their_camera_are_refused_in_pixels(tmp_path):
    write_frame(tmp_path, replace(HEADSETS["turned"], camera=RELEASE_HEADSET.camera), 1, "a")
    leave_headset_out(tmp_path, [[9.0], [12.0]])
    refused(r"15\.0 px off .*xr-egopose.*--headset", open_split, tmp_path, TRAIN, SIZE)
    report = check_set(tmp_path, TRAIN, max_residual=1.0)  # tells what is wrong of each
    assert [fault.detail for fault in report.faults] == ["by up to 15.0 px"]


def test_the_view_ends_at_the_image_circle_of_the_headset_and_at_the_horizon():
    narrow = replace(HEADSETS["ahead"], fov=100.0)
    white = np.full((480, 640, 3), 255, np.uint8)
    lit = {}
    for headset in (narrow, HEADSETS["ahead"]):
        view = HeadsetView(headset, headset.camera, VIEW)
        lit[headset.fov] = view.transform.image(white)[..., 0] > 128
    rays = VIEW.unproject(np.stack(np.meshgrid(*[np.arange(SIZE)] * 2), -1).astype(float))
    off_axis = np.degrees(headset.camera.angle(rays @ headset.rotation.T))
    assert not lit[100.0][off_axis > 51].any() and lit[100.0][off_axis < 49].all()
    assert lit[None][(off_axis > 51) & (off_axis < 60)].mean() > 0.5
    # Corners of the release's square lie beyond 90°, where its pictures are black.
    low = np.tile([-0.5, -0.5, -0.02], (16, 1)).astype(np.float32)
    wide = HeadsetView(replace(RELEASE_HEADSET, left=1.0), RELEASE_HEADSET.camera, VIEW)
    for depth, seen in ((-0.02, False), (0.02, True)):
        low[:, 2] = depth
        joints2d, _, visible = wide.labels(np.zeros((16, 2)), low @ wide.headset.rotation.T, ALL)
        assert VIEW.in_picture(joints2d).all() and visible.all() == visible.any() == seen


def test_data_that_states_no_headset_is_read_packed_and_checked_with_one_given(tmp_path):
    true = write_frame(tmp_path / "tree", HEADSETS["turned"], 1, "female_001_a_a")
    leave_headset_out(tmp_path)
    mine = {**HEADSETS["turned"].as_dict(), "spread": {}}
    for key in ("position_spread", "tilt_spread", "name"):
        del mine[key]
    (tmp_path / "mine.yml").write_text(json.dumps(mine))
    given = "--headset", str(tmp_path / "mine.yml")
    pack(tmp_path / "tree", tmp_path / "packed", 480, *given)
    for root, headset in (("packed", None), ("tree", HEADSETS["turned"])):
        frame = open_split(tmp_path / root, TRAIN, view=VIEW, headset=headset)[0]
        assert np.abs(frame.joints3d - true).max() < 1e-5
        assert_dots_at_joints(frame)
    assert [run_check(tmp_path / "tree", *more)[0] for more in ((), given)] == [1, 0]
