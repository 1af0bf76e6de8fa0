"""Pixel facts of a drawn frame: which colour stands where."""

import numpy as np
import pytest
from poses import standing

from base.camera import RELEASE_CAMERA
from base.skeleton import HEAD, JOINTS, NECK
from dataset.transforms import SquareCrop
from utils.drawing.frame import DrawnPose, FramePainter
from utils.drawing.style import PAPER, PREDICTED, TRUTH
from utils.drawing.view import View

GREY = np.full((800, 800, 3), 90, np.uint8)
LEFT_HAND, RIGHT_HAND = JOINTS.index("LeftHand"), JOINTS.index("RightHand")
LEFT_HIP, LEFT_KNEE = JOINTS.index("LeftUpLeg"), JOINTS.index("LeftLeg")


@pytest.fixture(scope="module")
def painter() -> FramePainter:
    return FramePainter()


def on_square(joints3d: np.ndarray) -> DrawnPose:
    return DrawnPose.through_camera(joints3d, SquareCrop(800).camera(RELEASE_CAMERA))


def colour_at(picture: np.ndarray, point: np.ndarray, like: tuple[int, int, int]) -> bool:
    x, y = np.rint(point).astype(int)
    return np.abs(picture[y, x].astype(int) - like).max() < 40


def has_colour(picture: np.ndarray, like: tuple[int, int, int]) -> bool:
    return bool((np.abs(picture.astype(int) - like).max(-1) < 12).any())


def panel_point(painter: FramePainter, point: np.ndarray, source: int = 800) -> np.ndarray:
    """Where a pixel of a square source picture lies in the drawn one."""
    return (point + 0.5) * painter.side / source - 0.5 + [0, painter.header]


def test_joints_have_the_colour_of_their_pose_where_the_camera_sees_them(painter):
    truth = standing()
    predicted = truth + np.array([0.0, 0.0, 0.25])
    drawn = [on_square(predicted), on_square(truth)]
    picture = painter.paint(GREY, *drawn)
    for pose, colour in zip(drawn, (PREDICTED, TRUTH), strict=True):
        hand = panel_point(painter, pose.joints2d[LEFT_HAND])
        assert colour_at(picture, hand, colour)
        assert colour_at(picture, panel_point(painter, pose.joints2d[RIGHT_HAND]), PAPER)
    # The camera's own formula, not the drawing's: x to the wearer's left is right in the picture.
    assert drawn[0].joints2d[LEFT_HAND, 0] > 400 > drawn[0].joints2d[RIGHT_HAND, 0]


def test_left_is_filled_and_right_is_hollow_along_the_limbs_too(painter):
    pose = on_square(standing())
    picture = painter.paint(GREY, pose)
    for side, centre in (("Left", PREDICTED), ("Right", PAPER)):
        ends = pose.joints2d[[JOINTS.index(f"{side}Arm"), JOINTS.index(f"{side}ForeArm")]]
        assert colour_at(picture, panel_point(painter, ends.mean(0)), centre)


def test_a_small_picture_is_enlarged_and_its_joints_move_with_it(painter):
    pose = on_square(standing())
    small = DrawnPose((pose.joints2d + 0.5) / 5 - 0.5, pose.joints3d)
    picture = painter.paint(np.full((160, 160, 3), 90, np.uint8), small)
    assert picture.shape == painter.paint(GREY, pose).shape
    assert colour_at(picture, panel_point(painter, small.joints2d[LEFT_HAND], 160), PREDICTED)


@pytest.mark.parametrize(("height", "width"), [(800, 1280), (100, 1000), (1000, 100), (7, 5)])
def test_joints_stay_in_place_on_pictures_of_any_shape(painter, height, width):
    pose = DrawnPose(np.full((16, 2), np.nan), standing())
    pose.joints2d[NECK] = [width * 0.5 - 0.5, height * 0.25 - 0.5]
    picture = painter.paint(np.full((height, width, 3), 90, np.uint8), pose)
    left = picture[painter.header : painter.header + painter.side, : -painter.side]
    ground = (np.abs(left.astype(int) - 90).max(-1) < 5).nonzero()
    top, x0, x1 = ground[0].min(), ground[1].min(), ground[1].max()
    shown = ground[0].max() - top + 1
    assert colour_at(left, np.array([(x0 + x1) / 2, top + shown * 0.25]), PREDICTED)
    assert picture.shape[1] % 2 == 0


def test_joints_without_a_place_are_left_out_and_the_rest_is_drawn(painter):
    pose = on_square(standing())
    gone = DrawnPose(pose.joints2d.copy(), pose.joints3d.copy())
    gone.joints2d[LEFT_KNEE] = np.nan
    gone.joints3d[LEFT_KNEE] = np.nan
    picture = painter.paint(GREY, gone)
    assert not colour_at(picture, panel_point(painter, pose.joints2d[LEFT_KNEE]), PREDICTED)
    assert colour_at(picture, panel_point(painter, pose.joints2d[LEFT_HIP]), PREDICTED)
    nothing = DrawnPose(np.full((16, 2), np.nan), np.full((16, 3), np.nan))
    assert painter.paint(GREY, nothing).shape == picture.shape


def test_points_far_outside_do_not_wrap_around_into_the_picture(painter):
    pose = DrawnPose(np.full((16, 2), 1e12), np.zeros((16, 3)))
    left = painter.paint(GREY, pose)[painter.header : -painter.footer, : -painter.side]
    assert not has_colour(left, PREDICTED)


def test_a_joint_behind_the_lens_has_no_place_in_the_picture():
    behind = standing()
    behind[HEAD] = [0.0, -0.3, -0.2]
    pose = on_square(behind)
    assert np.isnan(pose.joints2d[HEAD]).all()
    assert np.isfinite(np.delete(pose.joints2d, HEAD, 0)).all()
    assert np.abs(pose.joints3d[NECK]).max() == 0


def test_the_view_shows_both_poses_the_wearers_left_on_the_right(painter):
    truth = standing()
    predicted = truth.copy()
    predicted[[LEFT_HAND, RIGHT_HAND]] += [0.0, 0.0, 0.3]
    picture = painter.paint(GREY, on_square(predicted), on_square(truth))
    right = picture[painter.header : -painter.footer, -painter.side :]
    assert has_colour(right, PREDICTED) and has_colour(right, TRUTH)

    view = View(640)
    points = view.project(truth - [0.0, 0.0, truth[:, 2].max()])
    assert points[LEFT_HAND, 0] > points[RIGHT_HAND, 0]
    assert points[HEAD, 1] < points[NECK, 1] < points[LEFT_HIP, 1] < points[LEFT_KNEE, 1]
    # The hands are in front of the body, that is nearer to an eye that looks at its face.
    assert points[LEFT_HAND, 2] < points[JOINTS.index("LeftArm"), 2]
    assert points[:, :2].min() > 0 and points[:, :2].max() < 640


def test_the_floor_is_the_truths_not_that_of_a_wrong_prediction(painter):
    truth = standing()
    sunk = truth.copy()
    sunk[8:, 2] += 0.4
    pictures = [
        painter.paint(GREY, on_square(pose), on_square(truth))[:, -painter.side :]
        for pose in (truth, sunk)
    ]
    foot = View(painter.side).project(np.zeros(3))[1]
    lowest = [
        np.flatnonzero((np.abs(p[: -painter.footer].astype(int) - TRUTH).max(-1) < 12).any(1))
        for p in pictures
    ]
    assert abs(lowest[1].max() - painter.header - foot) < 60


def test_the_caption_holds_title_and_note_and_cuts_what_is_too_long(painter):
    plain = painter.paint(GREY, None)
    written = painter.paint(GREY, None, title="walking " * 60, note="MPJPE 43.2 mm")
    header = written[: painter.header]
    ink = (header < 128).all(-1)
    assert ink[:, :300].any() and ink[:, -150:].any()
    assert not ink[:, :8].any() and not ink[:, -8:].any()
    assert (plain[: painter.header] == 255).all()
